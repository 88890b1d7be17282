//! A model with its tokenizer, ready to be used.

use crate::InferError;
use sisun_data::Tokenizer;
use sisun_model::{Run, Transformer};
use std::path::Path;

/// A trained model and the tokenizer it was trained with.
#[derive(Clone, Debug)]
pub struct LanguageModel {
    /// The run's name.
    pub name: String,
    /// Steps it was trained for; not known of models that others trained.
    pub step: Option<u64>,
    /// The model, without autodiff.
    pub model: Transformer,
    /// The tokenizer, which says which tokens end a text.
    pub tokenizer: Tokenizer,
    /// The most tokens that can be looked at, where layers with a sliding window see no more.
    pub window: Option<usize>,
    /// What whoever uses it has to know, for people to read.
    pub notes: Vec<String>,
}

impl LanguageModel {
    /// Opens a run directory, or one of its checkpoints.
    ///
    /// # Errors
    /// No run there, a damaged checkpoint, or a tokenizer that is damaged or another's.
    pub fn open(path: &Path, device: &burn::tensor::Device) -> Result<Self, InferError> {
        Self::of_run(&Run::open(path)?, device)
    }

    /// Reads the model of a run that is open.
    ///
    /// # Errors
    /// A damaged checkpoint, or a tokenizer that is damaged or another's.
    pub fn of_run(run: &Run, device: &burn::tensor::Device) -> Result<Self, InferError> {
        let (model, checkpoint) = run.model(device)?;
        let config = run.config()?;
        let tokenizer = Tokenizer::from_file(&run.tokenizer())?;
        run.check_tokenizer(&tokenizer.sha256(), &checkpoint.state)?;
        let loaded = Self::new(config.name, Some(checkpoint.state.step), model, tokenizer);
        let (model, tokenizer) = (loaded.rows(), loaded.tokenizer.vocab_size());
        // Only those that others made may have tokens to spare.
        if tokenizer > model && config.finetune.is_none() {
            return Err(InferError::Vocabulary { tokenizer, model });
        }
        Ok(loaded)
    }

    /// Puts a model and a tokenizer together. Of these one may have tokens that the other lacks.
    pub fn new(name: String, step: Option<u64>, model: Transformer, tokenizer: Tokenizer) -> Self {
        Self {
            name,
            step,
            model,
            tokenizer,
            window: None,
            notes: Vec::new(),
        }
    }

    /// That the model can read so many tokens at once.
    ///
    /// # Errors
    /// More than learned positions, or than a sliding window shows.
    pub fn check_length(&self, len: usize) -> Result<(), InferError> {
        match self.window.filter(|window| len > *window) {
            Some(window) => Err(InferError::PastWindow { len, window }),
            None => Ok(self.model.check_length(len)?),
        }
    }

    /// Rows of the model's embedding: it knows the tokens below.
    pub fn rows(&self) -> usize {
        self.model.config().vocab_size.unwrap_or(0)
    }

    /// Its name and age, and its notes, a line each.
    pub fn introduction(&self) -> String {
        let notes: String = self
            .notes
            .iter()
            .map(|note| format!("\nnote: {note}"))
            .collect();
        format!("model: {}{notes}", self.title())
    }

    /// Its name and age, for people to read.
    pub fn title(&self) -> String {
        match self.step {
            Some(step) => format!("{} (step {step})", self.name),
            None => self.name.clone(),
        }
    }
}
