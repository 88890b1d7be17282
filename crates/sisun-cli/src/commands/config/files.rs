//! The kinds of file that have settings.

use clap::ValueEnum;
use sisun_compare::COMPARISON;
use sisun_config::{EXPERIMENT, SEQ2SEQ, SettingsTable, Shape};

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(super) enum Kind {
    /// For sisun train
    Experiment,
    /// For sisun train, with pairs of texts
    Seq2seq,
    /// For sisun compare
    Compare,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Experiment => "experiment",
            Self::Seq2seq => "sequence-to-sequence experiment",
            Self::Compare => "comparison",
        }
    }
}

/// Return all settings of all kinds of file, in the order in which they are listed. Tables that a
/// sequence-to-sequence experiment shares with an experiment are listed once.
pub(super) fn every_setting() -> Vec<(Kind, SettingsTable)> {
    let of = |kind: Kind, shape: &Shape| {
        let tables = shape.tables().into_iter();
        tables.map(move |table| (kind, table)).collect::<Vec<_>>()
    };
    let experiment = of(Kind::Experiment, &EXPERIMENT);
    let paths = |table: &SettingsTable| -> Vec<(String, &'static str)> {
        let settings = table.settings.iter();
        settings
            .map(|setting| (setting.path.clone(), setting.key.docs))
            .collect()
    };
    let is_listed = |table: &SettingsTable| {
        let listed = |(_, known): &(Kind, SettingsTable)| {
            known.path == table.path && paths(known) == paths(table)
        };
        experiment.iter().any(listed)
    };
    let mut pairs = of(Kind::Seq2seq, &SEQ2SEQ);
    // The table without a name begins the list.
    pairs.retain(|(_, table)| table.path.is_empty() || !is_listed(table));
    [experiment.clone(), pairs, of(Kind::Compare, &COMPARISON)].concat()
}
