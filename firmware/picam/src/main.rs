//! The one binary.

use std::process::ExitCode;

use picam_capture::AllocationCounter;

/// Bounds what a network camera can make the RTSP client buffer.
#[global_allocator]
static ALLOCATOR: AllocationCounter = AllocationCounter;

fn main() -> ExitCode {
    picam::cli::main()
}
