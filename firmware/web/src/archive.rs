//! `/api/archive`: several segments, as they are, in one ZIP.
//!
//! They are not held back while they are sent. If the recorder takes one of them, the answer breaks off before a byte of
//! other footage is sent.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use picam_library::{Library, Member, Zip};
use picam_ring::SegmentId;
use serde::Deserialize;

use crate::app::App;
use crate::conditional::Validators;
use crate::downloads::{Place, saved_as};
use crate::error::ApiError;
use crate::file::{is_offset, open};
use crate::list::blocking;
use crate::version::Version;

/// Segments of an archive. Each is a file that is held open; of three archives, they are a third of what the service may have.
const MAX_SEGMENTS: usize = 100;
const SEND: &str = "give segments as F000123,R000123, 100 at most; offset is minutes from UTC";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    segments: String,
    offset: Option<i16>,
}

/// What to send.
struct Wanted {
    /// In the order in which they were named, each once.
    ids: Vec<String>,
    offset: Option<i16>,
}

impl TryFrom<Params> for Wanted {
    type Error = ApiError;

    fn try_from(Params { segments, offset }: Params) -> Result<Self, ApiError> {
        let bad = |what: &str| ApiError::bad_request(what, SEND);
        if !is_offset(offset) {
            return Err(bad("offset makes no sense"));
        }
        let mut ids: Vec<String> = Vec::new();
        for id in segments.split(',') {
            if SegmentId::parse(id).is_none() {
                return Err(bad("segments has something that is no segment"));
            }
            if !ids.iter().any(|known| known == id) {
                ids.push(id.to_owned());
            }
        }
        if ids.len() > MAX_SEGMENTS {
            return Err(bad("that are too many segments"));
        }
        Ok(Self { ids, offset })
    }
}

/// `GET` and `HEAD /api/archive`
pub(crate) async fn archive(
    State(app): State<App>,
    method: Method,
    params: Result<Query<Params>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Query(params) = params.map_err(|error| ApiError::bad_request(error.body_text(), SEND))?;
    let wanted = Wanted::try_from(params)?;
    let place = app.downloads.place()?;
    let version = blocking(&app.index, move |index| gather(index, &wanted, place)).await?;
    version.answer(&method, &headers)
}

fn gather(index: &Library, wanted: &Wanted, place: Place) -> Result<Version, ApiError> {
    let mut hasher = DefaultHasher::new();
    let mut members = Vec::with_capacity(wanted.ids.len());
    let mut earliest = None;
    for id in &wanted.ids {
        let (segment, snapshot) = open(index, id, None)?;
        let name = segment.download_name(wanted.offset);
        let time = segment.dos_time(wanted.offset);
        let when = segment.time_for_name(wanted.offset);
        if earliest.as_ref().is_none_or(|earliest| when < *earliest) {
            earliest = Some(when);
        }
        (&name, time, &snapshot.tag).hash(&mut hasher);
        members.push((name, time, snapshot));
    }
    let zip = Zip::new(members);
    let tag = format!("{:016x}-{:x}-a", hasher.finish(), zip.size());
    Ok(Version {
        validators: Validators::new(&tag, None),
        disposition: saved_as(&format!("picam_{}", earliest.unwrap_or_default()), "zip"),
        content: place.filled(zip),
        kind: "application/zip",
        cache: "private, no-cache",
    })
}
