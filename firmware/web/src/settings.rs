//! `/api/settings`: what the page shows of `picam.toml`, and changes in it. Another process has the file; no secret that is set
//! ever comes here.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::error::ApiError;

/// Where the settings are kept.
pub trait SettingsSource: Send + Sync + 'static {
    /// What is set. Runs on a thread that may block for a while.
    fn settings(&self) -> Result<Settings, SettingsError>;
    /// Sets it otherwise, as a whole or not at all. The same.
    fn change(&self, change: SettingsChange) -> Result<(), SettingsError>;
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

/// What is set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// `section.key` and its value; null where the default holds.
    pub values: BTreeMap<String, Option<String>>,
    /// `section.key` of secrets, and whether there is one.
    pub secrets: BTreeMap<String, bool>,
    /// The networks to join.
    pub networks: Vec<KnownNetwork>,
}

/// A network to join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownNetwork {
    /// Its name.
    pub ssid: String,
    /// Whether it has a passphrase.
    pub passphrase: bool,
}

/// What shall be set otherwise.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingsChange {
    /// `section.key`, of secrets too, and the new value.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// Networks to join.
    #[serde(default)]
    pub join: Vec<JoinNetwork>,
}

/// A network to join from now on.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinNetwork {
    /// Its name.
    pub ssid: String,
    /// Its passphrase; none for an open one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<String>,
}

/// Names alone: values may be secrets.
impl std::fmt::Debug for SettingsChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let networks = self.join.iter().map(|network| &network.ssid);
        f.debug_struct("SettingsChange")
            .field("set", &self.set.keys())
            .field("join", &networks.collect::<Vec<_>>())
            .finish()
    }
}

/// `GET /api/settings`
pub(crate) async fn settings(State(app): State<App>) -> Result<Json<Settings>, ApiError> {
    ask(&app, |source| source.settings()).await.map(Json)
}

/// `PATCH /api/settings`
pub(crate) async fn change(
    State(app): State<App>,
    wanted: Result<Json<SettingsChange>, JsonRejection>,
) -> Result<Response, ApiError> {
    let Json(wanted) = wanted.map_err(|error| {
        let remedy = "send {\"set\": {\"device.name\": \"van\"}}, {\"join\": [{\"ssid\": \"home\"}]}, or both";
        ApiError::new(error.status(), error.body_text(), remedy)
    })?;
    ask(&app, move |source| source.change(wanted)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn ask<T: Send + 'static>(
    app: &App,
    ask: impl FnOnce(&dyn SettingsSource) -> Result<T, SettingsError> + Send + 'static,
) -> Result<T, ApiError> {
    let Some(source) = app.settings.as_ref().map(Arc::clone) else {
        return Err(ApiError::new(
            StatusCode::NOT_FOUND,
            "this camera's settings are not changed from the page",
            "edit its picam.toml",
        ));
    };
    let answered = tokio::task::spawn_blocking(move || ask(&*source)).await;
    let answered = answered.map_err(|error| {
        tracing::error!(%error, "a request failed");
        ApiError::internal()
    })?;
    answered.map_err(|error| match error {
        SettingsError::Refused { reason, remedy } => {
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, reason, remedy)
        }
        SettingsError::Silent { reason, remedy } => {
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, reason, remedy)
        }
    })
}
