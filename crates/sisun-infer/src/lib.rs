//! Inference with a trained model: sampling and traces, captured attention, measurements of heads,
//! and step-by-step explanations of attention. Drawings are in `sisun-viz`.

mod answer;
mod attend;
mod attention_maps;
mod chance;
mod edits;
mod error;
pub mod explain;
mod generate;
mod heads;
mod language;
mod language_model;
mod output;
mod patch;
mod rollout;
mod sample;
mod sampler;
mod trace;
mod tracer;
mod translator;
mod window;

pub use answer::AnswerToken;
pub use attend::{CaptureSelection, check_per_head, parse_activation, parse_selection};
pub use attention_maps::{ActivationMap, AttentionMaps, AttentionPart, KeyText, Token};
pub use chance::Chance;
pub use edits::{Edits, Reach, TextSource, What, WrittenEdit};
pub use error::InferError;
pub use explain::{Explanation, Query};
pub use heads::{AttentionSpread, HeadReport, HeadStats, LossRises, Repetition};
pub use language::Language;
pub use language_model::LanguageModel;
pub use patch::{
    Agreement, AlignedToken, AttentionInput, PatchAxis, PatchOptions, PatchText, PatchedPath,
    Patching, PathOptions, numbered_head,
};
pub use rollout::Rollout;
pub use sample::{Finish, GenerationOptions, Sample, SampledToken};
pub use sampler::{Choice, Sampler};
pub use trace::{Candidate, Left, Stage, Trace, TraceStep};
pub use translator::{
    Decoding, PairEvaluation, PairExplanation, PairKey, PairScores, Scoring, Translation,
    Translator, WrittenToken,
};
pub use window::ContextWindow;
