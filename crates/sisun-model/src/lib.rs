//! The model: the forward pass from tokens to logits, the variants that its configuration selects,
//! and its weights on disk.
//!
//! [`Transformer::forward`] is the only forward path. A [`Pass`] selects its side effects: reading
//! and extending a [`KvCache`], capturing activations in a [`Capture`], changing them by an [`Edit`],
//! or applying dropout.

mod adapt_config;
mod attention;
mod block;
mod bytes;
mod cache;
mod capture;
pub mod checkpoint;
mod count;
mod cross_attention;
pub mod device;
mod edit;
mod error;
pub mod fault;
mod ffn;
mod forward;
mod heads;
mod host;
mod layers;
mod lora;
pub mod memory;
mod near_runs;
mod params;
mod pointers;
pub mod position;
mod precision;
mod run;
mod stack;
mod transformer;
pub mod weights;

pub use attention::{AttentionContext, SelfAttention};
pub use block::Block;
pub use cache::KvCache;
pub use capture::{Activation, Capture, Captured};
pub use count::{Count, thousands};
pub use cross_attention::{CrossAttention, Memory};
pub use device::{Chosen, DeviceChoice};
pub use edit::{Change, Edit, Target};
pub use error::ModelError;
pub use ffn::FeedForward;
pub use forward::Pass;
pub use host::to_host;
pub use layers::{Embedding, Linear, NormLayer};
pub use near_runs::did_you_mean;
pub use params::{Init, Params, RandomParams, StoredMatrix, param};
pub use pointers::{BEST, LAST};
pub use run::Run;
pub use stack::{Stack, Surroundings};
pub use transformer::Transformer;
