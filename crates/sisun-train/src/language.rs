//! Language models on running text, as run directories hold them.

use crate::environment::started_elsewhere;
use crate::evaluate::{Evaluation, evaluate};
use crate::fact::Fact;
use crate::finetune::{InitialWeights, trained_parameters, write_companions};
use crate::own_text::{same_text, sum_of};
use crate::resume_check::changes;
use crate::run_model::{Begun, RunModel, TextSums};
use crate::{ChangedSetting, NewRun, TrainError};
use burn::tensor::Device;
use sisun_config::{
    Config, PartialConfig, Position, PretrainedSpec, TokenizerConfig, TrainConfig, WindowOrder,
};
use sisun_data::{
    Batch, Corpus, DataError, Tokenizer, epoch_batch, prepare, random_batch, vocabulary_size,
};
use sisun_files::{RunDir, write_atomic};
use sisun_model::checkpoint::{Checkpoint, CheckpointState, MadeWith};
use sisun_model::weights::FlatTensors;
use sisun_model::{Activation, Chosen, Count, RandomParams, Run, Transformer, memory, thousands};
use std::path::{Path, PathBuf};

impl RunModel for Transformer {
    type Config = Config;
    type Text = Corpus;
    type Start = Option<InitialWeights>;

    const FINE_TUNES: bool = true;

    /// Fill in the size of the vocabulary, which may not exceed a stated `model.vocab_size`.
    fn prepare(
        config: &mut Config,
        chosen: &Chosen,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Corpus, TrainError> {
        // Check before the text is read, which may take long; its vocabulary is checked afterwards.
        Self::check_memory(config, chosen)?;
        let cache = config.data.cache_folder();
        let corpus = prepare(
            &config.data,
            &config.tokenizer,
            config.model.context_len,
            &cache,
            progress,
        )?;
        let needed = corpus.tokenizer.vocab_size();
        let stated = *config.model.vocab_size.get_or_insert(needed);
        if config.finetune.is_some() {
            // The base's tokenizer may have tokens that the base was not trained on.
            for tokens in [&corpus.train, &corpus.validation] {
                tokens.check_rows(&corpus.tokenizer, stated)?;
            }
        } else if stated < needed {
            return Err(TrainError::SmallVocabulary { stated, needed });
        }
        Self::check_memory(config, chosen)?;
        check_texts(config, &corpus, chosen, progress)?;
        Ok(corpus)
    }

    fn text_sums(text: &Corpus) -> TextSums {
        TextSums {
            data_sha256: text.sha256.clone(),
            sources: Some(sum_of(&text.sources)),
            tokenizer_sha256: text.tokenizer.sha256(),
        }
    }

    fn begin(
        config: &Config,
        text: &Corpus,
        start: Option<InitialWeights>,
        run_dir: &Path,
        device: &Device,
    ) -> Result<Begun<Self>, TrainError> {
        assert_eq!(
            config.finetune.is_some(),
            start.is_some(),
            "weights to start from come with [finetune]"
        );
        let files = RunDir::new(run_dir);
        if let Some(ends) = text.tokenizer.generation_config() {
            write_atomic(&files.generation_config(), &ends)?;
        }
        text.tokenizer.save(&files.tokenizer())?;
        let seed = config.train.seed;
        let mut model = match start {
            None => Self::random(&config.model, seed, device)?,
            Some(InitialWeights { model, companions }) => {
                write_companions(&companions, run_dir)?;
                model.with_config(&config.model, device)?
            }
        };
        let mut base = None;
        if let Some(lora) = config.lora() {
            base = Some(Run::write_base(run_dir, &model)?);
            model = model.with_lora(lora, &mut RandomParams::new(seed, device))?;
        }
        // The checksum of the file as read back: serialization may change its contents.
        let tokenizer_sha256 = Tokenizer::from_file(&files.tokenizer())?.sha256();
        Ok(Begun {
            model,
            base,
            made_with: MadeWith::new(config, tokenizer_sha256),
        })
    }

    fn recorded(run: &Run) -> Result<Config, TrainError> {
        Ok(run.config()?)
    }

    /// Settings that a fine-tuning configuration inherits from its base model are taken from the
    /// run; the base model is not read again.
    fn asked(draft: PartialConfig, recorded: &Config, run: &Run) -> Result<Config, TrainError> {
        let tokenizer = draft.tokenizer()?;
        let mut config = match draft.base()? {
            Some(_) => draft.complete(&PretrainedSpec {
                path: run.root().to_owned(),
                model: recorded.model.clone(),
                tokenizer: base_tokenizer(recorded, run),
                made: Some(recorded.tokenizer.clone()),
            })?,
            None => draft.finish()?,
        };
        // The vocabulary size was derived from the tokenizer if it was omitted.
        config.model.vocab_size = config.model.vocab_size.or(recorded.model.vocab_size);
        config.tokenizer = tokenizer.unwrap_or(config.tokenizer);
        Ok(config)
    }

    fn new_run(
        run_dir: &Path,
        recorded: &Config,
        asked: &Config,
        refused: &[ChangedSetting],
        all: &[ChangedSetting],
    ) -> Option<NewRun> {
        NewRun::with_settings_of(run_dir, recorded, asked, refused, all)
    }

    /// The size of the vocabulary is counted as far as it is known.
    fn check_memory(config: &Config, chosen: &Chosen) -> Result<(), TrainError> {
        let (model, low_rank) = (&config.model, config.lora().is_some());
        let TrainConfig {
            batch_size,
            gradient_accumulation_steps,
            ..
        } = config.train;
        Ok(memory::Training {
            model,
            batch_size,
            gradient_accumulation_steps,
            low_rank,
        }
        .check(&chosen.device)?)
    }

    fn text_again(
        run: &Run,
        state: &CheckpointState,
        recorded: &Config,
        asked: &Config,
        chosen: &Chosen,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Corpus, TrainError> {
        let corpus = same_text(
            run,
            state,
            &recorded.data,
            &asked.data,
            asked.model.context_len,
            progress,
        )
        .map_err(|error| with_new_run(error, run.root(), recorded, asked))?;
        check_texts(asked, &corpus, chosen, progress)?;
        Ok(corpus)
    }

    fn load(
        run: &Run,
        config: &Config,
        checkpoint: &Checkpoint,
        device: &Device,
    ) -> Result<Self, TrainError> {
        Ok(run.trained(config, checkpoint, device)?)
    }

    fn batch(text: &Corpus, config: &Config, micro_step: u64) -> Batch {
        let draw = match config.train.windows {
            WindowOrder::Random => random_batch,
            WindowOrder::Epochs => epoch_batch,
        };
        draw(
            &text.train,
            config.train.batch_size,
            config.model.context_len,
            config.train.seed,
            micro_step,
        )
    }

    fn evaluate(&self, text: &Corpus, config: &Config) -> Evaluation {
        evaluate(
            self,
            &text.validation,
            &text.tokenizer,
            config.model.context_len,
            config.train.batch_size,
            config.train.eval_windows,
        )
        .expect(
            "preparing the text has made sure that it holds a window and a token to take the loss on",
        )
    }

    /// Of low-rank adapters only the factors are stored.
    fn saved_weights(&self, config: &Config) -> FlatTensors {
        match config.lora() {
            Some(_) => self.flat_factors(),
            None => self.flat(),
        }
    }

    fn facts(text: &Corpus, config: &Config) -> Vec<Fact> {
        let model = &config.model;
        let (layers, heads, d_model) = (model.n_layers, model.n_heads, model.d_model);
        let (context, position) = (model.context_len, model.position.name());
        let count = |n: usize| thousands(n as u64);
        let (train, validation) = (count(text.train.len()), count(text.validation.len()));
        let vocabulary = count(text.tokenizer.vocab_size());
        vec![
            Fact::same("Parameters", "매개변수", thousands(Count::of(model).total)),
            Fact::new(
                (
                    "Model",
                    format!(
                        "{layers} layers × {heads} heads, d_model {d_model}, context {context}, {position} positions"
                    ),
                ),
                (
                    "모델",
                    format!(
                        "레이어 {layers}개 × 헤드 {heads}개, d_model {d_model}, 문맥 {context}, 위치 {position}"
                    ),
                ),
            ),
            Fact::new(
                (
                    "Text",
                    format!(
                        "{train} tokens for training, {validation} for validation, a vocabulary of {vocabulary}"
                    ),
                ),
                (
                    "텍스트",
                    format!("학습 토큰 {train}개, 검증 토큰 {validation}개, 어휘 {vocabulary}개"),
                ),
            ),
        ]
    }

    fn origin(&self, config: &Config) -> Vec<Fact> {
        let Some(finetune) = &config.finetune else {
            return Vec::new();
        };
        let all = thousands(Count::of(&config.model).total);
        let trained = thousands(trained_parameters(self));
        let base = finetune.model.display().to_string();
        vec![
            Fact::same("Starts from", "시작한 모델", base),
            Fact::new(
                ("Trained", format!("{trained} of {all} parameters")),
                ("학습한 것", format!("매개변수 {all}개 가운데 {trained}개")),
            ),
        ]
    }
}

/// Check that the tokenizer can encode the texts in the configuration, and note any that exceeds
/// the context.
fn check_texts(
    config: &Config,
    corpus: &Corpus,
    chosen: &Chosen,
    progress: &mut dyn FnMut(&str),
) -> Result<(), TrainError> {
    let prompt = config
        .sample
        .as_ref()
        .map(|sample| ("sample.prompt", &sample.prompt));
    let sentence = config
        .attend
        .as_ref()
        .map(|attend| ("attend.text", &attend.text));
    for (key, text) in prompt.into_iter().chain(sentence) {
        let encoded = corpus
            .tokenizer
            .encode_prompt(text)
            .map_err(|source| TrainError::Text { key, source })?;
        let (n, context_len) = (encoded.ids.len(), config.model.context_len);
        match key {
            _ if n <= context_len => {}
            "attend.text" if config.model.position == Position::Learned => {
                return Err(TrainError::LongText {
                    tokens: n,
                    context_len,
                });
            }
            "sample.prompt" => progress(&format!(
                "note: only the last {context_len} of {n} tokens of {key} are read"
            )),
            _ => progress(&format!(
                "note: the {n} tokens of {key} are more than the {context_len} of training"
            )),
        }
        let rows = config
            .model
            .vocab_size
            .unwrap_or(corpus.tokenizer.vocab_size());
        corpus
            .tokenizer
            .check_rows(&encoded.ids, rows)
            .map_err(|source| TrainError::Text { key, source })?;
        if key == "attend.text" {
            let (heads, layers) = (config.model.n_heads, config.model.n_layers);
            memory::check(
                memory::of_attention(n, heads, 2 * layers, &[Activation::Pattern]),
                &chosen.device,
                || format!("the attention of all heads over the {n} tokens of attend.text"),
                || "give a shorter text".to_owned(),
            )?;
        }
    }
    Ok(())
}

/// Add the directory where the run was started and a new run on this text to the error of a changed
/// or missing text.
fn with_new_run(error: TrainError, run_dir: &Path, before: &Config, asked: &Config) -> TrainError {
    match error {
        TrainError::DataChanged {
            path,
            change,
            unwritable,
            ..
        } => {
            let changes = changes(before, asked);
            let new_run = if unwritable {
                // A given tokenizer would lack the characters in a new run as well.
                let counted = (before.tokenizer == TokenizerConfig::Char
                    && before.finetune.is_none())
                .then(|| {
                    vocabulary_size(
                        &asked.data,
                        &before.tokenizer,
                        &asked.data.cache_folder(),
                        &mut |_| {},
                    )
                    .ok()
                });
                counted
                    .flatten()
                    .and_then(|size| NewRun::with_other_characters(run_dir, &changes, size))
            } else {
                NewRun::on_other_text(run_dir, &changes)
            };
            TrainError::DataChanged {
                path,
                change,
                unwritable,
                started_in: started_elsewhere(run_dir),
                new_run: new_run.map(Box::new),
            }
        }
        TrainError::NoText {
            path,
            source: source @ (DataError::Missing { .. } | DataError::NoFiles { .. }),
            started_in: Some(started_in),
        } => {
            let path = run_dir.canonicalize().unwrap_or(path);
            TrainError::DataElsewhere {
                path,
                started_in,
                source: Box::new(source),
            }
        }
        error => error,
    }
}

/// Return the path of the tokenizer that the configuration of a fine-tuning run names.
fn base_tokenizer(config: &Config, run: &Run) -> PathBuf {
    match &config.tokenizer {
        TokenizerConfig::File { path } => path.clone(),
        _ => run.tokenizer(),
    }
}
