//! Atomic writing of files, locks, and memory-mapped reading. This crate knows nothing about the
//! contents of the files.

mod claim;
mod holder;
mod lock;
mod locked_dir;
mod map;
mod run_dir;
mod there;
mod write;

pub use claim::{claim_folder, read_mark, write_mark};
pub use holder::{Holder, utc};
pub use lock::{Lock, LockError, Patience, holder};
pub use locked_dir::{LOCK_FILE, LockedDir, is_vacant};
pub use map::Mapped;
pub use run_dir::RunDir;
pub use there::{if_there, is_file, is_folder, look, make_folder};
pub use write::{
    Scratch, WriteError, is_descriptor, remove_leftovers_in, sync_folder, write_atomic,
    write_atomic_with,
};
