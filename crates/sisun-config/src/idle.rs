//! Settings without effect because of other settings.

use crate::data::default_validation_fraction;
use crate::train::{default_muon_lr, default_muon_momentum};
use crate::{Config, OptimizerKind, Schedule, Seq2SeqConfig, Seq2SeqExperiment, TrainConfig};

impl Config {
    /// Return each key that is set and has no effect, with the reason.
    pub fn settings_without_effect(&self) -> Vec<(&'static str, &'static str)> {
        let fraction = !self.data.validation.is_empty()
            && self.data.validation_fraction != default_validation_fraction();
        let data = fraction.then_some((
            "data.validation_fraction",
            "beside data.validation, which is held out whole",
        ));
        without_effect(&self.train).chain(data).collect()
    }
}

impl Seq2SeqExperiment {
    /// Return each key that is set and has no effect, with the reason.
    pub fn settings_without_effect(&self) -> Vec<(&'static str, &'static str)> {
        let fraction = !self.pairs.validation.is_empty()
            && self.pairs.validation_fraction != default_validation_fraction();
        let pairs = fraction.then_some((
            "pairs.validation_fraction",
            "beside pairs.validation, which is held out whole",
        ));
        let attend = (self.attend.is_some() && !self.seq2seq.attends())
            .then_some(("attend", "with a seq2seq.context that does not attend"));
        let is_recurrent = matches!(self.seq2seq, Seq2SeqConfig::Recurrent(_));
        let muon = (is_recurrent && self.train.optimizer == OptimizerKind::Muon).then_some((
            "train.optimizer",
            "= \"muon\" with a recurrent model, whose weights AdamW trains",
        ));
        without_effect(&self.train)
            .chain(pairs)
            .chain(attend)
            .chain(muon)
            .collect()
    }
}

fn without_effect(train: &TrainConfig) -> impl Iterator<Item = (&'static str, &'static str)> {
    let without_muon = train.optimizer != OptimizerKind::Muon;
    let muon = "without train.optimizer = \"muon\"";
    let all = [
        (
            "train.muon_lr_max",
            without_muon && train.muon_lr_max != default_muon_lr(),
            muon,
        ),
        (
            "train.muon_momentum",
            without_muon && train.muon_momentum != default_muon_momentum(),
            muon,
        ),
        (
            "train.lr_min",
            train.lr_min.is_some() && train.schedule == Schedule::Constant,
            "with train.schedule = \"constant\"",
        ),
    ];
    all.into_iter()
        .filter(|(_, idle, _)| *idle)
        .map(|(key, _, why)| (key, why))
}
