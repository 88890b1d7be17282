//! The scores by which heads are told apart.

use super::{HeadMeasures, Offsets};
use crate::chance::Chance;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// A score from 0 to 1 that is large for heads of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HeadScore {
    /// Weight on the previous token.
    Previous,
    /// Weight on the first token.
    First,
    /// Share of the rows whose largest weight lies at one offset (Voita et al. 2019).
    Positional,
    /// Weight on earlier occurrences of the query's token in the text (Wang et al. 2022).
    Duplicate,
    /// Weight on the first occurrence of the same token, on repeated random tokens.
    Same,
    /// Weight on the token after the first occurrence, on repeated random tokens (Olsson et al.
    /// 2022).
    Induction,
}

impl HeadScore {
    /// Every score.
    pub const ALL: [Self; 6] = [
        Self::Previous,
        Self::First,
        Self::Positional,
        Self::Duplicate,
        Self::Same,
        Self::Induction,
    ];

    /// Return the name of the score.
    pub fn name(self) -> &'static str {
        match self {
            Self::Previous => "previous",
            Self::First => "first",
            Self::Positional => "positional",
            Self::Duplicate => "duplicate",
            Self::Same => "same",
            Self::Induction => "induction",
        }
    }

    /// Return the score of a head, if it was measured and is a number.
    pub fn of(self, head: &HeadMeasures) -> Option<f64> {
        let (spread, repetition) = (&head.stats.spread, &head.stats.repetition);
        let score = match self {
            Self::Previous => Some(spread.previous),
            Self::First => Some(spread.first),
            Self::Positional => head.offsets.positional.map(|found| found.share),
            Self::Duplicate => head.duplicate,
            Self::Same => repetition.same,
            Self::Induction => repetition.induction,
        };
        score.filter(|score| score.is_finite())
    }

    /// Return what a head with uniform attention scores; `None` if the score has no such level or
    /// was not measured.
    pub fn chance(self, chance: &Chance) -> Option<f64> {
        match self {
            Self::Previous => chance.previous,
            Self::First => chance.first,
            Self::Positional => None,
            Self::Duplicate => chance.duplicate,
            Self::Same => chance.same,
            Self::Induction => chance.induction,
        }
    }

    /// Return the score from which on a head is of the kind: at least twice what uniform attention
    /// has and 0.1 more, of positional heads 0.9; `None` if it was not measured.
    pub fn threshold(self, chance: &Chance) -> Option<f64> {
        match self {
            Self::Positional => Some(Offsets::POSITIONAL),
            _ => self.chance(chance).map(Chance::threshold),
        }
    }
}

impl fmt::Display for HeadScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for HeadScore {
    type Err = String;

    /// Parse the name of a score.
    ///
    /// # Errors
    /// The names that there are.
    fn from_str(given: &str) -> Result<Self, String> {
        let mut all = Self::ALL.into_iter();
        all.find(|score| score.name() == given.trim())
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::name).join(", ");
                format!("unknown score `{given}`; choose from {names}")
            })
    }
}
