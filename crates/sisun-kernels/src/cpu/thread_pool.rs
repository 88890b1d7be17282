//! Threads that stay awake between many short pieces of shared work.
//!
//! Decoding one token is a few dozen products of some microseconds each. A pool's threads fall
//! asleep between them, and waking one takes longer than its share. While a [`keep_awake`] runs,
//! the other threads look for work without sleeping, and work is handed to them through one
//! pointer.
//!
//! That only pays while every thread has a core. Where another program takes one, the leader waits
//! for a follower that is not running, for as long as the scheduler's time slice. So a leader that
//! waited in vain ([`Sharing`]) works alone for a while, and the followers sleep meanwhile.
#![allow(unsafe_code)] // one pointer to work on another thread's stack, with its proof

use rayon::prelude::*;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Looks at the pointer between two offers of the processor to other programs.
const SPINS: usize = 2_000;

/// Looks at the pointer between two looks at the pool's own work.
const POLLS: usize = 16;

/// A leader that has done its own share waits for the others as long as that took, and this much
/// longer, before it takes them for not running.
const PATIENCE: Duration = Duration::from_micros(100);

/// How long a leader works alone at first. Each time that sharing fails again soon, it takes twice
/// as long.
const FIRST_ALONE: Duration = Duration::from_millis(8);
/// How long it works alone at most before it tries to share again.
const LONGEST_ALONE: Duration = Duration::from_millis(512);
/// How long a follower sleeps between two looks at whether work is shared again.
const NAP: Duration = Duration::from_millis(1);

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

/// Whether the leader works alone for now.
static ALONE: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// How this thread shares its work, if it leads.
    static LEADS: Cell<Option<Sharing>> = const { Cell::new(None) };
}

/// Whether a leader shares its work, by what came of it before.
#[derive(Clone, Copy, Debug)]
struct Sharing {
    /// Until when it works alone.
    alone_until: Option<Instant>,
    /// When it began to share, or shared again.
    since: Instant,
    /// How long it works alone when sharing fails next.
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

    /// Whether to share at this moment.
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

    /// The leader waited for a thread that does not run.
    fn failed(&mut self, now: Instant) {
        if now.duration_since(self.since) > self.next_alone {
            self.next_alone = FIRST_ALONE;
        }
        self.alone_until = Some(now + self.next_alone);
        self.next_alone = (2 * self.next_alone).min(LONGEST_ALONE);
    }
}

/// Runs `f` while the pool's other threads stay awake for what it shares. They use the processor
/// all the while.
///
/// Must be called on a thread of the pool. Only one thread leads at a time; others run `f` as they
/// are.
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

/// Looks for work until it is all done.
fn follow(done: &AtomicBool) {
    let mut idle = 0;
    while !done.load(Ordering::Acquire) {
        if ALONE.load(Ordering::Relaxed) {
            // Longer work, such as reading a prompt, is shared through the pool all the same.
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
        // Loaded again now that USERS counts this thread.
        let job = JOB.load(Ordering::SeqCst);
        if !job.is_null() {
            // SAFETY: `share` puts a pointer to a living job here, and takes it away and waits
            // until USERS is 0 before the job dies. USERS was raised before the load, both in the
            // one order of sequentially consistent operations: either this load came after the
            // pointer was taken away and found null, or `share` sees this thread among the users
            // and waits for it.
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

/// `f` of 0, 1, … below `n_pieces`, on all threads: those kept awake where this thread leads, else
/// the pool's.
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

/// Work that is offered to the others. Withdrawn, and waited for, however the leader's own part
/// ends.
struct Offer;

impl Offer {
    fn of(job: &Job<'_>) -> Self {
        JOB.store(std::ptr::from_ref(job).cast_mut().cast(), Ordering::SeqCst);
        Self
    }

    /// Takes the work away and waits for whoever has begun a piece of it. Returns whether that took
    /// no longer than this.
    fn withdraw(self, patience: Duration) -> bool {
        let mut in_time = true;
        let mut began = None;
        JOB.store(std::ptr::null_mut(), Ordering::SeqCst);
        for spins in 1_u64.. {
            if USERS.load(Ordering::SeqCst) == 0 {
                break;
            }
            std::hint::spin_loop();
            // Reading the clock at every look would only slow the others down.
            if spins % 64 == 0 && began.get_or_insert_with(Instant::now).elapsed() > patience {
                in_time = false;
                // Whoever is waited for may need this very core.
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

    /// There is one leader at a time; a test that wants to be it waits for the others.
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
        // Once sharing has worked for longer than it was given up for, a failure counts as the
        // first.
        now += 2 * LONGEST_ALONE;
        assert!(sharing.shares(now));
        sharing.failed(now);
        assert!(!sharing.shares(now + FIRST_ALONE - moment) && sharing.shares(now + FIRST_ALONE));
    }

    /// A follower that does not come back from its piece for long: all pieces are done all the
    /// same, and the leader then works alone.
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
                        // Longer than a busy machine keeps the leader itself from its core.
                        std::thread::sleep(Duration::from_millis(200));
                    } else {
                        std::thread::sleep(Duration::from_micros(200));
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                };
                // Until the follower was there once.
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
