//! Using a trained model: sampling text from it, and looking at its attention.

mod attend;
mod chance;
mod error;
pub mod explain;
mod generate;
mod heads;
mod language;
mod language_model;
pub mod maps;
pub mod page;
mod rollout;
mod sampler;
mod trace;
mod window;

pub use attend::{CaptureSelection, check_per_head, parse_activation, parse_selection};
pub use chance::Chance;
pub use error::InferError;
pub use explain::{Explanation, Query};
pub use generate::{Finish, GenerationOptions, Sample, SampledToken};
pub use heads::{AttentionSpread, HeadReport, HeadStats, Repetition};
pub use language::Language;
pub use language_model::LanguageModel;
pub use sampler::{Choice, Sampler};
pub use trace::{Candidate, Left, Stage, Trace, TraceStep};
pub use window::ContextWindow;
