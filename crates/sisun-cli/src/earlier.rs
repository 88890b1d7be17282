//! Keeping the files of an earlier command that the next one would replace.
//!
//! The mark of an output folder lists what each file in it shows. Files of another model or text
//! move to a folder of their own beside the new ones, so that the files of one command always belong
//! together and none is lost.

use crate::common::{DeviceArgs, claim};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sisun_files::{look, write_mark};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Longest name of a folder in bytes.
const LONGEST: usize = 80;

/// What the files of a command show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shown {
    /// The kind of files, such as `attention`; different kinds have different names.
    pub(crate) kind: String,
    /// The model.
    pub(crate) model: String,
    /// The text.
    pub(crate) text: String,
    /// What else decides their contents.
    pub(crate) details: Vec<String>,
}

/// A line of the mark.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    shown: Shown,
    files: BTreeSet<String>,
}

impl Shown {
    /// Claim a folder for files that show this. Files there of the same kind that show something
    /// else move to a folder of their own.
    ///
    /// # Errors
    /// If the folder holds files of the user, or a file cannot be moved.
    pub(crate) fn make_room(&self, folder: &Path, device: &DeviceArgs) -> Result<()> {
        claim(folder)?;
        let (earlier, kept): (Vec<Entry>, Vec<Entry>) = entries(folder)
            .into_iter()
            .partition(|entry| entry.shown.kind == self.kind && entry.shown != *self);
        for entry in &earlier {
            if let Some(moved) = entry.move_aside(folder)? {
                device.note(&format!(
                    "note: the earlier files of {} are now in {}",
                    entry.shown.named(),
                    moved.display()
                ));
            }
        }
        match earlier.is_empty() {
            true => Ok(()),
            false => save(folder, &kept),
        }
    }

    /// Record that files of a folder show this.
    ///
    /// # Errors
    /// If the mark of the folder cannot be written.
    pub(crate) fn record(&self, folder: &Path, files: &[PathBuf]) -> Result<()> {
        let names = files.iter().filter_map(|file| file.file_name());
        let names = names.map(|name| name.to_string_lossy().into_owned());
        let mut all = entries(folder);
        match all.iter_mut().find(|entry| entry.shown == *self) {
            Some(entry) => entry.files.extend(names),
            None => all.push(Entry {
                shown: self.clone(),
                files: names.collect(),
            }),
        }
        save(folder, &all)
    }

    fn named(&self) -> String {
        match self.text.is_empty() {
            true => self.model.clone(),
            false => format!("{:?} ({})", self.text, self.model),
        }
    }

    /// Return the name of a folder for these files.
    fn folder_name(&self) -> String {
        let parts = [self.model.as_str(), self.text.as_str()].into_iter();
        let words = parts.chain(self.details.iter().map(String::as_str));
        let mut name = String::new();
        for c in words.flat_map(|part| part.chars().chain([' '])) {
            match c.is_alphanumeric() {
                true => name.push(c),
                false if name.ends_with('-') || name.is_empty() => {}
                false => name.push('-'),
            }
        }
        while name.len() > LONGEST || name.ends_with('-') {
            name.pop();
        }
        match name.is_empty() {
            true => "earlier".to_owned(),
            false => name,
        }
    }
}

impl Entry {
    /// Move the files into a folder of their own and return it; `None` if there are none any more.
    fn move_aside(&self, folder: &Path) -> Result<Option<PathBuf>> {
        let there: Vec<&String> = self
            .files
            .iter()
            .filter(|name| look(&folder.join(name)).is_ok_and(|found| found.is_some()))
            .collect();
        if there.is_empty() {
            return Ok(None);
        }
        let name = self.shown.folder_name();
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let of_its_own = |place: &PathBuf| {
            let is_free = look(place).is_ok_and(|found| found.is_none());
            is_free || entries(place).iter().any(|entry| entry.shown == self.shown)
        };
        let place = std::iter::once(name.clone())
            .chain(numbered)
            .map(|name| folder.join(name))
            .find(of_its_own)
            .context("no folder for the earlier files has a free name")?;
        claim(&place)?;
        for name in &there {
            std::fs::rename(folder.join(name), place.join(name)).with_context(|| {
                format!(
                    "cannot move {} to {}",
                    folder.join(name).display(),
                    place.display()
                )
            })?;
        }
        let moved: Vec<PathBuf> = there.iter().map(|name| place.join(name)).collect();
        self.shown.record(&place, &moved)?;
        Ok(Some(place))
    }
}

/// Return what the mark of a folder lists; lines of another form are passed over.
fn entries(folder: &Path) -> Vec<Entry> {
    let mark = sisun_files::read_mark(folder).unwrap_or_default();
    let lines = mark.lines();
    lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn save(folder: &Path, entries: &[Entry]) -> Result<()> {
    let lines = entries.iter().map(serde_json::to_string);
    let lines = lines.collect::<Result<Vec<String>, _>>()?;
    write_mark(folder, &lines).with_context(|| format!("cannot write into {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::Shown;

    #[test]
    fn folders_are_named_by_model_and_text() {
        let named = |model: &str, text: &str| {
            let shown = Shown {
                kind: "attention".to_owned(),
                model: model.to_owned(),
                text: text.to_owned(),
                details: Vec::new(),
            };
            shown.folder_name()
        };
        assert_eq!(
            named("quickstart (step 500)", "The cat sat on the mat."),
            "quickstart-step-500-The-cat-sat-on-the-mat"
        );
        assert_eq!(
            named("my-run", "../밥을 먹었어요.\n"),
            "my-run-밥을-먹었어요"
        );
        assert_eq!(named("/", "…"), "earlier");
        assert!(named("a", &"가나다".repeat(40)).len() <= 80);
    }
}
