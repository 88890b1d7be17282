//! Sequence-to-sequence models on pairs of texts, as run directories hold them.

mod evaluate;
mod loss;
mod memory;
mod text;

pub use loss::pair_tensors;
pub use memory::expected_bytes;
pub use text::{PairText, own_pairs};

use crate::evaluate::Evaluation;
use crate::fact::Fact;
use crate::run_model::{Begun, RunModel, TextSums};
use crate::{ChangedSetting, NewRun, TrainError};
use burn::tensor::Device;
use evaluate::evaluate;
use sisun_config::{PartialConfig, Seq2SeqConfig, Seq2SeqExperiment, TrainConfig, WindowOrder};
use sisun_data::Tokenizer;
use sisun_data::pairs::{PairBatch, PairBuckets, Side, prepare_pairs};
use sisun_files::RunDir;
use sisun_model::checkpoint::{Checkpoint, CheckpointState, MODEL_FILE, MadeWith};
use sisun_model::weights::FlatTensors;
use sisun_model::{Chosen, Run, thousands};
use sisun_seq2seq::{Seq2Seq, Vocabularies, n_params};
use std::path::Path;
use text::{own_tokenizers, same_pairs};

impl RunModel for Seq2Seq {
    type Config = Seq2SeqExperiment;
    type Text = PairText;
    type Start = ();

    const FINE_TUNES: bool = false;

    fn prepare(
        config: &mut Seq2SeqExperiment,
        chosen: &Chosen,
        _: &mut dyn FnMut(&str),
    ) -> Result<PairText, TrainError> {
        let stdin = &mut std::io::stdin().lock();
        let pairs = prepare_pairs(&config.pairs, config.tokenizers()?, None, stdin)?;
        memory::check(&config.seq2seq, &config.train, &pairs, chosen)?;
        let text = PairText::new(pairs, config)?;
        check_texts(config, &text)?;
        Ok(text)
    }

    fn text_sums(text: &PairText) -> TextSums {
        TextSums {
            data_sha256: text.pairs.sha256(),
            sources: None,
            tokenizer_sha256: text.pairs.tokenizers.source().sha256(),
        }
    }

    fn begin(
        config: &Seq2SeqExperiment,
        text: &PairText,
        (): (),
        run_dir: &Path,
        device: &Device,
    ) -> Result<Begun<Self>, TrainError> {
        let files = RunDir::new(run_dir);
        let tokenizers = &text.pairs.tokenizers;
        let mut sums = [String::new(), String::new()];
        for (sum, (tokenizer, path)) in sums.iter_mut().zip([
            (tokenizers.source(), files.source_tokenizer()),
            (tokenizers.target(), files.target_tokenizer()),
        ]) {
            tokenizer.save(&path)?;
            // The checksum of the file as read back: serialization may change its contents.
            *sum = Tokenizer::from_file(&path)?.sha256();
        }
        let model = Self::random(
            &config.seq2seq,
            Vocabularies::from(tokenizers),
            config.train.seed,
            device,
        )?;
        Ok(Begun {
            model,
            base: None,
            made_with: MadeWith::of_seq2seq(&config.seq2seq, sums),
        })
    }

    fn recorded(run: &Run) -> Result<Seq2SeqExperiment, TrainError> {
        Ok(run.seq2seq_config()?)
    }

    fn asked(
        draft: PartialConfig,
        _: &Seq2SeqExperiment,
        _: &Run,
    ) -> Result<Seq2SeqExperiment, TrainError> {
        Ok(draft.finish_seq2seq()?)
    }

    fn new_run(
        run_dir: &Path,
        _: &Seq2SeqExperiment,
        _: &Seq2SeqExperiment,
        _: &[ChangedSetting],
        all: &[ChangedSetting],
    ) -> Option<NewRun> {
        NewRun::with_changes(run_dir, all)
    }

    /// Nothing is known before the pairs are read; [`RunModel::prepare`] and
    /// [`RunModel::text_again`] check.
    fn check_memory(_: &Seq2SeqExperiment, _: &Chosen) -> Result<(), TrainError> {
        Ok(())
    }

    fn text_again(
        run: &Run,
        state: &CheckpointState,
        recorded: &Seq2SeqExperiment,
        asked: &Seq2SeqExperiment,
        chosen: &Chosen,
        _: &mut dyn FnMut(&str),
    ) -> Result<PairText, TrainError> {
        let pairs = same_pairs(run, state, recorded, &asked.pairs)?;
        memory::check(&asked.seq2seq, &asked.train, &pairs, chosen)?;
        let text = PairText::new(pairs, asked)?;
        check_texts(asked, &text)?;
        Ok(text)
    }

    fn load(
        run: &Run,
        config: &Seq2SeqExperiment,
        checkpoint: &Checkpoint,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let tokenizers = own_tokenizers(run.root(), config)?;
        Ok(Self::load(
            &checkpoint.file(MODEL_FILE),
            &config.seq2seq,
            Vocabularies::from(&tokenizers),
            device,
        )?)
    }

    fn batch(text: &PairText, config: &Seq2SeqExperiment, micro_step: u64) -> PairBatch {
        training_batch(&text.train, &config.train, micro_step)
    }

    fn evaluate(&self, text: &PairText, config: &Seq2SeqExperiment) -> Evaluation {
        evaluate(self, &text.validation, config.train.eval_windows)
    }

    fn saved_weights(&self, _: &Seq2SeqExperiment) -> FlatTensors {
        self.flat()
    }

    fn facts(text: &PairText, config: &Seq2SeqExperiment) -> Vec<Fact> {
        let tokenizers = &text.pairs.tokenizers;
        let parameters = n_params(&config.seq2seq, Vocabularies::from(tokenizers));
        let parameters = u64::try_from(parameters).unwrap_or(u64::MAX);
        let count = |n: usize| thousands(n as u64);
        let [train, validation] =
            [&text.pairs.train, &text.pairs.validation].map(|part| count(part.tokens.len()));
        let source = count(tokenizers.source().vocab_size());
        let target = count(tokenizers.target().vocab_size());
        vec![
            Fact::same("Parameters", "매개변수", thousands(parameters)),
            Fact::same("Model", "모델", shape(&config.seq2seq)),
            Fact::new(
                (
                    "Text",
                    format!(
                        "{train} pairs for training, {validation} for validation, vocabularies of {source} and {target}"
                    ),
                ),
                (
                    "텍스트",
                    format!(
                        "학습 쌍 {train}개, 검증 쌍 {validation}개, 어휘 {source}개와 {target}개"
                    ),
                ),
            ),
        ]
    }
}

/// Return a micro-batch of pairs in the order that the settings ask for.
pub fn training_batch(pairs: &PairBuckets, config: &TrainConfig, micro_step: u64) -> PairBatch {
    match config.windows {
        WindowOrder::Random => pairs.random_batch(config.seed, micro_step),
        WindowOrder::Epochs => pairs.epoch_batch(config.seed, micro_step),
    }
}

/// Describe the shape of a model in a few words.
pub fn shape(config: &Seq2SeqConfig) -> String {
    match config {
        Seq2SeqConfig::Recurrent(model) => {
            let feeding = if model.input_feeding {
                ", input feeding"
            } else {
                ""
            };
            format!(
                "{} encoder, context {}{feeding}, d_embed {}, d_hidden {}",
                model.encoder.name(),
                model.context.name(),
                model.d_embed,
                model.d_hidden
            )
        }
        Seq2SeqConfig::Transformer(model) => format!(
            "{0} + {0} layers × {1} heads, d_model {2}, {3} positions",
            model.n_layers,
            model.n_heads,
            model.d_model,
            model.position.name()
        ),
    }
}

/// Check that the tokenizer can encode the sources in the configuration.
fn check_texts(config: &Seq2SeqExperiment, text: &PairText) -> Result<(), TrainError> {
    let sample = config.sample.iter().flat_map(|sample| &sample.sources);
    let sample = sample.map(|source| ("sample.sources", source));
    let attend = config.attend.as_ref();
    let attend = attend.map(|attend| ("attend.source", &attend.source));
    let longest = config.seq2seq.max_source_len();
    for (key, source) in sample.chain(attend) {
        let encoded = text.pairs.tokenizers.encode(Side::Source, source);
        let tokens = encoded
            .map_err(|source| TrainError::Text { key, source })?
            .ids
            .len();
        if tokens > longest {
            return Err(TrainError::LongSource {
                key,
                tokens,
                longest,
            });
        }
    }
    Ok(())
}
