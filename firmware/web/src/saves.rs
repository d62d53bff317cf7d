//! `/api/saves`: keeps what just happened and what happens next, whatever time it is.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use picam_control::orders::{OrderTaker, Save, Saved};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::commands::{json, refusal};
use crate::error::{ApiError, waiting};

const SEND: &str = "send JSON such as {\"id\": \"a1\", \"before_s\": 60, \"after_s\": 30}, with 0 to 600 whole seconds each";
/// What is kept when the request does not say.
const BEFORE_S: f64 = 60.0;
const AFTER_S: f64 = 30.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default, deserialize_with = "crate::commands::text")]
    id: Option<String>,
    // Numbers without a fraction, however they are written.
    #[serde(default = "before")]
    before_s: f64,
    #[serde(default = "after")]
    after_s: f64,
    #[serde(default)]
    reason: String,
}

fn before() -> f64 {
    BEFORE_S
}

fn after() -> f64 {
    AFTER_S
}

#[derive(Serialize)]
pub(crate) struct Answer {
    id: String,
    #[serde(flatten)]
    saved: Saved,
}

/// `POST /api/saves`
pub(crate) async fn save(
    State(app): State<App>,
    request: Request,
) -> Result<Json<Answer>, ApiError> {
    let Wanted {
        id,
        before_s,
        after_s,
        reason,
    } = json(request, SEND).await?;
    let id = match id {
        Some(id) => id,
        None => new_id()?,
    };
    let save = Save {
        id: id.clone(),
        before_s: seconds(before_s)?,
        after_s: seconds(after_s)?,
        reason,
    };
    let orders: Arc<dyn OrderTaker> = Arc::clone(&app.orders);
    let saved = waiting(move || orders.save(save).map_err(refusal)).await?;
    Ok(Json(Answer { id, saved }))
}

fn seconds(wanted: f64) -> Result<u32, ApiError> {
    match wanted.fract() == 0.0 && (0.0..=f64::from(Save::LONGEST_S)).contains(&wanted) {
        true => Ok(wanted as u32),
        false => Err(ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "so much cannot be kept at once",
            SEND,
        )),
    }
}

fn new_id() -> Result<String, ApiError> {
    let random = getrandom::u64().map_err(|error| {
        tracing::error!(%error, "there is no randomness");
        ApiError::internal()
    })?;
    Ok(format!("page-{random:016x}"))
}
