//! The settings that experiments of every kind share.

use crate::{Config, TrainConfig};
use serde::Serialize;
use std::fmt::Debug;

/// An experiment of any kind, as a run directory records it.
pub trait Experiment: Clone + Debug + PartialEq + Serialize {
    /// Return the name of the experiment.
    fn name(&self) -> &str;

    /// Return the settings of the training loop.
    fn train(&self) -> &TrainConfig;

    /// Return the number of steps between samples, if samples are written; 0 writes them after the
    /// last step only.
    fn sample_every(&self) -> Option<u64>;

    /// Return true if attention maps are written after training.
    fn writes_maps(&self) -> bool;

    /// Return the configuration as TOML, with every default included.
    fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("plain structs of numbers and strings always serialise")
    }
}

impl Experiment for Config {
    fn name(&self) -> &str {
        &self.name
    }

    fn train(&self) -> &TrainConfig {
        &self.train
    }

    fn sample_every(&self) -> Option<u64> {
        self.sample.as_ref().map(|sample| sample.every)
    }

    fn writes_maps(&self) -> bool {
        self.attend.is_some()
    }
}
