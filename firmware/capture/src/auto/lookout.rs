//! Looks out for cameras that come while another is recorded.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use picam_media::AccessUnit;

use super::{ANSWERS_WITHIN, Bindings, find};
use crate::picture::{Picture, PictureReport};
use crate::wake::any_signature;
use crate::{CaptureError, Event, Overlay, Source, Still};

/// How often it looks whether nodes have come or gone.
const EVERY: Duration = Duration::from_secs(2);

/// A source, and what it looks out for: a camera that has no name gets one, and whoever records is told.
pub(super) struct Lookout {
    source: Box<dyn Source>,
    bindings: Arc<Bindings>,
    looked: Instant,
    seen: u64,
}

impl Lookout {
    pub(super) fn over(source: Box<dyn Source>, bindings: Arc<Bindings>) -> Self {
        Self {
            source,
            bindings,
            looked: Instant::now(),
            seen: 0,
        }
    }

    fn look(&mut self) {
        if self.looked.elapsed() < EVERY {
            return;
        }
        self.looked = Instant::now();
        let now = any_signature(Path::new("/"));
        if std::mem::replace(&mut self.seen, now) == now {
            return;
        }
        let bindings = self.bindings.clone();
        // Opening a node may hang.
        let looking = std::thread::Builder::new().name("lookout".to_owned());
        let _ = looking.spawn(move || bindings.name_new(&find(Path::new("/"), ANSWERS_WITHIN)));
    }
}

impl Source for Lookout {
    fn read(&mut self, unit: &mut AccessUnit, timeout: Duration) -> Result<Event, CaptureError> {
        self.look();
        self.source.read(unit, timeout)
    }

    fn request_key_frame(&mut self) -> bool {
        self.source.request_key_frame()
    }

    fn set_picture(&mut self, wanted: &Picture) -> PictureReport {
        self.source.set_picture(wanted)
    }

    fn picture(&mut self) -> PictureReport {
        self.source.picture()
    }

    fn set_overlay(&mut self, overlay: Overlay) -> bool {
        self.source.set_overlay(overlay)
    }

    fn want_still(&mut self) -> bool {
        self.source.want_still()
    }

    fn take_still(&mut self) -> Option<Still> {
        self.source.take_still()
    }

    fn replays(&self) -> bool {
        self.source.replays()
    }

    fn is_live(&self) -> bool {
        self.source.is_live()
    }

    fn describe(&self) -> String {
        self.source.describe()
    }
}
