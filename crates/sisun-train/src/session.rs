//! Starting a run directory, or going on with one.

use crate::TrainError;
use crate::changes::changes;
use crate::finetune::{Start, trained_parameters, write_companions};
use crate::optimizer::Optimizer;
use crate::own_text::{same_text, sum_of};
use serde::Serialize;
use sisun_config::{Base, Config, Draft, TokenizerConfig};
use sisun_data::{Corpus, GENERATION, prepare};
use sisun_model::checkpoint::{
    Checkpoint, CheckpointState, MODEL_FILE, TRAINING_FILE, WriteFile, folder_name, remove_partial, steps_in,
    write_atomic,
};
use sisun_model::weights::{read_tensors, write_tensors};
use sisun_model::{BEST, CHECKPOINTS, Chosen, LAST, RandomParams, Run, Transformer};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A run that is ready to train: its directory, data, model and optimizer, and where it stands.
#[derive(Debug)]
pub struct Session {
    /// Resolved settings, as `config.toml` holds them.
    pub config: Config,
    /// The text.
    pub corpus: Corpus,
    /// Its directory.
    pub run_dir: PathBuf,
    pub(crate) model: Transformer,
    pub(crate) optimizer: Optimizer,
    pub(crate) state: CheckpointState,
}

/// `environment.json`.
#[derive(Serialize)]
struct Environment<'a> {
    sisun: &'a str,
    burn: &'a str,
    device: &'a str,
    deterministic: bool,
    os: &'a str,
    arch: &'a str,
    threads: usize,
    data_sha256: &'a str,
    tokenizer_sha256: String,
}

impl Session {
    /// Whether a run can begin in this directory.
    ///
    /// # Errors
    /// One that holds something.
    pub fn check_vacant(run_dir: &Path) -> Result<(), TrainError> {
        if !run_dir.is_file() && !fs::read_dir(run_dir).is_ok_and(|mut entries| entries.next().is_some()) {
            return Ok(());
        }
        check_begun(run_dir)?;
        Err(TrainError::RunExists { path: run_dir.to_owned() })
    }

    /// Begins a run: prepares the text, writes everything that describes the run, and draws the weights, or takes those that
    /// are fine-tuned.
    ///
    /// # Errors
    /// A directory that exists, unusable data, a vocabulary larger than `model.vocab_size`, or weights of another shape.
    ///
    /// # Panics
    /// If there is `[finetune]` without weights, or the reverse.
    pub fn start(
        mut config: Config,
        start: Option<Start>,
        run_dir: &Path,
        chosen: &Chosen,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self, TrainError> {
        Self::check_vacant(run_dir)?;
        assert_eq!(config.finetune.is_some(), start.is_some(), "weights to start from come with [finetune]");
        let cache = config.data.cache_folder();
        let corpus = prepare(&config.data, &config.tokenizer, config.model.context_len, &cache, progress)?;
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
        check_texts(&config, &corpus, progress)?;
        Self::begin(config, corpus, start, run_dir, chosen).inspect_err(|_| {
            // It was empty. What cannot be removed is told of by the next start.
            let _ = fs::remove_dir_all(run_dir);
        })
    }

    /// Writes what a run begins with.
    fn begin(
        config: Config,
        corpus: Corpus,
        start: Option<Start>,
        run_dir: &Path,
        chosen: &Chosen,
    ) -> Result<Self, TrainError> {
        fs::create_dir_all(run_dir.join(CHECKPOINTS)).map_err(TrainError::io("create", run_dir))?;
        write_atomic(&run_dir.join("config.toml"), config.to_toml().as_bytes())?;
        write_environment(run_dir, &corpus, chosen)?;
        corpus.tokenizer.save(&run_dir.join("tokenizer.json"))?;
        if let Some(ends) = corpus.tokenizer.ends_to_keep() {
            write_atomic(&run_dir.join(GENERATION), &ends)?;
        }
        let device = chosen.device.clone().autodiff();
        let seed = config.train.seed;
        let mut model = match start {
            None => Transformer::random(&config.model, seed, &device)?,
            Some(Start { model, companions }) => {
                write_companions(&companions, run_dir)?;
                model.rebuilt(&config.model, &device)?
            }
        };
        let mut base = None;
        if let Some(lora) = config.lora() {
            base = Some(Run::write_base(run_dir, &model)?);
            model = model.with_lora(lora, &mut RandomParams::new(seed, &device))?;
        }
        let state = CheckpointState {
            step: 0,
            tokens: 0,
            elapsed_s: 0.0,
            seed,
            next_micro_step: 0,
            best: None,
            data_sha256: corpus.sha256.clone(),
            sources: Some(sum_of(&corpus.sources)),
            files: BTreeMap::new(),
            base,
        };
        let session = Self {
            model,
            optimizer: Optimizer::new(&config.train),
            run_dir: run_dir.to_owned(),
            config,
            corpus,
            state,
        };
        // From here on it can be resumed, even if it is killed before its first step.
        session.save()?;
        Ok(session)
    }

    /// Goes on with a run from its newest checkpoint, with the tokenizer that it began with. What a draft leaves to the
    /// model that was fine-tuned is as the run has it: that model is not looked at again.
    ///
    /// # Errors
    /// No run, a damaged checkpoint, other settings, or other text.
    pub fn resume(
        asked: Draft,
        run_dir: &Path,
        chosen: &Chosen,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self, TrainError> {
        if !run_dir.join("config.toml").is_file() {
            return Err(TrainError::NothingToResume { path: run_dir.to_owned() });
        }
        check_begun(run_dir)?;
        remove_partial(&run_dir.join(CHECKPOINTS));
        let run = Run::open(run_dir)?;
        let before = run.config()?;
        let mut config = match asked.base()? {
            Some(_) => asked.complete(&Base {
                path: run_dir.to_owned(),
                model: before.model.clone(),
                tokenizer: base_tokenizer(&before, &run),
            })?,
            None => asked.finish()?,
        };
        // Left out, the vocabulary's size followed from the tokenizer.
        config.model.vocab_size = config.model.vocab_size.or(before.model.vocab_size);
        let changes = changes(&before, &config);
        if !changes.is_empty() {
            return Err(TrainError::ConfigChanged { path: run_dir.to_owned(), changes });
        }
        let checkpoint = run.newest()?;
        if checkpoint.state.step >= config.train.steps {
            return Err(TrainError::Finished { path: run_dir.to_owned(), steps: checkpoint.state.step });
        }
        let corpus =
            same_text(&run, &checkpoint.state, &before.data, &config.data, config.model.context_len, progress)?;
        check_texts(&config, &corpus, progress)?;
        config.tokenizer = before.tokenizer;
        let device = chosen.device.clone().autodiff();
        let moments = read_tensors(&checkpoint.file(TRAINING_FILE))?;
        Ok(Self {
            model: run.trained(&config, &checkpoint, &device)?,
            optimizer: Optimizer::from_host(&config.train, moments, &chosen.device)?,
            run_dir: run_dir.to_owned(),
            state: checkpoint.state,
            config,
            corpus,
        })
    }

    /// Steps done so far.
    pub fn step(&self) -> u64 {
        self.state.step
    }

    /// The model as it is now.
    pub fn model(&self) -> &Transformer {
        &self.model
    }

    /// Numbers that training changes.
    pub fn trained_parameters(&self) -> u64 {
        trained_parameters(&self.model)
    }

    /// Writes a checkpoint, points `last` and (if it is the best) `best` at it, and removes those that are not kept.
    pub(crate) fn save(&self) -> Result<PathBuf, TrainError> {
        let folder = self.run_dir.join(CHECKPOINTS);
        let weights = match self.config.lora() {
            Some(_) => self.model.flat_factors(),
            None => self.model.flat(),
        };
        let moments = self.optimizer.flat();
        let files: [(&str, &WriteFile<'_>); 2] = [
            (MODEL_FILE, &|path| write_tensors(&weights, path)),
            (TRAINING_FILE, &|path| write_tensors(&moments, path)),
        ];
        let checkpoint = Checkpoint::write(&folder, self.state.clone(), &files)?;
        let name = folder_name(self.state.step);
        write_atomic(&folder.join(LAST), name.as_bytes())?;
        let best = self.state.best.map(|(step, _)| step);
        if best == Some(self.state.step) {
            write_atomic(&folder.join(BEST), name.as_bytes())?;
        }
        let steps = steps_in(&folder);
        let old = steps.len().saturating_sub(self.config.train.keep_checkpoints);
        for step in steps.into_iter().take(old).filter(|step| Some(*step) != best) {
            let path = folder.join(folder_name(step));
            fs::remove_dir_all(&path).map_err(TrainError::io("remove", &path))?;
        }
        Ok(checkpoint.path().to_owned())
    }
}

/// That a run directory was not left before its first checkpoint.
fn check_begun(run_dir: &Path) -> Result<(), TrainError> {
    match run_dir.join("config.toml").is_file() && steps_in(&run_dir.join(CHECKPOINTS)).is_empty() {
        true => Err(TrainError::NeverBegan { path: run_dir.to_owned() }),
        false => Ok(()),
    }
}

/// That the tokenizer can write the texts that the configuration asks about; tells which is longer than what is read.
fn check_texts(config: &Config, corpus: &Corpus, progress: &mut dyn FnMut(&str)) -> Result<(), TrainError> {
    let prompt = config.sample.as_ref().map(|sample| ("sample.prompt", &sample.prompt));
    let sentence = config.attend.as_ref().map(|attend| ("attend.text", &attend.text));
    for (key, text) in prompt.into_iter().chain(sentence) {
        let encoded = corpus.tokenizer.encode_prompt(text).map_err(|source| TrainError::Text { key, source })?;
        let (n, context_len) = (encoded.ids.len(), config.model.context_len);
        match key {
            _ if n <= context_len => {}
            "sample.prompt" => progress(&format!("note: only the last {context_len} of {n} tokens of {key} are read")),
            _ => progress(&format!("note: the {n} tokens of {key} are more than the {context_len} of training")),
        }
        let rows = config.model.vocab_size.unwrap_or(corpus.tokenizer.vocab_size());
        corpus.tokenizer.check_rows(&encoded.ids, rows).map_err(|source| TrainError::Text { key, source })?;
    }
    Ok(())
}

/// Where a fine-tuned run says that its tokenizer comes from.
fn base_tokenizer(config: &Config, run: &Run) -> PathBuf {
    match &config.tokenizer {
        TokenizerConfig::File { path } => path.clone(),
        _ => run.tokenizer(),
    }
}

fn write_environment(run_dir: &Path, corpus: &Corpus, chosen: &Chosen) -> Result<(), TrainError> {
    let environment = Environment {
        sisun: env!("CARGO_PKG_VERSION"),
        burn: "0.22.1",
        device: &chosen.name,
        deterministic: chosen.deterministic,
        os: std::env::consts::OS,
        arch: std::env::consts::ARCH,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        data_sha256: &corpus.sha256,
        tokenizer_sha256: corpus.tokenizer.sha256(),
    };
    let text = serde_json::to_string_pretty(&environment).expect("plain numbers and strings always serialise");
    Ok(write_atomic(&run_dir.join("environment.json"), text.as_bytes())?)
}
