//! The result of one check.

use serde::Serialize;

/// Whether what was promised holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It was checked and holds.
    Holds,
    /// It was checked and does not hold.
    Differs,
    /// It could not be checked, or does not apply to this model.
    NotChecked,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// What is checked, in a few words.
    pub name: &'static str,
    /// Whether it holds.
    pub verdict: Verdict,
    /// What was compared and found, or why it was not checked.
    pub found: String,
}

impl Check {
    /// A check that passed.
    pub fn holds(name: &'static str, found: String) -> Self {
        Self {
            name,
            verdict: Verdict::Holds,
            found,
        }
    }

    /// A check that failed.
    pub fn differs(name: &'static str, found: String) -> Self {
        Self {
            name,
            verdict: Verdict::Differs,
            found,
        }
    }

    /// A check that was left out, and why.
    pub fn not_checked(name: &'static str, why: String) -> Self {
        Self {
            name,
            verdict: Verdict::NotChecked,
            found: why,
        }
    }

    /// A check that passed or failed.
    pub fn of(name: &'static str, holds: bool, found: String) -> Self {
        if holds {
            Self::holds(name, found)
        } else {
            Self::differs(name, found)
        }
    }
}
