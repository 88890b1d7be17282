//! The steps of a computation with their words, as the page and the command line show them.
//!
//! Both read one file, `page/steps.js`: which steps there are, in which order, and what is said of
//! each. What differs between models is a set of flags and the values of placeholders, a
//! [`StepContext`].

mod context;
mod list;
mod own;
mod words;

pub use context::{StepContext, percent};
pub use list::{WorkedStep, steps};
pub use own::printed_sentences;
pub use words::word;
