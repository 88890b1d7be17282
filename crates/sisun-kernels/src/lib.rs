//! The tensor operations of the model, one function each.
//!
//! Every function here is the plain composition of Burn operations that its formula says: differentiable, and
//! the same on every backend. The model calls these and nothing below them, so that a faster version of one
//! replaces it in one place.
//!
//! A wrong shape inside our own code is a bug and panics, through [`assert_shape!`].

pub mod activation;
pub mod attention;
mod dropout;
mod embedding;
mod linear;
mod loss;
pub mod norm;
pub mod optimizer;
mod rope;
mod shape;

pub use attention::{Attention, attention};
pub use dropout::dropout;
pub use embedding::embedding;
pub use linear::linear;
pub use loss::cross_entropy;
pub use rope::{RotaryTables, rotate_halves};
