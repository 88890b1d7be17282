//! The model to check, and text to check it on.

use anyhow::Result;
use burn::tensor::Device;
use rand::RngExt;
use sisun_config::{Config, randomness};
use sisun_infer::LanguageModel;
use sisun_model::{Run, Transformer, device};
use sisun_train::{TrainError, own_text};
use std::path::{Path, PathBuf};

/// Maximum number of tokens that a pass is checked on.
const LONGEST: usize = 128;

/// The files of a model: a run, or a Hugging Face directory.
#[derive(Debug)]
pub(crate) enum Files {
    Run(Run),
    HuggingFace(PathBuf),
}

/// A model on the CPU.
#[derive(Debug)]
pub struct ModelUnderTest<'f> {
    pub(crate) files: &'f Files,
    pub(crate) loaded: LanguageModel,
    /// The configuration, for a run.
    pub(crate) config: Option<Config>,
    /// `Ok` if a run's own text exists and is unchanged since training, else the problem with it.
    pub(crate) own_text: Result<(), String>,
    /// Input of the passes: the beginning of the held-out text, else random tokens.
    pub(crate) ids: Vec<u32>,
    /// Description of the source of `ids`.
    pub(crate) ids_from: &'static str,
}

impl<'f> ModelUnderTest<'f> {
    pub(crate) fn files(path: &Path) -> Result<Files> {
        if sisun_hf::is_model(path)? {
            return Ok(Files::HuggingFace(path.to_owned()));
        }
        Ok(Files::Run(Run::open(path)?))
    }

    pub(crate) fn open(files: &'f Files) -> Result<Self> {
        let device = cpu()?;
        let (loaded, config) = match files {
            Files::Run(run) => {
                let notes = run.wrong_pointers()?;
                (
                    LanguageModel {
                        notes,
                        ..LanguageModel::of_run(run, &device)?
                    },
                    Some(run.config()?),
                )
            }
            Files::HuggingFace(dir) => {
                let found = sisun_hf::open_as_stored(dir, &device)?;
                (
                    LanguageModel::new(found.name, None, found.model, found.tokenizer),
                    None,
                )
            }
        };
        let n = loaded.model.config().context_len.min(LONGEST);
        let text = match (files, &config) {
            (Files::Run(run), Some(config)) => own_text(run, &config.data, 1, &mut |_| {}),
            _ => Err(TrainError::Observer(
                "a Hugging Face directory has no text of its own".to_owned(),
            )),
        };
        let found = text.as_ref().map(drop).map_err(ToString::to_string);
        let (ids, ids_from) = match text
            .ok()
            .map(|corpus| corpus.validation)
            .filter(|text| text.len() > 1)
        {
            Some(text) => {
                let mut ids = Vec::new();
                text.read_into(0..n.min(text.len()), &mut ids);
                (ids, "tokens of the held-out text")
            }
            None => (random_ids(&loaded, n), "random tokens"),
        };
        Ok(Self {
            files,
            loaded,
            config,
            own_text: found,
            ids,
            ids_from,
        })
    }

    pub(crate) fn describe(&self) -> String {
        let parameters = sisun_model::Count::of(self.loaded.model.config()).total;
        let notes: String = self
            .loaded
            .notes
            .iter()
            .map(|note| format!("; {note}"))
            .collect();
        format!(
            "{}, {} parameters{notes}",
            self.loaded.title(),
            sisun_model::thousands(parameters)
        )
    }

    /// Read the model again from its files, on another device.
    pub(crate) fn on(&self, device: &Device) -> Result<Transformer> {
        match self.files {
            Files::Run(run) => Ok(run.model(device)?.0),
            Files::HuggingFace(dir) => Ok(sisun_hf::open(dir, device)?.model),
        }
    }
}

/// Return the CPU backend.
pub(crate) fn cpu() -> Result<Device> {
    Ok(device::cpu("asked for").device)
}

/// Return random tokens of the tokenizer, the same every time.
fn random_ids(loaded: &LanguageModel, n: usize) -> Vec<u32> {
    let vocab = loaded
        .model
        .config()
        .vocab_size
        .unwrap_or(1)
        .min(loaded.tokenizer.vocab_size()) as u32;
    let mut draws = randomness::stream(0, "verify", 0);
    std::iter::repeat_with(|| draws.random_range(0..vocab))
        .filter(|id| loaded.tokenizer.has_token(*id))
        .take(n)
        .collect()
}
