//! `/api/cameras/{letter}/picture`: how a camera's pictures look, and changing that.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use picam_control::lock::Origin;
use picam_control::picture::{CameraPicture, PictureSource, Wanted};
use serde::Deserialize;

use crate::app::App;
use crate::commands::{json, refusal};
use crate::error::{ApiError, waiting};
use crate::query::camera;

const SEND: &str = "send JSON such as {\"brightness\": 20, \"preset\": \"night\"}; null goes back to what picam.toml says";

/// A value as it may be written.
#[derive(Deserialize)]
#[serde(untagged)]
enum Given {
    Text(String),
    Truth(bool),
    Whole(i64),
    Number(f64),
}

impl Given {
    fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Truth(truth) => truth.to_string(),
            Self::Whole(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
        }
    }
}

type Letter = Result<Path<String>, PathRejection>;

/// `GET /api/cameras/{letter}/picture`
pub(crate) async fn look(
    State(app): State<App>,
    letter: Letter,
) -> Result<Json<CameraPicture>, ApiError> {
    ask(&app, letter, Wanted::new()).await
}

/// `PATCH /api/cameras/{letter}/picture`
pub(crate) async fn change(
    State(app): State<App>,
    letter: Letter,
    request: Request,
) -> Result<Json<CameraPicture>, ApiError> {
    let given: BTreeMap<String, Option<Given>> = json(request, SEND).await?;
    if given.is_empty() {
        let error = "it is not said what is to be changed";
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, error, SEND));
    }
    let set = given
        .into_iter()
        .map(|(key, value)| (key, value.map(Given::text)));
    ask(&app, letter, set.collect()).await
}

async fn ask(app: &App, letter: Letter, set: Wanted) -> Result<Json<CameraPicture>, ApiError> {
    let Path(letter) = letter.map_err(|error| {
        ApiError::bad_request(error.body_text(), "give the letter of a camera, such as F")
    })?;
    let letter = camera(&letter)?.to_string();
    let pictures: Arc<dyn PictureSource> = Arc::clone(&app.pictures);
    let done = waiting(move || {
        let answer = pictures.picture(&letter, set, Origin::Page);
        answer.map_err(refusal)
    });
    done.await.map(Json)
}
