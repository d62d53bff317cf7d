//! `/api/status` for the page, `/api/health` for whoever watches the camera.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use picam_control::power::{PowerStatus, read_power};
use picam_control::status::Status;
use picam_time::{Clock, SystemClock};
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::error::ApiError;

/// What the recorder says, and beside it what the guard says.
#[derive(Serialize)]
pub(crate) struct Said {
    #[serde(flatten)]
    status: Status,
    power: Option<PowerStatus>,
}

/// `GET /api/status`
pub(crate) async fn status(State(app): State<App>) -> Result<Json<Said>, ApiError> {
    let status = app.status.status().await.map_err(|error| {
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, error.reason, error.remedy)
    })?;
    let power = power(&app);
    Ok(Json(Said { status, power }))
}

/// What the guard says.
pub(crate) fn power(app: &App) -> Option<PowerStatus> {
    // A small file in memory: whoever writes it is not waited for.
    read_power(app.power.as_deref()?, SystemClock.now())
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
