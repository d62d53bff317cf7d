//! The frame numbers that the simulated camera burns into its pictures.

use std::path::Path;

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
