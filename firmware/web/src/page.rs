//! The page: files of `page/`, built into the program.

use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};

use crate::app::App;
use crate::auth::{Access, Role, Session};
use crate::error::ApiError;

/// What the login page needs: readable without a session.
pub(crate) const LOGIN_ASSETS: [&str; 2] = ["/assets/style.css", "/assets/icon.svg"];

const JS: &str = "text/javascript; charset=utf-8";

macro_rules! asset {
    ($name:literal, $kind:expr) => {
        ($name, $kind, include_str!(concat!("../page/", $name)))
    };
}

const ASSETS: [(&str, &str, &str); 15] = [
    asset!("style.css", "text/css; charset=utf-8"),
    asset!("icon.svg", "image/svg+xml"),
    asset!("manifest.json", "application/manifest+json"),
    asset!("app.js", JS),
    asset!("api.js", JS),
    asset!("format.js", JS),
    asset!("hands.js", JS),
    asset!("list.js", JS),
    asset!("live.js", JS),
    asset!("orders.js", JS),
    asset!("player.js", JS),
    asset!("settings.js", JS),
    asset!("status.js", JS),
    asset!("view.js", JS),
    asset!("dom.js", JS),
];

const INDEX: &str = include_str!("../page/index.html");
const LOGIN: &str = include_str!("../page/login.html");
const SETTINGS: &str = include_str!("../page/settings.html");

/// `GET /`
pub(crate) async fn index(
    State(app): State<App>,
    session: Option<Extension<Session>>,
) -> Html<String> {
    let access = match app.auth.access {
        Access::LocalOpen => "open",
        Access::Password(_) | Access::Passwords { .. } => "password",
    };
    let settings = match app.settings {
        Some(_) => "here",
        None => "none",
    };
    let html = INDEX.replace("{{access}}", access);
    let html = html.replace("{{settings}}", settings);
    Html(html.replace("{{role}}", role(session).name()))
}

/// Without a password whoever sits at this machine is the owner.
fn role(session: Option<Extension<Session>>) -> Role {
    session.map_or(Role::Owner, |Extension(session)| session.role)
}

/// `GET /settings`, where there are any that the one who asks may see.
pub(crate) async fn settings(
    State(app): State<App>,
    session: Option<Extension<Session>>,
) -> Response {
    match (role(session), app.settings) {
        (Role::Owner, Some(_)) => Html(SETTINGS).into_response(),
        _ => Redirect::to("/").into_response(),
    }
}

/// The login form, with the reason why it is shown again.
pub(crate) fn login(why: Option<&str>) -> Response {
    let message = match why {
        Some("wrong") => "That is not the password.",
        Some("busy") => "Too many try to log in right now. Try again in a few seconds.",
        Some("wait") => "Too many tries. Wait a minute, then try again.",
        _ => "",
    };
    Html(LOGIN.replace("{{message}}", message)).into_response()
}

/// `GET /assets/{name}`
pub(crate) async fn asset(
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let Ok(Path(name)) = name else {
        return ApiError::no_such_path().into_response();
    };
    let Some((_, kind, text)) = ASSETS.iter().find(|(known, ..)| *known == name) else {
        return Redirect::to("/").into_response();
    };
    let etag = format!("\"{:08x}\"", crc32fast::hash(text.as_bytes()));
    let cache = [
        (ETAG, etag.clone()),
        (CACHE_CONTROL, "private, no-cache".into()),
    ];
    if headers
        .get(IF_NONE_MATCH)
        .is_some_and(|known| *known == *etag)
    {
        return (StatusCode::NOT_MODIFIED, cache).into_response();
    }
    (cache, [(CONTENT_TYPE, *kind)], *text).into_response()
}
