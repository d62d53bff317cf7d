//! The hardware encoder as cameras use it: access units of H.264 in the end.

use std::io;
use std::time::Duration;

use picam_media::annexb::nals;
use picam_media::{AccessUnit, Codec, EncoderSettings, Start, UnitBuilder, UnitKind, Yuv420};

use super::fallback::WithFallback;
use super::find::{Found, choose, encoders};
use super::ioctl::Node;
use super::machine::Content;
use super::plan::{H264, Wanted, bitrate, steps};
use super::port::Port;
use super::rate::Governor;
use super::session::{Session, Sink};
use super::share::Share;
use crate::{CaptureError, Encode, EncoderCounts, Software, Times};

/// Opens the encoder that suits: hardware where the board has one that can take such pictures, else software. Which, and
/// why, is in [`Encode::describe`]. Looks at all nodes of Video4Linux, and so may hang as long as one of their drivers does.
///
/// # Errors
/// [`CaptureError`] if not even the software takes the settings.
pub fn open_encoder(settings: EncoderSettings) -> Result<Box<dyn Encode>, CaptureError> {
    let wanted = wanted(&settings);
    let why = match choose(encoders(H264), &wanted) {
        Ok(found) => match Hardware::open(&found, &wanted) {
            Ok(encoder) => return Ok(Box::new(WithFallback::new(encoder, settings))),
            Err(error) => format!("{} cannot be used: {error}", found.facts.card),
        },
        Err(why) => why,
    };
    Ok(Box::new(Software::new(settings, why)?))
}

fn wanted(settings: &EncoderSettings) -> Wanted {
    Wanted {
        width: settings.width.into(),
        height: settings.height.into(),
        fps: settings.fps,
        bitrate: settings.bitrate,
        gop: settings.gop,
        coded: H264,
        colour: settings.colour,
    }
}

/// Opens a node and sets it up.
fn start(found: &Found, wanted: &Wanted) -> io::Result<Node> {
    let mut node = Node::open(&found.path)?;
    node.start(
        &steps(wanted, &found.facts.card),
        wanted.width,
        wanted.height,
    )?;
    Ok(node)
}

/// An encoder in hardware, at the node `P`.
pub struct Hardware<P = Node> {
    session: Session<P>,
    parser: Parser,
    governor: Governor,
    card: String,
    name: String,
    /// Held as long as it is open.
    #[allow(dead_code, reason = "what counts is when it is dropped")]
    share: Option<Share>,
}

impl Hardware {
    /// Opens one that was found.
    ///
    /// # Errors
    /// What the driver says, or that another camera takes all of it.
    pub fn open(found: &Found, wanted: &Wanted) -> io::Result<Self> {
        let share = Share::take(wanted, &found.facts.card).map_err(io::Error::other)?;
        let name = format!(
            "in hardware ({} at {})",
            found.facts.card,
            found.path.display()
        );
        let card = found.facts.card.clone();
        let (found, wanted) = (found.clone(), *wanted);
        let open = Box::new(move || start(&found, &wanted));
        let session = Session::open(open, wanted.fps)?;
        let mut opened = Self::new(session, &wanted, card, name);
        opened.share = Some(share);
        Ok(opened)
    }
}

impl<P: Port> Hardware<P> {
    pub(super) fn new(session: Session<P>, wanted: &Wanted, card: String, name: String) -> Self {
        Self {
            session,
            parser: Parser {
                builder: (wanted.coded == H264).then(|| UnitBuilder::new(Codec::H264)),
                unit: AccessUnit::new(),
            },
            governor: Governor::new(wanted.bitrate, wanted.fps),
            card,
            name,
            share: None,
        }
    }
}

impl Hardware {
    /// For tests: keeps what the driver needs to go on, until it is found to hang and set up anew.
    #[doc(hidden)]
    pub const fn withhold(&mut self) {
        self.session.withholds = true;
    }
}

/// Takes apart what lies in a buffer.
struct Parser {
    /// Keeps the parameter sets of the first buffer for all that follow. `None` for a codec of which this program knows no
    /// more than the driver says.
    builder: Option<UnitBuilder>,
    unit: AccessUnit,
}

impl Sink for Parser {
    fn take(&mut self, bytes: &[u8], is_key: bool) -> Content {
        let Some(builder) = &mut self.builder else {
            self.unit.data.clear();
            self.unit.data.extend_from_slice(bytes);
            self.unit.start = if is_key { Start::Idr } else { Start::None };
            return Content::Picture { is_start: is_key };
        };
        builder.begin(&mut self.unit);
        for nal in nals(bytes) {
            if builder.push(&mut self.unit, nal).is_err() {
                break;
            }
        }
        match builder.finish(&mut self.unit) {
            Ok(true) => Content::Picture {
                is_start: self.unit.start.is_start(),
            },
            // Parameter sets alone (picamera2 issue 1236), or nothing that can be read.
            _ => Content::Headers,
        }
    }
}

impl<P: Port> Encode for Hardware<P> {
    fn put(&mut self, picture: &Yuv420, times: Times, key: bool) -> Result<(), CaptureError> {
        if key {
            self.session.want_key();
        }
        self.session.put(picture, times).map_err(failed)
    }

    fn take(&mut self, unit: &mut AccessUnit, timeout: Duration) -> Result<bool, CaptureError> {
        let came = self.session.take(&mut self.parser, timeout);
        let Some(came) = came.map_err(failed)? else {
            return Ok(false);
        };
        let ready = &mut self.parser.unit;
        ready.kind = UnitKind::Video;
        ready.dropped_before = came.lost_before;
        came.times.stamp(ready);
        ready.epoch = unit.epoch;
        let correction = self.governor.note(ready.data.len(), ready.start.is_start());
        std::mem::swap(ready, unit);
        if let Some(wanted) = correction.bitrate {
            self.session.set_bitrate(bitrate(wanted, &self.card));
        }
        if correction.key_frame {
            self.session.want_key();
        }
        Ok(true)
    }

    fn finish(&mut self) -> Result<(), CaptureError> {
        self.session.finish();
        Ok(())
    }

    fn counts(&self) -> EncoderCounts {
        self.session.counts()
    }

    fn describe(&self) -> String {
        match self.session.last_fault() {
            None => self.name.clone(),
            Some(fault) => format!("{}; set up anew last because {fault}", self.name),
        }
    }
}

fn failed(source: io::Error) -> CaptureError {
    CaptureError::Io {
        context: "the encoder in hardware".to_owned(),
        source,
    }
}

#[cfg(test)]
#[path = "encoder_tests.rs"]
mod tests;
