//! `/api/segments` and `/api/segments/{id}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use picam_library::{DriveCamera, Library, Listing, Segment, State as SegmentState};
use picam_ring::{Foreign, SegmentId};
use serde::Serialize;

use crate::app::App;
use crate::conditional::Validators;
use crate::error::{ApiError, waiting};
use crate::query::{Filter, Params};

#[derive(Serialize)]
struct Page<'a> {
    segments: Vec<Shown<'a>>,
    /// Ask with this as `before` for those further back; null at the end.
    next: Option<&'a str>,
    /// Segments on the card, whatever the filter.
    total: usize,
    cameras: Vec<Camera<'a>>,
    foreign: Foreign,
}

/// A segment, and where its bytes are.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    segment: &'a Segment,
    /// While it is recorded the address says how many there are, so that a player sees one unchanging file.
    file: String,
    /// Its first picture.
    picture: Option<String>,
}

impl<'a> From<&'a Segment> for Shown<'a> {
    fn from(segment: &'a Segment) -> Self {
        Self {
            file: file_address(segment),
            picture: crate::picture::address(segment),
            segment,
        }
    }
}

/// Where the bytes of a segment are, as it is now.
pub(crate) fn file_address(
    Segment {
        id, size, state, ..
    }: &Segment,
) -> String {
    match state {
        SegmentState::Recording => format!("/api/segments/{id}/file?end={size}"),
        _ => format!("/api/segments/{id}/file"),
    }
}

#[derive(Serialize)]
struct Camera<'a> {
    letter: char,
    name: Option<&'a str>,
    segments: usize,
}

/// The id in an address.
pub(crate) struct Id(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(id)| Self(id)).map_err(|_| no_id())
    }
}

/// `GET /api/segments`
pub(crate) async fn segments(
    State(app): State<App>,
    headers: HeaderMap,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(params) = params.map_err(|error| {
        let remedy = "the filters are camera, class, locked, day, from, to, limit and before";
        ApiError::bad_request(error.body_text(), remedy)
    })?;
    let filter = Filter::try_from(params)?;
    // Looking at the card and writing thousands of lines both take a while: off the async thread.
    let (etag, json) = blocking(&app.index, move |index| {
        let listing = index.refresh().map_err(|error| ApiError::card(&error))?;
        let validators = Validators::new(&index.tag(&listing), None);
        let json = match validators.not_modified(&headers) {
            true => None,
            false => Some(page(&filter, &listing)?),
        };
        Ok((validators.etag, json))
    })
    .await?;
    Ok(listed(etag, json))
}

/// A list, or, without one, the word that it is as the client knows it.
pub(crate) fn listed(etag: String, json: Option<String>) -> Response {
    let cache = [(ETAG, etag), (CACHE_CONTROL, "private, no-cache".into())];
    match json {
        Some(json) => (cache, [(CONTENT_TYPE, "application/json")], json).into_response(),
        None => (StatusCode::NOT_MODIFIED, cache).into_response(),
    }
}

pub(crate) fn to_json(list: &impl Serialize) -> Result<String, ApiError> {
    serde_json::to_string(list).map_err(|error| {
        tracing::error!(%error, "a list failed");
        ApiError::internal()
    })
}

/// `GET /api/segments/{id}`
pub(crate) async fn segment(State(app): State<App>, Id(id): Id) -> Result<Response, ApiError> {
    let segment = blocking(&app.index, move |index| find(index, &id)).await?;
    Ok(Json(Shown::from(segment.as_ref())).into_response())
}

/// Looks a segment up on the card.
pub(crate) fn find(index: &Library, id: &str) -> Result<Arc<Segment>, ApiError> {
    if SegmentId::parse(id).is_none() {
        return Err(no_id());
    }
    let listing = index.refresh().map_err(|error| ApiError::card(&error))?;
    listing
        .find(id)
        .ok_or_else(|| ApiError::no_such_segment(id))
}

pub(crate) fn no_id() -> ApiError {
    ApiError::bad_request(
        "this is not the id of a segment",
        "an id is a camera letter and six digits, such as F000123, and a u for the USB disk",
    )
}

/// Does `work` on a thread that may wait for the card.
pub(crate) async fn blocking<T: Send + 'static>(
    index: &Arc<Library>,
    work: impl FnOnce(&Library) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let index = Arc::clone(index);
    waiting(move || work(&index)).await
}

fn page(filter: &Filter, listing: &Listing) -> Result<String, ApiError> {
    let (segments, next) = filter.select(listing);
    to_json(&Page {
        segments: segments.into_iter().map(Shown::from).collect(),
        next,
        total: listing.segments.len(),
        cameras: cameras(listing),
        foreign: listing.foreign,
    })
}

/// Every camera that has footage on the card, by letter, under its newest name.
fn cameras(listing: &Listing) -> Vec<Camera<'_>> {
    let cameras = DriveCamera::all(listing.segments.iter().map(|segment| &**segment));
    cameras
        .into_iter()
        .map(|camera| Camera {
            letter: camera.letter,
            name: camera.name,
            segments: camera.segments,
        })
        .collect()
}
