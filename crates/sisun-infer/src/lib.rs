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
mod index;
mod language;
mod language_model;
mod lens;
mod matrix;
mod neurons;
mod output;
mod own_numbers;
mod patch;
mod positions;
mod principal;
mod reading;
mod residual;
mod rollout;
mod sample;
mod sampler;
mod senses;
mod top;
mod trace;
mod tracer;
mod translator;
mod unembedding;
mod window;

pub use answer::AnswerToken;
pub use attend::{CaptureSelection, check_per_head, parse_activation, parse_selection};
pub use attention_maps::{ActivationMap, AttentionMaps, AttentionPart, KeyText, Token, Weighting};
pub use attribution::{Attribution, AttributionOptions, Contributor, NextAttribution};
pub use chance::Chance;
pub use circuits::{
    Baseline, Circuits, CircuitsOptions, Composition, CompositionMode, MappedPair, MappedToken,
    VocabularyCircuit, VocabularyMap,
};
pub use component::{HeadIndex, HeadName};
pub use edits::{Edits, Reach, TextSource, What, WrittenEdit};
pub use eigenvalues::{Complex, eigenvalues};
pub use embeddings::{EmbeddingMap, NearToken};
pub use error::InferError;
pub use explain::{Explanation, Query};
pub use heads::{
    AblationKind, AttentionSpread, Formation, FormingRun, HeadMeasures, HeadReplacements,
    HeadReport, HeadScore, HeadStats, LossRises, OffsetShare, Offsets, Passing, Proportion,
    Repetition, ScoreCurve, StepInterval, WeightedStats, value_weighted,
};
pub use index::{Index, Indices};
pub use language::Language;
pub use language_model::LanguageModel;
pub use lens::{LensCell, LensOptions, LensToken, LogitLens, NextToken, StreamPart};
pub use neurons::{NeuronIndex, NeuronName, NeuronOutput, WrittenLogit};
pub use own_numbers::{
    Deviation, OwnError, OwnExplanation, OwnNumbers, OwnPreset, OwnQuery, OwnScale, PRESETS,
    Printed, Remark, Rows,
};
pub use patch::{
    Agreement, AlignedIndex, AttentionInput, PatchAxis, PatchOptions, PatchText, PatchedPath,
    Patching, PathOptions,
};
pub use positions::{OffsetSimilarity, PositionMap, PositionNumbers, StackPart, StackPositions};
pub use principal::Components;
pub use reading::{ReadEnd, ReadLayer, Reading};
pub use rollout::Rollout;
pub use sample::{Finish, GenerationOptions, Sample, SampledToken};
pub use sampler::{Choice, Sampler};
pub use senses::{
    AskedWord, AttendedToken, HeadDifference, SameVectors, SenseRow, SenseText, Senses, WordPlace,
};
pub use trace::{Candidate, Left, Stage, Trace, TraceStep};
pub use translator::{
    AblatedHead, Ablations, Decoding, PairEvaluation, PairExplanation, PairKey, PairScores,
    Scoring, Translation, Translator, WrittenToken,
};
pub use window::ContextWindow;
