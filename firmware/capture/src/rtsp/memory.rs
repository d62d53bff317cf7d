//! How much memory a thread asks for.
//!
//! The RTSP client library buffers a message, or a picture, until it is whole, and knows no longest one: a camera that has been
//! taken over, or a wrong address, could make it take all there is. The library offers no limit, and its socket is out of reach.
//! So the thread that runs it counts what it allocates, and gives the camera up when that is too much between two pictures.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Bytes that this thread asked for, ever.
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, which counts for each thread what it asks for. A program that opens RTSP sources makes it the
/// global one; elsewhere nothing is counted, and nothing limited.
#[derive(Debug, Clone, Copy, Default)]
pub struct AllocationCounter;

/// Bytes that this thread has asked for so far.
pub(crate) fn asked() -> u64 {
    ASKED.get()
}

fn count(bytes: usize) {
    // Gone while the thread ends: nobody asks any more.
    let _ = ASKED.try_with(|asked| asked.set(asked.get().wrapping_add(bytes as u64)));
}

// SAFETY: every call is handed on to `System` as it came, which keeps the contract. Counting allocates nothing: the counter is
// a plain number in thread-local storage that needs neither to be set up nor to be dropped.
unsafe impl GlobalAlloc for AllocationCounter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.saturating_sub(layout.size()));
        // SAFETY: the caller's promise is handed on.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static COUNTER: AllocationCounter = AllocationCounter;

    #[test]
    fn each_thread_counts_what_it_asks_for() {
        let before = asked();
        let mut block = vec![1u8; 100_000];
        assert!((100_000..110_000).contains(&(asked() - before)));
        block.resize(300_000, 0);
        assert!((300_000..330_000).contains(&(asked() - before)));
        let zeroed = vec![0u8; 1 << 20];
        assert!(asked() - before >= 300_000 + zeroed.len() as u64);
        std::thread::spawn(|| assert!(asked() < 100_000))
            .join()
            .unwrap();
    }
}
