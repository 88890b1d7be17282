//! The RUN argument: a Sisun run or a Hugging Face directory, opened with its model.

use crate::common::DeviceArgs;
use crate::failure::Usage;
use anyhow::{Context, Result, anyhow, bail};
use burn::tensor::Device;
use clap::Args;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use sisun_config::{Config, DataConfig, Documents, Precision};
use sisun_data::{DataError, Tokens, prepare_whole};
use sisun_files::RunDir;
use sisun_hf::SidecarFile;
use sisun_infer::{Edits, InferError, LanguageModel};
use sisun_model::{ModelError, Run, Transformer, memory};
use sisun_train::own_text;
use std::path::{Path, PathBuf};

/// Option of the number format.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct PrecisionArgs {
    /// Number format: float32, or bf16 (weights and factors in 16 bits, sums in float32)
    #[arg(long, value_name = "NUMBERS", default_value = "float32", value_parser = read_precision)]
    pub(crate) precision: Precision,
}

impl PrecisionArgs {
    /// Return true if it is not float32.
    pub(crate) fn is_reduced(self) -> bool {
        self.precision != Precision::Float32
    }

    /// Open the model that a RUN argument names, with this precision.
    pub(crate) fn open(self, path: &Path, device: &Device) -> Result<ModelSource> {
        if self.precision == Precision::Bf16 && *device != Device::flex() {
            return Err(Usage(
                "--precision bf16 computes on the CPU only: add --device cpu".to_owned(),
            )
            .into());
        }
        let mut opened = ModelSource::new(path, device)?;
        if self.precision == Precision::Bf16 {
            opened.loaded.model = opened.loaded.model.in_bf16();
        }
        Ok(opened)
    }
}

/// Options of the text to measure on.
#[derive(Args, Clone, Debug)]
pub(crate) struct TextArgs {
    /// Files, folders or globs to evaluate on [default: the run's held-out text]
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Vec<String>,
    /// The field that holds the text of JSON lines in --data [default: the run's data.jsonl_field,
    /// else text]
    #[arg(long, value_name = "FIELD", requires = "data")]
    pub(crate) jsonl_field: Option<String>,
    /// What one document of --data is: file, line or paragraph [default: as the run's
    /// data.documents, else file]
    #[arg(long, value_name = "WHAT", requires = "data", value_parser = read_documents)]
    pub(crate) documents: Option<Documents>,
}

/// Add the option that names the field to an error about the fields of JSON lines.
fn with_option(error: DataError) -> anyhow::Error {
    if let DataError::NoLossTokens { .. } = error {
        return anyhow!(
            "every answer in the text of --data is empty, so that there is nothing to take the loss on: give another text"
        );
    }
    let told = matches!(error, DataError::JsonField { .. })
        .then(|| format!("{error}\nhere the field of --data is named with --jsonl-field NAME"));
    match told {
        Some(told) => anyhow::Error::new(error).context(told),
        None => error.into(),
    }
}

/// Parse a document kind as the configuration spells it.
fn read_documents(given: &str) -> Result<Documents, serde::de::value::Error> {
    Documents::deserialize(given.into_deserializer())
}

/// Parse a precision as the configuration spells it.
fn read_precision(given: &str) -> Result<Precision, serde::de::value::Error> {
    Precision::deserialize(given.into_deserializer())
}

/// Open the model that a RUN argument names on a device that records gradients.
pub(crate) fn recording(path: &Path, device: &Device) -> Result<Transformer> {
    let device = device.clone().autodiff();
    Ok(match sisun_hf::is_model(path)? {
        // In float32, as weights in bfloat16 have no gradients.
        true => sisun_hf::open(path, &device)?.model,
        false => Run::open(path)?.model(&device)?.0,
    })
}

/// Return true if the error says that a checkpoint is damaged, for instance half removed by a
/// killed process.
pub(crate) fn is_damaged(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref(),
        Some(InferError::Model(ModelError::Damaged { .. }))
    )
}

/// A model and its training details.
pub(crate) struct ModelSource {
    pub(crate) loaded: LanguageModel,
    /// Hugging Face files that an export keeps, from this directory or the one the run was
    /// fine-tuned from.
    pub(crate) companions: Vec<SidecarFile>,
    path: PathBuf,
    /// Training details; `None` for models trained elsewhere.
    trained: Option<Trained>,
}

struct Trained {
    run: Run,
    config: Config,
}

impl ModelSource {
    /// Open a run directory, one of its checkpoints, or a Hugging Face directory.
    pub(crate) fn new(path: &Path, device: &Device) -> Result<Self> {
        let path = path.to_owned();
        if sisun_hf::is_model(&path)? {
            let found = sisun_hf::open_as_stored(&path, device)?;
            let mut loaded = LanguageModel::new(found.name, None, found.model, found.tokenizer);
            (loaded.window, loaded.notes) = (found.window, found.notes);
            return Ok(Self {
                loaded,
                companions: found.companions,
                path,
                trained: None,
            });
        }
        let run = Run::open(&path)?;
        let notes = run.notes()?;
        let config = run.config()?;
        let came_along = RunDir::new(run.root()).sidecars();
        let remedy = || {
            format!(
                "{} came with the model that the run began from: restore it",
                came_along.display()
            )
        };
        let companions = sisun_hf::companions(&came_along).with_context(remedy)?;
        let mut loaded = LanguageModel::of_run(&run, device)?;
        loaded.notes = notes;
        Ok(Self {
            loaded,
            companions,
            path,
            trained: Some(Trained { run, config }),
        })
    }

    /// Describe the model's kind for messages.
    pub(crate) fn kind(&self) -> String {
        let path = self.path.display();
        match self.trained {
            Some(_) => format!("the run {path}"),
            None => format!("{path}, a Hugging Face directory,"),
        }
    }

    /// Return true if the model has text of its own that was held out.
    pub(crate) fn has_held_out_text(&self) -> bool {
        self.trained.is_some()
    }

    /// Return the characters that stood between a text and its answer in training.
    pub(crate) fn answer_separator(&self) -> &str {
        let trained = self.trained.as_ref();
        trained.map_or("", |trained| trained.config.data.separator())
    }

    /// Return the text of the run's `[attend]`.
    pub(crate) fn attend_text(&self) -> Option<&str> {
        self.trained
            .as_ref()?
            .config
            .attend
            .as_ref()
            .map(|attend| attend.text.as_str())
    }

    /// Return the number of windows of `length` tokens to evaluate together: as many tokens as in
    /// training.
    pub(crate) fn batch_size(&self, length: usize) -> usize {
        let tokens = |trained: &Trained| {
            trained
                .config
                .train
                .batch_size
                .saturating_mul(trained.config.model.context_len)
        };
        (self.trained.as_ref().map_or(0, tokens) / length).max(1)
    }

    /// Check that evaluating a text in windows of `length` tokens fits into memory.
    pub(crate) fn check_evaluation(
        &self,
        text: &Tokens,
        length: usize,
        edits: &Edits,
    ) -> Result<()> {
        let tokens = self
            .batch_size(length)
            .saturating_mul(length)
            .min(text.len());
        let model = &self.loaded.model;
        let what = || {
            format!(
                "evaluating {tokens} tokens at once (train.batch_size · model.context_len of the run)"
            )
        };
        let remedy = || {
            "give a shorter text with --data, or shorter windows (--lengths of `sisun eval`)"
                .to_owned()
        };
        let patterns = match edits.open_attention() {
            true => {
                let rows = tokens.div_ceil(length.max(1));
                memory::of_attention(length, rows * model.config().n_heads, 0, &[])
            }
            false => 0,
        };
        Ok(memory::check(
            memory::of_evaluation(model.config(), tokens).saturating_add(patterns),
            &model.device(),
            what,
            remedy,
        )?)
    }

    /// Return all checkpoints, oldest first.
    pub(crate) fn checkpoints(&self) -> Result<Vec<PathBuf>> {
        match &self.trained {
            Some(trained) => Ok(trained.run.checkpoints()?),
            None => bail!(
                "{} is a Hugging Face directory, which keeps no checkpoints",
                self.path.display()
            ),
        }
    }

    /// Read the requested text, or by default the run's own held-out text.
    pub(crate) fn held_out(&self, asked: &TextArgs, device: &DeviceArgs) -> Result<Tokens> {
        let mut progress = |line: &str| device.note(line);
        let sources = asked.data.clone();
        let text = match (&self.trained, sources.is_empty()) {
            (Some(Trained { run, config }), true) => {
                own_text(run, &config.data, 1, &mut progress)?.validation
            }
            (None, true) => bail!(
                "{} is a Hugging Face directory, which has no held-out text: give one with --data",
                self.path.display()
            ),
            (trained, false) => {
                let mut data = match trained {
                    Some(trained) => DataConfig {
                        sources,
                        ..trained.config.data.clone()
                    },
                    None => DataConfig::with_sources(sources),
                };
                data.documents = asked.documents.unwrap_or(data.documents);
                if let Some(field) = &asked.jsonl_field {
                    // A field that is both text and answer would be read twice.
                    data.jsonl_answer_field =
                        data.jsonl_answer_field.filter(|answer| answer != field);
                    data.jsonl_field = Some(field.clone());
                }
                let prepared = prepare_whole(
                    &data,
                    &self.loaded.tokenizer,
                    &data.cache_folder(),
                    &mut progress,
                );
                prepared.map_err(with_option)?
            }
        };
        text.check_rows(&self.loaded.tokenizer, self.loaded.rows())?;
        if text.len() < 2 {
            bail!(
                "the text to evaluate on has fewer than two tokens: give a longer one with --data"
            );
        }
        Ok(text)
    }
}
