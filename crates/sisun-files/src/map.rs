//! Memory-mapped files, and handling of files that are truncated while mapped.
//!
//! Weights and token caches are mapped rather than read: a model of several gigabytes is then in
//! memory only once, as pages that the system shares between processes and reclaims when it needs
//! them, and tensors are parts of the file without a copy. Checked reads would lose these
//! advantages, and every read of a token would need error handling. The price of a mapping is that
//! a missing page, because another process truncated the file or because the disk fails, raises a
//! signal (`SIGBUS`) where a read would return an error. The signal is caught: the process ends
//! with status 1 and a message that names the file. No more is lost than if the process were
//! killed, since files on disk are written atomically.
//!
//! On Windows no handler is needed, since a mapped file cannot be truncated.
#![allow(unsafe_code)] // mapping, and the handler of the signal, each with its proof

use memmap2::Mmap;
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;

/// A file mapped for reading.
#[derive(Debug)]
pub struct Mapped(Mmap);

impl Mapped {
    /// Map a file.
    ///
    /// # Errors
    /// If the file cannot be opened or mapped.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: a mapping is unsound if the file changes while it is mapped. Sisun's own files
        // are written under a temporary name, renamed into place and never written to again, and
        // published models are replaced as a whole. If a file is truncated nevertheless, the
        // handler below ends the process.
        let map = unsafe { Mmap::map(&file) }?;
        #[cfg(unix)]
        lost_pages::watch(&map, path);
        Ok(Self(map))
    }

    /// Return the pages that were read to the system, which reads them again when they are needed.
    pub fn release(&self) {
        // SAFETY: `DontNeed` discards changes of private mappings. This one is shared and
        // read-only, so the pages are read from the file again unchanged. A failure of the advice
        // does no harm.
        #[cfg(unix)]
        let _ = unsafe { self.0.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
    }
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// The handler for missing pages.
#[cfg(unix)]
mod lost_pages {
    use std::cell::UnsafeCell;
    use std::mem::{MaybeUninit, zeroed};
    use std::path::Path;
    use std::ptr::{null, null_mut};
    use std::sync::Once;
    use std::sync::atomic::{AtomicPtr, Ordering};

    /// A mapping to watch. It is never freed, since the handler may read it at any moment; there is
    /// one per opened file. An entry whose mapping has ended does no harm: a later mapping at the
    /// same address precedes it in the list.
    struct Watched {
        start: usize,
        len: usize,
        /// The complete message about it, so that the handler need not format anything.
        message: Box<[u8]>,
        before: *const Watched,
    }

    /// The newest mapping.
    static NEWEST: AtomicPtr<Watched> = AtomicPtr::new(null_mut());

    /// The previous handler of the signal.
    struct Before(UnsafeCell<MaybeUninit<libc::sigaction>>);
    // SAFETY: it is written once, before the handler that reads it is installed, and only read
    // afterwards.
    unsafe impl Sync for Before {}
    static BEFORE: Before = Before(UnsafeCell::new(MaybeUninit::uninit()));

    pub(super) fn watch(map: &[u8], path: &Path) {
        static ONCE: Once = Once::new();
        ONCE.call_once(take_signal);
        let message = format!(
            "\nsisun: {} was cut short by another process while it was read, or its disk failed: restore it, and run the command again\n",
            path.display()
        );
        let watched = Box::leak(Box::new(Watched {
            start: map.as_ptr().addr(),
            len: map.len(),
            message: message.into_bytes().into(),
            before: null_mut(),
        }));
        let at: *mut Watched = watched;
        let push = |newest: *mut Watched| {
            watched.before = newest;
            Some(at)
        };
        // Each mapping is pushed once, in any order.
        let _ = NEWEST.fetch_update(Ordering::AcqRel, Ordering::Acquire, push);
    }

    fn take_signal() {
        // SAFETY: an all-zero `sigaction` is a valid one with an empty mask. The handler has the
        // type that `SA_SIGINFO` requires, and calls only async-signal-safe functions. `BEFORE` is
        // written first, and by this call alone, which runs once.
        unsafe {
            libc::sigaction(libc::SIGBUS, null(), (*BEFORE.0.get()).as_mut_ptr());
            let mut action: libc::sigaction = zeroed();
            let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
                lost_page;
            action.sa_sigaction = handler as libc::sighandler_t;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            // If installing fails, the signal ends the process without the message.
            libc::sigaction(libc::SIGBUS, &raw const action, null_mut());
        }
    }

    extern "C" fn lost_page(signal: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // SAFETY: the kernel passes a valid `info`. Entries reachable from `NEWEST` are never freed
        // or changed. `write`, `_exit`, `raise` and `sigaction` are async-signal-safe, and an
        // all-zero `sigaction` is the default action. `BEFORE` was written before this handler was
        // installed.
        unsafe {
            if (*info).si_code <= 0 {
                // Sent by another process: end this one as if there were no handler.
                let default: libc::sigaction = zeroed();
                libc::sigaction(signal, &raw const default, null_mut());
                libc::raise(signal);
                return;
            }
            let address = (*info).si_addr().addr();
            let mut at: *const Watched = NEWEST.load(Ordering::Acquire);
            while let Some(watched) = at.as_ref() {
                if address.wrapping_sub(watched.start) < watched.len.next_multiple_of(PAGE) {
                    libc::write(
                        libc::STDERR_FILENO,
                        watched.message.as_ptr().cast(),
                        watched.message.len(),
                    );
                    libc::_exit(1);
                }
                at = watched.before;
            }
            // Not one of the mappings: the instruction runs again, and the previous handler gets
            // the signal.
            libc::sigaction(signal, (*BEFORE.0.get()).as_ptr(), null_mut());
        }
    }

    /// The largest page size of mapped files; a mapping ends at the end of a page.
    const PAGE: usize = 1 << 16;
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Mapped;
    use std::fs::File;
    use std::process::{Command, Stdio};

    /// Environment variable with the path of the file that the child process of the test below
    /// reads.
    const FILE: &str = "SISUN_TEST_MAPPED";

    #[test]
    fn a_file_that_is_cut_short_is_told_by_its_name() {
        if let Some(path) = std::env::var_os(FILE) {
            let [first, second] = [1, 2].map(|_| Mapped::open(path.as_ref()).unwrap());
            drop(second);
            File::options()
                .write(true)
                .open(path)
                .unwrap()
                .set_len(10)
                .unwrap();
            let sum: u64 = first.iter().map(|byte| u64::from(*byte)).sum();
            unreachable!("read {sum} from pages that are gone");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights of a model");
        std::fs::write(&path, vec![1; 1 << 20]).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "map::tests::a_file_that_is_cut_short_is_told_by_its_name",
                "--nocapture",
            ])
            .env(FILE, &path)
            .stdout(Stdio::null())
            .output()
            .unwrap();
        let told = String::from_utf8(child.stderr).unwrap();
        assert_eq!(child.status.code(), Some(1), "{:?}: {told}", child.status);
        assert!(
            told.contains(&format!("sisun: {} was cut short", path.display())),
            "{told}"
        );
    }

    #[test]
    fn what_was_read_can_be_read_again_when_its_pages_were_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        std::fs::write(&path, [7; 100_000]).unwrap();
        let map = Mapped::open(&path).unwrap();
        assert!(map.iter().all(|byte| *byte == 7));
        map.release();
        assert!(map.len() == 100_000 && map.iter().all(|byte| *byte == 7));
    }

    #[test]
    fn a_signal_that_was_sent_ends_the_process_as_ever() {
        use std::os::unix::process::ExitStatusExt;
        if std::env::var_os(FILE).is_some() {
            let path = std::env::current_exe().unwrap();
            let _map = Mapped::open(&path).unwrap();
            Command::new("kill")
                .args(["-BUS", &std::process::id().to_string()])
                .status()
                .unwrap();
            std::thread::sleep(std::time::Duration::from_secs(5));
            unreachable!("the signal was swallowed");
        }
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "map::tests::a_signal_that_was_sent_ends_the_process_as_ever",
            ])
            .env(FILE, "")
            .output()
            .unwrap();
        assert_eq!(
            child.status.signal(),
            Some(libc::SIGBUS),
            "{:?}",
            child.status
        );
    }
}
