//! Heads and neurons by their layer and number.

use crate::InferError;
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

impl FromStr for HeadName {
    type Err = InferError;

    fn from_str(given: &str) -> Result<Self, InferError> {
        let [layer, head] = two_numbers("head", given)?;
        Ok(Self { layer, head })
    }
}

/// Parse a layer and a number within it, as in `1.2`.
///
/// # Errors
/// If the text is malformed; `what` is `head` or `neuron`.
pub(crate) fn two_numbers(what: &'static str, given: &str) -> Result<[usize; 2], InferError> {
    let read = |text: &str| text.trim().parse().ok();
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
        check_index("layer", self.layer, config.n_layers)?;
        check_index("head", self.head, config.n_heads)
    }
}

/// Check that an index is below a count.
///
/// # Errors
/// [`InferError::NoSuch`].
pub(crate) fn check_index(
    what: &'static str,
    number: usize,
    count: usize,
) -> Result<(), InferError> {
    match number < count {
        true => Ok(()),
        false => Err(InferError::NoSuch {
            what,
            number,
            count,
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::HeadName;

    #[test]
    fn heads_are_named_by_layer_and_number() {
        let head: HeadName = " 1.12 ".parse().unwrap();
        assert_eq!((head.layer, head.head), (1, 12));
        for bad in ["", "1", "1.", ".2", "1.2.3", "-1.0", "a.b", "L1H2"] {
            let message = bad.parse::<HeadName>().unwrap_err().to_string();
            assert!(message.contains("1.2"), "{message}");
        }
    }
}
