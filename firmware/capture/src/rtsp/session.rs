//! The conversation with a camera, on a thread of its own.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream as _;
use picam_media::{AudioSpecificConfig, Codec, SoundCodec, SoundFormat, TIMESCALE};
use picam_time::{BootNs, Clock, Ticks};
use retina::client::{
    Credentials, Demuxed, InitialTimestampPolicy, PlayOptions, Session, SessionGroup,
    SessionIdPolicy, SessionOptions, SetupOptions, TcpTransportOptions, Transport as RtpTransport,
    UdpTransportOptions,
};
use retina::codec::{
    CodecItem, FrameFormat, ParametersRef, VideoFrame, VideoParameters, VideoParametersCodec,
};
use tokio::sync::oneshot;
use tokio::task::coop;
use tokio::time::{Instant, timeout};

use super::clock::{Report, Stream};
use super::mailbox::{Closed, Message, Outbox, Picture, Sound};
use super::memory;
use super::params::{RtspParams, SoundChoice, Transport};

/// Each answer, and the next picture, is waited for so long: a camera that hangs says nothing.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Waiting for the camera's word that the session is over; it may be gone.
const GOODBYE: Duration = Duration::from_millis(500);
/// The library may ask for so much memory before the next picture is whole, in bytes: several times the largest picture.
const MAX_ASKED: u64 = 48 << 20;
/// What the library reads from the network before it is asked how much memory that took: its runtime grants 128 steps.
const STEPS_TAKEN: u32 = 120;
/// So many complaints of the library without a picture between are the end.
const MAX_DAMAGE: u32 = 20;
/// Longest message of the library that is shown.
const MAX_MESSAGE: usize = 240;

/// What a camera offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) codec: Codec,
    pub(super) sound: Option<SoundFormat>,
    pub(super) sound_left_out: Option<String>,
}

/// Why there is no session, or none any more: a line for a person.
type Failure = String;

/// Speaks with the camera until it ends, or `stop` is dropped; says in `offer` what comes.
pub(super) fn run(
    params: &RtspParams,
    clock: &dyn Clock,
    outbox: &Outbox,
    offer: oneshot::Sender<Result<Offer, Failure>>,
    stop: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            // Nobody may listen any more.
            let _ = offer.send(Err(format!("no runtime for the network: {error}")));
            return;
        }
    };
    runtime.block_on(async {
        let group = Arc::new(SessionGroup::default());
        let talk = async {
            let playing = match open(params, group.clone()).await {
                Ok((playing, what)) => {
                    let _ = offer.send(Ok(what));
                    playing
                }
                Err(why) => {
                    let _ = offer.send(Err(why));
                    return;
                }
            };
            if let Err(Some(why)) = pump(params, playing, clock, outbox).await {
                outbox.end(why);
            }
        };
        tokio::select! {
            () = talk => {}
            _ = stop => {}
        }
        // A camera with few places must not keep this one for a minute.
        let _ = timeout(GOODBYE, group.await_teardown()).await;
    });
    // A name that is being looked up is not waited for.
    runtime.shutdown_background();
}

/// The streams that are played, by their numbers in the session.
struct Playing {
    demuxed: Demuxed,
    picture: usize,
    sound: Option<usize>,
}

async fn open(params: &RtspParams, group: Arc<SessionGroup>) -> Result<(Playing, Offer), Failure> {
    let credentials = params.credentials().map(|(user, password)| Credentials {
        username: user.to_owned(),
        password: password.to_owned(),
    });
    let options = SessionOptions::default()
        .creds(credentials)
        .user_agent("picam".to_owned())
        .session_id(SessionIdPolicy::UseFirst)
        .session_group(group);
    let described = Session::describe(params.url().clone(), options);
    let mut session = step(params, "asking for the stream", described).await?;
    let streams = session.streams();
    let codec_of = |name: &str| match name {
        "h264" => Some(Codec::H264),
        "h265" => Some(Codec::H265),
        _ => None,
    };
    let pictures = streams.iter().enumerate().find_map(|(n, stream)| {
        let codec = codec_of(stream.encoding_name()).filter(|_| stream.media() == "video");
        codec.map(|codec| (n, codec))
    });
    let Some((picture, codec)) = pictures else {
        let offered = streams.iter().map(|stream| stream.encoding_name());
        let offered = offered.collect::<Vec<_>>().join(", ");
        return Err(line(
            params,
            &format!(
                "it offers neither H.264 nor H.265, but: {offered}; choose one of them in the camera's settings"
            ),
        ));
    };
    let mut offer = Offer {
        codec,
        sound: None,
        sound_left_out: None,
    };
    let heard = streams.iter().position(|stream| stream.media() == "audio");
    if let (Some(stream), true) = (
        heard.and_then(|n| streams.get(n)),
        params.sound != SoundChoice::Off,
    ) {
        match sound_of(stream, params.sound) {
            Ok(format) => offer.sound = Some(format),
            Err(what) => offer.sound_left_out = Some(line(params, &what)),
        }
    }
    let sound = heard.filter(|_| offer.sound.is_some());
    for stream in [Some(picture), sound].into_iter().flatten() {
        let transport = match params.transport {
            Transport::Tcp => RtpTransport::Tcp(TcpTransportOptions::default()),
            Transport::Udp => RtpTransport::Udp(UdpTransportOptions::default()),
        };
        let options = SetupOptions::default()
            .transport(transport)
            .frame_format(FrameFormat::MP4);
        step(
            params,
            "setting the stream up",
            session.setup(stream, options),
        )
        .await?;
    }
    let options = PlayOptions::default().initial_timestamp(InitialTimestampPolicy::Permissive);
    let session = step(params, "starting the stream", session.play(options)).await?;
    let demuxed = session
        .demuxed()
        .map_err(|error| line(params, &error.to_string()))?;
    let playing = Playing {
        demuxed,
        picture,
        sound,
    };
    Ok((playing, offer))
}

/// How the sound of a stream is coded, or what it is that is not recorded.
fn sound_of(stream: &retina::client::Stream, choice: SoundChoice) -> Result<SoundFormat, String> {
    let g711 = |codec| {
        if choice != SoundChoice::G711 {
            return Err("G.711, which few players take in MP4; #sound=g711 records it".to_owned());
        }
        Ok(SoundFormat {
            codec,
            rate: stream.clock_rate_hz(),
            channels: stream.channels().map_or(1, |channels| channels.get()),
        })
    };
    match (stream.encoding_name(), stream.parameters()) {
        ("mpeg4-generic", Some(ParametersRef::Audio(parameters))) => {
            let config = AudioSpecificConfig::parse(parameters.extra_data());
            config.map(SoundFormat::aac).map_err(|e| e.to_string())
        }
        ("pcma", _) => g711(SoundCodec::ALaw),
        ("pcmu", _) => g711(SoundCodec::MuLaw),
        (name, _) => Err(name.to_owned()),
    }
}

/// One question to the camera, and its answer.
async fn step<T>(
    params: &RtspParams,
    doing: &str,
    asked: impl Future<Output = Result<T, retina::Error>>,
) -> Result<T, Failure> {
    let mut asked = Box::pin(asked);
    let begun = memory::asked();
    let bounded = poll_fn(|cx| bounded(cx, begun, |cx| asked.as_mut().poll(cx)));
    match timeout(TIMEOUT, bounded).await {
        Ok(Ok(Ok(answer))) => Ok(answer),
        Ok(Ok(Err(error))) => Err(explain(params, &error)),
        Ok(Err(TooMuch)) => Err(too_much()),
        Err(_) => Err(format!(
            "it does not answer within {} s ({doing})",
            TIMEOUT.as_secs()
        )),
    }
}

/// The camera makes the library ask for too much memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TooMuch;

/// Lets the library go on a few steps, and looks at what it asked for since `begun`.
fn bounded<T>(
    cx: &mut Context<'_>,
    begun: u64,
    poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
) -> Poll<Result<T, TooMuch>> {
    for _ in 0..STEPS_TAKEN {
        match coop::poll_proceed(cx) {
            Poll::Ready(step) => step.made_progress(),
            Poll::Pending => break,
        }
    }
    let polled = poll(cx);
    if memory::asked().wrapping_sub(begun) > MAX_ASKED {
        return Poll::Ready(Err(TooMuch));
    }
    polled.map(Ok)
}

fn too_much() -> Failure {
    format!(
        "it sends more than {} MiB that are no picture, and is no camera",
        MAX_ASKED >> 20
    )
}

/// Takes what comes until that ends, or until nobody wants it (`Err(None)`).
async fn pump(
    params: &RtspParams,
    mut playing: Playing,
    clock: &dyn Clock,
    outbox: &Outbox,
) -> Result<(), Option<Failure>> {
    let mut known: Option<VideoParametersCodec> = None;
    let mut damage = 0;
    let mut begun = memory::asked();
    let mut seen = Instant::now();
    loop {
        let next = poll_fn(|cx| {
            let demuxed = &mut playing.demuxed;
            bounded(cx, begun, |cx| Pin::new(demuxed).poll_next(cx))
        });
        let left = TIMEOUT.saturating_sub(seen.elapsed());
        let item = timeout(left, next).await.map_err(|_| {
            let silence = TIMEOUT.as_secs();
            Some(format!("no picture came for {silence} s"))
        })?;
        let message = match item.map_err(|TooMuch| Some(too_much()))? {
            None => return Err(Some("the camera ended the stream".to_owned())),
            Some(Err(error)) => {
                damage += 1;
                if damage > MAX_DAMAGE {
                    return Err(Some(explain(params, &error)));
                }
                Message::Damage
            }
            Some(Ok(CodecItem::VideoFrame(frame))) => {
                damage = 0;
                begun = memory::asked();
                seen = Instant::now();
                picture(&playing, frame, &mut known, clock)
            }
            Some(Ok(CodecItem::AudioFrame(frame))) => Message::Sound(Sound {
                time: ticks(frame.timestamp()),
                arrived: arrived(frame.ctx(), clock),
                data: frame.data().to_vec(),
            }),
            Some(Ok(CodecItem::Rtcp(packets))) => match report(&playing, &packets) {
                Some(message) => message,
                None => continue,
            },
            Some(Ok(_)) => continue,
        };
        outbox.put(message).map_err(|Closed| None)?;
    }
}

fn picture(
    playing: &Playing,
    frame: VideoFrame,
    known: &mut Option<VideoParametersCodec>,
    clock: &dyn Clock,
) -> Message {
    let mut sets = Vec::new();
    if (frame.has_new_parameters() || known.is_none())
        && let Some(parameters) = parameters(playing)
    {
        let current = parameters.codec_params();
        if known.as_ref() != Some(current) {
            sets = sets_of(current);
            *known = Some(current.clone());
        }
    }
    Message::Picture(Picture {
        sets,
        time: ticks(frame.timestamp()),
        arrived: arrived(frame.start_ctx(), clock),
        lost: frame.loss(),
        dropped: 0,
        data: frame.into_data(),
    })
}

fn parameters(playing: &Playing) -> Option<&VideoParameters> {
    match playing
        .demuxed
        .streams()
        .get(playing.picture)?
        .parameters()?
    {
        ParametersRef::Video(parameters) => Some(parameters),
        ParametersRef::Audio(_) | ParametersRef::Message(_) => None,
    }
}

fn sets_of(codec: &VideoParametersCodec) -> Vec<Vec<u8>> {
    match codec {
        VideoParametersCodec::H264 { sps, pps } => vec![sps.to_vec(), pps.to_vec()],
        VideoParametersCodec::H265 { vps, sps, pps } => {
            vec![vps.to_vec(), sps.to_vec(), pps.to_vec()]
        }
        _ => Vec::new(),
    }
}

/// What a sender report says.
fn report(playing: &Playing, packets: &retina::rtcp::ReceivedCompoundPacket) -> Option<Message> {
    let stream = match packets.stream_id() {
        n if n == playing.picture => Stream::Picture,
        n if Some(n) == playing.sound => Stream::Sound,
        _ => return None,
    };
    let time = ticks(packets.rtp_timestamp()?);
    let mut reports = packets.pkts().filter_map(|packet| {
        let report = packet.as_sender_report().ok()??;
        Some(report.ntp_timestamp().0)
    });
    let ntp = reports.next()?;
    Some(Message::Report(stream, Report { time, ntp }))
}

/// Since the start of the session, in ticks of 1/90000 s.
fn ticks(timestamp: retina::Timestamp) -> i64 {
    Ticks::new(timestamp.elapsed(), timestamp.clock_rate().get())
        .nearest(TIMESCALE)
        .value
}

fn arrived(packet: &retina::PacketContext, clock: &dyn Clock) -> BootNs {
    clock.now() - packet.received().elapsed()
}

/// What the library complains of, in the words of somebody who can do something about it.
fn explain(params: &RtspParams, error: &retina::Error) -> Failure {
    match error.status_code() {
        Some(401 | 403) => match params.credentials() {
            Some(_) => "it refuses user and password: look at rtsp://USER@HOST/... and at password = \"...\" below \
                        [[camera]] in picam.toml"
                .to_owned(),
            None => "it wants a user and a password: write rtsp://USER@HOST/... as source, and password = \"...\" \
                     below [[camera]] in picam.toml"
                .to_owned(),
        },
        Some(404) => {
            "it has no such stream (404): look at what stands behind the address in the URL".to_owned()
        }
        Some(461) => {
            "it does not send pictures that way (461): write #transport=tcp or #transport=udp behind the URL".to_owned()
        }
        Some(453 | 503) => "it serves too many already: end other programs that watch it".to_owned(),
        _ => line(params, &error.to_string()),
    }
}

/// One line of printable text, without what is secret.
fn line(params: &RtspParams, text: &str) -> String {
    let first = text.lines().find(|line| !line.trim().is_empty());
    let safe = params.redact(first.unwrap_or("it failed without a word"));
    let shown = safe.chars().filter(|c| !c.is_control());
    shown.take(MAX_MESSAGE).collect()
}
