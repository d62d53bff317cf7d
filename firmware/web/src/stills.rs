//! `/api/stills`: single pictures, taken while the camera records.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use jiff::Timestamp;
use picam_control::orders::OrderTaker;
use picam_control::stills::{StillFrom, StillMade};
use picam_library::{Member, StillId};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::commands::refusal;
use crate::conditional::Validators;
use crate::error::{ApiError, waiting};
use crate::list::{Id, blocking};
use crate::query::{bad, camera, limit};
use crate::version::Version;

/// Stills of an answer when the request does not say, and at most.
const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;
/// When to come again, in seconds.
const LATER: u64 = 1;

/// A still that was just taken.
#[derive(Serialize)]
pub(crate) struct Made {
    id: String,
    camera: char,
    name: String,
    taken: Option<Timestamp>,
    width: u32,
    height: u32,
    bytes: u64,
    from: StillFrom,
    took_ms: u64,
    file: String,
}

impl From<StillMade> for Made {
    fn from(made: StillMade) -> Self {
        let taken = made
            .taken
            .and_then(|utc| Timestamp::from_microsecond(utc.0).ok());
        Self {
            file: format!("/api/stills/{}", made.id),
            id: made.id,
            camera: made.camera,
            name: made.name,
            taken,
            width: made.width,
            height: made.height,
            bytes: made.bytes,
            from: made.from,
            took_ms: made.took_ms,
        }
    }
}

/// `POST /api/cameras/{letter}/stills`
pub(crate) async fn take(
    State(app): State<App>,
    letter: Result<Path<String>, PathRejection>,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    let Path(letter) = letter.map_err(|error| {
        ApiError::bad_request(error.body_text(), "give the letter of a camera, such as F")
    })?;
    let camera = camera(&letter)?;
    // A camera's next key frame may be ten seconds away, and the threads that wait are few.
    let place = app.stills.try_acquire_owned().map_err(|_| {
        let error = "another still is being taken";
        ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            error,
            "try again in a second",
        )
        .retry_after(LATER)
    })?;
    let orders: Arc<dyn OrderTaker> = Arc::clone(&app.orders);
    let made = waiting(move || {
        let _place = place;
        orders
            .still(camera.encode_utf8(&mut [0; 4]))
            .map_err(refusal)
    });
    Ok((StatusCode::CREATED, Json(made.await?.into())))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    limit: Option<String>,
    before: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Page {
    stills: Vec<Shown>,
    next: Option<String>,
    total: usize,
}

/// A still, and where its bytes are.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    still: picam_library::Still,
    file: String,
}

/// `GET /api/stills`
pub(crate) async fn stills(
    State(app): State<App>,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Json<Page>, ApiError> {
    let Query(params) = params.map_err(|error| {
        ApiError::bad_request(error.body_text(), "the parameters are limit and before")
    })?;
    let limit = limit(params.limit.as_deref(), DEFAULT_LIMIT, MAX_LIMIT)?;
    let before = params.before.as_deref().map(parse).transpose()?;
    let found = blocking(&app.index, move |index| {
        index
            .stills(before, limit)
            .map_err(|error| ApiError::card(&error))
    });
    let found = found.await?;
    let shown = found.stills.into_iter().map(|still| Shown {
        file: format!("/api/stills/{}", still.id),
        still,
    });
    Ok(Json(Page {
        stills: shown.collect(),
        next: found.next,
        total: found.total,
    }))
}

fn parse(text: &str) -> Result<StillId, ApiError> {
    StillId::parse(text).ok_or_else(|| bad("before", text, "the id of a still, such as 100F0001"))
}

/// `GET` and `HEAD /api/stills/{name}`
pub(crate) async fn still(
    State(app): State<App>,
    method: Method,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let still = blocking(&app.index, move |index| {
        let none = || {
            ApiError::not_found(
                format!("there is no still {id:.20}"),
                "list what there is with /api/stills",
            )
        };
        let wanted = StillId::parse(&id).ok_or_else(none)?;
        let found = index
            .still(wanted)
            .map_err(|error| ApiError::card(&error))?;
        found.ok_or_else(none)
    });
    let still = still.await?;
    let since = still
        .modified
        .and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let tag = format!(
        "{:x}-{:x}-s",
        still.size(),
        since.unwrap_or_default().as_nanos()
    );
    let version = Version {
        validators: Validators::new(&tag, still.modified),
        disposition: format!("inline; filename=\"{}\"", still.name),
        content: Arc::new(still),
        kind: "image/jpeg",
        cache: "private, no-cache",
    };
    version.answer(&method, &headers)
}
