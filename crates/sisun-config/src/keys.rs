//! The keys of an experiment, as its serde types describe them.

use crate::{Config, Seq2SeqExperiment, Shape};
use std::sync::LazyLock;

/// A whole experiment.
pub static EXPERIMENT: LazyLock<Shape> = LazyLock::new(Shape::of::<Config>);

/// A whole sequence-to-sequence experiment.
pub static SEQ2SEQ: LazyLock<Shape> = LazyLock::new(Shape::of::<Seq2SeqExperiment>);

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
