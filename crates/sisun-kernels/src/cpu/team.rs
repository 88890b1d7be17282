//! Threads that stay awake between many short pieces of shared work.
//!
//! Decoding one token is a few dozen products of some microseconds each. A pool's threads fall asleep between them, and
//! waking one takes longer than its share. While a [`keep_awake`] runs, the other threads look for work without
//! sleeping, and work is handed to them through one pointer.
#![allow(unsafe_code)] // one pointer to work on another thread's stack, with its proof

use rayon::prelude::*;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

/// Looks at the pointer between two offers of the processor to other programs.
const SPINS: usize = 2_000;

/// Looks at the pointer between two looks at the pool's own work.
const POLLS: usize = 16;

/// Work in pieces, somewhere on the leader's stack.
struct Job<'a> {
    run: &'a (dyn Fn(usize) + Sync),
    n_pieces: usize,
    next: AtomicUsize,
}

impl Job<'_> {
    /// Takes pieces until there are none.
    fn work(&self) {
        loop {
            let piece = self.next.fetch_add(1, Ordering::Relaxed);
            if piece >= self.n_pieces {
                return;
            }
            (self.run)(piece);
        }
    }
}

/// The work there is, if any.
static JOB: AtomicPtr<Job<'static>> = AtomicPtr::new(std::ptr::null_mut());

/// Threads that may be looking at it.
static USERS: AtomicUsize = AtomicUsize::new(0);

/// Whether somebody leads.
static LED: AtomicBool = AtomicBool::new(false);

thread_local! {
    static LEADS: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f` while the pool's other threads stay awake for what it shares. They use the processor all the while.
///
/// Must be called on a thread of the pool. Only one thread leads at a time; others run `f` as they are.
pub fn keep_awake<R>(f: impl FnOnce() -> R) -> R {
    let alone = rayon::current_num_threads() < 2 || rayon::current_thread_index().is_none();
    if alone || LED.swap(true, Ordering::AcqRel) {
        return f();
    }
    let done = AtomicBool::new(false);
    rayon::in_place_scope(|scope| {
        for _ in 1..rayon::current_num_threads() {
            scope.spawn(|_| follow(&done));
        }
        // Dropped even when `f` panics: the others must not look for work for ever.
        let _lead = Lead::begin(&done);
        f()
    })
}

struct Lead<'a>(&'a AtomicBool);

impl<'a> Lead<'a> {
    fn begin(done: &'a AtomicBool) -> Self {
        LEADS.set(true);
        Self(done)
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        LEADS.set(false);
        self.0.store(true, Ordering::Release);
        LED.store(false, Ordering::Release);
    }
}

/// Looks for work until it is all done.
fn follow(done: &AtomicBool) {
    let mut idle = 0;
    while !done.load(Ordering::Acquire) {
        if JOB.load(Ordering::Relaxed).is_null() {
            idle += 1;
            if idle % SPINS == 0 {
                std::thread::yield_now();
            } else if idle % POLLS == 0 {
                // Longer work, such as reading a prompt, is shared through the pool.
                rayon::yield_now();
            } else {
                std::hint::spin_loop();
            }
            continue;
        }
        idle = 0;
        let _user = User::enter();
        // Loaded again now that USERS counts this thread.
        let job = JOB.load(Ordering::SeqCst);
        if !job.is_null() {
            // SAFETY: `share` puts a pointer to a living job here, and takes it away and waits until USERS is 0
            // before the job dies. USERS was raised before the load, both in the one order of sequentially consistent
            // operations: either this load came after the pointer was taken away and found null, or `share` sees this
            // thread among the users and waits for it.
            unsafe { (*job).work() };
        }
    }
}

struct User;

impl User {
    fn enter() -> Self {
        USERS.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for User {
    fn drop(&mut self) {
        USERS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// `f` of 0, 1, … below `n_pieces`, on all threads: those kept awake where this thread leads, else the pool's.
pub(super) fn share(n_pieces: usize, f: impl Fn(usize) + Sync + Send) {
    if !LEADS.get() {
        return (0..n_pieces).into_par_iter().with_max_len(1).for_each(&f);
    }
    let job = Job { run: &f, n_pieces, next: AtomicUsize::new(0) };
    let _withdraw = Withdraw::after_offering(&job);
    job.work();
}

/// Takes the offered work away and waits for whoever has begun a piece of it.
struct Withdraw;

impl Withdraw {
    fn after_offering(job: &Job<'_>) -> Self {
        JOB.store(std::ptr::from_ref(job).cast_mut().cast(), Ordering::SeqCst);
        Self
    }
}

impl Drop for Withdraw {
    fn drop(&mut self) {
        JOB.store(std::ptr::null_mut(), Ordering::SeqCst);
        while USERS.load(Ordering::SeqCst) > 0 {
            std::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{keep_awake, share};
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn every_piece_is_done_once() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("three threads");
        pool.install(|| {
            keep_awake(|| {
                for n_pieces in (0..40).chain([1_000]) {
                    let counts: Vec<AtomicUsize> = (0..n_pieces).map(|_| AtomicUsize::new(0)).collect();
                    share(n_pieces, |piece| {
                        counts[piece].fetch_add(1, Ordering::Relaxed);
                    });
                    assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1), "{n_pieces} pieces");
                }
            });
        });
    }

    #[test]
    fn a_panic_of_the_leader_ends_the_watch() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("two threads");
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.install(|| keep_awake(|| share(3, |_| panic!("a piece"))))
        }));
        assert!(outcome.is_err());
        pool.install(|| keep_awake(|| share(1, |_| ())));
    }
}
