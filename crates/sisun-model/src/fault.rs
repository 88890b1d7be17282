//! Faults of a device: panics of its driver, of wgpu and of Burn, as values.

use std::any::Any;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once, PoisonError};

/// A computation that a device could not finish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(pub String);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

/// A panic since the first guarded computation began.
struct Seen {
    message: String,
    /// True if it was on a thread that runs a device.
    on_device_thread: bool,
}

/// Number of guarded computations in progress.
static GUARDED: AtomicUsize = AtomicUsize::new(0);
static SEEN: Mutex<Vec<Seen>> = Mutex::new(Vec::new());

/// Run a computation on a device whose driver may fail, and return a fault instead of a panic.
/// Meanwhile panics are not printed.
///
/// CubeCL runs each device on a thread of its own, which survives a panic and goes on with buffers
/// that were never written. So a panic there is a fault even if the computation returns.
///
/// # Errors
/// If the computation or a device's thread panics; the fault holds the first message.
pub fn guarded<R>(compute: impl FnOnce() -> R) -> Result<R, Fault> {
    hook();
    if GUARDED.fetch_add(1, Ordering::SeqCst) == 0 {
        all_seen().clear();
    }
    // Whatever the computation has changed is dropped with it, or belongs to a device that is not
    // used any more.
    let result = panic::catch_unwind(AssertUnwindSafe(compute));
    let result = match result {
        Ok(value) => check().map(|()| value),
        Err(payload) => {
            let first = all_seen().first().map(|seen| seen.message.clone());
            Err(Fault(short(&first.unwrap_or_else(|| message(&*payload)))))
        }
    };
    GUARDED.fetch_sub(1, Ordering::SeqCst);
    result
}

/// Check that no device's thread has panicked since the guarded computation in progress began.
///
/// # Errors
/// The first panic.
pub fn check() -> Result<(), Fault> {
    // What an earlier computation met is no concern of one that is not guarded.
    if GUARDED.load(Ordering::SeqCst) == 0 {
        return Ok(());
    }
    let seen = all_seen();
    match seen.iter().find(|seen| seen.on_device_thread) {
        Some(seen) => Err(Fault(short(&seen.message))),
        None => Ok(()),
    }
}

fn all_seen() -> std::sync::MutexGuard<'static, Vec<Seen>> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Install the hook that collects panics while a computation is guarded.
fn hook() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if GUARDED.load(Ordering::SeqCst) == 0 {
                return before(info);
            }
            // CubeCL names the threads of devices so.
            let on_device_thread = std::thread::current()
                .name()
                .is_some_and(|name| name.starts_with("DSU-") || name.starts_with("DSD-"));
            all_seen().push(Seen {
                message: message(info.payload()),
                on_device_thread,
            });
        }));
    });
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "the computation stopped".to_owned())
}

/// Return the first lines of a message, without its backtrace.
fn short(message: &str) -> String {
    const MOST: usize = 400;
    let lines: Vec<&str> = message
        .lines()
        .map(str::trim)
        .take_while(|line| !line.to_lowercase().starts_with("backtrace"))
        .filter(|line| !line.is_empty())
        .collect();
    let text = lines.join(" ");
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, guarded};
    use std::thread::Builder;

    /// Tests of this module run one after another, because panics are collected for the process.
    #[test]
    fn panics_become_faults() {
        assert_eq!(guarded(|| 3), Ok(3));
        let fails = |name: &str| {
            let thread = Builder::new().name(name.to_owned());
            let thread = thread.spawn(|| panic!("wgpu error: Out of Memory\nBacktrace:\n 0"));
            thread.map(std::thread::JoinHandle::join)
        };
        // As when Burn reads from a device that has stopped.
        let fault = guarded(|| {
            let _ = fails("DSD-0-0");
            panic!("no data");
        });
        let expected = Fault("wgpu error: Out of Memory".to_owned());
        assert_eq!(fault, Err(expected.clone()));
        // A device's thread that goes on with garbage.
        assert_eq!(guarded(|| fails("DSD-0-0").is_ok()), Err(expected));
        // Another thread, whose panic is somebody else's.
        assert_eq!(guarded(|| fails("other").is_ok()), Ok(true));
        assert_eq!(super::check(), Ok(()));
        assert_eq!(guarded(|| 3), Ok(3));
    }
}
