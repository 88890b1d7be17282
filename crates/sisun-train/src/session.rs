//! Starting or resuming a run directory.

use crate::TrainError;
use crate::advice;
use crate::environment::{note_other_device, started_elsewhere, write_environment};
use crate::finetune::{InitialWeights, trained_parameters, write_companions};
use crate::optimizer::Optimizer;
use crate::owed::lacks_outputs;
use crate::own_text::{same_text, sum_of};
use crate::resume_check::{changes, refused};
use crate::schedule::lr_scale;
use crate::trainer::Trainer;
use sisun_config::{Config, PartialConfig, Position, PretrainedSpec, TokenizerConfig, TrainConfig};
use sisun_data::{Corpus, DataError, Tokenizer, prepare, vocabulary_size};
use sisun_files::{
    LOCK_FILE, LockError, LockedDir, Patience, RunDir, if_there, is_file, is_folder, is_vacant,
    look, remove_leftovers_in,
};
use sisun_model::checkpoint::{
    Checkpoint, CheckpointState, MODEL_FILE, MadeWith, TRAINING_FILE, WriteFile, folder_name,
    remove_checkpoint, remove_partial, steps_in, whole_before, write_atomic,
};
use sisun_model::weights::{first_not_finite, read_tensors, write_tensors};
use sisun_model::{
    Activation, BEST, Chosen, LAST, ModelError, RandomParams, Run, Transformer, memory,
};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A run that is ready to train: its directory, data, model, optimizer and progress.
#[derive(Debug)]
pub struct Session {
    /// Resolved settings, as in `config.toml`.
    pub config: Config,
    /// The text.
    pub corpus: Corpus,
    /// Run directory.
    pub run_dir: PathBuf,
    pub(crate) trainer: Trainer<Transformer>,
    pub(crate) state: CheckpointState,
    /// Lock on the directory for the lifetime of the session; `None` during start-up.
    _held: Option<LockedDir>,
}

impl Session {
    /// Lock a directory for a new run. The lock is held until the guard is dropped; if no run has
    /// started by then, the directory is restored.
    ///
    /// # Errors
    /// If the directory is not empty or another process is training in it.
    pub fn hold_new(run_dir: &Path, patience: Patience<'_>) -> Result<LockedDir, TrainError> {
        let exists = || {
            check_begun(run_dir)?;
            if !has_config(run_dir)? {
                return Err(TrainError::PlaceTaken {
                    path: run_dir.to_owned(),
                });
            }
            Err(TrainError::RunExists {
                path: run_dir.to_owned(),
                typed: Box::default(),
            })
        };
        let failed = || TrainError::io("read", run_dir);
        let found = look(run_dir).map_err(failed())?;
        if found.as_ref().is_some_and(|found| !found.is_dir()) {
            return exists();
        }
        let was_locked = found.is_some() && is_file(&run_dir.join(LOCK_FILE)).map_err(failed())?;
        match LockedDir::take(run_dir, patience) {
            Ok(held) if is_vacant(run_dir).map_err(failed())? => Ok(held),
            Ok(held) if was_locked && clear_beginning(run_dir)? => Ok(held),
            Ok(_) => exists(),
            // The directory is read-only.
            Err(LockError::Io { .. }) if !is_vacant(run_dir).map_err(failed())? => exists(),
            Err(error) => Err(error.into()),
        }
    }

    /// Lock the directory of a run to resume.
    ///
    /// # Errors
    /// If it is not a run, was left before its first checkpoint, or is being trained by another
    /// process.
    pub fn hold_run(run_dir: &Path, patience: Patience<'_>) -> Result<LockedDir, TrainError> {
        let check = || match has_config(run_dir)? {
            true => Ok(()),
            false => Err(TrainError::NothingToResume {
                path: run_dir.to_owned(),
            }),
        };
        check()?;
        let held = LockedDir::take(run_dir, patience)?;
        check()?;
        check_begun(run_dir)?;
        Ok(held)
    }

    /// Start a run in a directory from [`Session::hold_new`]: prepare the text, write the files
    /// that describe the run, and initialise the weights at random or from the model to fine-tune.
    ///
    /// # Errors
    /// If the data is unusable, the vocabulary exceeds `model.vocab_size`, or the weights have
    /// another shape.
    ///
    /// # Panics
    /// If `[finetune]` is present without initial weights, or the reverse.
    pub fn start(
        mut config: Config,
        start: Option<InitialWeights>,
        held: LockedDir,
        chosen: &Chosen,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self, TrainError> {
        assert_eq!(
            config.finetune.is_some(),
            start.is_some(),
            "weights to start from come with [finetune]"
        );
        // Check before the text is read, which may take long; its vocabulary is checked afterwards.
        check_memory(&config, chosen)?;
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
        check_memory(&config, chosen)?;
        check_texts(&config, &corpus, chosen, progress)?;
        let run_dir = held.dir().to_owned();
        // Fails if it is there: then another process made it, where the file system knows no locks.
        let checkpoints = RunDir::new(&run_dir).checkpoints();
        fs::create_dir(&checkpoints).map_err(TrainError::io("create", &checkpoints))?;
        let begun = Self::begin(config, corpus, start, &run_dir, chosen).inspect_err(|_| {
            // What cannot be removed is told of by the next start.
            for path in written_at_start(RunDir::new(&run_dir)) {
                let _ = remove(&path);
            }
        });
        Ok(Self {
            _held: Some(held),
            ..begun?
        })
    }

    /// Return the error for weights that are not finite after or before training.
    fn non_finite_weights_error(&self, tensor: &str) -> TrainError {
        let (step, tensor) = (self.state.step, tensor.to_owned());
        match step {
            0 => TrainError::NonFiniteStart { tensor },
            _ => {
                let last_good = self.last_good_checkpoint(step);
                TrainError::NonFiniteWeights {
                    step,
                    tensor,
                    way: advice::lower_rate(
                        &self.run_dir,
                        &self.config.train,
                        last_good.as_deref(),
                    ),
                    last_good,
                }
            }
        }
    }

    /// Write the files of a new run.
    fn begin(
        config: Config,
        corpus: Corpus,
        start: Option<InitialWeights>,
        run_dir: &Path,
        chosen: &Chosen,
    ) -> Result<Self, TrainError> {
        write_atomic(&RunDir::new(run_dir).config(), config.to_toml().as_bytes())?;
        write_environment(run_dir, &corpus, chosen)?;
        if let Some(ends) = corpus.tokenizer.generation_config() {
            write_atomic(&RunDir::new(run_dir).generation_config(), &ends)?;
        }
        corpus.tokenizer.save(&RunDir::new(run_dir).tokenizer())?;
        let device = chosen.device.clone().autodiff();
        let seed = config.train.seed;
        let mut model = match start {
            None => Transformer::random(&config.model, seed, &device)?,
            Some(InitialWeights { model, companions }) => {
                write_companions(&companions, run_dir)?;
                model.with_config(&config.model, &device)?
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
            // The checksum of the file as read back: serialization may change its contents.
            made_with: Some(MadeWith::new(
                &config,
                Tokenizer::from_file(&RunDir::new(run_dir).tokenizer())?.sha256(),
            )),
            files: BTreeMap::new(),
            base,
        };
        let session = Self {
            trainer: Trainer::new(model, &config.train),
            run_dir: run_dir.to_owned(),
            _held: None,
            config,
            corpus,
            state,
        };
        // From here on the run can be resumed, even if it is killed before its first step.
        session.save()?;
        Ok(session)
    }

    /// Resume a run in a directory from [`Session::hold_run`] from its newest checkpoint, with its
    /// own tokenizer. Settings that a fine-tuning configuration inherits from its base model are
    /// taken from the run; the base model is not read again.
    ///
    /// # Errors
    /// If there is no run, the checkpoint is damaged, or the settings or the text differ.
    pub fn resume(
        asked: PartialConfig,
        held: LockedDir,
        chosen: &Chosen,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self, TrainError> {
        let run_dir = &held.dir().to_owned();
        remove_partial(&RunDir::new(run_dir).checkpoints());
        [
            run_dir.to_owned(),
            RunDir::new(run_dir).checkpoints(),
            RunDir::new(run_dir).samples(),
            RunDir::new(run_dir).maps(),
        ]
        .iter()
        .for_each(|folder| remove_leftovers_in(folder));
        let run = Run::open(run_dir)?;
        for note in run.mend()? {
            progress(&format!("note: {note}"));
        }
        let before = run.config()?;
        let tokenizer = asked.tokenizer()?;
        let mut config = match asked.base()? {
            Some(_) => asked.complete(&PretrainedSpec {
                path: run_dir.to_owned(),
                model: before.model.clone(),
                tokenizer: base_tokenizer(&before, &run),
                made: Some(before.tokenizer.clone()),
            })?,
            None => asked.finish()?,
        };
        // The vocabulary size was derived from the tokenizer if it was omitted.
        config.model.vocab_size = config.model.vocab_size.or(before.model.vocab_size);
        config.tokenizer = tokenizer.unwrap_or(config.tokenizer);
        let refused = refused(&before, &config);
        if !refused.is_empty() {
            let all = changes(&before, &config);
            let way = advice::changed(run_dir, &before, &config, &refused, &all);
            return Err(TrainError::ConfigChanged {
                path: run_dir.to_owned(),
                changes: refused,
                way,
                typed: Box::default(),
            });
        }
        check_memory(&config, chosen)?;
        let checkpoint = run.newest().map_err(|error| with_whole(error, run_dir))?;
        if checkpoint.state.step > config.train.steps {
            let (steps, asked) = (checkpoint.state.step, config.train.steps);
            return Err(TrainError::StepsAlreadyDone {
                path: run_dir.to_owned(),
                steps,
                asked,
                typed: Box::default(),
            });
        }
        if checkpoint.state.step == config.train.steps
            && !lacks_outputs(run_dir, &config, &checkpoint)?
        {
            return Err(TrainError::Finished {
                path: run_dir.to_owned(),
                steps: checkpoint.state.step,
                typed: Box::default(),
            });
        }
        let (state, context_len) = (&checkpoint.state, config.model.context_len);
        let corpus = same_text(
            &run,
            state,
            &before.data,
            &config.data,
            context_len,
            progress,
        )
        .map_err(|error| with_way(error, run_dir, &before, &config))?;
        check_texts(&config, &corpus, chosen, progress)?;
        if let Some(note) = note_other_device(run_dir, chosen) {
            progress(&note);
        }
        note_rate(&before.train, &config.train, state.step, progress);
        let device = chosen.device.clone().autodiff();
        let moments = read_tensors(&checkpoint.file(TRAINING_FILE))?;
        let trainer = Trainer::resume(
            run.trained(&config, &checkpoint, &device)?,
            Optimizer::from_host(&config.train, moments, &chosen.device)?,
            &config.train,
            checkpoint.state.step,
            checkpoint.state.next_micro_step,
        );
        let session = Self {
            trainer: trainer.with_seed(checkpoint.state.seed),
            run_dir: run_dir.to_owned(),
            _held: Some(held),
            state: checkpoint.state,
            config,
            corpus,
        };
        // Store the settings, so that the next resume uses them too.
        if session.config != before {
            write_atomic(
                &RunDir::new(run_dir).config(),
                session.config.to_toml().as_bytes(),
            )?;
        }
        Ok(session)
    }

    /// Return the number of steps completed.
    pub fn step(&self) -> u64 {
        self.state.step
    }

    /// Return the current model.
    pub fn model(&self) -> &Transformer {
        &self.trainer.model
    }

    /// Return the number of trainable values.
    pub fn trained_parameters(&self) -> u64 {
        trained_parameters(&self.trainer.model)
    }

    /// Write a checkpoint, update the pointers `last` and (if it is the best) `best`, and remove
    /// checkpoints that are not to be kept.
    ///
    /// # Errors
    /// If the weights are not finite: such a checkpoint is useless and would displace the last good
    /// one.
    pub(crate) fn save(&self) -> Result<PathBuf, TrainError> {
        self.check_place()?;
        let folder = RunDir::new(&self.run_dir).checkpoints();
        let weights = match self.config.lora() {
            Some(_) => self.trainer.model.flat_factors(),
            None => self.trainer.model.flat(),
        };
        if let Some(tensor) = first_not_finite(&weights) {
            return Err(self.non_finite_weights_error(tensor));
        }
        let moments = self.trainer.optimizer().flat();
        let files: [(&str, &WriteFile<'_>); 2] = [
            (MODEL_FILE, &|file| write_tensors(&weights, file)),
            (TRAINING_FILE, &|file| write_tensors(&moments, file)),
        ];
        let checkpoint =
            Checkpoint::write(&folder, self.state.clone(), &files).or_else(|error| {
                // The directory may just have disappeared.
                self.check_place()?;
                Err(TrainError::from(error))
            })?;
        let name = folder_name(self.state.step);
        write_atomic(&folder.join(LAST), name.as_bytes())?;
        let best = self.state.best.map(|(step, _)| step);
        if best == Some(self.state.step) {
            write_atomic(&folder.join(BEST), name.as_bytes())?;
        }
        self.prune()?;
        Ok(checkpoint.path().to_owned())
    }

    /// Remove checkpoints that are not to be kept, except the current one, the best, and any of a
    /// later step.
    pub(crate) fn prune(&self) -> Result<(), TrainError> {
        let folder = RunDir::new(&self.run_dir).checkpoints();
        let mut steps = steps_in(&folder)?;
        steps.retain(|step| *step <= self.state.step);
        let old = steps
            .len()
            .saturating_sub(self.config.train.keep_checkpoints);
        let kept = [Some(self.state.step), self.state.best.map(|(step, _)| step)];
        for step in steps
            .into_iter()
            .take(old)
            .filter(|step| !kept.contains(&Some(*step)))
        {
            remove_checkpoint(&folder, step)
                .map_err(TrainError::io("remove", folder.join(folder_name(step))))?;
        }
        Ok(())
    }

    /// Check that the run directory has not been moved or removed.
    pub(crate) fn check_place(&self) -> Result<(), TrainError> {
        let in_place = self._held.as_ref().map_or(Ok(true), LockedDir::is_in_place);
        match in_place.map_err(TrainError::io("read", &self.run_dir))? {
            true => Ok(()),
            false => Err(TrainError::Moved {
                path: self.run_dir.clone(),
                step: self.state.step,
            }),
        }
    }
}

/// Clear the directory of a start that was killed before its first checkpoint. Return false if it
/// is not such a directory: it must have a lock, a folder of checkpoints without checkpoints, and
/// no files other than those of a start.
fn clear_beginning(run_dir: &Path) -> Result<bool, TrainError> {
    let ours = written_at_start(RunDir::new(run_dir));
    let lock = run_dir.join(LOCK_FILE);
    let entries =
        fs::read_dir(run_dir).and_then(|entries| entries.collect::<std::io::Result<Vec<_>>>());
    let entries = entries.map_err(TrainError::io("read", run_dir))?;
    remove_leftovers_in(run_dir);
    for entry in entries {
        let path = entry.path();
        let is_ours = path == lock || ours.contains(&path);
        // What was a leftover is gone by now.
        if !is_ours
            && if_there(fs::symlink_metadata(&path))
                .map_err(TrainError::io("read", &path))?
                .is_some()
        {
            return Ok(false);
        }
    }
    let checkpoints = RunDir::new(run_dir).checkpoints();
    let began = is_folder(&checkpoints).map_err(TrainError::io("read", &checkpoints))?;
    if !began || !steps_in(&checkpoints)?.is_empty() {
        return Ok(false);
    }
    remove_partial(&checkpoints);
    for path in ours {
        match remove(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(TrainError::io("remove", &path)(error));
            }
            _ => {}
        }
    }
    Ok(true)
}

/// The files and folders that a run begins with.
fn written_at_start(files: RunDir<'_>) -> [PathBuf; 7] {
    [
        files.config(),
        files.environment(),
        files.tokenizer(),
        files.generation_config(),
        files.base(),
        files.checkpoints(),
        files.sidecars(),
    ]
}

/// Remove a file, or a folder with all that it holds.
fn remove(path: &Path) -> std::io::Result<()> {
    match path.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    }
}

/// Whether this is a folder that holds the settings of a run.
fn has_config(run_dir: &Path) -> Result<bool, TrainError> {
    let config = RunDir::new(run_dir).config();
    let found = is_folder(run_dir).and_then(|is_folder| Ok(is_folder && is_file(&config)?));
    found.map_err(TrainError::io("read", &config))
}

/// Check that a run directory was not left before its first checkpoint.
fn check_begun(run_dir: &Path) -> Result<(), TrainError> {
    match has_config(run_dir)? && steps_in(&RunDir::new(run_dir).checkpoints())?.is_empty() {
        true => Err(TrainError::NeverBegan {
            path: run_dir.to_owned(),
        }),
        false => Ok(()),
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

/// Report through `progress` if extending the run raises the learning rate again.
fn note_rate(before: &TrainConfig, after: &TrainConfig, step: u64, progress: &mut dyn FnMut(&str)) {
    let last = step.saturating_sub(1);
    let (was, is) = (
        before.lr_max * lr_scale(before, last),
        after.lr_max * lr_scale(after, step),
    );
    if before.steps < after.steps && last >= before.warmup_steps && is > was * 1.001 {
        progress(&format!(
            "note: the learning rate rises from {was:.2e} to {is:.2e}, because its schedule now ends at step {}; train.schedule = \"constant\" would have none",
            after.steps
        ));
    }
}

/// Check that training fits into memory, as far as the vocabulary size is known.
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

/// Add the newest intact checkpoint, if any, to the error of a damaged newest checkpoint.
fn with_whole(error: ModelError, run_dir: &Path) -> TrainError {
    match error {
        ModelError::Damaged {
            path: newest,
            problem,
            remedy,
        } => match whole_before(&newest) {
            Ok((whole, mut damaged)) => {
                damaged.insert(0, newest);
                TrainError::DamagedNewest {
                    path: run_dir.to_owned(),
                    damaged,
                    problem,
                    whole,
                    typed: Box::default(),
                }
            }
            Err(_) => ModelError::Damaged {
                path: newest,
                problem,
                remedy,
            }
            .into(),
        },
        error => error.into(),
    }
}

/// Add the directory where the run was started and a suggested command to the error of a changed or
/// missing text.
fn with_way(error: TrainError, run_dir: &Path, before: &Config, asked: &Config) -> TrainError {
    match error {
        TrainError::DataChanged {
            path,
            change,
            unwritable,
            ..
        } => {
            let changes = changes(before, asked);
            let way = if unwritable {
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
                    .and_then(|size| advice::learn_characters(run_dir, &changes, size))
            } else {
                advice::learn(run_dir, &changes)
            };
            TrainError::DataChanged {
                path,
                change,
                unwritable,
                started_in: started_elsewhere(run_dir),
                way,
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
                typed: Box::default(),
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
