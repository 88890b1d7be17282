//! Inference with a trained model: sampling and traces, captured attention, measurements of heads,
//! and step-by-step explanations of attention. Drawings are in `sisun-viz`.

mod answer;
mod attend;
mod attention_maps;
mod attribution;
mod chance;
mod circuits;
mod component;
mod edits;
mod eigenvalues;
mod embeddings;
mod error;
pub mod explain;
mod generate;
mod head_weights;
mod heads;
mod language;
mod language_model;
mod lens;
mod matrix;
mod neurons;
mod output;
mod patch;
mod principal;
mod reading;
mod residual;
mod rollout;
mod sample;
mod sampler;
mod top;
mod trace;
mod tracer;
mod translator;
mod unembedding;
mod window;

pub use answer::AnswerToken;
pub use attend::{CaptureSelection, check_per_head, parse_activation, parse_selection};
pub use attention_maps::{ActivationMap, AttentionMaps, AttentionPart, KeyText, Token};
pub use attribution::{Attribution, AttributionOptions, Contributor};
pub use chance::Chance;
pub use circuits::{
    Baseline, Circuits, CircuitsOptions, Composition, CompositionMode, MappedPair, MappedToken,
    VocabularyCircuit, VocabularyMap,
};
pub use component::HeadName;
pub use edits::{Edits, Reach, TextSource, What, WrittenEdit};
pub use eigenvalues::{Complex, eigenvalues};
pub use embeddings::{EmbeddingMap, NearToken};
pub use error::InferError;
pub use explain::{Explanation, Query};
pub use heads::{AttentionSpread, HeadReport, HeadStats, LossRises, Repetition};
pub use language::Language;
pub use language_model::LanguageModel;
pub use lens::{LensCell, LensOptions, LensToken, LogitLens, NextToken, StreamPart};
pub use neurons::{NeuronName, NeuronOutput, WrittenLogit};
pub use patch::{
    Agreement, AlignedToken, AttentionInput, PatchAxis, PatchOptions, PatchText, PatchedPath,
    Patching, PathOptions, numbered_head,
};
pub use principal::Components;
pub use reading::{ReadEnd, ReadLayer, Reading};
pub use rollout::Rollout;
pub use sample::{Finish, GenerationOptions, Sample, SampledToken};
pub use sampler::{Choice, Sampler};
pub use trace::{Candidate, Left, Stage, Trace, TraceStep};
pub use translator::{
    AblatedHead, Ablations, Decoding, PairEvaluation, PairExplanation, PairKey, PairScores,
    Scoring, Translation, Translator, WrittenToken,
};
pub use window::ContextWindow;
