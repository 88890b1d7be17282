//! What several commands share.

use crate::failure::Usage;
use crate::terminal::note;
use anyhow::{Context, Result};
use clap::Args;
use sisun_data::Tokenizer;
use sisun_files::LockedDir;
use sisun_model::{Chosen, DeviceChoice, device};
use std::path::{Path, PathBuf};

/// Where to compute.
#[derive(Args, Clone, Debug)]
pub(crate) struct DeviceArgs {
    /// Device: auto (a real GPU if there is one, else the CPU), wgpu, cpu or ndarray
    #[arg(long, value_name = "DEVICE", overrides_with = "device", default_value_t = DeviceChoice::Auto)]
    device: DeviceChoice,
    /// Print only errors on stderr
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// Takes a folder for several files.
///
/// # Errors
/// One that holds files that Sisun did not put there.
pub(crate) fn claim(folder: &Path) -> Result<()> {
    if folder.is_file() {
        return Err(Usage(format!(
            "{} is a file: name a folder with --out",
            folder.display()
        ))
        .into());
    }
    let claimed = sisun_files::claim_folder(folder);
    if claimed.with_context(|| format!("cannot write into {}", folder.display()))? {
        return Ok(());
    }
    Err(Usage(format!(
        "{} holds files that Sisun did not write, and may not replace: name a new or empty folder with --out",
        folder.display()
    ))
    .into())
}

/// The folder of a configuration, if a source that is not there from here is there from it.
pub(crate) fn folder_beside<'c>(config: &'c Path, missing: &Path) -> Option<&'c Path> {
    config
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .filter(|folder| missing.is_relative() && folder.join(missing).exists())
}

/// Names of what an earlier command left in a folder, besides the files just written, a few of
/// them.
pub(crate) fn left_before(folder: &Path, written: &[PathBuf]) -> Option<String> {
    const SHOWN: usize = 3;
    let is_new = |path: &PathBuf| {
        written
            .iter()
            .any(|new| new.file_name() == path.file_name())
    };
    let entries = std::fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()));
    let is_hidden = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
    };
    let mut left: Vec<PathBuf> = entries
        .filter(|path| path.is_file() && !is_new(path) && !is_hidden(path))
        .collect();
    left.sort();
    let names: Vec<String> = left
        .iter()
        .take(SHOWN)
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .collect();
    let more = left.len().saturating_sub(SHOWN);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    (!names.is_empty()).then(|| names.join(", ") + &more)
}

impl DeviceArgs {
    /// Picks the device and says in one line which and why.
    pub(crate) fn choose(&self) -> Result<Chosen> {
        let chosen = device::choose(self.device)?;
        self.note(&format!("device: {} ({})", chosen.name, chosen.why));
        Ok(chosen)
    }

    /// The option as it has to be typed again, after a blank; nothing if it was left to choose.
    pub(crate) fn asked(&self) -> String {
        match self.device {
            DeviceChoice::Auto => String::new(),
            device => format!(" --device {device}"),
        }
    }

    /// The options as they have to be typed again, and `--json` if that was typed.
    pub(crate) fn typed(&self, json: bool) -> Vec<String> {
        let mut typed = Vec::new();
        if self.device != DeviceChoice::Auto {
            typed.extend(["--device".to_owned(), self.device.to_string()]);
        }
        typed.extend(self.quiet.then(|| "--quiet".to_owned()));
        typed.extend(json.then(|| "--json".to_owned()));
        typed
    }

    /// Tells that nothing keeps other processes out of a directory, if that is so.
    pub(crate) fn note_hollow(&self, held: &LockedDir) {
        if held.is_hollow() {
            let dir = held.dir().display();
            self.note(&format!(
                "note: the file system of {dir} knows no locks: start no other process there meanwhile"
            ));
        }
    }

    /// Tells that a text is longer than those a model was trained on, if it is.
    pub(crate) fn note_length(&self, n: usize, context_len: usize) {
        if n > context_len {
            self.note(&format!(
                "note: {n} tokens are more than the {context_len} the model was trained on; expect less of what lies beyond"
            ));
        }
    }

    /// Tells that of a prompt only the end is read, if so.
    pub(crate) fn note_prompt(&self, n: usize, context_len: usize) {
        if n > context_len {
            self.note(&format!(
                "note: only the last {context_len} of {n} tokens of the prompt are read, the model's context"
            ));
        }
    }

    /// Tells that a text is in another form of Unicode than the tokenizer's vocabulary, if it is.
    pub(crate) fn note_form(&self, tokenizer: &Tokenizer, text: &str) -> Result<()> {
        if let Some(note) = tokenizer.normalization_note(text)? {
            self.note(&note);
        }
        Ok(())
    }

    /// Tells on stderr what is going on, unless asked to be quiet.
    pub(crate) fn note(&self, line: &str) {
        if !self.quiet {
            note(line);
        }
    }
}
