//! A sequence-to-sequence experiment: the settings of a file with `[seq2seq]`.

use crate::error::Problems;
use crate::{
    Config, ConfigError, Experiment, PairsConfig, Seq2SeqConfig, TokenizerConfig, TrainConfig,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A whole experiment with pairs of texts: the pairs, the tokenizers, the model, and its training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Seq2SeqExperiment {
    /// Name of the experiment. The run directory is `runs/NAME`. Default: the file's name.
    #[schemars(extend("example" = "my-translator"))]
    pub name: String,
    /// The pairs of a source and a target text.
    pub pairs: PairsConfig,
    /// The tokenizer of both sides, unless each side has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<TokenizerConfig>,
    /// The tokenizer of sources, beside `[target_tokenizer]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_tokenizer: Option<TokenizerConfig>,
    /// The tokenizer of targets, beside `[source_tokenizer]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_tokenizer: Option<TokenizerConfig>,
    /// The network.
    pub seq2seq: Seq2SeqConfig,
    /// The training loop.
    pub train: TrainConfig,
    /// Sources whose targets are written during and after training. Default: no samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<PairSampleConfig>,
    /// The source whose attention maps are written after training. Default: no maps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attend: Option<PairAttendConfig>,
}

/// `[sample]` of a sequence-to-sequence experiment: sources whose targets are written during and
/// after training, by greedy decoding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PairSampleConfig {
    /// Sources to write the targets of.
    #[schemars(extend("example" = ["5 March 1997"]))]
    pub sources: Vec<String>,
    /// Number of steps between samples during training; 0 writes them at the end only.
    #[serde(default)]
    #[schemars(extend("unit" = "steps"))]
    pub every: u64,
}

/// `[attend]` of a sequence-to-sequence experiment: the source whose attention maps are written
/// after training, with the target that the model writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PairAttendConfig {
    /// The source whose attention maps are written.
    #[schemars(extend("example" = "5 March 1997"))]
    pub source: String,
}

impl Seq2SeqExperiment {
    /// Check every key against its range.
    ///
    /// # Errors
    /// All keys that are out of range, with their values and the accepted range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut problems = Problems::default();
        problems.take(Config::check_name(&self.name));
        problems.take(self.pairs.validate());
        let tokenizers = [
            ("tokenizer", &self.tokenizer),
            ("source_tokenizer", &self.source_tokenizer),
            ("target_tokenizer", &self.target_tokenizer),
        ];
        for (key, tokenizer) in tokenizers {
            if let Some(tokenizer) = tokenizer {
                let found = tokenizer.validate();
                problems
                    .take(found.map_err(|error| error.of_table("tokenizer.", &format!("{key}."))));
            }
        }
        problems.take(self.tokenizers().map(drop));
        problems.take(self.seq2seq.validate());
        problems.take(self.train.validate());
        if let Some(sample) = &self.sample {
            problems.check(
                !sample.sources.is_empty() && !sample.sources.iter().any(String::is_empty),
                "sample.sources",
                format!("{:?}", sample.sources),
                "must name at least one source, and none that is empty",
            );
        }
        if let Some(attend) = &self.attend {
            problems.check(
                !attend.source.is_empty(),
                "attend.source",
                "\"\"",
                "must hold at least one character",
            );
        }
        problems.end()
    }

    /// Return the settings of the tokenizers.
    ///
    /// # Errors
    /// If none or only one of two is given, or both a common one and others.
    pub fn tokenizers(&self) -> Result<PairTokenizersConfig<'_>, ConfigError> {
        PairTokenizersConfig::of(
            self.tokenizer.as_ref(),
            self.source_tokenizer.as_ref(),
            self.target_tokenizer.as_ref(),
        )
    }
}

/// Settings of the tokenizers of both sides.
#[derive(Clone, Copy, Debug)]
pub enum PairTokenizersConfig<'c> {
    /// One for both.
    Shared(&'c TokenizerConfig),
    /// One for each.
    Separate {
        /// That of sources.
        source: &'c TokenizerConfig,
        /// That of targets.
        target: &'c TokenizerConfig,
    },
}

impl<'c> PairTokenizersConfig<'c> {
    /// Return the settings that these keys give.
    ///
    /// # Errors
    /// If none or only one of two is given, or both a common one and others.
    pub fn of(
        both: Option<&'c TokenizerConfig>,
        source: Option<&'c TokenizerConfig>,
        target: Option<&'c TokenizerConfig>,
    ) -> Result<Self, ConfigError> {
        let wrong = |key: &str, message: &str| ConfigError::Invalid {
            key: key.to_owned(),
            message: message.to_owned(),
        };
        match (both, source, target) {
            (Some(both), None, None) => Ok(Self::Shared(both)),
            (None, Some(source), Some(target)) => Ok(Self::Separate { source, target }),
            (None, None, None) => Err(wrong(
                "tokenizer",
                "is missing: give one for both sides, for example [tokenizer] with kind = \"char\", or \
                 [source_tokenizer] and [target_tokenizer]",
            )),
            (None, Some(_), None) => Err(wrong(
                "target_tokenizer",
                "is missing beside [source_tokenizer]; one for both sides is [tokenizer]",
            )),
            (None, None, Some(_)) => Err(wrong(
                "source_tokenizer",
                "is missing beside [target_tokenizer]; one for both sides is [tokenizer]",
            )),
            (Some(_), ..) => Err(wrong(
                "tokenizer",
                "is the tokenizer of both sides: leave it out, or [source_tokenizer] and [target_tokenizer]",
            )),
        }
    }
}

impl Experiment for Seq2SeqExperiment {
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::PairTokenizersConfig;
    use crate::{ConfigError, Experiment, PartialConfig, SEQ2SEQ, Seq2SeqExperiment, Shape};
    use std::path::Path;

    const WHOLE: &str = "name = 'a'\npairs = { sources = ['a.jsonl'] }\ntokenizer = { kind = 'char' }\n\
        train = { steps = 9, batch_size = 2, lr_max = 1e-3 }\nsample = { sources = ['a'] }\nattend = { source = 'a' }\n\
        [seq2seq]\nkind = 'recurrent'\nencoder = 'gru'\ncontext = 'dot'\nd_embed = 4\nd_hidden = 8\n";

    fn read(text: &str) -> Result<Seq2SeqExperiment, ConfigError> {
        PartialConfig::parse(Path::new("a.toml"), text)?.finish_seq2seq()
    }

    #[test]
    fn an_experiment_is_read_and_written() {
        let config = read(WHOLE).unwrap();
        assert_eq!(read(&config.to_toml()).unwrap(), config);
        assert!(config.writes_maps() && config.sample_every() == Some(0));
        assert!(matches!(
            config.tokenizers(),
            Ok(PairTokenizersConfig::Shared(_))
        ));
    }

    #[test]
    fn tokenizers_are_one_or_two() {
        let with =
            |tokenizers: &str| read(&WHOLE.replace("tokenizer = { kind = 'char' }", tokenizers));
        let both = "source_tokenizer = { kind = 'char' }\ntarget_tokenizer = { kind = 'bpe', vocab_size = 300 }";
        let config = with(both).unwrap();
        assert!(matches!(
            config.tokenizers(),
            Ok(PairTokenizersConfig::Separate { .. })
        ));
        for (tokenizers, part) in [
            ("", "tokenizer: is missing"),
            (
                "source_tokenizer = { kind = 'char' }",
                "target_tokenizer: is missing",
            ),
            (
                "target_tokenizer = { kind = 'char' }",
                "source_tokenizer: is missing",
            ),
            (
                "tokenizer = { kind = 'char' }\nsource_tokenizer = { kind = 'char' }",
                "tokenizer: is the tokenizer of both sides",
            ),
            (
                "source_tokenizer = { kind = 'char' }\ntarget_tokenizer = { kind = 'bpe', vocab_size = 9 }",
                "target_tokenizer.vocab_size = 9",
            ),
        ] {
            let told = with(tokenizers).unwrap_err().to_string();
            assert!(told.contains(part), "{tokenizers}: {told}");
        }
    }

    #[test]
    fn the_kinds_of_model_are_told_apart() {
        let both = format!("{WHOLE}[model]\nd_model = 8\n");
        assert!(read(&both).unwrap_err().to_string().contains("one model"));
        let draft = PartialConfig::parse(Path::new("a.toml"), WHOLE).unwrap();
        let told = draft.finish().unwrap_err().to_string();
        assert!(told.contains("sequence-to-sequence"), "{told}");
        assert!(read("name = 'a'\n[model]\nd_model = 8").is_err());
    }

    #[test]
    fn every_key_is_described() {
        let Shape::Table(keys) = *SEQ2SEQ else {
            panic!("an experiment is a table")
        };
        assert!(keys.iter().all(|key| key.docs.ends_with('.')));
        for table in SEQ2SEQ.tables() {
            for setting in table.settings {
                let key = setting.key;
                assert!(key.docs.ends_with('.'), "{}: {}", setting.path, key.docs);
                let is_table = matches!(key.shape, Shape::Table(_) | Shape::Kinds { .. });
                let told = key.required || key.default().is_some();
                let told = told && key.example().is_some();
                assert!(is_table || told, "{}", setting.path);
            }
        }
    }
}
