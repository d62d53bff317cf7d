//! The page: files of `page/`, built into the program.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};

use crate::app::App;
use crate::auth::{Access, Role, Session};
use crate::error::ApiError;

/// What the login page needs: readable without a session.
pub(crate) const LOGIN_ASSETS: [&str; 3] =
    ["/assets/style.css", "/assets/login.css", "/assets/icon.svg"];

const JS: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";

macro_rules! asset {
    ($name:literal, $kind:expr) => {
        ($name, $kind, include_str!(concat!("../page/", $name)))
    };
}

const ASSETS: [(&str, &str, &str); 30] = [
    asset!("style.css", CSS),
    asset!("clip.css", CSS),
    asset!("drive.css", CSS),
    asset!("login.css", CSS),
    asset!("settings.css", CSS),
    asset!("icon.svg", "image/svg+xml"),
    asset!("manifest.json", "application/manifest+json"),
    asset!("app.js", JS),
    asset!("api.js", JS),
    asset!("bar.js", JS),
    asset!("clip.js", JS),
    asset!("drive.js", JS),
    asset!("drives.js", JS),
    asset!("files.js", JS),
    asset!("format.js", JS),
    asset!("hands.js", JS),
    asset!("list.js", JS),
    asset!("live.js", JS),
    asset!("orders.js", JS),
    asset!("pause.js", JS),
    asset!("pick.js", JS),
    asset!("player.js", JS),
    asset!("reel.js", JS),
    asset!("save.js", JS),
    asset!("saved.js", JS),
    asset!("settings.js", JS),
    asset!("status.js", JS),
    asset!("view.js", JS),
    asset!("dom.js", JS),
    asset!("thumbs.js", JS),
];

/// A file as it is sent.
struct Asset {
    kind: &'static str,
    text: String,
    etag: String,
}

static SENT: LazyLock<HashMap<&str, Asset>> = LazyLock::new(|| {
    let sent = ASSETS.iter().map(|&(name, kind, text)| {
        let text = match kind {
            JS | CSS => without_comments(text),
            _ => text.to_owned(),
        };
        let etag = format!("\"{:08x}\"", crc32fast::hash(text.as_bytes()));
        (name, Asset { kind, text, etag })
    });
    sent.collect()
});

/// Leaves out what a browser does not need: lines of comment, and the space in front of lines. No text in the page's
/// scripts goes over several lines.
fn without_comments(text: &str) -> String {
    let mut within = false;
    let mut out = String::with_capacity(text.len());
    for line in text.lines().map(str::trim_start) {
        let begins = !within && line.starts_with("/*");
        let comment = within || begins || line.starts_with("//");
        within = (within || begins) && !line.contains("*/");
        if !comment && !line.is_empty() {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

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
    let Some(Asset { kind, text, etag }) = SENT.get(name.as_str()) else {
        return Redirect::to("/").into_response();
    };
    let cache = [(ETAG, etag.as_str()), (CACHE_CONTROL, "private, no-cache")];
    if headers
        .get(IF_NONE_MATCH)
        .is_some_and(|known| known == etag)
    {
        return (StatusCode::NOT_MODIFIED, cache).into_response();
    }
    (cache, [(CONTENT_TYPE, *kind)], text.as_str()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the first screen takes is bounded: a phone beside a road has no better network than the camera's.
    #[test]
    fn the_first_screen_is_small() {
        let later = [
            "settings.js",
            "settings.css",
            "login.css",
            "clip.js",
            "clip.css",
            "drive.js",
            "drive.css",
            "bar.js",
            "reel.js",
            "saved.js",
            "files.js",
            "pick.js",
            "list.js",
            "player.js",
            "orders.js",
            "live.js",
        ];
        let all = SENT.values().map(|asset| asset.text.len()).sum::<usize>();
        let all = all + INDEX.len() + LOGIN.len() + SETTINGS.len();
        assert!(all <= 150_000, "{all} bytes in all");
        let sent = SENT.iter().filter(|(name, _)| !later.contains(name));
        let size = INDEX.len() + sent.map(|(_, asset)| asset.text.len()).sum::<usize>();
        assert!(size <= 60_000, "{size} bytes");
    }

    #[test]
    fn comments_stay_at_home() {
        let text = "// a\n/** b\n * c */\nlet x = 1; // d\n\n  y();\n/* e */\nz(\"//\");\n";
        assert_eq!(
            without_comments(text),
            "let x = 1; // d\ny();\nz(\"//\");\n"
        );
        for asset in SENT.values().filter(|asset| asset.kind == JS) {
            assert!(
                !asset
                    .text
                    .lines()
                    .any(|line| line.starts_with("//") || line.starts_with(' '))
            );
            // A text over several lines would have lost its indentation.
            let ticks = asset.text.lines().map(|line| line.matches('`').count());
            assert!(ticks.into_iter().all(|ticks| ticks % 2 == 0));
        }
    }
}
