//! Analyses of what a model does (logit lens, attribution, circuits, embeddings) as arrays for NumPy, and as
//! sheets for pictures and pages.

mod attribution;
mod circuits;
mod embeddings;
mod lens;
mod positions;
mod senses;

pub use attribution::{attribution_npz, attribution_sheet, next_attribution_sheet};
pub use circuits::{circuits_npz, circuits_sheets};
pub use embeddings::{embeddings_npz, embeddings_sheets};
pub use lens::{lens_details, lens_npz, lens_sheets};
pub use positions::{positions_npz, positions_sheets};
pub use senses::{senses_npz, senses_sheets};
