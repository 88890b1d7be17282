//! Reading a run directory.

use crate::checkpoint::{
    Checkpoint, CheckpointState, FileSum, MODEL_FILE, folder_name, model_sum, seq2seq_sum,
    steps_in, sum_file,
};
use crate::near_runs::not_a_run;
use crate::pointers::{BEST, CheckpointPointers, LAST};
use crate::weights::write_tensors;
use crate::{ModelError, Transformer};
use burn::module::Module;
use burn::tensor::Device;
use sisun_config::{Config, PartialConfig, Seq2SeqExperiment};
use sisun_files::{RunDir, is_file, look, write_atomic_with};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Kinds of models, as messages name them.
const LANGUAGE: &str = "language model";
const SEQ2SEQ: &str = "sequence-to-sequence model";

/// A run directory, or one of its checkpoints.
#[derive(Clone, Debug)]
pub struct Run {
    root: PathBuf,
    chosen: Chosen,
}

/// The selected checkpoint of a run.
#[derive(Clone, Debug)]
enum Chosen {
    Best,
    Newest,
    Folder(PathBuf),
}

impl Run {
    /// Open a run by its directory, one of its checkpoint folders, `checkpoints/last` or
    /// `checkpoints/best`.
    ///
    /// # Errors
    /// If the path is none of these.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let not = |problem: &str| ModelError::NotARun {
            path: path.to_owned(),
            problem: problem.to_owned(),
        };
        let failed = || ModelError::io("read", path);
        let found = match look(path) {
            // A name that is invalid in the file system.
            Err(error) if error.kind() == ErrorKind::InvalidInput => None,
            found => found.map_err(failed())?,
        };
        let Some(found) = found else {
            // A missing pointer can be reconstructed from the run.
            let pointer = [(BEST, Chosen::Best), (LAST, Chosen::Newest)]
                .into_iter()
                .find(|(name, _)| path.ends_with(name));
            if let (Some((_, chosen)), Some(root)) = (pointer, path.parent().and_then(Path::parent))
                && is_file(&RunDir::new(root).config()).map_err(failed())?
            {
                return Ok(Self {
                    root: root.to_owned(),
                    chosen,
                });
            }
            return Err(ModelError::NoSuchRun {
                path: path.to_owned(),
            });
        };
        if found.is_dir() && is_file(&RunDir::new(path).config()).map_err(failed())? {
            return Ok(Self {
                root: path.to_owned(),
                chosen: Chosen::Best,
            });
        }
        let whole = path.canonicalize().map_err(failed())?;
        let root = match whole.parent().and_then(Path::parent) {
            Some(root) if is_file(&RunDir::new(root).config()).map_err(failed())? => {
                root.to_owned()
            }
            _ => {
                return Err(not(&not_a_run(path)));
            }
        };
        let name = whole.file_name().unwrap_or_default();
        let chosen = match found.is_dir() {
            true => Chosen::Folder(whole),
            false if name == BEST => Chosen::Best,
            false if name == LAST => Chosen::Newest,
            false => return Err(not("it names no checkpoint")),
        };
        Ok(Self { root, chosen })
    }

    /// Return the directory of the run.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Return the resolved configuration.
    ///
    /// # Errors
    /// If `config.toml` cannot be read or is invalid.
    pub fn config(&self) -> Result<Config, ModelError> {
        let draft = self.draft()?;
        match draft.is_seq2seq() {
            true => Err(self.other_kind(SEQ2SEQ, LANGUAGE)),
            false => Ok(draft.finish()?),
        }
    }

    /// Return the resolved configuration of a sequence-to-sequence run.
    ///
    /// # Errors
    /// If `config.toml` cannot be read, is invalid, or is that of a language model.
    pub fn seq2seq_config(&self) -> Result<Seq2SeqExperiment, ModelError> {
        let draft = self.draft()?;
        match draft.is_seq2seq() {
            true => Ok(draft.finish_seq2seq()?),
            false => Err(self.other_kind(LANGUAGE, SEQ2SEQ)),
        }
    }

    /// Return true if the model is a sequence-to-sequence model.
    ///
    /// # Errors
    /// If `config.toml` cannot be read.
    pub fn is_seq2seq(&self) -> Result<bool, ModelError> {
        Ok(self.draft()?.is_seq2seq())
    }

    fn draft(&self) -> Result<PartialConfig, ModelError> {
        Ok(PartialConfig::read(&RunDir::new(&self.root).config(), &[])?)
    }

    fn other_kind(&self, found: &'static str, taken: &'static str) -> ModelError {
        ModelError::OtherKind {
            path: self.root.clone(),
            found,
            taken,
        }
    }

    /// Verify that the settings and the checksums of both tokenizers of a sequence-to-sequence run
    /// are those recorded in the checkpoint.
    ///
    /// # Errors
    /// [`ModelError::AlteredRunFile`].
    pub fn check_seq2seq(
        &self,
        config: &Seq2SeqExperiment,
        [source, target]: [&str; 2],
        state: &CheckpointState,
    ) -> Result<(), ModelError> {
        let Some(made_with) = &state.made_with else {
            return Ok(());
        };
        let files = RunDir::new(&self.root);
        let vocabulary = "its vocabulary or settings";
        let altered = |path, what| Err(ModelError::AlteredRunFile { path, what });
        if made_with.model_sha256 != seq2seq_sum(&config.seq2seq) {
            return altered(files.config(), "[seq2seq]");
        }
        if made_with.tokenizer_sha256 != source {
            return altered(files.source_tokenizer(), vocabulary);
        }
        match &made_with.target_tokenizer_sha256 {
            Some(recorded) if recorded != target => altered(files.target_tokenizer(), vocabulary),
            _ => Ok(()),
        }
    }

    /// Return the path of the tokenizer.
    pub fn tokenizer(&self) -> PathBuf {
        RunDir::new(&self.root).tokenizer()
    }

    /// Return the checkpoint to read: the one that was named, else the best, else the newest.
    ///
    /// # Errors
    /// If there is no checkpoint, or it is damaged.
    pub fn checkpoint(&self) -> Result<Checkpoint, ModelError> {
        match &self.chosen {
            Chosen::Folder(path) => Checkpoint::open(path),
            Chosen::Best => Checkpoint::open(&self.standing()?.best),
            Chosen::Newest => self.newest(),
        }
    }

    /// Return the checkpoint to resume from, the newest.
    ///
    /// # Errors
    /// If there is no checkpoint, or it is damaged.
    pub fn newest(&self) -> Result<Checkpoint, ModelError> {
        Checkpoint::open(&self.standing()?.newest)
    }

    /// Describe where the files `last` and `best` disagree with the newest checkpoint; empty if a
    /// specific checkpoint was named. Writes nothing.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn notes(&self) -> Result<Vec<String>, ModelError> {
        match &self.chosen {
            Chosen::Folder(_) => Ok(Vec::new()),
            Chosen::Best | Chosen::Newest => self.wrong_pointers(),
        }
    }

    /// Return the notes of [`Run::notes`], whichever checkpoint was named.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn wrong_pointers(&self) -> Result<Vec<String>, ModelError> {
        Ok(
            CheckpointPointers::of(&RunDir::new(&self.root).checkpoints())?
                .map_or_else(Vec::new, |standing| standing.told()),
        )
    }

    /// Correct the files `last` and `best` of a run that this process trains to match the newest
    /// checkpoint, and describe what was found.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn mend(&self) -> Result<Vec<String>, ModelError> {
        Ok(
            CheckpointPointers::of(&RunDir::new(&self.root).checkpoints())?
                .map_or_else(Vec::new, |standing| standing.mend()),
        )
    }

    /// Return the folders of all checkpoints, oldest first.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn checkpoints(&self) -> Result<Vec<PathBuf>, ModelError> {
        let folder = RunDir::new(&self.root).checkpoints();
        Ok(steps_in(&folder)?
            .into_iter()
            .map(|step| folder.join(folder_name(step)))
            .collect())
    }

    /// Load the model of [`Run::checkpoint`] with its adapters merged.
    ///
    /// # Errors
    /// If the configuration, the checkpoint or its weights cannot be read.
    pub fn model(&self, device: &Device) -> Result<(Transformer, Checkpoint), ModelError> {
        let config = self.config()?;
        let checkpoint = self.checkpoint()?;
        let model = self.trained(&config, &checkpoint, device)?;
        Ok((model.materialize(), checkpoint))
    }

    /// Load the model of a checkpoint as it was trained: with adapters, if adapters were trained.
    ///
    /// # Errors
    /// If its weights, or the base weights of its adapters, cannot be read.
    pub fn trained(
        &self,
        config: &Config,
        checkpoint: &Checkpoint,
        device: &Device,
    ) -> Result<Transformer, ModelError> {
        let recorded = checkpoint.state.made_with.as_ref();
        if recorded.is_some_and(|made_with| made_with.model_sha256 != model_sum(config)) {
            return Err(ModelError::AlteredRunFile {
                path: RunDir::new(&self.root).config(),
                what: "[model] or [finetune.lora]",
            });
        }
        let weights = checkpoint.file(MODEL_FILE);
        let Some(lora) = config.lora() else {
            return Transformer::load(&weights, &config.model, device);
        };
        let path = RunDir::new(&self.root).base();
        if checkpoint.state.base.is_none() {
            let problem = "has no checksum in the checkpoint's state.json".to_owned();
            return Err(ModelError::DamagedBase { path, problem });
        }
        self.check_base(checkpoint)?;
        Transformer::load(&path, &config.model, device)?.load_lora(lora, &weights)
    }

    /// Verify that this tokenizer checksum is the one recorded in the checkpoint.
    ///
    /// # Errors
    /// [`ModelError::AlteredRunFile`].
    pub fn check_tokenizer(&self, sha256: &str, state: &CheckpointState) -> Result<(), ModelError> {
        match &state.made_with {
            Some(made_with) if made_with.tokenizer_sha256 != sha256 => {
                Err(ModelError::AlteredRunFile {
                    path: self.tokenizer(),
                    what: "its vocabulary or settings",
                })
            }
            _ => Ok(()),
        }
    }

    /// Verify the base weights, if the run has adapters, against the checksum in the checkpoint.
    ///
    /// # Errors
    /// [`ModelError::DamagedBase`] if they cannot be read or were altered.
    pub fn check_base(&self, checkpoint: &Checkpoint) -> Result<(), ModelError> {
        let Some(expected) = &checkpoint.state.base else {
            return Ok(());
        };
        let path = RunDir::new(&self.root).base();
        let problem = match sum_file(&path) {
            Ok(found) if found == *expected => return Ok(()),
            Ok(_) => "was altered (its SHA-256 differs)".to_owned(),
            Err(error) => format!("cannot be read ({error})"),
        };
        Err(ModelError::DamagedBase { path, problem })
    }

    /// Write the base weights of a run's adapters to its directory atomically.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_base(root: &Path, model: &Transformer) -> Result<FileSum, ModelError> {
        let path = RunDir::new(root).base();
        write_atomic_with(&path, |file| write_tensors(&model.flat(), file))?;
        sum_file(&path).map_err(ModelError::io("read", &path))
    }

    fn standing(&self) -> Result<CheckpointPointers, ModelError> {
        CheckpointPointers::of(&RunDir::new(&self.root).checkpoints())?.ok_or_else(|| {
            ModelError::NotARun {
                path: self.root.clone(),
                problem: "it has no checkpoint yet".to_owned(),
            }
        })
    }
}
