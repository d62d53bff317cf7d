//! How the API says no: a status, what happened, and what to do about it.

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// An answer other than success, as JSON `{"error": ..., "remedy": ...}`, with `key` if it is about one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    status: StatusCode,
    body: Body,
    retry_after_s: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Body {
    error: String,
    remedy: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl ApiError {
    /// An answer with `status` that says what is wrong and how to put it right.
    pub(crate) fn new(
        status: StatusCode,
        error: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            status,
            body: Body {
                error: error.into(),
                remedy: remedy.into(),
                key: None,
            },
            retry_after_s: None,
        }
    }

    /// Says which setting is to be corrected, if it is about one.
    pub(crate) fn about(mut self, key: Option<String>) -> Self {
        self.body.key = key;
        self
    }

    /// Adds `Retry-After`.
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// What is asked for is not there.
    pub(crate) fn not_found(error: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, error, remedy)
    }

    /// Not now: to be tried again in `seconds`.
    pub(crate) fn later(seconds: u64, error: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error, remedy).retry_after(seconds)
    }

    /// A request that makes no sense.
    pub(crate) fn bad_request(error: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, remedy)
    }

    /// A path that is not part of the API.
    pub(crate) fn no_such_path() -> Self {
        Self::not_found(
            "there is nothing at this address",
            "the API's addresses are listed in docs/api/openapi.yaml",
        )
    }

    /// A segment that is not, or no longer, on the card.
    pub(crate) fn no_such_segment(id: &str) -> Self {
        Self::not_found(
            format!("no segment {id} on the card"),
            "it was deleted or recorded over; list what there is with /api/segments",
        )
    }

    /// The card cannot be read.
    pub(crate) fn card(error: &std::io::Error) -> Self {
        Self::later(
            5,
            format!("the footage directory cannot be read: {error}"),
            "check that the card is in place and mounted",
        )
    }

    /// A fault of this program: the details go to the log.
    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the request could not be finished",
            "try again; the log has the details",
        )
    }
}

/// Does `work` on a thread that may wait, for the card or another process.
pub(crate) async fn waiting<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| {
        tracing::error!(%error, "a request failed");
        Err(ApiError::internal())
    })
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if let Some(seconds) = self.retry_after_s {
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
