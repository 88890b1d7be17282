//! A model with its tokenizer, ready for use.

use crate::InferError;
use crate::edits::Edits;
use sisun_data::Tokenizer;
use sisun_model::{Run, Transformer};
use std::path::Path;

/// A trained model and the tokenizer it was trained with.
#[derive(Clone, Debug)]
pub struct LanguageModel {
    /// Name of the run.
    pub name: String,
    /// Number of training steps; unknown for models trained elsewhere.
    pub step: Option<u64>,
    /// The model, without autodiff.
    pub model: Transformer,
    /// The tokenizer, which knows the end-of-text tokens.
    pub tokenizer: Tokenizer,
    /// Longest supported text in tokens, if layers have a sliding window.
    pub window: Option<usize>,
    /// Notes for users of the model.
    pub notes: Vec<String>,
    /// Changes of activations that every pass of the model makes.
    pub edits: Edits,
}

impl LanguageModel {
    /// Open a run directory or one of its checkpoints.
    ///
    /// # Errors
    /// If there is no run, its checkpoint is damaged, or its tokenizer is damaged or another one.
    pub fn open(path: &Path, device: &burn::tensor::Device) -> Result<Self, InferError> {
        Self::of_run(&Run::open(path)?, device)
    }

    /// Load the model of a run.
    ///
    /// # Errors
    /// If its checkpoint is damaged, or its tokenizer is damaged or another one.
    pub fn of_run(run: &Run, device: &burn::tensor::Device) -> Result<Self, InferError> {
        let (model, checkpoint) = run.model(device)?;
        let config = run.config()?;
        let tokenizer = Tokenizer::from_file(&run.tokenizer())?;
        run.check_tokenizer(&tokenizer.sha256(), &checkpoint.state)?;
        let loaded = Self::new(config.name, Some(checkpoint.state.step), model, tokenizer);
        let (model, tokenizer) = (loaded.rows(), loaded.tokenizer.vocab_size());
        // Only base models from elsewhere may have more tokens than rows.
        if tokenizer > model && config.finetune.is_none() {
            return Err(InferError::Vocabulary { tokenizer, model });
        }
        Ok(loaded)
    }

    /// Combine a model and a tokenizer. Either may have tokens that the other lacks.
    pub fn new(name: String, step: Option<u64>, model: Transformer, tokenizer: Tokenizer) -> Self {
        Self {
            name,
            step,
            model,
            tokenizer,
            window: None,
            notes: Vec::new(),
            edits: Edits::default(),
        }
    }

    /// Check that the model can read `len` tokens at once.
    ///
    /// # Errors
    /// If `len` exceeds the learned positions or the sliding window.
    pub fn check_length(&self, len: usize) -> Result<(), InferError> {
        match self.window.filter(|window| len > *window) {
            Some(window) => Err(InferError::PastWindow { len, window }),
            None => Ok(self.model.check_length(len)?),
        }
    }

    /// Return the number of rows in the model's embedding; token ids must be below it.
    pub fn rows(&self) -> usize {
        self.model.config().vocab_size.unwrap_or(0)
    }

    /// Return the title and the notes, one per line.
    pub fn introduction(&self) -> String {
        let notes: String = self
            .notes
            .iter()
            .map(|note| format!("\nnote: {note}"))
            .collect();
        format!("model: {}{notes}", self.title())
    }

    /// Return the name, the number of training steps, and the edits.
    pub fn title(&self) -> String {
        let step = self
            .step
            .map_or(String::new(), |step| format!(" (step {step})"));
        let edits: String = self
            .edits
            .written
            .iter()
            .map(|edit| format!(", {edit}"))
            .collect();
        format!("{}{step}{edits}", self.name)
    }
}
