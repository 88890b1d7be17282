//! The kinds of file that have settings.

use clap::ValueEnum;
use sisun_compare::COMPARISON;
use sisun_config::{EXPERIMENT, SettingsTable, Shape};

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(super) enum Kind {
    /// For sisun train
    Experiment,
    /// For sisun compare
    Compare,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Experiment => "experiment",
            Self::Compare => "comparison",
        }
    }
}

/// Return all settings of both kinds of file, in the order in which they are listed.
pub(super) fn every_setting() -> Vec<(Kind, SettingsTable)> {
    let of = |kind: Kind, shape: &Shape| {
        let tables = shape.tables().into_iter();
        tables.map(move |table| (kind, table)).collect::<Vec<_>>()
    };
    [
        of(Kind::Experiment, &EXPERIMENT),
        of(Kind::Compare, &COMPARISON),
    ]
    .concat()
}
