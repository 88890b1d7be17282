//! Signals that ask the program to end.

use crate::terminal::note;
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Keeps those signals away that whoever started the program wants ignored, as `nohup` does and
/// shells do for commands in the background: a handler would take the place of that. Has to be
/// called before there are other threads, which inherit it.
#[cfg(target_os = "linux")]
pub(crate) fn keep_ignored() {
    use nix::sys::signal::{SigSet, Signal};
    let ignored = std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| ignored(&status))
        .unwrap_or(0);
    let mut kept = SigSet::empty();
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM] {
        if ignored & (1 << (signal as i32 - 1)) != 0 {
            kept.add(signal);
        }
    }
    // Where it cannot be done, a signal ends the run after saving, as without.
    let _ = kept.thread_block();
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn keep_ignored() {}

/// The bits of ignored signals, from the lowest for signal 1.
#[cfg(target_os = "linux")]
fn ignored(status: &str) -> Option<u64> {
    let bits = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(bits.trim(), 16).ok()
}

/// The first Ctrl-C sets the flag and says so; a second one ends the process.
pub(crate) fn stop_on_interrupt(message: &'static str) -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if asked.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        note(message);
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(stop)
}

/// Where a command keeps temporary files that an interrupt has to remove.
pub(crate) type TemporaryFolder = Arc<OnceLock<PathBuf>>;

/// Ctrl-C removes the folder, if there is one by then, and ends the process.
pub(crate) fn remove_on_interrupt() -> Result<TemporaryFolder> {
    let folder = TemporaryFolder::default();
    let to_remove = Arc::clone(&folder);
    ctrlc::set_handler(move || {
        if let Some(folder) = to_remove.get() {
            // Others still write there: what they add meanwhile takes another try.
            for _ in 0..100 {
                let removed = std::fs::remove_dir_all(folder);
                if removed.is_ok() || !folder.exists() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        std::process::exit(130);
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(folder)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::ignored;

    #[test]
    fn the_bits_are_read_from_the_status() {
        assert_eq!(
            ignored("Name:\tsisun\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\n"),
            Some(0x1001)
        );
        assert_eq!(ignored("Name:\tsisun\n"), None);
    }
}
