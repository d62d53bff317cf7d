//! `/api/clip`: any part of the footage as one MP4 a camera, or those of several cameras in a ZIP.
//!
//! Nothing is encoded again and nothing is written to the card: what is sent is read from the segments meanwhile. They are
//! not held back for that. If the recorder takes one of them, the answer breaks off before a byte of other footage is sent.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::app::App;
use crate::conditional::Validators;
use crate::downloads::{Place, saved_as};
use crate::error::ApiError;
use crate::file::is_offset;
use crate::list::blocking;
use crate::version::Version;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use picam_library::{
    CameraError, Clip, ClipError, DosTime, Keep, Library, Listing, Member, When, WhenError, Zip,
};
use picam_ring::is_camera_letter;
use serde::Deserialize;

const SEND: &str = "give cameras such as F,R, and from and to as 2026-11-20T11:08:00Z or F000123@12.4; sound and place \
                    are 0 or 1, and offset minutes from UTC";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    cameras: Option<String>,
    from: String,
    to: String,
    sound: Option<u8>,
    place: Option<u8>,
    offset: Option<i16>,
}

/// What to cut.
struct Wanted {
    /// In the order in which they were named; none for all.
    cameras: Vec<char>,
    from: String,
    to: String,
    keep: Keep,
    offset: Option<i16>,
}

impl TryFrom<Params> for Wanted {
    type Error = ApiError;

    fn try_from(params: Params) -> Result<Self, ApiError> {
        let bad = |what: &str| ApiError::bad_request(format!("{what} makes no sense"), SEND);
        let switch = |name, value: Option<u8>| match value {
            None | Some(1) => Ok(true),
            Some(0) => Ok(false),
            Some(_) => Err(bad(name)),
        };
        if !is_offset(params.offset) {
            return Err(bad("offset"));
        }
        let mut cameras: Vec<char> = Vec::new();
        for letter in params.cameras.iter().flat_map(|all| all.split(',')) {
            match letter.as_bytes() {
                [letter] if is_camera_letter(*letter) => {
                    let letter = char::from(*letter);
                    if !cameras.contains(&letter) {
                        cameras.push(letter);
                    }
                }
                _ => return Err(bad("cameras")),
            }
        }
        Ok(Self {
            cameras,
            keep: Keep {
                sound: switch("sound", params.sound)?,
                place: switch("place", params.place)?,
            },
            from: params.from,
            to: params.to,
            offset: params.offset,
        })
    }
}

/// `GET` and `HEAD /api/clip`
pub(crate) async fn clip(
    State(app): State<App>,
    method: Method,
    params: Result<Query<Params>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Query(params) = params.map_err(|error| ApiError::bad_request(error.body_text(), SEND))?;
    let wanted = Wanted::try_from(params)?;
    let place = app.downloads.place()?;
    let planning = app.downloads.plan().await;
    let version = blocking(&app.index, move |index| {
        let _alone = planning;
        plan(index, &wanted, place)
    })
    .await?;
    version.answer(&method, &headers)
}

fn plan(index: &Library, wanted: &Wanted, place: Place) -> Result<Version, ApiError> {
    let (from, to) = (moment(index, &wanted.from)?, moment(index, &wanted.to)?);
    let listing = index.refresh().map_err(|error| ApiError::card(&error))?;
    let cameras = match wanted.cameras.as_slice() {
        [] => letters(&listing),
        named => named.to_vec(),
    };
    let mut clips = Vec::new();
    let mut refused = None;
    for &camera in &cameras {
        match index.clip(camera, from, to, wanted.keep) {
            Ok(clip) => clips.push(clip),
            // What one camera did not see, another may have.
            Err(error @ (ClipError::Nothing { .. } | ClipError::Camera(_))) => {
                refused = Some(refusal(camera, error));
            }
            Err(error) => return Err(refusal(camera, error)),
        }
    }
    match (cameras.as_slice(), clips.pop()) {
        ([_], Some(clip)) => Ok(single(clip, wanted.offset, place)),
        (_, Some(clip)) => {
            clips.push(clip);
            Ok(several(clips, wanted.offset, place))
        }
        (_, None) => Err(refused.unwrap_or_else(nothing)),
    }
}

fn single(clip: Clip, offset: Option<i16>, place: Place) -> Version {
    Version {
        validators: Validators::new(&clip.tag(), None),
        disposition: saved_as(&clip.file_name(offset), "mp4"),
        content: place.filled(clip),
        kind: "video/mp4",
        cache: "private, no-cache",
    }
}

fn several(clips: Vec<Clip>, offset: Option<i16>, place: Place) -> Version {
    let mut hasher = DefaultHasher::new();
    let mut members: Vec<(String, DosTime, Clip)> = Vec::with_capacity(clips.len());
    let when = clips.first().map(|clip| clip.file_time(offset));
    for clip in clips {
        let mut name = format!("{}.mp4", clip.file_name(offset));
        if members.iter().any(|(taken, ..)| *taken == name) {
            // Two cameras of one name.
            name = format!("{}_{}.mp4", clip.file_name(offset), members.len() + 1);
        }
        let time = clip.dos_time(offset);
        (&name, time, clip.tag()).hash(&mut hasher);
        members.push((name, time, clip));
    }
    let zip = Zip::new(members);
    let tag = format!("{:016x}-{:x}-z", hasher.finish(), zip.size());
    Version {
        validators: Validators::new(&tag, None),
        disposition: saved_as(&format!("picam_{}", when.unwrap_or_default()), "zip"),
        content: place.filled(zip),
        kind: "application/zip",
        cache: "private, no-cache",
    }
}

/// Every camera that has footage, in the order of their letters.
fn letters(listing: &Listing) -> Vec<char> {
    let mut letters: Vec<char> = listing.segments.iter().map(|s| s.camera).collect();
    letters.sort_unstable();
    letters.dedup();
    letters
}

fn moment(index: &Library, text: &str) -> Result<When, ApiError> {
    index.when(text).map_err(|error| match error {
        WhenError::NotOne => {
            let shown: String = text.chars().take(40).collect();
            ApiError::bad_request(format!("{shown:?} is no moment of the footage"), SEND)
        }
        WhenError::NoSegment(id) => ApiError::no_such_segment(&id),
        error @ WhenError::Damaged(_) => ApiError::new(
            StatusCode::CONFLICT,
            error.to_string(),
            "name the moment by another segment, or download the segment itself",
        ),
        WhenError::Card(error) => ApiError::card(&error),
    })
}

fn nothing() -> ApiError {
    ApiError::not_found(
        "nothing was recorded then",
        "choose a time with footage; /api/segments lists it",
    )
}

fn refusal(camera: char, error: ClipError) -> ApiError {
    match error {
        ClipError::Nothing { .. } => nothing(),
        ClipError::Camera(CameraError::None) => ApiError::not_found(
            format!("there is no footage of a camera {camera}"),
            "/api/segments lists the cameras that there is footage of",
        ),
        ClipError::Read { source, .. } => ApiError::card(&source),
        ClipError::TooLong => {
            let text = error.to_string();
            let (what, remedy) = text.split_once("; ").unwrap_or((&text, SEND));
            ApiError::bad_request(what, remedy)
        }
        error @ (ClipError::Cut { .. } | ClipError::Camera(_) | ClipError::Overwritten(_)) => {
            tracing::info!(%error, "no clip");
            ApiError::new(
                StatusCode::CONFLICT,
                "this part of the footage cannot become one clip",
                "the camera's settings may have changed within it: choose a shorter one, or download the segments",
            )
        }
    }
}
