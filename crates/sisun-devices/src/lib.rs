//! Which device computes.
//!
//! A GPU is taken when it is right and faster, and never otherwise. [`check`] compares it with
//! values that were computed elsewhere, [`Times`] holds a short trial of the work beside the CPU,
//! and [`choose`] decides. Both results are [`Remembered`].

mod check;
mod choose;
mod computing;
mod golden;
mod launches;
mod remembered;
mod work;

pub use check::{PartReport, Report, check, check_with};
pub use choose::{Gpu, auto, checked, choose};
pub use computing::{Computes, Factors, OnDevice, Part};
pub use golden::Golden;
pub use launches::count_launches;
pub use remembered::Remembered;
pub use sisun_model::fault::Fault;
pub use work::{Times, Work};
