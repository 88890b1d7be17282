//! The keys of the files that this crate reads, as their serde types describe them.

use crate::partial_config::{FinetuneFile, TokenizerFile};
use crate::read::ModelFile;
use crate::{Config, ModelConfig, Shape};
use std::sync::LazyLock;

/// A whole experiment.
pub static EXPERIMENT: LazyLock<Shape> = LazyLock::new(Shape::of::<Config>);

/// An experiment whose model and tokenizer come from its base model.
pub(crate) static FINETUNED: LazyLock<Shape> = LazyLock::new(|| {
    let Shape::Table(keys) = *EXPERIMENT else {
        unreachable!("an experiment is a table")
    };
    let mut keys = keys.to_vec();
    for key in &mut keys {
        match (key.name, key.shape) {
            ("tokenizer", _) => key.required = false,
            ("model", Shape::Table(keys)) => {
                (key.required, key.shape) = (false, Shape::Part(keys));
            }
            _ => {}
        }
    }
    Shape::Table(keys.leak())
});

/// A file that describes only a model.
pub(crate) static MODEL_FILE: LazyLock<Shape> = LazyLock::new(Shape::of::<ModelFile>);

/// The table that describes fine-tuning.
pub(crate) static FINETUNE_FILE: LazyLock<Shape> = LazyLock::new(Shape::of::<FinetuneFile>);

/// The table that describes a tokenizer.
pub(crate) static TOKENIZER_FILE: LazyLock<Shape> = LazyLock::new(Shape::of::<TokenizerFile>);

/// `[model]`.
pub(crate) static MODEL: LazyLock<Shape> = LazyLock::new(Shape::of::<ModelConfig>);
