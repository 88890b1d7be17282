//! The numerical tests: reference values, properties, gradients, and files that are not what they should be.

#![allow(clippy::unwrap_used)]

mod golden;
