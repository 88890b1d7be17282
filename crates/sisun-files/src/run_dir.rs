//! The files of a run directory.

use std::path::{Path, PathBuf};

/// A run directory: the one place that knows the names of its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunDir<'p> {
    root: &'p Path,
}

impl<'p> RunDir<'p> {
    /// The directory itself.
    pub fn new(root: &'p Path) -> Self {
        Self { root }
    }

    /// Every setting of the run, defaults included.
    pub fn config(self) -> PathBuf {
        self.root.join("config.toml")
    }

    /// The tokenizer, in Hugging Face's format.
    pub fn tokenizer(self) -> PathBuf {
        self.root.join("tokenizer.json")
    }

    /// The tokenizer of sources of a sequence-to-sequence run.
    pub fn source_tokenizer(self) -> PathBuf {
        self.root.join("source_tokenizer.json")
    }

    /// The tokenizer of targets of a sequence-to-sequence run.
    pub fn target_tokenizer(self) -> PathBuf {
        self.root.join("target_tokenizer.json")
    }

    /// The tokens that end a text, where the tokenizer's names do not tell them.
    pub fn generation_config(self) -> PathBuf {
        self.root.join("generation_config.json")
    }

    /// The program, the machine and the text of the run.
    pub fn environment(self) -> PathBuf {
        self.root.join("environment.json")
    }

    /// One line of JSON for each measurement.
    pub fn metrics(self) -> PathBuf {
        self.root.join("metrics.jsonl")
    }

    /// The folder of checkpoints.
    pub fn checkpoints(self) -> PathBuf {
        self.root.join("checkpoints")
    }

    /// The frozen weights under the adapters of a fine-tuned run.
    pub fn base(self) -> PathBuf {
        self.root.join("base.safetensors")
    }

    /// The folder of files that came with a Hugging Face model and leave with an export.
    pub fn sidecars(self) -> PathBuf {
        self.root.join("hf")
    }

    /// The folder of samples written during training.
    pub fn samples(self) -> PathBuf {
        self.root.join("samples")
    }

    /// The sample that was written after this step.
    pub fn sample(self, step: u64) -> PathBuf {
        self.samples().join(format!("step-{step:08}.txt"))
    }

    /// The folder of attention maps of `attend.text`.
    pub fn maps(self) -> PathBuf {
        self.root.join("maps")
    }

    /// The report of the run, one page.
    pub fn report(self) -> PathBuf {
        self.root.join("report.html")
    }

    /// The course of training, as a page that replays it.
    pub fn replay(self) -> PathBuf {
        self.root.join("replay.html")
    }

    /// The loss curve of the report.
    pub fn loss_curve(self) -> PathBuf {
        self.root.join("loss.svg")
    }
}
