//! Files that are written whole, and locks. It knows nothing of what the files hold.

mod held;
mod holder;
mod lock;

pub use held::{HeldDir, LOCK_FILE, is_vacant};
pub use holder::Holder;
pub use lock::{Lock, LockError, Patience};
