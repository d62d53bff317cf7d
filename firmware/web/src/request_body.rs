//! Bodies of requests: small, and all there within seconds.

use std::pin::Pin;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONNECTION, CONTENT_LENGTH};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body::Body as _;

use crate::admission::Phase;
use crate::door::Seat;
use crate::error::ApiError;

/// Most bytes of a request's body.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// Reads the body before a handler runs, so that none waits for a client.
pub(crate) async fn read(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    if announces_more(request.headers()) {
        return refuse(too_large());
    }
    let seat = request.extensions().get::<Seat>().cloned();
    turn_to(seat.as_ref(), Phase::Body);
    let (parts, body) = request.into_parts();
    let read = tokio::time::timeout(limit, collect(body)).await;
    turn_to(seat.as_ref(), Phase::Answer);
    match read.unwrap_or_else(|_| Err(too_slow(limit))) {
        Ok(bytes) => next.run(Request::from_parts(parts, bytes.into())).await,
        Err(error) => refuse(error),
    }
}

fn turn_to(seat: Option<&Seat>, phase: Phase) {
    if let Some(seat) = seat {
        seat.turn_to(phase);
    }
}

/// What is left of the body belongs to no request any more.
fn refuse(error: ApiError) -> Response {
    ([(CONNECTION, HeaderValue::from_static("close"))], error).into_response()
}

fn announces_more(headers: &HeaderMap) -> bool {
    let length = headers.get(CONTENT_LENGTH).and_then(|n| n.to_str().ok());
    length.is_some_and(|n| n.parse().is_ok_and(|n: u64| n > MAX_BODY as u64))
}

async fn collect(mut body: Body) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|error| {
            ApiError::bad_request(format!("the body cannot be read: {error}"), "send it again")
        })?;
        let data = frame.into_data().unwrap_or_default();
        if bytes.len() + data.len() > MAX_BODY {
            return Err(too_large());
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

fn too_large() -> ApiError {
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "the body is too large",
        format!("send at most {} KiB", MAX_BODY / 1024),
    )
}

fn too_slow(limit: Duration) -> ApiError {
    ApiError::new(
        StatusCode::REQUEST_TIMEOUT,
        format!("the body was not there within {} s", limit.as_secs()),
        "send it again, in one piece",
    )
}
