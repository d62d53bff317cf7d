//! `/api/cameras/{letter}/live`: what a camera records, as a fragmented MP4 that goes on while somebody takes it.
//!
//! The recorder sends its messages through a Unix socket, from this process or another. They are read as fast as the
//! client takes what becomes of them: a slow one is noticed by the recorder, which then leaves pictures out. Held here
//! for each client are [`QUEUE`] pieces, and what was read ahead ([`messages`]).

mod messages;
mod mux;
mod viewers;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use futures_util::stream::poll_fn;
use picam_control::live::LiveSource;
use tokio::net::UnixStream;
use tokio::sync::mpsc::{self, Sender};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::app::App;
use crate::commands::refusal;
use crate::error::{ApiError, waiting};
use crate::idle::Wire;
use crate::peer::Peer;
use crate::query::camera;
use messages::{Message, Messages};
use mux::Mux;
use viewers::Viewers;

/// Pieces of the stream that wait for the client: two a picture.
const QUEUE: usize = 4;
/// A camera that delivers nothing for so long is not waited for.
const FIRST_PICTURE: Duration = Duration::from_secs(5);
/// How often it is looked whether the client may still watch. A session that ends, ends its streams.
const STILL_ALLOWED: Duration = Duration::from_secs(5);

/// Where live pictures come from, and who takes them.
#[derive(Clone)]
pub(crate) struct Live {
    source: Arc<dyn LiveSource>,
    viewers: Viewers,
}

impl Live {
    pub(crate) fn of(source: Arc<dyn LiveSource>) -> Self {
        Self {
            source,
            viewers: Viewers::default(),
        }
    }
}

/// `GET` and `HEAD /api/cameras/{letter}/live`
pub(crate) async fn live(
    State(app): State<App>,
    method: Method,
    Extension(peer): Extension<Peer>,
    Extension(wire): Extension<Wire>,
    letter: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Path(letter) = letter.map_err(|error| {
        ApiError::bad_request(error.body_text(), "give the letter of a camera, such as F")
    })?;
    let camera = camera(&letter)?;
    let place = app.live.viewers.enter(peer.0.ip()).ok_or_else(crowded)?;
    let mut messages = follow(&app.live.source, camera).await?;
    let mux = timeout(FIRST_PICTURE, first(&mut messages)).await;
    let mux = match mux.map_err(|_| silent(camera))? {
        Ok(mux) => mux,
        Err(error) => return Err(broken(&error)),
    };
    let (content_type, init) = (mux.content_type(), mux.init().map_err(io::Error::other));
    let init = init.map_err(|error| broken(&error))?;
    if method == Method::HEAD {
        return Ok([(CONTENT_TYPE, content_type)].into_response());
    }
    let (sender, mut body) = mpsc::channel(QUEUE);
    wire.keep_little();
    tokio::spawn(async move {
        let allowed = || app.auth.may_look(&headers);
        let sent = send(messages, mux, init, &sender, allowed).await;
        if let Err(error) = sent {
            tracing::debug!(%error, "a live view is cut");
            // Whoever still takes it sees that it did not end by itself.
            let _ = sender.send(Err(error)).await;
        }
        drop(place);
    });
    // What was made small stays so: the connection is for nothing else.
    let close = (CONNECTION, HeaderValue::from_static("close"));
    let headers = [(CONTENT_TYPE, content_type), close];
    let pieces = poll_fn(move |cx| body.poll_recv(cx));
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// Asks the recorder, which may take a moment.
async fn follow(source: &Arc<dyn LiveSource>, camera: char) -> Result<Messages, ApiError> {
    let source = Arc::clone(source);
    let stream = waiting(move || source.follow(camera).map_err(refusal)).await?;
    stream
        .set_nonblocking(true)
        .and_then(|()| UnixStream::from_std(stream))
        .map(Messages::of)
        .map_err(|error| broken(&error))
}

/// Waits until it is known how the pictures are coded.
async fn first(messages: &mut Messages) -> io::Result<Mux> {
    loop {
        match messages.next().await? {
            Message::Config(config) => return Mux::of(config).map_err(io::Error::other),
            Message::Nothing => {}
            Message::Picture { .. } => return Err(io::Error::other("pictures before a config")),
            Message::End => return Err(io::Error::other("the camera has ended")),
        }
    }
}

/// Sends the stream until it ends (`Ok`), is cut, or nobody takes it any more (`Ok`).
async fn send(
    mut messages: Messages,
    mut mux: Mux,
    init: Bytes,
    to: &Sender<io::Result<Bytes>>,
    allowed: impl Fn() -> bool,
) -> io::Result<()> {
    let mut still = interval(STILL_ALLOWED);
    still.set_missed_tick_behavior(MissedTickBehavior::Delay);
    if to.send(Ok(init)).await.is_err() {
        return Ok(());
    }
    loop {
        let message = tokio::select! {
            () = to.closed() => return Ok(()),
            _ = still.tick() => match allowed() {
                true => continue,
                false => return Ok(()),
            },
            message = messages.next() => message?,
        };
        match message {
            Message::Picture { start, head, data } => {
                let pieces = mux.fragment(start, &head, data);
                for piece in pieces.map_err(io::Error::other)? {
                    if to.send(Ok(piece)).await.is_err() {
                        return Ok(());
                    }
                }
            }
            Message::Nothing => {}
            // Another init is another stream: the client asks again.
            Message::Config(_) | Message::End => return Ok(()),
        }
    }
}

fn crowded() -> ApiError {
    ApiError::later(
        5,
        "too many live views from this address",
        "close another live view and try again",
    )
}

fn silent(camera: char) -> ApiError {
    ApiError::later(
        5,
        format!("camera {camera} delivers no pictures"),
        "it may be starting, paused or unplugged: /api/status says which",
    )
}

fn broken(error: &io::Error) -> ApiError {
    ApiError::later(
        5,
        format!("there are no live pictures: {error}"),
        "try again in a few seconds",
    )
}
