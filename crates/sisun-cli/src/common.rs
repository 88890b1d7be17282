//! Options and helpers shared by commands.

use crate::failure::Usage;
use crate::terminal::note;
use anyhow::{Context, Result};
use clap::Args;
use sisun_data::Tokenizer;
use sisun_devices::{Remembered, Work};
use sisun_files::LockedDir;
use sisun_model::{Chosen, DeviceChoice};
use sisun_viz::maps::{Font, without_glyph};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Options of the device.
#[derive(Args, Clone, Debug)]
pub(crate) struct DeviceArgs {
    /// Device: auto (a GPU if it is right and faster here, else the CPU), wgpu, cpu or ndarray
    #[arg(long, value_name = "DEVICE", overrides_with = "device", default_value_t = DeviceChoice::Auto)]
    device: DeviceChoice,
    /// Print only errors on stderr
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// Claim a folder for several output files.
///
/// # Errors
/// If it holds files that Sisun did not create.
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

/// Return the folder of a configuration, if a missing relative source exists there.
pub(crate) fn folder_beside<'c>(config: &'c Path, missing: &Path) -> Option<&'c Path> {
    config
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .filter(|folder| missing.is_relative() && folder.join(missing).exists())
}

/// Return the names of a few files left in a folder by an earlier command, excluding those just
/// written.
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
    /// Choose the device for a work and report it on one line with the reason. `work` is asked for
    /// only if there is a GPU to try it on.
    pub(crate) fn choose(&self, work: impl FnOnce() -> Option<Work>) -> Result<Chosen> {
        let remembered = Remembered::in_cache();
        let chosen =
            sisun_devices::choose(self.device, work, &remembered, &mut |line| self.note(line))?;
        self.note(&format!("device: {} ({})", chosen.name, chosen.why));
        Ok(chosen)
    }

    /// Return the options as typed, and `--json` if given.
    pub(crate) fn typed(&self, json: bool) -> Vec<String> {
        let mut typed = Vec::new();
        if self.device != DeviceChoice::Auto {
            typed.extend(["--device".to_owned(), self.device.to_string()]);
        }
        typed.extend(self.quiet.then(|| "--quiet".to_owned()));
        typed.extend(json.then(|| "--json".to_owned()));
        typed
    }

    /// Note if the lock of a directory does not exclude other processes.
    pub(crate) fn note_ineffective_lock(&self, held: &LockedDir) {
        if held.is_ineffective() {
            let dir = held.dir().display();
            self.note(&format!(
                "note: the file system of {dir} knows no locks: start no other process there meanwhile"
            ));
        }
    }

    /// Note if a text is longer than those in training.
    pub(crate) fn note_length(&self, n: usize, context_len: usize) {
        if n > context_len {
            self.note(&format!(
                "note: {n} tokens are more than the {context_len} the model was trained on; expect less of what lies beyond"
            ));
        }
    }

    /// Note if only the end of a prompt is read.
    pub(crate) fn note_prompt(&self, n: usize, context_len: usize) {
        if n > context_len {
            self.note(&format!(
                "note: only the last {context_len} of {n} tokens of the prompt are read, the model's context"
            ));
        }
    }

    /// Note if a text has another Unicode normalization form than the tokenizer's vocabulary, or
    /// characters that the vocabulary lacks.
    pub(crate) fn note_form(&self, tokenizer: &Tokenizer, text: &str) -> Result<()> {
        if let Some(note) = tokenizer.normalization_note(text)? {
            self.note(&note);
        } else if let Some(unknown) = tokenizer.unknown(text, &tokenizer.encode(text)?) {
            self.note(&format!("note: {unknown}"));
        }
        Ok(())
    }

    /// Note the characters of labels for which there is no glyph, so that a PNG shows boxes.
    pub(crate) fn note_glyphs<'a>(
        &self,
        labels: impl Iterator<Item = &'a str>,
        font: Option<&Font>,
    ) {
        const LISTED: usize = 8;
        let missing = without_glyph(labels, font);
        if missing.is_empty() {
            return;
        }
        let shown: Vec<String> = missing.iter().take(LISTED).map(char::to_string).collect();
        let more = if missing.len() > LISTED { ", …" } else { "" };
        self.note(&format!(
            "note: no font here has a glyph for {}{more}: the PNG shows □ instead; install a font that has them, or write svg",
            shown.join(", ")
        ));
    }

    /// Print a note on stderr, unless `--quiet` was given.
    pub(crate) fn note(&self, line: &str) {
        if !self.quiet {
            note(line);
        }
    }
}

/// Refuse a run that is named twice, also by a link or one of its checkpoints.
pub(crate) fn refuse_twice(runs: &[PathBuf]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for run in runs {
        let full = run.canonicalize().unwrap_or_else(|_| run.clone());
        let whole = match full.parent() {
            Some(parent) if parent.ends_with("checkpoints") => parent.parent().unwrap_or(&full),
            _ => &full,
        };
        if !seen.insert(whole.to_owned()) {
            return Err(Usage(format!(
                "{} is named twice: name each run once",
                run.display()
            ))
            .into());
        }
    }
    Ok(())
}
