//! Token files on disk: written once, verified whenever they are opened, and written again when they
//! are damaged.

mod entries;
mod entry_files;
mod entry_writer;
mod lock;
mod open_entry;

pub use entries::{CacheEntry, cache_entries};
pub(crate) use entry_files::VERSION;
pub(crate) use entry_writer::{EntryWriter, TokenBatch};
pub(crate) use lock::{lock_entry, remove_stale_files};
pub(crate) use open_entry::{CachedCorpus, OpenError, open_entry};
