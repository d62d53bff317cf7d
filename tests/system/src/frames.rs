//! The frame numbers that the simulated camera burns into its pictures.

use std::path::Path;
use std::time::Duration;

use picam_testkit::judges;

/// Frame numbers of a file, in the order shown.
pub fn numbers(file: &Path, width: usize, height: usize) -> Vec<u32> {
    let mut numbers = Vec::new();
    let path = file.to_str().unwrap();
    judges::grey_frames(&["-i", path], width, height, |picture| {
        numbers.push(judges::barcode(picture, width));
    })
    .unwrap();
    numbers
}

/// Panics unless each number follows the one before.
pub fn assert_consecutive(numbers: &[u32], of: &str) {
    for pair in numbers.windows(2) {
        assert_eq!(
            pair[0] + 1,
            pair[1],
            "{of}: a frame is missing or there twice"
        );
    }
}

/// Panics unless each number follows the one before, but for what the simulated camera leaves out when it comes late: no more
/// together than twice the time for which a processor was withheld from it, as what it then has to make up for takes time, too.
pub fn assert_consecutive_but(numbers: &[u32], frame: Duration, withheld: Duration, of: &str) {
    let mut missing = 0;
    for pair in numbers.windows(2) {
        assert!(pair[0] < pair[1], "{of}: {pair:?} out of order");
        missing += pair[1] - pair[0] - 1;
    }
    assert!(
        frame * missing <= 2 * withheld,
        "{of}: {missing} frames are missing, and the processor was withheld for {} ms",
        withheld.as_millis()
    );
}
