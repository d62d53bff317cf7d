//! `/api/segments/{id}/file`: the bytes of a segment, whole or in ranges.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, LAST_MODIFIED, RANGE,
};
use axum::http::response::Builder;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use picam_library::{Library, Segment, Snapshot, SnapshotError};
use serde::Deserialize;

use crate::app::App;
use crate::body::SnapshotBody;
use crate::conditional::Validators;
use crate::error::ApiError;
use crate::list::{Id, blocking, find};
use crate::range::{self, Part};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    download: Option<u8>,
    end: Option<u64>,
    offset: Option<i16>,
}

/// Largest `end`: what every JSON parser holds exactly.
const MAX_END: u64 = (1 << 53) - 1;
/// No clock is further from UTC, in minutes.
const MAX_OFFSET: i16 = 24 * 60 - 1;

impl Params {
    fn is_within_bounds(&self) -> bool {
        self.download.is_none_or(|download| download <= 1)
            && self.end.is_none_or(|end| end <= MAX_END)
            && self
                .offset
                .is_none_or(|offset| (-MAX_OFFSET..=MAX_OFFSET).contains(&offset))
    }
}

/// `GET` and `HEAD /api/segments/{id}/file`
pub(crate) async fn file(
    State(app): State<App>,
    method: Method,
    Id(id): Id,
    params: Result<Query<Params>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let remedy =
        "the parameters are download, 0 or 1; end, a number of bytes; and offset, minutes from UTC";
    let Query(params) = params.map_err(|error| ApiError::bad_request(error.body_text(), remedy))?;
    if !params.is_within_bounds() {
        return Err(ApiError::bad_request(
            "a parameter is out of bounds",
            remedy,
        ));
    }
    let end = params.end;
    let (segment, snapshot) = blocking(&app.index, move |index| open(index, &id, end)).await?;
    let kind = match params.download {
        Some(1..) => "attachment",
        _ => "inline",
    };
    let disposition = format!(
        "{kind}; filename=\"{}\"",
        segment.download_name(params.offset)
    );
    answer(&method, &headers, snapshot, disposition).map_err(|error| {
        tracing::error!(%error, "a response failed");
        ApiError::internal()
    })
}

/// Opens the file by the name it had when the card was last looked at, and looks again only if
/// that does not lead to it: a player asks for many ranges of one file.
fn open(index: &Library, id: &str, end: Option<u64>) -> Result<(Arc<Segment>, Snapshot), ApiError> {
    if let Some(segment) = index.last_known(id)
        && let Ok(snapshot) = Snapshot::open(index.dir(&segment), &segment.parsed, end)
    {
        return Ok((segment, snapshot));
    }
    let segment = find(index, id)?;
    match Snapshot::open(index.dir(&segment), &segment.parsed, end) {
        Ok(snapshot) => Ok((segment, snapshot)),
        Err(SnapshotError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
            Err(ApiError::no_such_segment(id))
        }
        Err(SnapshotError::Io(error)) => Err(ApiError::card(&error)),
        Err(error @ SnapshotError::NoSuchEnd(_)) => Err(ApiError::new(
            StatusCode::NOT_FOUND,
            error.to_string(),
            "take the address that /api/segments gives for the file, or leave end out",
        )),
    }
}

fn answer(
    method: &Method,
    headers: &HeaderMap,
    snapshot: Snapshot,
    disposition: String,
) -> Result<Response, axum::http::Error> {
    let size = snapshot.size;
    let validators = Validators::new(&snapshot.tag, snapshot.modified);
    let mut response = Response::builder()
        .header(ETAG, &validators.etag)
        .header(CACHE_CONTROL, "private, no-cache")
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
        .header(CONTENT_TYPE, "video/mp4")
        .header(CONTENT_DISPOSITION, disposition);
    match part {
        Part::Whole => send(response, snapshot, 0, size),
        Part::Bytes { first, last } => {
            let response = response
                .status(StatusCode::PARTIAL_CONTENT)
                .header(CONTENT_RANGE, format!("bytes {first}-{last}/{size}"));
            send(response, snapshot, first, last - first + 1)
        }
        Part::Unsatisfiable => Ok(beyond_the_end(size)),
    }
}

fn send(
    response: Builder,
    snapshot: Snapshot,
    first: u64,
    len: u64,
) -> Result<Response, axum::http::Error> {
    response
        .header(CONTENT_LENGTH, len)
        .body(Body::new(SnapshotBody::new(snapshot, first, len)))
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
