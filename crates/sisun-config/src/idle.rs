//! Settings without effect because of other settings.

use crate::data::default_validation_fraction;
use crate::train::{default_muon_lr, default_muon_momentum};
use crate::{Config, OptimizerKind, Schedule};

impl Config {
    /// Return each key that is set and has no effect, with the reason.
    pub fn settings_without_effect(&self) -> Vec<(&'static str, &'static str)> {
        let train = &self.train;
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
            (
                "data.validation_fraction",
                !self.data.validation.is_empty()
                    && self.data.validation_fraction != default_validation_fraction(),
                "beside data.validation, which is held out whole",
            ),
        ];
        all.into_iter()
            .filter(|(_, idle, _)| *idle)
            .map(|(key, _, why)| (key, why))
            .collect()
    }
}
