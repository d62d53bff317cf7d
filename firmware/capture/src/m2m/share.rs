//! What cameras take of one encoder together.

use std::sync::atomic::{AtomicU32, Ordering};

use super::plan::{PI_CARD, Wanted};

/// Macroblocks a second that a Raspberry Pi's encoder codes: 1920x1080 at 30 a second, by its specification.
const PI_SPEED: u32 = 8_160 * 30;

/// What all cameras of this process take of it.
static IN_USE: AtomicU32 = AtomicU32::new(0);

/// What one camera takes, until it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    of: &'static AtomicU32,
    macroblocks: u32,
}

impl Share {
    /// Takes what such pictures need of the encoder `card`.
    ///
    /// # Errors
    /// In words for people, if others have taken too much.
    pub(super) fn take(wanted: &Wanted, card: &str) -> Result<Self, String> {
        let speed = if card == PI_CARD { PI_SPEED } else { u32::MAX };
        Self::take_of(&IN_USE, wanted, speed)
    }

    fn take_of(of: &'static AtomicU32, wanted: &Wanted, speed: u32) -> Result<Self, String> {
        let macroblocks = match speed {
            u32::MAX => 0,
            _ => wanted.macroblocks().saturating_mul(wanted.fps),
        };
        let add = |in_use: u32| {
            let sum = in_use.checked_add(macroblocks)?;
            (sum <= speed).then_some(sum)
        };
        match of.fetch_update(Ordering::SeqCst, Ordering::SeqCst, add) {
            Ok(_) => Ok(Self { of, macroblocks }),
            Err(0) => Err("it is too slow for such pictures".to_owned()),
            Err(_) => Err("another camera needs it".to_owned()),
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.fetch_sub(self.macroblocks, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use picam_media::Colour;

    use super::super::plan::H264;
    use super::*;

    fn wanted(width: u32, height: u32, fps: u32) -> Wanted {
        Wanted {
            width,
            height,
            fps,
            bitrate: 5_000_000,
            gop: fps,
            coded: H264,
            colour: Colour::Bt709,
        }
    }

    #[test]
    fn two_cameras_share_what_one_encoder_can_do() {
        static OF: AtomicU32 = AtomicU32::new(0);
        let take = |width, height, fps| Share::take_of(&OF, &wanted(width, height, fps), PI_SPEED);
        let whole = take(1920, 1080, 30).unwrap();
        assert!(take(640, 480, 30).unwrap_err().contains("another camera"));
        drop(whole);
        let halves = (take(1280, 720, 30).unwrap(), take(1280, 720, 30).unwrap());
        assert!(take(1280, 720, 30).is_err());
        drop(halves);
        assert!(take(1920, 1080, 60).unwrap_err().contains("too slow"));
        assert_eq!(OF.load(Ordering::SeqCst), 0);
    }
}
