//! The tensor operations of the model, one function each.
//!
//! The model calls the functions at the root of this crate. Each has a plain version in
//! [`mod@reference`]: its formula as a composition of Burn operations, differentiable and the same on
//! every backend. Where a backend has a faster version of an operation, [`backend::Kernels`]
//! chooses it; those of the CPU are in `flex`, which calls functions on slices in `cpu`, and those
//! of GPUs in `cube`. To learn only which formula is computed, read [`mod@reference`].
//!
//! A wrong shape inside our own code is a bug and panics, through [`assert_shape!`].

mod arguments;
pub mod attention;
pub mod backend;
mod cpu;
mod cube;
mod dropout;
mod flex;
mod heads;
mod layers;
mod lift;
pub mod optimizer;
mod options;
mod recorded;
pub mod recurrent;
pub mod reference;
mod shape;

pub use attention::{attention, cross_attention, self_attention};
pub use cpu::loss::log_sum_exp;
pub use cpu::simd::{Level, UnknownLevel};
pub use cpu::thread_pool::keep_awake;
pub use cpu::threads::{
    ThreadPoolError, each_alone, most_threads, on_pool, pool_threads, start_threads,
};
pub use dropout::dropout;
pub use heads::{RotaryTables, norm_heads, rotate_heads};
pub use layers::{
    activation, cross_entropy, embedding, in_bf16, layer_norm, linear, linear_transposed, rms_norm,
    swiglu,
};
pub use options::{ActivationFunction, AttentionOptions, Cell, HeadCounts, Lens, MatmulPrecision};
pub use recurrent::{AdditiveAttention, attentive_recurrent, recurrent};
