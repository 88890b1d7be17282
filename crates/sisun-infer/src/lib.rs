//! Using a trained model: sampling text from it, and looking at its attention.

mod attend;
mod error;
mod generate;
mod loaded;
pub mod maps;
mod sampler;
mod window;

pub use attend::{Looking, parse_selection};
pub use error::InferError;
pub use generate::{Finish, Generation, Sample, SampledToken};
pub use loaded::Loaded;
pub use sampler::{Choice, Sampler};
pub use window::Window;
