//! Parsing of position encodings, written as a name, or as a table if there are settings:
//! `position = "rope"` is `position = { kind = "rope", base = 10000.0, fraction = 1.0 }`.

use crate::{Position, RopeScaling};
use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The table form, which serde derives.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Table {
    None {},
    Learned {},
    Sinusoidal {},
    Rope {
        #[serde(default = "default_base")]
        base: f64,
        #[serde(default = "default_fraction")]
        fraction: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scaling: Option<RopeScaling>,
    },
    Alibi {},
    T5Bias {
        #[serde(default = "default_buckets")]
        buckets: usize,
        #[serde(default = "default_max_distance")]
        max_distance: usize,
    },
}

const NAMES: [&str; 6] = ["none", "learned", "sinusoidal", "rope", "alibi", "t5_bias"];

impl Position {
    /// Return rotary positions with the usual base, on all dimensions of each head.
    pub fn rope() -> Self {
        Self::Rope {
            base: default_base(),
            fraction: default_fraction(),
            scaling: None,
        }
    }

    /// Return the name of this variant in a configuration.
    pub fn name(&self) -> &'static str {
        match self {
            Position::None => "none",
            Position::Learned => "learned",
            Position::Sinusoidal => "sinusoidal",
            Position::Rope { .. } => "rope",
            Position::Alibi => "alibi",
            Position::T5Bias { .. } => "t5_bias",
        }
    }
}

impl From<Table> for Position {
    fn from(table: Table) -> Self {
        match table {
            Table::None {} => Position::None,
            Table::Learned {} => Position::Learned,
            Table::Sinusoidal {} => Position::Sinusoidal,
            Table::Rope {
                base,
                fraction,
                scaling,
            } => Position::Rope {
                base,
                fraction,
                scaling,
            },
            Table::Alibi {} => Position::Alibi,
            Table::T5Bias {
                buckets,
                max_distance,
            } => Position::T5Bias {
                buckets,
                max_distance,
            },
        }
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Position::Rope {
                base,
                fraction,
                scaling,
            } => Table::Rope {
                base,
                fraction,
                scaling,
            }
            .serialize(serializer),
            Position::T5Bias {
                buckets,
                max_distance,
            } => Table::T5Bias {
                buckets,
                max_distance,
            }
            .serialize(serializer),
            _ => serializer.serialize_str(self.name()),
        }
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PositionVisitor)
    }
}

struct PositionVisitor;

impl<'de> Visitor<'de> for PositionVisitor {
    type Value = Position;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a position's name, or a table with its `kind`")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Position, E> {
        if !NAMES.contains(&name) {
            return Err(E::unknown_variant(name, &NAMES));
        }
        Table::deserialize(MapDeserializer::new([("kind", name)].into_iter())).map(Position::from)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Position, A::Error> {
        Table::deserialize(MapAccessDeserializer::new(map)).map(Position::from)
    }
}

pub(crate) fn default_base() -> f64 {
    10_000.0
}

pub(crate) fn default_fraction() -> f64 {
    1.0
}

pub(crate) fn default_buckets() -> usize {
    32
}

pub(crate) fn default_max_distance() -> usize {
    128
}
