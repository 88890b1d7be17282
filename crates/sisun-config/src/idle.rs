//! Settings without effect because of other settings.

use crate::data::default_validation_fraction;
use crate::train::{default_muon_lr, default_muon_momentum};
use crate::{
    Config, Ffn, ModelConfig, OptimizerKind, Schedule, Seq2SeqConfig, Seq2SeqExperiment,
    TrainConfig,
};

impl Config {
    /// Return each key that is set and has no effect, with the reason.
    pub fn settings_without_effect(&self) -> Vec<(&'static str, &'static str)> {
        let fraction = !self.data.validation.is_empty()
            && self.data.validation_fraction != default_validation_fraction();
        let data = fraction.then_some((
            "data.validation_fraction",
            "beside data.validation, which is held out whole",
        ));
        let greedy = self
            .sample
            .as_ref()
            .is_some_and(|sample| sample.temperature == 0.0 && sample.top_k != 0);
        let sample = greedy.then_some((
            "sample.top_k",
            "with sample.temperature = 0, which takes the most likely token",
        ));
        without_effect(&self.train)
            .chain(data)
            .chain(without_ffn(&self.model))
            .chain(sample)
            .collect()
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

fn without_ffn(model: &ModelConfig) -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_without = model.ffn == Ffn::None;
    let all = [
        ("model.d_ff", model.d_ff.is_some()),
        ("model.ffn_bias", model.ffn_bias.is_some()),
        ("model.parallel_residual", model.parallel_residual),
    ];
    all.into_iter()
        .filter(move |(_, set)| *set && is_without)
        .map(|(key, _)| (key, "with model.ffn = \"none\""))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::Config;
    use std::path::Path;

    /// Return the keys without effect of a configuration with these lines in its tables.
    fn idle(model: &str, sample: &str) -> Vec<&'static str> {
        let text = format!(
            "name = 'a'
            [data]
            sources = ['a.txt']
            [tokenizer]
            kind = 'char'
            [model]
            d_model = 8
            n_layers = 1
            n_heads = 1
            context_len = 8
            position = 'rope'
            {model}
            [train]
            steps = 1
            batch_size = 1
            lr_max = 0.1
            [sample]
            prompt = 'a'
            {sample}"
        );
        let config = Config::parse(Path::new("a.toml"), &text).unwrap();
        let found = config.settings_without_effect();
        found.into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn settings_of_what_the_model_lacks_are_named() {
        assert!(idle("", "top_k = 4").is_empty());
        assert!(idle("ffn = 'none'", "temperature = 0").is_empty());
        assert_eq!(
            idle(
                "ffn = 'none'\nffn_bias = true\nparallel_residual = true",
                ""
            ),
            ["model.ffn_bias", "model.parallel_residual"]
        );
        assert!(idle("ffn_bias = true\nparallel_residual = true", "").is_empty());
        assert_eq!(idle("", "temperature = 0\ntop_k = 4"), ["sample.top_k"]);
    }
}
