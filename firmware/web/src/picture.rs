//! `/api/segments/{id}/first`: the first picture of a segment, which the phone decodes.

use std::io;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use picam_library::{Library, Member, Picture, PictureError, Segment};
use serde::Deserialize;

use crate::app::App;
use crate::conditional::Validators;
use crate::error::ApiError;
use crate::list::{Id, blocking, find};
use crate::version::Version;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    of: Option<String>,
}

/// A picture in memory.
struct Bytes(Vec<u8>);

impl Member for Bytes {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let from = usize::try_from(offset).ok();
        let rest = from.and_then(|from| self.0.get(from..));
        let part = rest.and_then(|rest| rest.get(..len));
        part.map(<[u8]>::to_vec)
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

/// What a picture is of, whatever card comes later with a segment of that id.
fn recording_of(segment: &Segment) -> Option<String> {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&segment.boot_id?);
    hasher.update(&segment.sequence.to_be_bytes());
    Some(format!("{:08x}", hasher.finalize()))
}

/// Where the picture of a segment is; `None` where its header is damaged.
pub(crate) fn address(segment: &Segment) -> Option<String> {
    let of = recording_of(segment)?;
    Some(format!("/api/segments/{}/first?of={of}", segment.id))
}

/// `GET` and `HEAD /api/segments/{id}/first`
pub(crate) async fn first(
    State(app): State<App>,
    method: Method,
    Id(id): Id,
    params: Result<Query<Params>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Query(params) = params.map_err(|error| {
        let remedy = "take the address that /api/segments gives for the picture";
        ApiError::bad_request(error.body_text(), remedy)
    })?;
    let is_one =
        |of: &String| of.len() == 8 && of.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !params.of.as_ref().is_none_or(is_one) {
        let remedy = "take the address that /api/segments gives for the picture";
        return Err(ApiError::bad_request("of names no recording", remedy));
    }
    let (segment, picture) = blocking(&app.index, move |index| open(index, &id)).await?;
    let of = recording_of(&segment);
    let version = Version {
        validators: Validators::new(&format!("{:x}-p", crc32fast::hash(&picture.bytes)), None),
        content: Arc::new(Bytes(picture.bytes)),
        kind: "video/mp4",
        disposition: "inline".to_owned(),
        cache: match of.is_some() && of == params.of {
            true => "private, max-age=31536000, immutable",
            false => "private, no-cache",
        },
    };
    version.answer(&method, &headers)
}

fn open(index: &Library, id: &str) -> Result<(Arc<Segment>, Picture), ApiError> {
    // By the name that it had when the card was last looked at, and only if that leads nowhere by the one that it has.
    if let Some(segment) = index.last_known(id)
        && let Ok(picture) = index.first_picture(&segment)
    {
        return Ok((segment, picture));
    }
    let segment = find(index, id)?;
    match index.first_picture(&segment) {
        Ok(picture) => Ok((segment, picture)),
        Err(PictureError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
            Err(ApiError::no_such_segment(id))
        }
        Err(PictureError::Io(error)) => Err(ApiError::card(&error)),
        Err(error @ PictureError::None) => Err(ApiError::not_found(
            error.to_string(),
            "one that is being recorded has it within a second; a damaged one may be mended at the next start",
        )),
    }
}
