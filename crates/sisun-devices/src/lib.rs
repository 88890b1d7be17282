//! Which device computes.
//!
//! A GPU is taken when it is right and faster, and never otherwise: [`check`] compares it with
//! values that were computed elsewhere.

mod check;
mod computing;
mod fault;
mod golden;

pub use check::{PartReport, Report, check, check_with};
pub use computing::{Computes, Factors, OnDevice, Part};
pub use fault::{Fault, guarded};
pub use golden::Golden;
