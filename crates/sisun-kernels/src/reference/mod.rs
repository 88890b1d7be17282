//! Each operation as a composition of Burn operations: the formula, differentiable, on every
//! backend.
//!
//! The fast versions are tested against these. The model calls the functions of the crate's root,
//! which use the fast version where the backend has one.

mod activation;
mod attention;
mod embedding;
mod heads;
mod linear;
mod loss;
mod norm;
pub mod optimizer;
mod recurrent;

pub use activation::{activation, swiglu};
pub use attention::{
    HIDDEN_SCORE, attention, cross_attention, mix, pattern, scores, self_attention,
};
pub use embedding::embedding;
pub use heads::{merge_heads, norm_heads, rotate_heads};
pub use linear::linear;
pub use loss::cross_entropy;
pub use norm::{layer_norm, rms_norm};
pub use recurrent::{additive_scores, attentive_recurrent, recurrent};
