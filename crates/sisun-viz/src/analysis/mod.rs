//! Analyses of what a model does (logit lens, attribution, circuits) as arrays for NumPy, and as
//! sheets for pictures and pages.

mod attribution;
mod circuits;
mod lens;

pub use attribution::{attribution_npz, attribution_sheet};
pub use circuits::{circuits_npz, circuits_sheets};
pub use lens::{lens_npz, lens_sheets};
