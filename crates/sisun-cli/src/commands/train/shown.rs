//! What the command tells of runs of each kind of model.

use crate::needs::Needs;
use anyhow::Result;
use sisun_infer::{AttentionMaps, InferError};
use sisun_train::{RunModel, Session, TrainOutcome};
use std::path::PathBuf;

/// A function that writes the sample of a step.
pub(super) type Sampler<M> = Box<dyn Fn(u64, &M) -> Result<String, InferError>>;

/// A function that computes the maps of the run's own sentence at a step.
pub(super) type MapsOf<M> = Box<dyn Fn(u64, &M) -> Result<AttentionMaps, InferError>>;

/// A model whose training the command shows.
pub(super) trait Shown: RunModel {
    /// The units of an evaluation that `train.eval_windows` counts.
    const WINDOWS: &'static str;

    /// Return the number of windows, or pairs, that an evaluation reads.
    fn evaluated(session: &Session<Self>) -> usize;

    /// Describe text and model before the first step.
    fn describe(session: &Session<Self>) -> String;

    /// Return the settings without effect, with the reason.
    fn settings_without_effect(config: &Self::Config) -> Vec<(&'static str, &'static str)>;

    /// Return the needs of the steps that are left.
    fn needs(session: &Session<Self>) -> Needs;

    /// Return the function that writes samples, if the configuration asks for them.
    fn sampler(session: &Session<Self>) -> Option<Sampler<Self>>;

    /// Return the sentence whose maps are shown while the model trains, if there is one.
    fn fixed_text(session: &Session<Self>) -> Option<String>;

    /// Return the function that computes its maps, if the model has maps of one sentence.
    fn maps(session: &Session<Self>) -> Option<MapsOf<Self>>;

    /// Write the maps that `[attend]` requests, of the model after its last step. Return their
    /// folder.
    ///
    /// # Errors
    /// If the maps cannot be computed or written.
    fn write_maps(session: &Session<Self>, outcome: &TrainOutcome) -> Result<Option<PathBuf>>;

    /// Return the name of the picture that shows all heads.
    fn overview() -> &'static str;

    /// Return the commands to try the model with.
    fn next_commands(session: &Session<Self>) -> Vec<String>;
}
