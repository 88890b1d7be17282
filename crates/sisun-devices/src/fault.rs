//! Faults of a device: panics of its driver, of Burn and of wgpu, as values.

use serde::{Deserialize, Serialize};
use std::any::Any;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once, PoisonError};

/// A computation that a device could not finish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault(pub String);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

/// Number of guarded computations in progress.
static GUARDED: AtomicUsize = AtomicUsize::new(0);
/// Messages of panics since the first of them began, on whatever thread: Burn runs a device on a
/// thread of its own, whose panic is the cause of the one that is caught.
static MESSAGES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Run a computation on a device whose driver may fail, and return a fault instead of a panic.
///
/// # Errors
/// If it panics; the fault holds the first message.
pub fn guarded<R>(compute: impl FnOnce() -> R) -> Result<R, Fault> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if GUARDED.load(Ordering::SeqCst) == 0 {
                return before(info);
            }
            let mut messages = MESSAGES.lock().unwrap_or_else(PoisonError::into_inner);
            messages.push(message(info.payload()));
        }));
    });
    let messages = || MESSAGES.lock().unwrap_or_else(PoisonError::into_inner);
    if GUARDED.fetch_add(1, Ordering::SeqCst) == 0 {
        messages().clear();
    }
    // Whatever the computation has changed is dropped with it, or belongs to a device that is not
    // used any more.
    let result = panic::catch_unwind(AssertUnwindSafe(compute));
    GUARDED.fetch_sub(1, Ordering::SeqCst);
    result.map_err(|payload| {
        let first = messages().first().cloned();
        Fault(short(&first.unwrap_or_else(|| message(&*payload))))
    })
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
        .take_while(|line| !line.starts_with("Backtrace") && !line.starts_with("BackTrace"))
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

    #[test]
    fn a_panic_becomes_a_fault_with_its_first_message() {
        assert_eq!(guarded(|| 3), Ok(3));
        let fault = guarded(|| {
            // As Burn does: the device's thread panics first, and the caller then.
            let device = std::thread::spawn(|| panic!("wgpu error: Out of Memory\nBacktrace:\n 0"));
            device
                .join()
                .map_err(|_| "the device stopped")
                .expect("alive");
        });
        assert_eq!(fault, Err(Fault("wgpu error: Out of Memory".to_owned())));
    }
}
