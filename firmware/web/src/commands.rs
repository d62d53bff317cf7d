//! What the owner changes from the page: what is kept, what goes, and whether anything is recorded. The recorder does it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use picam_control::orders::{Denied, Order, OrderSpan, OrderTaker, Why};
use picam_ring::SegmentId;
use picam_time::UtcUs;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::app::App;
use crate::error::{ApiError, waiting};
use crate::list::Id;

/// When to come again if too much was asked for, in seconds.
const LATER: u64 = 3;
/// Longest stop that can be asked for, in seconds; the recorder may grant less.
const LONGEST: f64 = 600.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lock {
    id: String,
    #[serde(default, deserialize_with = "text")]
    from: Option<String>,
    #[serde(default, deserialize_with = "text")]
    to: Option<String>,
    #[serde(default, deserialize_with = "text")]
    segment: Option<String>,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pause {
    /// A number without a fraction, however it is written.
    seconds: f64,
}

/// Text where there is any: null is none.
pub(crate) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    String::deserialize(from).map(Some)
}

/// `POST /api/locks`
pub(crate) async fn lock(State(app): State<App>, request: Request) -> Result<StatusCode, ApiError> {
    const SEND: &str = "send JSON with id, and either from and to or segment";
    let lock: Lock = json(request, SEND).await?;
    let span = match (lock.from, lock.to, lock.segment) {
        (Some(from), Some(to), None) => OrderSpan::Utc {
            from: moment(&from)?,
            to: moment(&to)?,
        },
        (None, None, Some(segment)) => OrderSpan::Segment(known(segment)?),
        _ => {
            let error = "it is not said which footage is to be kept";
            return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, error, SEND));
        }
    };
    let (id, reason) = (lock.id, lock.reason);
    give(&app, Order::Lock { id, span, reason }).await
}

/// `DELETE /api/segments/{id}`
pub(crate) async fn delete(State(app): State<App>, Id(id): Id) -> Result<StatusCode, ApiError> {
    let segment = known(id)?;
    give(&app, Order::Delete { segment }).await
}

/// `POST /api/segments/{id}/restore`
pub(crate) async fn restore(State(app): State<App>, Id(id): Id) -> Result<StatusCode, ApiError> {
    let segment = known(id)?;
    give(&app, Order::Restore { segment }).await
}

/// `POST /api/pause`
pub(crate) async fn pause(
    State(app): State<App>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    const SEND: &str = "send JSON with whole seconds, 600 at most, such as {\"seconds\": 300}";
    let Pause { seconds } = json(request, SEND).await?;
    if seconds.fract() != 0.0 || !(0.0..=LONGEST).contains(&seconds) {
        let error = "recording cannot be stopped for so long";
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, error, SEND));
    }
    let seconds = seconds as u64;
    give(&app, Order::Pause { seconds }).await
}

/// `POST /api/resume`
pub(crate) async fn resume(State(app): State<App>) -> Result<StatusCode, ApiError> {
    give(&app, Order::Resume {}).await
}

fn known(id: String) -> Result<String, ApiError> {
    match SegmentId::parse(&id) {
        Some(_) => Ok(id),
        None => Err(crate::list::no_id()),
    }
}

fn moment(text: &str) -> Result<UtcUs, ApiError> {
    let time: Result<Timestamp, _> = text.parse();
    time.map(|time| UtcUs(time.as_microsecond())).map_err(|_| {
        ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("'{text}' is no time"),
            "write it like 2026-11-20T11:08:00Z",
        )
    })
}

pub(crate) async fn json<T: DeserializeOwned>(request: Request, send: &str) -> Result<T, ApiError> {
    let json = Json::from_request(request, &()).await;
    json.map(|Json(body)| body)
        .map_err(|error| ApiError::new(error.status(), error.body_text(), send))
}

/// Has the recorder do it, which may wait for the card.
async fn give(app: &App, order: Order) -> Result<StatusCode, ApiError> {
    let orders: Arc<dyn OrderTaker> = Arc::clone(&app.orders);
    waiting(move || orders.order(order).map_err(refusal)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) fn refusal(denied: Denied) -> ApiError {
    let status = match denied.why {
        Why::Refused => StatusCode::CONFLICT,
        Why::NoSegment | Why::NoCamera => StatusCode::NOT_FOUND,
        Why::TooFast => StatusCode::TOO_MANY_REQUESTS,
        Why::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    let error = ApiError::new(status, denied.reason, denied.remedy);
    match denied.why {
        Why::TooFast | Why::Unavailable => error.retry_after(LATER),
        Why::Refused | Why::NoSegment | Why::NoCamera => error,
    }
}
