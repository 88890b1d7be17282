//! Division of work between threads.

use super::buffer::Buffer;
use rayon::prelude::*;
use std::cell::Cell;

/// Number of element operations below which work stays on its thread, because a hand-off to another
/// thread costs several microseconds.
const WORTH_SHARING: usize = 32 * 1024;

/// The environment variables for the number of threads, as named by rayon.
const VARIABLES: [&str; 2] = ["RAYON_NUM_THREADS", "RAYON_RS_NUM_CPUS"];

/// The reason why the thread pool could not be started.
#[derive(Debug)]
pub enum ThreadPoolError {
    /// The requested number exceeds the limit.
    TooMany {
        /// The variable that requests it.
        variable: &'static str,
        /// The requested number.
        wanted: usize,
    },
    /// The system refused to create the threads.
    Refused {
        /// The requested number.
        wanted: usize,
        /// The system's error message.
        why: String,
    },
}

impl std::fmt::Display for ThreadPoolError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooMany { variable, wanted } => write!(
                f,
                "{variable} = {wanted}: more threads than this machine's {} processors can use; set it to at most {}, or leave it out",
                processors(),
                most_threads()
            ),
            Self::Refused { wanted, why } => write!(
                f,
                "the system does not give this process {wanted} threads ({why}): set {} to fewer, or raise the limit (ulimit -u)",
                VARIABLES[0]
            ),
        }
    }
}

impl std::error::Error for ThreadPoolError {}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Return the maximum number of threads that may be requested: tests may use more than there are
/// processors.
pub fn most_threads() -> usize {
    256.max(4 * processors())
}

/// Start the threads of the pool, as many as `RAYON_NUM_THREADS` requests, or one for each
/// processor.
///
/// # Errors
/// If more than [`most_threads`] are requested, or more than the system allows.
pub fn start_threads() -> Result<(), ThreadPoolError> {
    let asked = VARIABLES.into_iter().find_map(|variable| {
        let wanted = std::env::var(variable)
            .ok()?
            .parse()
            .ok()
            .filter(|wanted| *wanted > 0)?;
        Some((variable, wanted))
    });
    if let Some((variable, wanted)) = asked.filter(|(_, wanted)| *wanted > most_threads()) {
        return Err(ThreadPoolError::TooMany { variable, wanted });
    }
    let wanted = asked.map_or_else(processors, |(_, wanted)| wanted);
    let built = rayon::ThreadPoolBuilder::new()
        .num_threads(wanted)
        .build_global();
    built.map_err(|error| ThreadPoolError::Refused {
        wanted,
        why: error.to_string(),
    })
}

/// Return the number of threads in the kernels' thread pool.
pub fn pool_threads() -> usize {
    rayon::current_num_threads()
}

/// Runs `f` on a thread of the pool that the kernels share their work in.
///
/// A thread outside the pool would sleep during every operation until the pool is done, and waking
/// costs more than a small operation does.
pub fn on_pool<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| f())
}

thread_local! {
    /// True if this thread does not share its work.
    static ALONE: Cell<bool> = const { Cell::new(false) };
}

/// Return the number of threads that an operation may use: all of the pool, but one inside
/// [`each_alone`].
pub(crate) fn n_threads() -> usize {
    if ALONE.get() {
        1
    } else {
        rayon::current_num_threads()
    }
}

/// Call `f` with each item, the items in parallel and each on one thread. If whole passes can run
/// in parallel, this is faster than dividing each of their operations.
pub fn each_alone<T: Send, R: Send>(items: Vec<T>, f: impl Fn(T) -> R + Sync) -> Vec<R> {
    if items.len() < 2 {
        return items.into_iter().map(f).collect();
    }
    let alone = |item| {
        // A pass nested in another, on a thread that was waiting, is alone as well and stays so.
        let before = ALONE.replace(true);
        let result = f(item);
        ALONE.set(before);
        result
    };
    items.into_par_iter().with_max_len(1).map(alone).collect()
}

/// Return the number of rows per task: all if the work is small, otherwise an equal share for each
/// thread.
///
/// `cost` is the approximate number of simple operations per row.
pub(crate) fn rows_a_task(n_rows: usize, cost: usize) -> usize {
    let n_threads = if n_rows * cost < WORTH_SHARING {
        1
    } else {
        n_threads()
    };
    n_rows.div_ceil(n_threads).max(1)
}

/// Call `f(first row, rows of out)` for pieces of `out`, in parallel where that pays.
pub(crate) fn for_rows(
    out: &mut [f32],
    width: usize,
    cost: usize,
    f: impl Fn(usize, &mut [f32]) + Sync,
) {
    if width == 0 || out.is_empty() {
        return;
    }
    let rows = rows_a_task(out.len() / width, cost);
    if rows * width >= out.len() {
        f(0, out);
    } else {
        out.par_chunks_mut(rows * width)
            .enumerate()
            .for_each(|(i, out)| f(i * rows, out));
    }
}

/// Like [`for_rows`], with two outputs of different widths and the same number of rows.
pub(crate) fn for_rows2(
    (a, a_width): (&mut [f32], usize),
    (b, b_width): (&mut [f32], usize),
    cost: usize,
    f: impl Fn(usize, &mut [f32], &mut [f32]) + Sync,
) {
    if a_width == 0 || b_width == 0 || a.is_empty() {
        return;
    }
    let rows = rows_a_task(a.len() / a_width, cost);
    if rows * a_width >= a.len() {
        f(0, a, b);
    } else {
        let pieces = a
            .par_chunks_mut(rows * a_width)
            .zip(b.par_chunks_mut(rows * b_width));
        pieces.enumerate().for_each(|(i, (a, b))| f(i * rows, a, b));
    }
}

/// Number of rows summed together. Fixed, so that sums over rows do not depend on the number of
/// threads.
pub(crate) const BLOCK: usize = 128;

/// Call `f(first row, rows of out, sums)` for every [`BLOCK`] of rows with its own `sums` of
/// `n_sums` zeros, and return the sums over all blocks, added in order.
///
/// `out` may be empty if only the sums are needed.
pub(crate) fn sum_over_rows(
    (out, width): (&mut [f32], usize),
    n_rows: usize,
    n_sums: usize,
    cost: usize,
    f: impl Fn(usize, &mut [f32], &mut [f32]) + Sync,
) -> Buffer {
    let n_blocks = n_rows.div_ceil(BLOCK);
    let mut partial = Buffer::zeros(n_blocks * n_sums);
    if n_sums > 0 {
        let blocks_a_task = rows_a_task(n_blocks, BLOCK * cost);
        let run = |task: usize, out: &mut [f32], sums: &mut [f32]| {
            let mut rest = out;
            for (i, sums) in sums.chunks_exact_mut(n_sums).enumerate() {
                let (block, after) = rest.split_at_mut((BLOCK * width).min(rest.len()));
                f((task * blocks_a_task + i) * BLOCK, block, sums);
                rest = after;
            }
        };
        if blocks_a_task >= n_blocks {
            run(0, out, &mut partial);
        } else if out.is_empty() {
            let tasks = partial.par_chunks_mut(blocks_a_task * n_sums).enumerate();
            tasks.for_each(|(task, sums)| run(task, &mut [], sums));
        } else {
            let tasks = out.par_chunks_mut(blocks_a_task * BLOCK * width);
            let tasks = tasks
                .zip(partial.par_chunks_mut(blocks_a_task * n_sums))
                .enumerate();
            tasks.for_each(|(task, (out, sums))| run(task, out, sums));
        }
    }
    let mut total = Buffer::zeros(n_sums);
    for sums in partial.chunks_exact(n_sums.max(1)) {
        for (total, x) in total.iter_mut().zip(sums) {
            *total += x;
        }
    }
    total
}
