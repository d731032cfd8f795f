//! How much memory something takes: an allocator that counts.
#![allow(
    unsafe_code,
    reason = "an allocator is unsafe by its trait; this one hands every call on to the system's"
)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    ptr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// No allocation of this size is made: a decoder that asks for more ends the program instead of the machine.
const ONE_MAX: usize = 1 << 30;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static COUNTING: Counting = Counting;

struct Counting;

// SAFETY: every call goes to the system's allocator with the arguments it came with, or is refused.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() >= ONE_MAX {
            return ptr::null_mut();
        }
        // SAFETY: the caller keeps the contract.
        let place = unsafe { System.alloc(layout) };
        taken(place, layout.size());
        place
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.size() >= ONE_MAX {
            return ptr::null_mut();
        }
        // SAFETY: the caller keeps the contract.
        let place = unsafe { System.alloc_zeroed(layout) };
        taken(place, layout.size());
        place
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if size >= ONE_MAX {
            return ptr::null_mut();
        }
        // SAFETY: the caller keeps the contract.
        let place = unsafe { System.realloc(old, layout, size) };
        // While it moves there are both.
        taken(place, size);
        if !place.is_null() {
            LIVE.fetch_sub(layout.size(), Relaxed);
        }
        place
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(place, layout) };
        LIVE.fetch_sub(layout.size(), Relaxed);
    }
}

fn taken(place: *mut u8, size: usize) {
    if !place.is_null() {
        let live = LIVE.fetch_add(size, Relaxed) + size;
        PEAK.fetch_max(live, Relaxed);
    }
}

/// What `run` gives, and the most bytes that all threads together held at once beyond what they held before it. One at a time
/// is measured.
pub fn peak_of<T>(run: impl FnOnce() -> T) -> (T, usize) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = LIVE.load(Relaxed);
    PEAK.store(before, Relaxed);
    let given = run();
    (given, PEAK.load(Relaxed).saturating_sub(before))
}
