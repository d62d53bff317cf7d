//! What must be true of every report, wherever it comes from.

use picam_mp4::camm;
use picam_sensors::gps::{FixFilter, ReceiverClock, Report, true_utc};
use picam_time::{CEILING, FLOOR};

/// Follows reports as a recording does; panics if something that cannot be is believed.
pub(super) fn believed() -> impl FnMut(&Report) {
    let mut filter = FixFilter::default();
    let mut clock = ReceiverClock::default();
    move |report| {
        let Report::Fix(fix) = report else { return };
        let number = |value: Option<f64>| value.is_none_or(f64::is_finite);
        assert!(number(fix.altitude) && number(fix.speed) && number(fix.course));
        if filter.check(fix).is_err() {
            return;
        }
        assert!(fix.latitude.abs() <= 90.0 && fix.longitude.abs() <= 180.0);
        let utc = fix.utc.and_then(|said| true_utc(said).ok());
        if let Some(utc) = utc {
            assert!((FLOOR..CEILING).contains(&utc));
            if let Some(Ok(anchor)) = clock.note(fix.captured, utc) {
                assert!(anchor.utc(fix.captured).apart(utc).as_secs() < 1);
            }
        }
        let (mut sample, mut text) = (Vec::new(), Vec::new());
        fix.write_sample(utc, &mut sample);
        fix.write_text(&mut text);
        match utc {
            Some(_) => assert!(camm::Fix::from_sample(&sample).is_some_and(|fix| fix.is_usable())),
            None => assert!(camm::position(&sample).is_some()),
        }
    }
}
