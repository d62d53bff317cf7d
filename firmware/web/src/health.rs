//! `/api/status` for the page, `/api/health` for whoever watches the camera.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use picam_control::status::Status;
use serde_json::json;

use crate::app::App;
use crate::error::ApiError;

/// `GET /api/status`
pub(crate) async fn status(State(app): State<App>) -> Result<Json<Status>, ApiError> {
    let status = app.status.status().await.map_err(|error| {
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, error.reason, error.remedy)
    })?;
    Ok(Json(status))
}

/// `GET /api/health`: answers without a login, so it says no more than it must.
pub(crate) async fn health(State(app): State<App>) -> Response {
    let reason = match app.status.status().await {
        Ok(status) => status.not_recording(),
        Err(error) => Some(error.reason),
    };
    match reason {
        None => Json(json!({"recording": true})).into_response(),
        Some(reason) => {
            let body = Json(json!({"recording": false, "reason": reason}));
            (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
        }
    }
}
