//! What a person writes: `picam.toml`, and the description of a camera.

use picam::config::parse_config;
use picam_capture::{CameraSpec, CaptureError};

/// A text. Whatever is wrong with it, the answer says where, what, and what to write instead.
pub fn config(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    for problem in parse_config(text).problems {
        // What ends too early is wrong behind the last line break.
        assert!(problem.line >= 1 && problem.line <= text.matches('\n').count() + 1);
        assert!(!problem.what.is_empty() && !problem.remedy.is_empty());
    }
    for line in text.lines() {
        match CameraSpec::parse(line) {
            Ok(_) => {}
            Err(CaptureError::Config(what)) => assert!(!what.is_empty()),
            Err(other) => panic!("{line:?}: {other:?}"),
        }
    }
}
