//! Shape assertions that name the tensor.

/// Panic, naming the tensor, unless it has exactly the given shape.
#[macro_export]
macro_rules! assert_shape {
    ($tensor:expr, [$($axis:expr),+ $(,)?]) => {
        assert_eq!($tensor.dims(), [$($axis),+], "shape of `{}`", stringify!($tensor))
    };
}
