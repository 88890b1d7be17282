//! A run directory, as whoever reads it sees it.

use crate::checkpoint::{
    Checkpoint, CheckpointState, FileSum, MODEL_FILE, folder_name, model_sum, steps_in, sum_file,
};
use crate::pointers::{BEST, LAST, Standing};
use crate::weights::write_tensors;
use crate::{ModelError, Transformer};
use burn::module::Module;
use burn::tensor::Device;
use sisun_config::Config;
use sisun_files::{RunDir, is_file, is_folder, look};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The folder of a run's checkpoints.
pub const CHECKPOINTS: &str = "checkpoints";

/// The weights that a run's adapters are added to.
pub const BASE_FILE: &str = "base.safetensors";

/// A run directory, or one checkpoint in it.
#[derive(Clone, Debug)]
pub struct Run {
    root: PathBuf,
    chosen: Chosen,
}

/// Which checkpoint of a run was named.
#[derive(Clone, Debug)]
enum Chosen {
    Best,
    Newest,
    Folder(PathBuf),
}

impl Run {
    /// Opens a run: its directory, one of its checkpoint folders, or `checkpoints/last` or
    /// `checkpoints/best`.
    ///
    /// # Errors
    /// A path that is none of these.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let not = |problem: &str| ModelError::NotARun {
            path: path.to_owned(),
            problem: problem.to_owned(),
        };
        let failed = || ModelError::io("read", path);
        let found = match look(path) {
            // A name that no file can have.
            Err(error) if error.kind() == ErrorKind::InvalidInput => None,
            found => found.map_err(failed())?,
        };
        let Some(found) = found else {
            // A pointer that is missing only repeats what the run knows.
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
            let under_runs = Path::new("runs").join(path);
            return Err(not(&match is_folder(&under_runs) {
                Ok(true) => format!("no such folder; did you mean {}?", under_runs.display()),
                _ => format!(
                    "no such folder; `sisun train CONFIG` makes one under runs/{}",
                    sisun_config::shell::of_tilde(path)
                ),
            }));
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
                return Err(not(
                    "it holds no config.toml, nor a Hugging Face model's config.json",
                ));
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

    /// The run's directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its resolved configuration.
    ///
    /// # Errors
    /// A `config.toml` that cannot be read or was altered beyond what configurations allow.
    pub fn config(&self) -> Result<Config, ModelError> {
        Ok(Config::read(&RunDir::new(&self.root).config(), &[])?)
    }

    /// Its tokenizer.
    pub fn tokenizer(&self) -> PathBuf {
        RunDir::new(&self.root).tokenizer()
    }

    /// The checkpoint to read: the one that was named, else the best, else the newest.
    ///
    /// # Errors
    /// No checkpoint at all, or a damaged one.
    pub fn checkpoint(&self) -> Result<Checkpoint, ModelError> {
        match &self.chosen {
            Chosen::Folder(path) => Checkpoint::open(path),
            Chosen::Best => Checkpoint::open(&self.standing()?.best),
            Chosen::Newest => self.newest(),
        }
    }

    /// The checkpoint to go on from: the newest.
    ///
    /// # Errors
    /// No checkpoint at all, or a damaged one.
    pub fn newest(&self) -> Result<Checkpoint, ModelError> {
        Checkpoint::open(&self.standing()?.newest)
    }

    /// Where the files `last` and `best` do not say what the newest checkpoint says, for people to
    /// read; nothing where a checkpoint was named itself. Nothing is written.
    ///
    /// # Errors
    /// Files that cannot be read.
    pub fn notes(&self) -> Result<Vec<String>, ModelError> {
        match &self.chosen {
            Chosen::Folder(_) => Ok(Vec::new()),
            Chosen::Best | Chosen::Newest => self.wrong_pointers(),
        }
    }

    /// As [`Run::notes`], whatever of the run was named.
    ///
    /// # Errors
    /// Files that cannot be read.
    pub fn wrong_pointers(&self) -> Result<Vec<String>, ModelError> {
        Ok(Standing::of(&RunDir::new(&self.root).checkpoints())?
            .map_or_else(Vec::new, |standing| standing.told()))
    }

    /// Has the files `last` and `best` of a run that this process trains say what the newest
    /// checkpoint says. What was found, for people to read.
    ///
    /// # Errors
    /// Files that cannot be read.
    pub fn mend(&self) -> Result<Vec<String>, ModelError> {
        Ok(Standing::of(&RunDir::new(&self.root).checkpoints())?
            .map_or_else(Vec::new, |standing| standing.mend()))
    }

    /// The folders of all its checkpoints, oldest first.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn checkpoints(&self) -> Result<Vec<PathBuf>, ModelError> {
        let folder = RunDir::new(&self.root).checkpoints();
        Ok(steps_in(&folder)?
            .into_iter()
            .map(|step| folder.join(folder_name(step)))
            .collect())
    }

    /// The model of [`Run::checkpoint`], its adapters added up.
    ///
    /// # Errors
    /// Whatever keeps the configuration, the checkpoint or its weights from being read.
    pub fn model(&self, device: &Device) -> Result<(Transformer, Checkpoint), ModelError> {
        let config = self.config()?;
        let checkpoint = self.checkpoint()?;
        let model = self.trained(&config, &checkpoint, device)?;
        Ok((model.materialize(), checkpoint))
    }

    /// The model of a checkpoint as it was trained: with adapters, if they are what was trained.
    ///
    /// # Errors
    /// Whatever keeps its weights, or those that adapters are added to, from being read.
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

    /// Verify that a tokenizer of this sum is the one that the run was made with, as a checkpoint
    /// recorded it.
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

    /// Verify the weights that a run's adapters are added to, if it has adapters, by the sum that a
    /// checkpoint recorded.
    ///
    /// # Errors
    /// [`ModelError::DamagedBase`]: they cannot be read, or were altered.
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

    /// Writes the weights that a run's adapters are added to into its directory, whole or not at
    /// all.
    ///
    /// # Errors
    /// Whatever keeps the file from being written.
    pub fn write_base(root: &Path, model: &Transformer) -> Result<FileSum, ModelError> {
        let path = RunDir::new(root).base();
        sisun_files::write_whole(&path, |file| write_tensors(&model.flat(), file))
            .map_err(ModelError::io("write", &path))?;
        sum_file(&path).map_err(ModelError::io("read", &path))
    }

    fn standing(&self) -> Result<Standing, ModelError> {
        Standing::of(&RunDir::new(&self.root).checkpoints())?.ok_or_else(|| ModelError::NotARun {
            path: self.root.clone(),
            problem: "it has no checkpoint yet".to_owned(),
        })
    }
}
