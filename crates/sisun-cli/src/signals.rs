//! Signals that end the program.

use crate::terminal::note;
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Block signals that the parent process has set to be ignored, as `nohup` does and shells do for
/// background commands; a handler would override this. Must be called before other threads exist,
/// as they inherit the mask.
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
    // On failure, a signal ends the run after saving.
    let _ = kept.thread_block();
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn keep_ignored() {}

/// Parse the bit mask of ignored signals; the lowest bit is signal 1.
#[cfg(target_os = "linux")]
fn ignored(status: &str) -> Option<u64> {
    let bits = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(bits.trim(), 16).ok()
}

/// On the first Ctrl-C, set the flag and print `message`; on the second, end the process.
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

/// The temporary folder of a command, to be removed on interrupt.
pub(crate) type TemporaryFolder = Arc<OnceLock<PathBuf>>;

/// On Ctrl-C, remove the folder, if it exists by then, and end the process.
pub(crate) fn remove_on_interrupt() -> Result<TemporaryFolder> {
    let folder = TemporaryFolder::default();
    let to_remove = Arc::clone(&folder);
    ctrlc::set_handler(move || {
        if let Some(folder) = to_remove.get() {
            // Other threads may still write there, so retry.
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
