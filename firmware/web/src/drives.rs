//! `/api/drives` and `/api/drives/{id}`: what was recorded without a long pause, by all cameras together.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use picam_control::status::ClassCounts;
use picam_library::{
    Drive, DriveBook, DriveCamera, Library, Part, Segment, SinceBoot, State as SegmentState,
    find_drive, unwrap_sequence,
};
use picam_ring::{Class, SegmentId};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::conditional::Validators;
use crate::error::ApiError;
use crate::list::{Id, blocking, listed, no_id, to_json};
use crate::picture;
use crate::query;

const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 500;
/// Fixes of a track: a phone's screen shows no more, and a hotspot has them soon.
const MAX_FIXES: usize = 2000;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    limit: Option<String>,
    before: Option<String>,
}

#[derive(Serialize)]
struct Page<'a> {
    drives: Vec<Shown<'a>>,
    /// Ask with this as `before` for those further back; null at the end.
    next: Option<&'a str>,
    /// Drives on the card.
    total: usize,
}

#[derive(Serialize)]
struct Shown<'a> {
    id: &'a str,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    boot: Option<SinceBoot>,
    length_s: f64,
    going_on: bool,
    size: u64,
    segments: usize,
    cameras: Vec<DriveCamera<'a>>,
    classes: ClassCounts,
    /// Its first picture.
    picture: Option<String>,
    positions: Positions,
    distance_m: Option<f64>,
    top_speed_mps: Option<f64>,
}

#[derive(Serialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Positions {
    /// Not all of it has been read yet.
    Reading,
    /// There are some.
    Some,
    /// There are none.
    None,
}

#[derive(Serialize)]
struct Detail<'a> {
    #[serde(flatten)]
    shown: Shown<'a>,
    parts: Vec<Piece<'a>>,
    /// Seconds, latitude, longitude, and metres a second or null.
    track: Vec<(f64, f64, f64, Option<f64>)>,
}

#[derive(Serialize)]
struct Piece<'a> {
    id: &'a str,
    camera: char,
    at_s: f64,
    length_s: f64,
    class: String,
    locked: bool,
    state: SegmentState,
    size: u64,
    file: String,
}

/// `GET /api/drives`
pub(crate) async fn drives(
    State(app): State<App>,
    headers: HeaderMap,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(params) = params.map_err(|error| {
        ApiError::bad_request(error.body_text(), "the parameters are limit and before")
    })?;
    let limit = query::limit(params.limit.as_deref(), DEFAULT_LIMIT, MAX_LIMIT)?;
    let before = query::before(params.before.as_deref(), "a drive")?;
    let recorded = recorded(&app).await;
    let book = Arc::clone(&app.drives);
    let (json, wanted) = blocking(&app.index, move |index| {
        let all = look(index, &book)?;
        let start = before.map_or(0, |before| behind(&all, before));
        let page = all.iter().skip(start).take(limit);
        let shown: Vec<Shown<'_>> = page
            .clone()
            .filter_map(|drive| shown(&book, drive, &recorded))
            .collect();
        let more = all.len() > start.saturating_add(limit);
        let wanted = unread(&shown).then(|| page.cloned().collect());
        let page = Page {
            next: shown.last().filter(|_| more).map(|last| last.id),
            total: all.len(),
            drives: shown,
        };
        Ok((to_json(&page)?, wanted))
    })
    .await?;
    read_on(&app, wanted);
    Ok(answer(&headers, json))
}

/// `GET /api/drives/{id}`, by the id of any segment of it.
pub(crate) async fn drive(
    State(app): State<App>,
    headers: HeaderMap,
    Id(id): Id,
) -> Result<Response, ApiError> {
    if SegmentId::parse(&id).is_none() {
        return Err(no_id());
    }
    let recorded = recorded(&app).await;
    let book = Arc::clone(&app.drives);
    let (json, wanted) = blocking(&app.index, move |index| {
        let all = look(index, &book)?;
        let none = || ApiError::no_such_segment(&id);
        let drive = find_drive(&all, &id).ok_or_else(none)?;
        let shown = shown(&book, drive, &recorded).ok_or_else(none)?;
        let wanted = unread(std::slice::from_ref(&shown)).then(|| vec![drive.clone()]);
        let detail = Detail {
            shown,
            parts: drive.parts().iter().map(piece).collect(),
            track: track(&book, drive),
        };
        Ok((to_json(&detail)?, wanted))
    })
    .await?;
    read_on(&app, wanted);
    Ok(answer(&headers, json))
}

fn look(index: &Library, book: &DriveBook) -> Result<Arc<Vec<Drive>>, ApiError> {
    let listing = index.refresh().map_err(|error| ApiError::card(&error))?;
    Ok(book.drives(index, &listing))
}

/// The segments that the recorder says are being recorded; none if it says nothing.
async fn recorded(app: &App) -> Vec<String> {
    let status = app.status.status().await;
    let cameras = status.map(|status| status.cameras).unwrap_or_default();
    cameras.into_iter().filter_map(|c| c.segment).collect()
}

fn unread(shown: &[Shown<'_>]) -> bool {
    shown
        .iter()
        .any(|drive| drive.positions == Positions::Reading)
}

/// Reads where the car was, behind the answer: nobody waits for it.
fn read_on(app: &App, wanted: Option<Vec<Drive>>) {
    if let Some(wanted) = wanted {
        let (index, book) = (Arc::clone(&app.index), Arc::clone(&app.drives));
        tokio::task::spawn_blocking(move || book.read(&index, &wanted));
    }
}

/// What is known of the way comes bit by bit, and what is going on is the recorder's to say: the answer itself is what
/// tells it from another.
fn answer(headers: &HeaderMap, json: String) -> Response {
    let mut hasher = DefaultHasher::new();
    json.hash(&mut hasher);
    let validators = Validators::new(&format!("{:016x}-v", hasher.finish()), None);
    let is_known = validators.not_modified(headers);
    listed(validators.etag, (!is_known).then_some(json))
}

fn shown<'a>(book: &DriveBook, drive: &'a Drive, recorded: &[String]) -> Option<Shown<'a>> {
    let face = drive.face()?;
    let travelled = book.travelled(drive);
    let start = drive.start_utc();
    let length = i64::try_from(drive.length.as_millis()).ok();
    let length = length.map(SignedDuration::from_millis);
    let positions = match (travelled.complete, travelled.distance_m) {
        (false, _) => Positions::Reading,
        (true, Some(_)) => Positions::Some,
        (true, None) => Positions::None,
    };
    let cameras = drive.cameras();
    let count = |class| drive.count(class) as u32;
    Some(Shown {
        id: &face.id,
        start,
        end: start
            .zip(length)
            .and_then(|(start, length)| start.checked_add(length).ok()),
        boot: drive.boot(),
        length_s: millis(drive.length.as_secs_f64()),
        going_on: drive.is_going_on(recorded),
        size: cameras
            .iter()
            .fold(0, |all, camera| camera.size.saturating_add(all)),
        segments: drive.parts().len(),
        cameras,
        classes: ClassCounts {
            normal: count(Class::Normal),
            event: count(Class::Event),
            parking: count(Class::Parking),
            manual: count(Class::Manual),
        },
        picture: picture::address(face),
        positions,
        distance_m: travelled.distance_m.map(f64::round),
        top_speed_mps: travelled
            .top_speed
            .map(|speed| (speed * 10.0).round() / 10.0),
    })
}

fn piece(part: &Part) -> Piece<'_> {
    let segment: &Segment = &part.segment;
    Piece {
        id: &segment.id,
        camera: segment.camera,
        at_s: millis(part.at.as_secs_f64()),
        length_s: millis(part.length.as_secs_f64()),
        class: segment.class.to_string(),
        locked: segment.locked,
        state: segment.state,
        size: segment.size,
        file: crate::list::file_address(segment),
    }
}

fn track(book: &DriveBook, drive: &Drive) -> Vec<(f64, f64, f64, Option<f64>)> {
    let fixes = book.track(drive, MAX_FIXES).into_iter();
    let shown = fixes.map(|fix| {
        let at = fix.at.since(drive.start).as_secs_f64();
        // A metre.
        let degrees = |value: f64| (value * 1e5).round() / 1e5;
        let speed = fix.speed.map(|speed| (speed * 10.0).round() / 10.0);
        (
            (at * 10.0).round() / 10.0,
            degrees(fix.latitude),
            degrees(fix.longitude),
            speed,
        )
    });
    shown.collect()
}

fn millis(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// Where those begin that are older than the one that `before` is of. That one may be gone.
fn behind(all: &[Drive], before: SegmentId) -> usize {
    let id = before.to_string();
    if let Some(drive) = find_drive(all, &id) {
        let at = all.iter().position(|other| std::ptr::eq(other, drive));
        return at.map_or(all.len(), |at| at + 1);
    }
    // Each camera of each volume counts on its own.
    let own = |drive: &Drive| {
        let parts = drive.parts().iter().map(|part| &part.segment);
        let own =
            parts.filter(|s| s.volume == before.volume && s.camera == char::from(before.camera));
        own.map(|segment| segment.sequence).max()
    };
    let newest = all.iter().find_map(own).unwrap_or(0);
    let sequence = unwrap_sequence(before.sequence, newest);
    let older = |drive: &Drive| own(drive).is_some_and(|own| own < sequence);
    all.iter().position(older).unwrap_or(all.len())
}
