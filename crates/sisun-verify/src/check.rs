//! The result of one check.

use serde::Serialize;

/// The verdict on one promise.
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
    /// A short name of the checked promise.
    pub name: &'static str,
    /// The verdict.
    pub verdict: Verdict,
    /// The comparison and its result, or the reason for skipping the check.
    pub found: String,
}

impl Check {
    /// Return a check that passed.
    pub fn holds(name: &'static str, found: String) -> Self {
        Self {
            name,
            verdict: Verdict::Holds,
            found,
        }
    }

    /// Return a check that failed.
    pub fn differs(name: &'static str, found: String) -> Self {
        Self {
            name,
            verdict: Verdict::Differs,
            found,
        }
    }

    /// Return a check that was skipped, with the reason.
    pub fn not_checked(name: &'static str, why: String) -> Self {
        Self {
            name,
            verdict: Verdict::NotChecked,
            found: why,
        }
    }

    /// Return a check that passed if `holds` is true and failed otherwise.
    pub fn of(name: &'static str, holds: bool, found: String) -> Self {
        if holds {
            Self::holds(name, found)
        } else {
            Self::differs(name, found)
        }
    }
}
