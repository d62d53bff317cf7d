//! `/api/segments/{id}/file`: the bytes of a segment, whole or in ranges.

use std::io;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use picam_library::{Library, Segment, Snapshot, SnapshotError};
use serde::Deserialize;

use crate::app::App;
use crate::conditional::Validators;
use crate::error::ApiError;
use crate::list::{Id, blocking, find};
use crate::version::Version;

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

/// Whether somebody's clock may be so many minutes ahead of UTC; none is given where UTC will do.
pub(crate) fn is_offset(minutes: Option<i16>) -> bool {
    minutes.is_none_or(|minutes| (-MAX_OFFSET..=MAX_OFFSET).contains(&minutes))
}

impl Params {
    fn is_within_bounds(&self) -> bool {
        self.download.is_none_or(|download| download <= 1)
            && self.end.is_none_or(|end| end <= MAX_END)
            && is_offset(self.offset)
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
    let version = Version {
        validators: Validators::new(&snapshot.tag, snapshot.modified),
        content: Arc::new(snapshot),
        kind: "video/mp4",
        disposition,
        cache: "private, no-cache",
    };
    version.answer(&method, &headers)
}

/// Opens the file by the name it had when the card was last looked at, and looks again only if
/// that does not lead to it: a player asks for many ranges of one file.
pub(crate) fn open(
    index: &Library,
    id: &str,
    end: Option<u64>,
) -> Result<(Arc<Segment>, Snapshot), ApiError> {
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
        Err(error @ SnapshotError::NoSuchEnd(_)) => Err(ApiError::not_found(
            error.to_string(),
            "take the address that /api/segments gives for the file, or leave end out",
        )),
    }
}
