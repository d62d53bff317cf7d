//! Logging in and out. The form works without scripts; programs send JSON.

use std::time::{Duration, Instant, SystemTime};

use axum::extract::{Extension, FromRequest, RawQuery, Request, State};
use axum::http::header::{CONTENT_TYPE, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Form, Json};
use serde::Deserialize;
use serde_json::json;

use super::checker::Busy;
use super::sessions::{COOKIE_NAME, LIFETIME, Session};
use super::{Access, Auth, Role};
use crate::app::App;
use crate::commands;
use crate::error::ApiError;
use crate::page;
use crate::peer::Peer;

/// When to come again while many others try to log in, in seconds.
const BUSY: u64 = 2;

#[derive(Deserialize)]
struct Credentials {
    password: String,
}

/// `GET /login`
pub(crate) async fn login_page(State(app): State<App>, RawQuery(query): RawQuery) -> Response {
    match app.auth.access {
        Access::LocalOpen => Redirect::to("/").into_response(),
        Access::Password(_) | Access::Passwords { .. } => page::login(query.as_deref()),
    }
}

/// `POST /api/login`
pub(crate) async fn login(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Response {
    let from_form = has_type(request.headers(), "application/x-www-form-urlencoded");
    let credentials = match from_form {
        true => from_form_fields(request).await,
        false => commands::json(request, SEND).await,
    };
    match try_login(&app.auth, peer, credentials).await {
        Ok(cookie) if from_form => ([(SET_COOKIE, cookie)], Redirect::to("/")).into_response(),
        Ok(cookie) => ([(SET_COOKIE, cookie)], Json(json!({"logged_in": true}))).into_response(),
        Err(refusal) if from_form => refusal.into_redirect(),
        Err(refusal) => refusal.into_error().into_response(),
    }
}

/// `POST /api/logout`
pub(crate) async fn logout(
    State(app): State<App>,
    session: Option<Extension<Session>>,
) -> Response {
    if let Some(Extension(session)) = session {
        app.auth.sessions.end(&session, SystemTime::now());
    }
    logged_out(&app.auth)
}

/// `POST /api/logout-everywhere`
pub(crate) async fn logout_everywhere(State(app): State<App>) -> Response {
    if app.auth.sessions.end_all() || matches!(app.auth.access, Access::LocalOpen) {
        return logged_out(&app.auth);
    }
    ApiError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "all sessions are ended, but those that were open are so again after a restart, as the camera could \
         not write that down",
        "change the password: that ends all sessions, too",
    )
    .into_response()
}

fn logged_out(auth: &Auth) -> Response {
    let gone = format!("{COOKIE_NAME}=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0");
    let next = match auth.access {
        Access::LocalOpen => "/",
        Access::Password(_) | Access::Passwords { .. } => "/login",
    };
    ([(SET_COOKIE, gone)], Redirect::to(next)).into_response()
}

/// The header that gives a browser its cookie.
pub(super) fn set_cookie(value: &str) -> String {
    let age = LIFETIME.as_secs();
    format!("{COOKIE_NAME}={value}; HttpOnly; SameSite=Lax; Path=/; Max-Age={age}")
}

/// Why nobody was let in.
enum Refusal {
    Wrong,
    Wait(Duration),
    Busy,
    Unusable(ApiError),
}

async fn try_login(
    auth: &Auth,
    Peer(peer): Peer,
    credentials: Result<Credentials, ApiError>,
) -> Result<String, Refusal> {
    if !auth.access.has_password() {
        return Err(Refusal::Unusable(ApiError::new(
            StatusCode::CONFLICT,
            "no password is set, there is nothing to log in to",
            "open the page directly",
        )));
    }
    let Credentials { password } = credentials.map_err(Refusal::Unusable)?;
    let begun = auth.throttle().begin(peer.ip(), Instant::now());
    let begun = begun.map_err(Refusal::Wait)?;
    let role = match whose(auth, &password, begun.earlier).await {
        Ok(Some(role)) => role,
        Ok(None) => {
            tracing::warn!(%peer, "wrong password");
            return Err(Refusal::Wrong);
        }
        Err(Busy) => {
            auth.throttle().withdraw(&begun);
            return Err(Refusal::Busy);
        }
    };
    auth.throttle().succeeded(&begun);
    let seal = auth.access.seal(role).unwrap_or_default();
    let opened = auth.sessions.open(&seal, role, SystemTime::now());
    let value = opened.map_err(|error| {
        tracing::error!(%error, "no randomness for a session");
        Refusal::Unusable(ApiError::internal())
    })?;
    Ok(set_cookie(&value))
}

/// Whose password it is. The owner's is looked at first: the owner waits for one check.
async fn whose(auth: &Auth, password: &str, earlier: u32) -> Result<Option<Role>, Busy> {
    for role in Role::ALL {
        let Some(hash) = auth.access.password_of(role) else {
            continue;
        };
        let checked = auth
            .checker
            .check(hash.clone(), password.to_owned(), earlier);
        if checked.await? {
            return Ok(Some(role));
        }
    }
    Ok(None)
}

const SEND: &str = "send JSON {\"password\": \"...\"} or a form with the field password";

async fn from_form_fields(request: Request) -> Result<Credentials, ApiError> {
    let form = Form::from_request(request, &()).await;
    form.map(|Form(credentials)| credentials)
        .map_err(|error| ApiError::new(error.status(), error.body_text(), SEND))
}

fn has_type(headers: &HeaderMap, wanted: &str) -> bool {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(wanted))
}

impl Refusal {
    /// Back to the form, which says why.
    fn into_redirect(self) -> Response {
        let why = match self {
            Self::Wrong => "wrong",
            Self::Wait(_) => "wait",
            Self::Busy => "busy",
            Self::Unusable(error) => return error.into_response(),
        };
        Redirect::to(&format!("/login?{why}")).into_response()
    }

    fn into_error(self) -> ApiError {
        match self {
            Self::Wrong => ApiError::new(
                StatusCode::UNAUTHORIZED,
                "wrong password",
                "try again; each wrong password makes the next try wait longer",
            ),
            Self::Wait(wait) => {
                let seconds = wait.as_secs_f64().ceil() as u64;
                ApiError::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "too many wrong passwords from this address",
                    format!("wait {seconds} s and try again"),
                )
                .retry_after(seconds)
            }
            Self::Busy => ApiError::later(
                BUSY,
                "many others are logging in",
                "wait a few seconds and try again",
            ),
            Self::Unusable(error) => error,
        }
    }
}
