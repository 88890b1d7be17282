//! The interface between a run directory and a kind of model.

use crate::evaluate::Evaluation;
use crate::fact::Fact;
use crate::trainable::Trainable;
use crate::{ChangedSetting, NewRun, TrainError};
use burn::tensor::Device;
use sisun_config::{Experiment, PartialConfig};
use sisun_model::checkpoint::{Checkpoint, CheckpointState, FileSum, MadeWith, SourcesSum};
use sisun_model::weights::FlatTensors;
use sisun_model::{Chosen, Run};
use std::fmt::Debug;
use std::path::Path;

/// A model that is trained in a run directory by [`crate::train`], with its settings and its text.
pub trait RunModel: Trainable + Debug {
    /// Settings of the experiment.
    type Config: Experiment;
    /// The text and its tokenizers.
    type Text: Debug;
    /// Weights that a new run starts from, besides its settings.
    type Start;

    /// True if a new run can start from the weights of another.
    const FINE_TUNES: bool;

    /// Prepare the text of a new run, add settings that derive from it, and check that both fit
    /// into memory.
    ///
    /// # Errors
    /// If the text is unusable, or contradicts the settings.
    fn prepare(
        config: &mut Self::Config,
        chosen: &Chosen,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self::Text, TrainError>;

    /// Return the checksums of a text.
    fn text_sums(text: &Self::Text) -> TextSums;

    /// Create the model of a new run, and write the tokenizers and other files that belong to it.
    ///
    /// # Errors
    /// If a file cannot be written, or the weights to start from have another shape.
    fn begin(
        config: &Self::Config,
        text: &Self::Text,
        start: Self::Start,
        run_dir: &Path,
        device: &Device,
    ) -> Result<Begun<Self>, TrainError>;

    /// Return the settings that a run records.
    ///
    /// # Errors
    /// If they cannot be read.
    fn recorded(run: &Run) -> Result<Self::Config, TrainError>;

    /// Complete the settings with which a run is to be resumed by those that it records.
    ///
    /// # Errors
    /// If a setting is invalid.
    fn asked(
        draft: PartialConfig,
        recorded: &Self::Config,
        run: &Run,
    ) -> Result<Self::Config, TrainError>;

    /// Return the new run with settings that may not change on resume, if there can be one.
    fn new_run(
        run_dir: &Path,
        recorded: &Self::Config,
        asked: &Self::Config,
        refused: &[ChangedSetting],
        all: &[ChangedSetting],
    ) -> Option<NewRun>;

    /// Check that training fits into memory.
    ///
    /// # Errors
    /// If it does not.
    fn check_memory(config: &Self::Config, chosen: &Chosen) -> Result<(), TrainError>;

    /// Read the text of a run again, with its own tokenizers.
    ///
    /// # Errors
    /// If the text cannot be read or differs from the training text.
    fn text_again(
        run: &Run,
        state: &CheckpointState,
        recorded: &Self::Config,
        asked: &Self::Config,
        chosen: &Chosen,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self::Text, TrainError>;

    /// Load the model of a checkpoint as it was trained.
    ///
    /// # Errors
    /// If its weights cannot be read.
    fn load(
        run: &Run,
        config: &Self::Config,
        checkpoint: &Checkpoint,
        device: &Device,
    ) -> Result<Self, TrainError>;

    /// Return a micro-batch of the training text.
    fn batch(text: &Self::Text, config: &Self::Config, micro_step: u64) -> Self::Batch;

    /// Evaluate the model on the held-out text.
    fn evaluate(&self, text: &Self::Text, config: &Self::Config) -> Evaluation;

    /// Return the weights that a checkpoint stores, by name.
    fn saved_weights(&self, config: &Self::Config) -> FlatTensors;

    /// Return the size of model and text for the report.
    fn facts(text: &Self::Text, config: &Self::Config) -> Vec<Fact>;

    /// Return facts about the weights that the run started from, if they were given.
    fn origin(&self, _config: &Self::Config) -> Vec<Fact> {
        Vec::new()
    }
}

/// The model of a new run.
#[derive(Debug)]
pub struct Begun<M> {
    /// The model, on a device that records gradients.
    pub model: M,
    /// Checksum of the base weights of adapters, if adapters are trained.
    pub base: Option<FileSum>,
    /// Checksums of the settings and the tokenizers.
    pub made_with: MadeWith,
}

/// Checksums of a text.
#[derive(Clone, Debug)]
pub struct TextSums {
    /// SHA-256 of the text as the model reads it.
    pub data_sha256: String,
    /// Checksum of the source files, if it is kept.
    pub sources: Option<SourcesSum>,
    /// SHA-256 of the tokenizer.
    pub tokenizer_sha256: String,
}
