//! Every address there is. `docs/api/openapi.yaml` describes those under `/api`.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, delete, get, patch, post};

use crate::app::App;
use crate::auth::{gate, login, login_page, logout, logout_everywhere};
use crate::error::ApiError;
use crate::metrics::METRICS;
use crate::request_body::{self, MAX_BODY};
use crate::{
    archive, captive, clip, commands, drives, file, headers, health, list, live, look, metrics,
    page, picture, saves, settings, stills, track,
};

type Route = (&'static str, &'static str, MethodRouter<App>);

fn api() -> [Route; 31] {
    [
        ("get", "/api/health", get(health::health)),
        ("get", "/api/status", get(health::status)),
        ("get", METRICS, get(metrics::metrics)),
        ("get", "/api/cameras/{letter}/live", get(live::live)),
        ("get", "/api/cameras/{letter}/picture", get(look::look)),
        (
            "patch",
            "/api/cameras/{letter}/picture",
            patch(look::change),
        ),
        ("post", "/api/cameras/{letter}/stills", post(stills::take)),
        ("get", "/api/stills", get(stills::stills)),
        ("get", "/api/stills/{name}", get(stills::still)),
        ("get", "/api/segments", get(list::segments)),
        ("get", "/api/segments/{id}", get(list::segment)),
        ("delete", "/api/segments/{id}", delete(commands::delete)),
        ("get", "/api/segments/{id}/file", get(file::file)),
        ("get", "/api/segments/{id}/first", get(picture::first)),
        ("get", "/api/drives", get(drives::drives)),
        ("get", "/api/drives/{id}", get(drives::drive)),
        ("get", "/api/clip", get(clip::clip)),
        ("get", "/api/archive", get(archive::archive)),
        ("post", "/api/saves", post(saves::save)),
        (
            "post",
            "/api/segments/{id}/restore",
            post(commands::restore),
        ),
        ("get", "/api/track", get(track::track)),
        ("post", "/api/locks", post(commands::lock)),
        ("post", "/api/pause", post(commands::pause)),
        ("post", "/api/resume", post(commands::resume)),
        ("get", "/api/settings", get(settings::settings)),
        ("patch", "/api/settings", patch(settings::change)),
        ("get", "/api/support", get(settings::support)),
        ("post", "/api/support", post(settings::support_to_card)),
        ("post", "/api/login", post(login)),
        ("post", "/api/logout", post(logout)),
        ("post", "/api/logout-everywhere", post(logout_everywhere)),
    ]
}

/// Method and path of every route of the API, for documentation to be checked against.
pub fn api_routes() -> Vec<(&'static str, &'static str)> {
    let routes = api().into_iter();
    routes.map(|(method, path, _)| (method, path)).collect()
}

/// The whole server, as a service.
pub(crate) fn router(app: App, body_timeout: Duration) -> Router {
    let pages = Router::new()
        .route("/", get(page::index))
        .route("/login", get(login_page))
        .route("/settings", get(page::settings))
        .route("/assets/{name}", get(page::asset));
    api()
        .into_iter()
        .fold(pages, |router, (_, path, method)| {
            router.route(path, method)
        })
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(body_timeout, request_body::read))
        .layer(from_fn_with_state(app.clone(), gate))
        .layer(from_fn(headers::harden))
        .layer(from_fn(captive::answer))
        .with_state(app)
}

async fn nothing_here(request: Request) -> Response {
    if request.uri().path().starts_with("/api") {
        return ApiError::no_such_path().into_response();
    }
    // A mistyped page address is best answered with the page.
    Redirect::to("/").into_response()
}

async fn wrong_method() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this address does not take that method",
        "see docs/api/openapi.yaml; reading is GET",
    )
}
