//! `/api/settings` and `/api/support`: what the page shows of `picam.toml`, and changes in it. Another process has the file; no secret that is set
//! ever comes here.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
pub use picam_control::settings::{JoinNetwork, KnownNetwork, Settings, SettingsChange};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::app::App;
use crate::commands::json;
use crate::error::{ApiError, waiting};

/// Where the settings are kept.
pub trait SettingsSource: Send + Sync + 'static {
    /// What is set. Runs on a thread that may block for a while.
    fn settings(&self) -> Result<Settings, SettingsError>;
    /// Sets it otherwise, as a whole or not at all. The same.
    fn change(&self, change: SettingsChange) -> Result<(), SettingsError>;
    /// What whoever helps the owner wants to know. The same.
    fn support(&self) -> Result<SupportFile, SettingsError>;
    /// Writes that onto the card, for a PC. The same.
    fn support_to_card(&self) -> Result<(), SettingsError>;
}

/// Why there are no settings, or no others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// What was asked for cannot be had.
    #[error("{reason}")]
    Refused {
        /// Why.
        reason: String,
        /// What to do about it.
        remedy: String,
        /// The key whose value it is about, where it is about one.
        key: Option<String>,
    },
    /// Nobody answers.
    #[error("{reason}")]
    Silent {
        /// Why.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
}

/// A text for whoever helps the owner.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportFile {
    /// What to call it.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// `GET /api/settings`
pub(crate) async fn settings(State(app): State<App>) -> Result<Json<Settings>, ApiError> {
    ask(&app, |source| source.settings()).await.map(Json)
}

/// `PATCH /api/settings`
pub(crate) async fn change(
    State(app): State<App>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    const SEND: &str =
        "send {\"set\": {\"device.name\": \"van\"}}, {\"join\": [{\"ssid\": \"home\"}]}, or both";
    let wanted: SettingsChange = json(request, SEND).await?;
    ask(&app, move |source| source.change(wanted)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/support`
pub(crate) async fn support(State(app): State<App>) -> Result<Response, ApiError> {
    let turn = turn()?;
    let made = ask(&app, move |source| {
        // Whoever asked may have gone.
        let _turn = turn;
        source.support()
    });
    let SupportFile { name, text } = made.await?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let name = match !name.is_empty() && name.chars().all(is_plain) {
        true => name,
        false => "picam-support.txt".to_owned(),
    };
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, text).into_response())
}

/// `POST /api/support`
pub(crate) async fn support_to_card(State(app): State<App>) -> Result<StatusCode, ApiError> {
    let turn = turn()?;
    let laid = ask(&app, move |source| {
        let _turn = turn;
        source.support_to_card()
    });
    laid.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One at a time: it takes seconds, and there are few threads to wait on.
fn turn() -> Result<SemaphorePermit<'static>, ApiError> {
    static TURN: Semaphore = Semaphore::const_new(1);
    TURN.try_acquire().map_err(|_| {
        ApiError::later(
            5,
            "a support file is being made already",
            "wait some seconds and try again",
        )
    })
}

async fn ask<T: Send + 'static>(
    app: &App,
    ask: impl FnOnce(&dyn SettingsSource) -> Result<T, SettingsError> + Send + 'static,
) -> Result<T, ApiError> {
    let Some(source) = app.settings.as_ref().map(Arc::clone) else {
        return Err(ApiError::not_found(
            "this camera's settings are not changed from the page",
            "edit its picam.toml",
        ));
    };
    waiting(move || ask(&*source).map_err(refusal)).await
}

fn refusal(error: SettingsError) -> ApiError {
    match error {
        SettingsError::Refused {
            reason,
            remedy,
            key,
        } => ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, reason, remedy).about(key),
        SettingsError::Silent { reason, remedy } => {
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, reason, remedy)
        }
    }
}
