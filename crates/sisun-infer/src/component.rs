//! Heads and neurons by their layer and number.

use crate::{Index, InferError};
use serde::{Serialize, Serializer};
use sisun_config::ModelConfig;
use std::fmt;
use std::str::FromStr;

/// A head, by its layer and its number: `1.2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeadName {
    /// Layer, counted from 0.
    pub layer: usize,
    /// Head, counted from 0.
    pub head: usize,
}

impl fmt::Display for HeadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.layer, self.head)
    }
}

impl Serialize for HeadName {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// A head as a user names it, counted from 0 or from the end: `1.2`, `last.0`, `-1.-2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadIndex {
    /// Layer.
    pub layer: Index,
    /// Head.
    pub head: Index,
}

impl FromStr for HeadIndex {
    type Err = InferError;

    fn from_str(given: &str) -> Result<Self, InferError> {
        let [layer, head] = two_numbers("head", given)?;
        Ok(Self { layer, head })
    }
}

impl HeadIndex {
    /// Return the head of a model.
    ///
    /// # Errors
    /// [`InferError::NoSuch`].
    pub fn of(self, config: &ModelConfig) -> Result<HeadName, InferError> {
        Ok(HeadName {
            layer: self.layer.among("layer", config.n_layers)?,
            head: self.head.among("head", config.n_heads)?,
        })
    }
}

/// Parse a layer and a number within it, as in `1.2`.
///
/// # Errors
/// If the text is malformed; `what` is `head` or `neuron`.
pub(crate) fn two_numbers(what: &'static str, given: &str) -> Result<[Index; 2], InferError> {
    let read = |text: &str| text.parse().ok();
    let numbers = given.split_once('.');
    let numbers = numbers.and_then(|(layer, number)| Some([read(layer)?, read(number)?]));
    numbers.ok_or_else(|| InferError::BadComponent {
        what,
        given: given.to_owned(),
    })
}

impl HeadName {
    /// Check that a model has this head.
    ///
    /// # Errors
    /// [`InferError::NoSuch`].
    pub fn check(self, config: &ModelConfig) -> Result<(), InferError> {
        Index::FromStart(self.layer).among("layer", config.n_layers)?;
        Index::FromStart(self.head).among("head", config.n_heads)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::HeadIndex;
    use crate::Index::{FromEnd, FromStart};

    #[test]
    fn heads_are_named_by_layer_and_number() {
        let head: HeadIndex = " 1.12 ".parse().unwrap();
        assert_eq!((head.layer, head.head), (FromStart(1), FromStart(12)));
        let head: HeadIndex = "last.-2".parse().unwrap();
        assert_eq!((head.layer, head.head), (FromEnd(1), FromEnd(2)));
        for bad in ["", "1", "1.", ".2", "1.2.3", "-0.0", "a.b", "L1H2"] {
            let message = bad.parse::<HeadIndex>().unwrap_err().to_string();
            assert!(message.contains("1.2"), "{message}");
        }
    }
}
