//! A text, its translation, and the links that say which part of one comes from which of the other.

use serde::de::{Deserializer, Error};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A source text and its target text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// The text that is read.
    pub source: String,
    /// The text that is written.
    pub target: String,
    /// The true alignment, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alignment: Option<Alignment>,
}

/// The true links between the target and the source of a pair (Och and Ney 2003, §3.1: *sure* and
/// *possible*).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alignment {
    /// Links without which an alignment is wrong.
    #[serde(default)]
    pub sure: Vec<Link>,
    /// Links that are allowed but not demanded, besides the sure ones.
    #[serde(default)]
    pub possible: Vec<Link>,
}

/// A link from a part of the target to the part of the source that it comes from, both in
/// characters (Unicode scalar values), half open. In JSON: `[t0, t1, s0, s1]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The part of the target.
    pub target: Range<usize>,
    /// The part of the source.
    pub source: Range<usize>,
}

impl Serialize for Link {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        [
            self.target.start,
            self.target.end,
            self.source.start,
            self.source.end,
        ]
        .serialize(to)
    }
}

impl<'de> Deserialize<'de> for Link {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let [t0, t1, s0, s1] = <[usize; 4]>::deserialize(from)?;
        if t0 >= t1 || s0 >= s1 {
            return Err(D::Error::custom(format!(
                "the link [{t0}, {t1}, {s0}, {s1}] has an empty range; write it as [target start, target end, source start, source end]"
            )));
        }
        Ok(Self {
            target: t0..t1,
            source: s0..s1,
        })
    }
}
