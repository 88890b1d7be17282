//! Attention computed from given matrices, without a model.

mod check;
mod error;
mod explanation;
mod given;
mod presets;
mod printed;

pub use error::OwnError;
pub use explanation::OwnExplanation;
pub use given::{OwnNumbers, OwnQuery, OwnScale, Remark, Rows};
pub use presets::{OwnPreset, PRESETS};
pub use printed::{Deviation, Printed};
