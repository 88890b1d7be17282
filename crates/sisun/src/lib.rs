//! Train a small decoder-only transformer on your own text, sample from it, look at every attention
//! head, and test what a change of positional encoding does.
//!
//! This crate gathers the libraries that the program `sisun` is made of. The types that most
//! programs need are at the root; each library is a module with everything it has.
//!
//! ```
//! use sisun::{ModelConfig, Pass, Transformer, cpu, token_ids};
//!
//! // 65 tokens, width 32, 2 layers of 4 heads, 16 tokens of context.
//! let config = ModelConfig::new(65, 32, 2, 4, 16);
//! let model = Transformer::random(&config, 1, &cpu())?;
//! let logits = model.forward(token_ids(&[&[3, 1, 4, 1, 5]], &cpu()), Pass::default());
//! assert_eq!(logits.dims(), [1, 5, 65]);
//! # Ok::<(), sisun::ModelError>(())
//! ```
//!
//! The [`guide`] goes on from here, and `examples/` has programs to begin from.

pub use sisun_compare as compare;
pub use sisun_config as config;
pub use sisun_data as data;
pub use sisun_files as files;
pub use sisun_hf as hugging_face;
pub use sisun_infer as infer;
pub use sisun_kernels as kernels;
pub use sisun_model as model;
pub use sisun_train as train;
pub use sisun_viz as viz;

pub use burn::module::Module;
pub use burn::tensor::{Device, Tensor};
pub use sisun_config::{
    Config, Ffn, ModelConfig, Norm, NormPlacement, OptimizerKind, Position, Schedule, TrainConfig,
};
pub use sisun_data::{Batch, Tokenizer, Tokens, random_batch};
pub use sisun_infer::{CaptureSelection, GenerationOptions, LanguageModel, Sample, Sampler};
pub use sisun_model::{
    Activation, Block, Capture, Change, Edit, FeedForward, KvCache, Linear, ModelError, Pass,
    RandomParams, SelfAttention, Transformer,
};
pub use sisun_train::{Session, StepOutput, Trainable, Trainer, edited_loss, evaluate};

use burn::tensor::{Int, TensorData};

pub mod guide;

/// The CPU, on which a model computes without recording gradients.
pub fn cpu() -> Device {
    Device::flex()
}

/// The CPU, recording what gradients need: the device of a model that is trained.
pub fn cpu_for_training() -> Device {
    Device::flex().autodiff()
}

/// Token ids as the model takes them.
///
/// # Shapes
/// - `rows`: one slice of ids for each sequence of the batch, all of one length
/// - result: `[batch, pos]`
///
/// # Panics
/// If the rows differ in length.
pub fn token_ids(rows: &[&[u32]], device: &Device) -> Tensor<2, Int> {
    let len = rows.first().map_or(0, |row| row.len());
    assert!(
        rows.iter().all(|row| row.len() == len),
        "rows of one length"
    );
    let ids: Vec<i32> = rows
        .iter()
        .copied()
        .flatten()
        .map(|id| *id as i32)
        .collect();
    Tensor::from_data(TensorData::new(ids, [rows.len(), len]), device)
}
