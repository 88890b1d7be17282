//! Threads that stay awake between many short pieces of shared work.
//!
//! Decoding one token takes a few dozen products of some microseconds each. A pool's threads fall
//! asleep between them, and waking one takes longer than its share of the work. During a
//! [`keep_awake`], the other threads spin in search of work, which is handed to them through one
//! pointer.
//!
//! This pays only while every thread has a core. If another program takes one, the leader waits for
//! a follower that is not running, for up to the scheduler's time slice. After waiting too long
//! ([`Sharing`]), a leader therefore works alone for a while, and the followers sleep meanwhile.
#![allow(unsafe_code)] // one pointer to work on another thread's stack, with its proof

use rayon::prelude::*;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Polls of the pointer between two calls that yield the processor to other programs.
const SPINS: usize = 2_000;

/// Polls of the pointer between two checks for the pool's own work.
const POLLS: usize = 16;

/// Extra time for which a leader that has finished its own share waits for the others, beyond the
/// time that its share took, before it assumes that they are not running.
const PATIENCE: Duration = Duration::from_micros(100);

/// Time for which a leader works alone at first. It doubles each time that sharing soon fails
/// again.
const FIRST_ALONE: Duration = Duration::from_millis(8);
/// Maximum time for which a leader works alone before it tries to share again.
const LONGEST_ALONE: Duration = Duration::from_millis(512);
/// Time for which a follower sleeps between two checks for shared work while the leader works
/// alone.
const NAP: Duration = Duration::from_millis(1);

/// Work in pieces, on the leader's stack.
struct Job<'a> {
    run: &'a (dyn Fn(usize) + Sync),
    n_pieces: usize,
    next: AtomicUsize,
}

impl Job<'_> {
    /// Run pieces until none are left.
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

/// The current work, or null.
static JOB: AtomicPtr<Job<'static>> = AtomicPtr::new(std::ptr::null_mut());

/// Number of threads that may hold a reference to the current work.
static USERS: AtomicUsize = AtomicUsize::new(0);

/// True while a thread leads.
static LED: AtomicBool = AtomicBool::new(false);

/// True while the leader works alone.
static ALONE: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Sharing state of this thread, if it leads.
    static LEADS: Cell<Option<Sharing>> = const { Cell::new(None) };
}

/// Decision of a leader to share its work, based on the success of earlier attempts.
#[derive(Clone, Copy, Debug)]
struct Sharing {
    /// Time until which it works alone.
    alone_until: Option<Instant>,
    /// Start of the current period of sharing.
    since: Instant,
    /// Time to work alone after the next failure.
    next_alone: Duration,
}

impl Sharing {
    fn new(now: Instant) -> Self {
        Self {
            alone_until: None,
            since: now,
            next_alone: FIRST_ALONE,
        }
    }

    /// Return true if work should be shared at this moment.
    fn shares(&mut self, now: Instant) -> bool {
        match self.alone_until {
            Some(until) if now < until => false,
            Some(_) => {
                (self.alone_until, self.since) = (None, now);
                true
            }
            None => true,
        }
    }

    /// Record that the leader waited for a thread that is not running.
    fn failed(&mut self, now: Instant) {
        if now.duration_since(self.since) > self.next_alone {
            self.next_alone = FIRST_ALONE;
        }
        self.alone_until = Some(now + self.next_alone);
        self.next_alone = (2 * self.next_alone).min(LONGEST_ALONE);
    }
}

/// Run `f` while the pool's other threads stay awake for work that it shares. They use the
/// processor all the time.
///
/// Must be called on a thread of the pool. Only one thread leads at a time; on others `f` runs
/// without this.
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
        // Dropped even if `f` panics: the others must not look for work for ever.
        let _lead = Lead::begin(&done);
        f()
    })
}

struct Lead<'a>(&'a AtomicBool);

impl<'a> Lead<'a> {
    fn begin(done: &'a AtomicBool) -> Self {
        LEADS.set(Some(Sharing::new(Instant::now())));
        ALONE.store(false, Ordering::Relaxed);
        Self(done)
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        LEADS.set(None);
        self.0.store(true, Ordering::Release);
        LED.store(false, Ordering::Release);
    }
}

/// Look for work until `done` is set.
fn follow(done: &AtomicBool) {
    let mut idle = 0;
    while !done.load(Ordering::Acquire) {
        if ALONE.load(Ordering::Relaxed) {
            // Longer work, such as reading a prompt, is still shared through the pool.
            if rayon::yield_now() != Some(rayon::Yield::Executed) {
                std::thread::sleep(NAP);
            }
            continue;
        }
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
        // Load again now that USERS counts this thread.
        let job = JOB.load(Ordering::SeqCst);
        if !job.is_null() {
            // SAFETY: `share` stores a pointer to a live job here; before the job is dropped, it
            // removes the pointer and waits until USERS is 0. This thread incremented USERS before
            // the load, and all operations are sequentially consistent: either this load came after
            // the removal and returned null, or `share` sees this thread among the users and waits
            // for it.
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

/// Call `f` with 0, 1, … below `n_pieces` on all threads: those kept awake if this thread leads,
/// else the pool's.
pub(super) fn share(n_pieces: usize, f: impl Fn(usize) + Sync + Send) {
    let Some(mut sharing) = LEADS.get() else {
        return (0..n_pieces).into_par_iter().with_max_len(1).for_each(&f);
    };
    let began = Instant::now();
    let shares = sharing.shares(began);
    ALONE.store(!shares, Ordering::Relaxed);
    if shares {
        let job = Job {
            run: &f,
            n_pieces,
            next: AtomicUsize::new(0),
        };
        let offer = Offer::of(&job);
        job.work();
        let patience = began.elapsed() + PATIENCE;
        if !offer.withdraw(patience) {
            sharing.failed(Instant::now());
        }
    } else {
        (0..n_pieces).for_each(f);
    }
    LEADS.set(Some(sharing));
}

/// Work offered to the other threads. On drop, even during a panic, it is withdrawn and waited for.
struct Offer;

impl Offer {
    fn of(job: &Job<'_>) -> Self {
        JOB.store(std::ptr::from_ref(job).cast_mut().cast(), Ordering::SeqCst);
        Self
    }

    /// Remove the work and wait for the threads that have begun a piece. Return true if the wait
    /// was no longer than `patience`.
    fn withdraw(self, patience: Duration) -> bool {
        let mut in_time = true;
        let mut began = None;
        JOB.store(std::ptr::null_mut(), Ordering::SeqCst);
        for spins in 1_u64.. {
            if USERS.load(Ordering::SeqCst) == 0 {
                break;
            }
            std::hint::spin_loop();
            // Reading the clock at every poll would only slow down the others.
            if spins % 64 == 0 && began.get_or_insert_with(Instant::now).elapsed() > patience {
                in_time = false;
                // The thread that this one waits for may need this core.
                std::thread::yield_now();
            }
        }
        in_time
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        JOB.store(std::ptr::null_mut(), Ordering::SeqCst);
        while USERS.load(Ordering::SeqCst) > 0 {
            std::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FIRST_ALONE, LONGEST_ALONE, Sharing, keep_awake, share};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Mutex, PoisonError};
    use std::time::{Duration, Instant};

    /// Held by the test that leads, since only one thread can lead at a time.
    static LEADER: Mutex<()> = Mutex::new(());

    #[test]
    fn a_leader_works_alone_for_longer_the_more_often_sharing_fails() {
        let mut now = Instant::now();
        let mut sharing = Sharing::new(now);
        let moment = Duration::from_micros(50);
        let mut alone = FIRST_ALONE;
        for _ in 0..12 {
            assert!(sharing.shares(now), "it tries again");
            now += moment;
            sharing.failed(now);
            assert!(
                !sharing.shares(now + alone - moment),
                "not yet, after {alone:?}"
            );
            now += alone;
            alone = (2 * alone).min(LONGEST_ALONE);
        }
        assert!(sharing.shares(now));
        // After sharing has worked for longer than the last time alone, a failure counts as the
        // first.
        now += 2 * LONGEST_ALONE;
        assert!(sharing.shares(now));
        sharing.failed(now);
        assert!(!sharing.shares(now + FIRST_ALONE - moment) && sharing.shares(now + FIRST_ALONE));
    }

    /// All pieces are done even if a follower is stuck in its piece for long, and the leader then
    /// works alone.
    #[test]
    fn pieces_are_done_while_a_follower_is_away() {
        let _only = LEADER.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(2)
            .build()
            .expect("two threads");
        pool.install(|| {
            keep_awake(|| {
                let leader = std::thread::current().id();
                let (done, by_others) = (AtomicUsize::new(0), AtomicUsize::new(0));
                let piece = |_| {
                    let follows = std::thread::current().id() != leader;
                    if follows {
                        by_others.fetch_add(1, Ordering::Relaxed);
                        // Longer than a busy machine keeps the leader itself off its core.
                        std::thread::sleep(Duration::from_millis(200));
                    } else {
                        std::thread::sleep(Duration::from_micros(200));
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                };
                // Repeat until the follower has taken a piece.
                let mut offered = 0;
                while by_others.load(Ordering::Relaxed) == 0 && offered < 10_000 {
                    share(4, piece);
                    offered += 4;
                }
                let before = by_others.load(Ordering::Relaxed);
                share(4, piece);
                offered += 4;
                assert_eq!(done.load(Ordering::Relaxed), offered);
                assert_eq!(
                    by_others.load(Ordering::Relaxed),
                    before,
                    "at once after a failure the leader is alone"
                );
            });
        });
    }

    #[test]
    fn every_piece_is_done_once() {
        let _only = LEADER.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(3)
            .build()
            .expect("three threads");
        pool.install(|| {
            keep_awake(|| {
                for n_pieces in (0..40).chain([1_000]) {
                    let counts: Vec<AtomicUsize> =
                        (0..n_pieces).map(|_| AtomicUsize::new(0)).collect();
                    share(n_pieces, |piece| {
                        counts[piece].fetch_add(1, Ordering::Relaxed);
                    });
                    assert!(
                        counts
                            .iter()
                            .all(|count| count.load(Ordering::Relaxed) == 1),
                        "{n_pieces} pieces"
                    );
                }
            });
        });
    }

    #[test]
    fn a_panic_of_the_leader_ends_the_watch() {
        let _only = LEADER.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(2)
            .build()
            .expect("two threads");
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.install(|| keep_awake(|| share(3, |_| panic!("a piece"))))
        }));
        assert!(outcome.is_err());
        pool.install(|| keep_awake(|| share(1, |_| ())));
    }
}
