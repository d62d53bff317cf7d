//! The gate that every request passes before anything else looks at it.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::{Access, Auth, origin};
use crate::app::App;
use crate::door::Seat;
use crate::error::ApiError;
use crate::page::LOGIN_ASSETS;

/// Name of the session cookie.
pub(super) const COOKIE_NAME: &str = "picam_session";

/// Lets a request through or answers it.
pub(crate) async fn gate(State(app): State<App>, request: Request, next: Next) -> Response {
    if let Some(response) = refuse(&app.auth, &request) {
        return response;
    }
    let seat = request.extensions().get::<Seat>();
    match seat {
        // What is public says nothing about who asks.
        Some(seat) if !is_public(request.uri().path()) && seat.know().is_err() => crowded(),
        _ => next.run(request).await,
    }
}

fn crowded() -> Response {
    let error = ApiError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "too many connections at a time",
        "end some downloads and try again",
    );
    ([(CONNECTION, "close")], error.retry_after(5)).into_response()
}

fn refuse(auth: &Auth, request: &Request) -> Option<Response> {
    let (path, headers) = (request.uri().path(), request.headers());
    match auth.access {
        Access::LocalOpen if !origin::names_this_machine(request.uri(), headers) => {
            return Some(wrong_host());
        }
        Access::Password(_) if !is_public(path) && !auth.is_logged_in(headers) => {
            return Some(not_logged_in(path));
        }
        Access::LocalOpen | Access::Password(_) => {}
    }
    (!request.method().is_safe() && !origin::is_same_site(headers)).then(cross_site)
}

/// What somebody who has no session yet needs to get one, and the health check.
fn is_public(path: &str) -> bool {
    matches!(path, "/login" | "/api/login" | "/api/health") || LOGIN_ASSETS.contains(&path)
}

impl Auth {
    fn is_logged_in(&self, headers: &HeaderMap) -> bool {
        token(headers).is_some_and(|token| self.sessions().check(token, Instant::now()))
    }
}

/// The session token that a request carries.
pub(super) fn token(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter();
    cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE_NAME).then_some(value))
}

fn not_logged_in(path: &str) -> Response {
    if !path.starts_with("/api/") {
        return Redirect::to("/login").into_response();
    }
    let error = "you are not logged in";
    ApiError::new(StatusCode::UNAUTHORIZED, error, "log in at /login").into_response()
}

fn wrong_host() -> Response {
    ApiError::new(
        StatusCode::FORBIDDEN,
        "without a password this server answers to localhost only",
        "open it as http://localhost or http://127.0.0.1 with its port, or set a password",
    )
    .into_response()
}

fn cross_site() -> Response {
    ApiError::new(
        StatusCode::FORBIDDEN,
        "the request comes from another website",
        "open the camera's own page and try there",
    )
    .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_token_is_found_among_other_cookies() {
        for (value, found) in [
            ("picam_session=abc", Some("abc")),
            ("a=b; picam_session=abc; c=d", Some("abc")),
            ("xpicam_session=abc", None),
            ("picam_session", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_static(value))]);
            assert_eq!(token(&headers), found, "{value}");
        }
    }
}
