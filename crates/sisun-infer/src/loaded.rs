//! A model with its tokenizer, ready to be used.

use crate::InferError;
use sisun_data::Tokenizer;
use sisun_model::{Run, Transformer};
use std::path::Path;

/// A trained model and the tokenizer it was trained with.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The run's name.
    pub name: String,
    /// Steps it was trained for; not known of models that others trained.
    pub step: Option<u64>,
    /// The model, without autodiff.
    pub model: Transformer,
    /// The tokenizer, which says which tokens end a text.
    pub tokenizer: Tokenizer,
}

impl Loaded {
    /// Opens a run directory, or one of its checkpoints.
    ///
    /// # Errors
    /// No run there, a damaged checkpoint, or a tokenizer that does not fit the model.
    pub fn open(path: &Path, device: &burn::tensor::Device) -> Result<Self, InferError> {
        Self::of_run(&Run::open(path)?, device)
    }

    /// Reads the model of a run that is open.
    ///
    /// # Errors
    /// A damaged checkpoint, or a tokenizer that does not fit the model.
    pub fn of_run(run: &Run, device: &burn::tensor::Device) -> Result<Self, InferError> {
        let (model, checkpoint) = run.model(device)?;
        let name = run.config()?.name;
        Self::new(name, Some(checkpoint.state.step), model, Tokenizer::from_file(&run.tokenizer())?)
    }

    /// Puts a model and a tokenizer together.
    ///
    /// # Errors
    /// A tokenizer with tokens that the model does not know.
    pub fn new(name: String, step: Option<u64>, model: Transformer, tokenizer: Tokenizer) -> Result<Self, InferError> {
        let (known, needed) = (model.config().vocab_size.unwrap_or(0), tokenizer.vocab_size());
        if needed > known {
            return Err(InferError::Vocabulary { tokenizer: needed, model: known });
        }
        Ok(Self { name, step, model, tokenizer })
    }

    /// Its name and age, for people to read.
    pub fn title(&self) -> String {
        match self.step {
            Some(step) => format!("{} (step {step})", self.name),
            None => self.name.clone(),
        }
    }
}
