//! A fix in words: what a player shows under the picture.

use picam_mp4::timed_text;

use crate::Motion;

/// A line of text such as `47 km/h  50.32890 6.94470`.
pub(crate) fn write(motion: &Motion, out: &mut Vec<u8>) {
    let [east, north, _] = motion.velocity;
    let line = format!(
        "{:.0} km/h  {:.5} {:.5}",
        east.hypot(north) * 3.6,
        motion.latitude,
        motion.longitude
    );
    timed_text::write_sample(&line, out);
}
