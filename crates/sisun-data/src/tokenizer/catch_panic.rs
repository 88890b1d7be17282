//! Turning a panic into `None`, for a library that panics on broken input.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static SILENT: Cell<bool> = const { Cell::new(false) };
}

/// Return the result of `f`, or `None` if it panics; the panic prints nothing. `f` must not leave
/// anything half done that is used afterwards.
pub(crate) fn caught<T>(f: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |panic| {
            if !SILENT.get() {
                usual(panic);
            }
        }));
    });
    let before = SILENT.replace(true);
    let result = catch_unwind(AssertUnwindSafe(f));
    SILENT.set(before);
    result.ok()
}

#[cfg(test)]
mod tests {
    use super::caught;

    #[test]
    fn a_panic_is_none() {
        assert_eq!(caught(|| 7), Some(7));
        assert_eq!(caught(|| -> u32 { panic!("not to be seen") }), None);
        let nested = || caught(|| -> u32 { panic!("not to be seen") });
        assert_eq!(caught(nested), Some(None));
    }
}
