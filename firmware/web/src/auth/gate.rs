//! The gate that every request passes before anything else looks at it.

use std::time::SystemTime;

use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::login::set_cookie;
use super::sessions::{COOKIE_NAME, Session};
use super::{Access, Auth, Role, origin};
use crate::app::App;
use crate::door::Seat;
use crate::error::ApiError;
use crate::metrics::METRICS;
use crate::page::LOGIN_ASSETS;

/// Lets a request through or answers it.
pub(crate) async fn gate(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let session = app.auth.session(request.headers());
    if let Some(response) = refuse(&app.auth, session.as_ref(), &request) {
        return response;
    }
    let seat = request.extensions().get::<Seat>();
    // What is public says nothing about who asks.
    let public = is_public(request.uri().path());
    if !public && seat.is_some_and(|seat| seat.know().is_err()) {
        return crowded();
    }
    let renewed = session
        .as_ref()
        .filter(|session| session.stale)
        .and_then(|session| app.auth.renewed(session));
    if let Some(session) = session {
        request.extensions_mut().insert(session);
    }
    let mut response = next.run(request).await;
    if let Some(cookie) = renewed {
        let headers = response.headers_mut();
        headers.entry(SET_COOKIE).or_insert(cookie);
    }
    response
}

fn crowded() -> Response {
    let error = ApiError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "too many connections at a time",
        "end some downloads and try again",
    );
    ([(CONNECTION, "close")], error.retry_after(5)).into_response()
}

fn refuse(auth: &Auth, session: Option<&Session>, request: &Request) -> Option<Response> {
    let (path, headers) = (request.uri().path(), request.headers());
    if auth.access.has_password() && !origin::names_this_network(request.uri(), headers) {
        return Some(foreign_name());
    }
    let role = match auth.access {
        Access::LocalOpen if !origin::names_this_machine(request.uri(), headers) => {
            return Some(wrong_host());
        }
        Access::LocalOpen => Role::Owner,
        Access::Password(_) | Access::Passwords { .. } => {
            let role = session.map(|session| session.role);
            match role.or_else(|| auth.role_of_program(headers)) {
                Some(role) => role,
                None if is_public(path) => Role::Viewer,
                None => return Some(not_logged_in(path)),
            }
        }
    };
    if !request.method().is_safe() && !origin::is_same_site(headers) {
        return Some(cross_site());
    }
    (!is_public(path) && !role.may(request.method(), path)).then(only_owner)
}

/// What somebody who has no session yet needs to get one, and the health check.
fn is_public(path: &str) -> bool {
    matches!(path, "/login" | "/api/login" | "/api/health") || LOGIN_ASSETS.contains(&path)
}

impl Auth {
    /// The session that a request belongs to.
    fn session(&self, headers: &HeaderMap) -> Option<Session> {
        let token = token(headers)?;
        let now = SystemTime::now();
        Role::ALL.into_iter().find_map(|role| {
            let seal = self.access.seal(role)?;
            let session = self.sessions.check(&seal, token, now)?;
            // What seals a viewer's session is no owner's.
            (session.role == role).then_some(session)
        })
    }

    /// What a token makes of whoever sent it.
    fn role_of_program(&self, headers: &HeaderMap) -> Option<Role> {
        self.token?.role_of(headers)
    }

    /// Whether whoever sent these headers may look, still.
    pub(crate) fn may_look(&self, headers: &HeaderMap) -> bool {
        !self.access.has_password()
            || self.session(headers).is_some()
            || self.role_of_program(headers).is_some()
    }

    fn renewed(&self, session: &Session) -> Option<HeaderValue> {
        let seal = self.access.seal(session.role)?;
        let value = self.sessions.renew(&seal, session, SystemTime::now());
        HeaderValue::try_from(set_cookie(&value)).ok()
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
    if !path.starts_with("/api/") && path != METRICS {
        return Redirect::to("/login").into_response();
    }
    let error = "you are not logged in";
    ApiError::new(StatusCode::UNAUTHORIZED, error, "log in at /login").into_response()
}

fn forbidden(error: &str, remedy: &str) -> Response {
    ApiError::new(StatusCode::FORBIDDEN, error, remedy).into_response()
}

fn wrong_host() -> Response {
    forbidden(
        "without a password this server answers to localhost only",
        "open it as http://localhost or http://127.0.0.1 with its port, or set a password",
    )
}

fn only_owner() -> Response {
    forbidden(
        "whoever may only look cannot change anything",
        "log in with the owner's password",
    )
}

fn foreign_name() -> Response {
    forbidden(
        "the camera does not answer to this name",
        "open it by its address, or as its name with .local behind",
    )
}

fn cross_site() -> Response {
    forbidden(
        "the request comes from another website",
        "open the camera's own page and try there",
    )
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
