//! The results of checks.

use anyhow::Result;
use serde::Serialize;
use sisun_config::plain_system_words;

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

/// Name of the check that a model can be opened.
pub(crate) const OPENS: &str = "model opens";

/// The checks so far, and who is told of the next.
pub(crate) struct Checks<'s> {
    pub(crate) list: Vec<Check>,
    pub(crate) started: &'s mut dyn FnMut(&str),
}

impl Checks<'_> {
    /// Run a check. One that ends with an error has found something that does not hold.
    pub(crate) fn add(&mut self, name: &'static str, check: &mut dyn FnMut() -> Result<Check>) {
        (self.started)(name);
        self.list.push(check().unwrap_or_else(|error| {
            Check::differs(name, plain_system_words(&format!("{error:#}")).into_owned())
        }));
    }
}
