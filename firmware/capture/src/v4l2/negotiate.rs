//! Which of the formats, sizes and rates that a camera has is taken.

use std::fmt::Write as _;

use picam_media::FrameRate;

use super::device::{Agreed, Mode, Offer};
use super::format::PixelFormat;
use super::params::Wishes;

/// Size where nobody asks for one and the pictures are encoded here, in software.
const USUAL_SIZE: (u32, u32) = (1280, 720);
/// The same where the camera encodes.
const ENCODED_SIZE: (u32, u32) = (1920, 1080);
/// Pictures a second where nobody asks for a rate.
const USUAL_RATE: u32 = 30;
/// Modes are equally good if they are no further apart than this; a half is twice the pixels.
const EQUALLY_GOOD: f64 = 0.05;
/// Longest side that can be recorded.
const MAX_SIDE: u32 = 3840;
/// Shortest.
const MIN_SIDE: u32 = 16;

/// Chooses a mode.
///
/// The nearest in size and rate to what is asked for wins, a rate that is missed counting double: a second picture
/// tells more of a road than twice the pixels. Of those that are equally near, the one that costs least: H.264 as it comes,
/// then raw pictures, then MJPEG.
///
/// # Errors
/// A sentence on what the camera has instead.
pub(crate) fn choose(offers: &[Offer], wishes: &Wishes) -> Result<Mode, String> {
    let usable = |offer: &&Offer| {
        let format = PixelFormat::of(offer.fourcc);
        format.is_some_and(|format| wishes.format.is_none_or(|wanted| wanted == format))
            && (MIN_SIDE..=MAX_SIDE).contains(&offer.width)
            && (MIN_SIDE..=MAX_SIDE).contains(&offer.height)
    };
    let best = offers
        .iter()
        .filter(usable)
        .filter_map(|offer| candidate(offer, wishes))
        .min_by_key(|(cost, mode)| {
            let cost = (cost / EQUALLY_GOOD).round() as u64;
            (cost, mode.format.rank(), std::cmp::Reverse(mode.width))
        });
    best.map(|(_, mode)| mode).ok_or_else(|| {
        let wanted = wishes
            .format
            .map_or("a format that can be recorded", PixelFormat::name);
        match formats(offers) {
            none if none.is_empty() => "it offers no format at all".to_owned(),
            some => format!(
                "it has no {wanted}, only {some}; picam records H.264, MJPEG, YUYV, NV12 and YU12"
            ),
        }
    })
}

/// The formats in words.
fn formats(offers: &[Offer]) -> String {
    let mut words = String::new();
    let mut last = None;
    for offer in offers {
        if last != Some(offer.fourcc) {
            last = Some(offer.fourcc);
            let comma = if words.is_empty() { "" } else { ", " };
            let _ = write!(words, "{comma}{}", offer.fourcc);
        }
    }
    words
}

/// The offer at its best rate, and how far it is from what is wanted.
fn candidate(offer: &Offer, wishes: &Wishes) -> Option<(f64, Mode)> {
    let format = PixelFormat::of(offer.fourcc)?;
    let usual = match format.is_recorded_as_it_comes() {
        true => ENCODED_SIZE,
        false => USUAL_SIZE,
    };
    let wanted = wishes.size.map_or(usual, |(w, h)| (w.into(), h.into()));
    let wanted_rate = f64::from(wishes.fps.unwrap_or(USUAL_RATE));
    let miss = |rate: FrameRate| miss(wanted_rate, rate.hz());
    let rate = offer
        .rates
        .iter()
        .copied()
        .min_by(|a, b| miss(*a).total_cmp(&miss(*b)));
    // Who names a size means it.
    let weight = if wishes.size.is_some() { 4.0 } else { 1.0 };
    let size_cost = weight * size_miss(wanted, (offer.width, offer.height));
    let cost = size_cost + rate.map_or(0.0, miss);
    let mode = Mode {
        format,
        width: offer.width,
        height: offer.height,
        rate: rate.or_else(|| FrameRate::new(wishes.fps.unwrap_or(USUAL_RATE), 1)),
    };
    Some((cost, mode))
}

/// How bad it is to have `got` pictures a second.
fn miss(wanted: f64, got: f64) -> f64 {
    let ratio = (wanted / got.max(1e-6)).ln();
    match ratio > 0.0 {
        true => 2.0 * ratio,
        // More than asked for costs work, no pictures.
        false => -0.5 * ratio,
    }
}

/// How bad it is to have pictures of this size.
fn size_miss(wanted: (u32, u32), got: (u32, u32)) -> f64 {
    let area = |(w, h): (u32, u32)| f64::from(w) * f64::from(h);
    let ratio = (area(wanted) / area(got).max(1.0)).ln();
    let shape = |(w, h): (u32, u32)| f64::from(w) / f64::from(h.max(1));
    let bent = (shape(wanted) / shape(got)).ln().abs();
    // Too large is worse than too small: it may be more than the encoder and the card can take.
    let size = if ratio > 0.0 { ratio } else { -1.5 * ratio };
    size + 0.1 * bent
}

/// What the driver made of what was asked for, as far as that is something else, in words.
pub(crate) fn changes(wishes: &Wishes, chosen: &Mode, agreed: &Agreed) -> Vec<String> {
    let mut changes = Vec::new();
    let got = (agreed.width, agreed.height);
    let asked = wishes
        .size
        .map_or((chosen.width, chosen.height), |(w, h)| (w.into(), h.into()));
    if got != asked {
        changes.push(format!(
            "{}x{} instead of {}x{}",
            got.0, got.1, asked.0, asked.1
        ));
    }
    if let Some(rate) = agreed.rate {
        let asked = wishes.fps.map(f64::from);
        let asked = asked
            .or(chosen.rate.map(FrameRate::hz))
            .unwrap_or(rate.hz());
        if (rate.hz() - asked).abs() > 0.02 * asked {
            changes.push(format!(
                "{} pictures a second instead of {asked}",
                show(rate)
            ));
        }
    }
    if PixelFormat::of(agreed.fourcc) != Some(chosen.format) {
        changes.push(format!("{} instead of {}", agreed.fourcc, chosen.format));
    }
    changes
}

/// `30`, `29.97`.
pub(crate) fn show(rate: FrameRate) -> String {
    let text = format!("{:.2}", rate.hz());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::device::FourCc;
    use super::*;

    fn offer(code: &[u8; 4], width: u32, height: u32, rates: &[u32]) -> Offer {
        Offer {
            fourcc: FourCc(*code),
            width,
            height,
            rates: rates
                .iter()
                .filter_map(|&hz| FrameRate::new(hz, 1))
                .collect(),
            field_of_view: None,
        }
    }

    fn chosen(offers: &[Offer], wishes: &Wishes) -> (PixelFormat, u32, u32, Option<String>) {
        let mode = choose(offers, wishes).unwrap();
        (mode.format, mode.width, mode.height, mode.rate.map(show))
    }

    const ANY: Wishes = Wishes {
        size: None,
        fps: None,
        format: None,
        bitrate: None,
        gop: None,
    };

    #[test]
    fn a_usual_webcam_delivers_720p30_as_mjpeg_not_ten_raw_pictures_a_second() {
        let offers = [
            offer(b"YUYV", 640, 480, &[30, 15]),
            offer(b"YUYV", 1280, 720, &[10, 5]),
            offer(b"YUYV", 1920, 1080, &[5]),
            offer(b"MJPG", 640, 480, &[30, 15]),
            offer(b"MJPG", 1280, 720, &[60, 30]),
            offer(b"MJPG", 1920, 1080, &[30]),
        ];
        let thirty = Some("30".to_owned());
        assert_eq!(
            chosen(&offers, &ANY),
            (PixelFormat::Mjpeg, 1280, 720, thirty.clone())
        );
        // Without MJPEG: rather a small picture than a rare one.
        assert_eq!(
            chosen(&offers[..3], &ANY),
            (PixelFormat::Yuyv, 640, 480, thirty.clone())
        );
        let large = Wishes {
            size: Some((1920, 1080)),
            ..ANY
        };
        assert_eq!(
            chosen(&offers, &large),
            (PixelFormat::Mjpeg, 1920, 1080, thirty)
        );
        let fast = Wishes {
            fps: Some(60),
            ..ANY
        };
        assert_eq!(
            chosen(&offers, &fast),
            (PixelFormat::Mjpeg, 1280, 720, Some("60".into()))
        );
        let raw = Wishes {
            format: Some(PixelFormat::Yuyv),
            size: Some((1280, 720)),
            ..ANY
        };
        assert_eq!(
            chosen(&offers, &raw),
            (PixelFormat::Yuyv, 1280, 720, Some("10".into()))
        );
    }

    #[test]
    fn h264_goes_first_unless_it_is_much_smaller_or_rarer() {
        let mjpeg = offer(b"MJPG", 1280, 720, &[30]);
        let good = [offer(b"H264", 1920, 1080, &[30]), mjpeg.clone()];
        assert_eq!(chosen(&good, &ANY).0, PixelFormat::H264);
        // 29.97 is as good as 30.
        let ntsc = Offer {
            rates: vec![FrameRate::new(30_000, 1001).unwrap()],
            ..offer(b"H264", 1920, 1080, &[])
        };
        assert_eq!(
            chosen(&[mjpeg.clone(), ntsc], &ANY),
            (PixelFormat::H264, 1920, 1080, Some("29.97".into()))
        );
        for poor in [
            offer(b"H264", 640, 360, &[30]),
            offer(b"H264", 1920, 1080, &[5]),
        ] {
            assert_eq!(chosen(&[poor, mjpeg.clone()], &ANY).0, PixelFormat::Mjpeg);
        }
    }

    #[test]
    fn of_raw_formats_the_one_with_least_to_convert_goes_first() {
        let all: Vec<Offer> = [b"YUYV", b"NV12", b"YU12", b"MJPG", b"RGB3"]
            .iter()
            .map(|code| offer(code, 1280, 720, &[30]))
            .collect();
        assert_eq!(chosen(&all, &ANY).0, PixelFormat::Yu12);
        let without = |code: &[u8; 4]| {
            let rest: Vec<Offer> = all
                .iter()
                .filter(|o| o.fourcc.0 != *code)
                .cloned()
                .collect();
            rest
        };
        assert_eq!(chosen(&without(b"YU12"), &ANY).0, PixelFormat::Nv12);
    }

    #[test]
    fn what_cannot_be_recorded_is_named() {
        let error = |offers: &[Offer], wishes: &Wishes| choose(offers, wishes).unwrap_err();
        assert!(error(&[], &ANY).contains("no format"));
        let infrared = [
            offer(b"GREY", 640, 480, &[30]),
            offer(b"Y16 ", 640, 480, &[9]),
        ];
        let what = error(&infrared, &ANY);
        assert!(
            what.contains("GREY, Y16 ") && what.contains("H.264"),
            "{what}"
        );
        let wishes = Wishes {
            format: Some(PixelFormat::H264),
            ..ANY
        };
        let what = error(&[offer(b"MJPG", 640, 480, &[30])], &wishes);
        assert!(what.contains("no h264") && what.contains("MJPG"), "{what}");
        // Larger than any encoder takes.
        assert!(choose(&[offer(b"MJPG", 7680, 4320, &[30])], &ANY).is_err());
    }

    #[test]
    fn a_camera_that_says_no_rates_is_asked_for_the_usual_one() {
        let mute = [offer(b"YUYV", 640, 480, &[])];
        assert_eq!(chosen(&mute, &ANY).3, Some("30".to_owned()));
    }

    #[test]
    fn what_the_driver_changed_is_said() {
        let mode = choose(&[offer(b"YUYV", 1280, 720, &[30])], &ANY).unwrap();
        let agreed = Agreed {
            fourcc: mode.format.fourcc(),
            width: 1280,
            height: 720,
            stride: 2560,
            has_whole_frames: true,
            is_709: false,
            is_full_range: false,
            rate: mode.rate,
        };
        assert_eq!(changes(&ANY, &mode, &agreed), Vec::<String>::new());
        let other = Agreed {
            width: 640,
            height: 480,
            rate: FrameRate::new(15, 1),
            ..agreed
        };
        assert_eq!(
            changes(&ANY, &mode, &other),
            [
                "640x480 instead of 1280x720",
                "15 pictures a second instead of 30"
            ]
        );
        // Asked for by a person: also what was chosen for want of something better.
        let wish = Wishes {
            size: Some((1920, 1080)),
            ..ANY
        };
        assert_eq!(
            changes(&wish, &mode, &agreed),
            ["1280x720 instead of 1920x1080"]
        );
    }

    fn offers() -> impl Strategy<Value = Vec<Offer>> {
        let code = prop::sample::select(vec![*b"H264", *b"MJPG", *b"YUYV", *b"NV12", *b"GREY"]);
        let rates = prop::collection::vec((1u32..200, 1u32..20), 0..4);
        let one = (code, any::<u32>(), any::<u32>(), rates).prop_map(|(code, w, h, rates)| Offer {
            fourcc: FourCc(code),
            width: w >> (w % 31),
            height: h >> (h % 31),
            rates: rates
                .iter()
                .filter_map(|&(n, d)| FrameRate::new(n, d))
                .collect(),
            field_of_view: None,
        });
        prop::collection::vec(one, 0..12)
    }

    proptest! {
        #[test]
        fn what_is_chosen_was_offered(
            offers in offers(),
            size in prop::option::of((16u16..3840, 16u16..3840)),
            fps in prop::option::of(1u32..121),
        ) {
            let wishes = Wishes { size, fps, ..ANY };
            let Ok(mode) = choose(&offers, &wishes) else { return Ok(()) };
            let offered = |offer: &Offer| {
                offer.fourcc == mode.format.fourcc()
                    && (offer.width, offer.height) == (mode.width, mode.height)
                    && (offer.rates.is_empty() || mode.rate.is_some_and(|r| offer.rates.contains(&r)))
            };
            prop_assert!(offers.iter().any(offered));
        }

        #[test]
        fn what_is_offered_exactly_is_taken(
            mut offers in offers(),
            fps in 1u32..121,
            at in any::<prop::sample::Index>(),
        ) {
            let wanted = offer(b"NV12", 848, 480, &[fps]);
            offers.insert(at.index(offers.len() + 1), wanted);
            let wishes = Wishes {
                size: Some((848, 480)), fps: Some(fps), format: Some(PixelFormat::Nv12), ..ANY
            };
            let mode = choose(&offers, &wishes).unwrap();
            prop_assert!(size_miss((848, 480), (mode.width, mode.height)) < EQUALLY_GOOD);
            prop_assert!((mode.rate.unwrap().hz() - f64::from(fps)).abs() < 0.1 * f64::from(fps));
        }
    }
}
