//! One version of something that has a length and a tag: whole, in ranges, or not at all (RFC 9110 sections 13 and 14).

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, LAST_MODIFIED, RANGE,
};
use axum::http::response::Builder;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::body::{Content, ContentBody};
use crate::conditional::Validators;
use crate::error::ApiError;
use crate::range::{self, Part};

/// What can be sent, and what is said about it.
pub(crate) struct Version {
    pub(crate) content: Content,
    pub(crate) validators: Validators,
    /// Its media type.
    pub(crate) kind: &'static str,
    /// Whether it is shown or saved, and as what.
    pub(crate) disposition: String,
    /// How long a copy may be used.
    pub(crate) cache: &'static str,
}

impl Version {
    /// The answer to a request for it.
    pub(crate) fn answer(self, method: &Method, headers: &HeaderMap) -> Result<Response, ApiError> {
        self.respond(method, headers).map_err(|error| {
            tracing::error!(%error, "a response failed");
            ApiError::internal()
        })
    }

    fn respond(self, method: &Method, headers: &HeaderMap) -> Result<Response, axum::http::Error> {
        let (size, validators) = (self.content.size(), &self.validators);
        let mut response = Response::builder()
            .header(ETAG, &validators.etag)
            .header(CACHE_CONTROL, self.cache)
            .header(ACCEPT_RANGES, "bytes");
        if let Some(modified) = validators.modified {
            response = response.header(LAST_MODIFIED, httpdate::fmt_http_date(modified));
        }
        if validators.precondition_failed(headers) {
            return Ok(another_version(&validators.etag));
        }
        if validators.not_modified(headers) {
            return response
                .status(StatusCode::NOT_MODIFIED)
                .body(Body::empty());
        }
        let range = headers.get(RANGE).map(|value| value.as_bytes());
        let part = match range {
            // Only GET has ranges (RFC 9110 section 14.2).
            Some(range) if method == Method::GET && validators.range_allowed(headers) => {
                range::parse(range, size)
            }
            _ => Part::Whole,
        };
        let response = response
            .header(CONTENT_TYPE, self.kind)
            .header(CONTENT_DISPOSITION, self.disposition);
        match part {
            Part::Whole => send(response, self.content, 0, size),
            Part::Bytes { first, last } => {
                let response = response
                    .status(StatusCode::PARTIAL_CONTENT)
                    .header(CONTENT_RANGE, format!("bytes {first}-{last}/{size}"));
                send(response, self.content, first, last - first + 1)
            }
            Part::Unsatisfiable => Ok(beyond_the_end(size)),
        }
    }
}

fn send(
    response: Builder,
    content: Content,
    first: u64,
    len: u64,
) -> Result<Response, axum::http::Error> {
    response
        .header(CONTENT_LENGTH, len)
        .body(Body::new(ContentBody::new(content, first, len)))
}

fn another_version(etag: &str) -> Response {
    let error = ApiError::new(
        StatusCode::PRECONDITION_FAILED,
        "this is not the version that was asked for",
        "ask again without If-Match and If-Unmodified-Since",
    );
    ([(ETAG, etag)], error).into_response()
}

fn beyond_the_end(size: u64) -> Response {
    let error = ApiError::new(
        StatusCode::RANGE_NOT_SATISFIABLE,
        format!("the range starts behind the end of the file ({size} bytes)"),
        "ask for a range that starts before it",
    );
    let range = [(CONTENT_RANGE, format!("bytes */{size}"))];
    (range, error).into_response()
}
