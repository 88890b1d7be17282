//! What never changes a result.
