//! Counting of kernel launches.

use cubecl_runtime::logging::{LaunchObservation, LaunchObserver};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Default)]
struct Counter(AtomicU64);

impl LaunchObserver for Counter {
    fn launched(&self, _kernel: &'static str) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Run a computation, and return the number of kernels that this process launches on GPUs meanwhile.
pub fn count_launches<R>(compute: impl FnOnce() -> R) -> (R, u64) {
    let counter = Arc::new(Counter::default());
    let observation = LaunchObservation::new(counter.clone());
    let result = compute();
    drop(observation);
    (result, counter.0.load(Ordering::Relaxed))
}
