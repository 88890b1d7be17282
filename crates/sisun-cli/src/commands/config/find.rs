//! The settings that the words of a search mean.

use super::files::Kind;
use crate::failure::Usage;
use anyhow::Result;
use sisun_config::{ConfigError, Setting, SettingsTable, Shape, is_foreign, unknown_key};

/// A setting with its place.
#[derive(Clone, Copy)]
pub(super) struct Listed<'s> {
    pub(super) kind: Kind,
    pub(super) table: &'s SettingsTable,
    pub(super) setting: &'s Setting,
}

/// Settings to be shown.
pub(super) enum Found<'s> {
    /// Each in full.
    Described(Vec<Listed<'s>>),
    /// Each with its first sentence.
    Listed(Vec<Listed<'s>>),
}

impl<'s> Found<'s> {
    pub(super) fn settings(&self) -> impl Iterator<Item = Listed<'s>> {
        let (Self::Described(all) | Self::Listed(all)) = self;
        all.iter().copied()
    }
}

/// Find a whole key, a table, or the settings in which all words are found: in their paths and
/// other names, else in what is said about them.
///
/// # Errors
/// If there are none; the error suggests a key.
pub(super) fn find<'s>(all: &'s [(Kind, SettingsTable)], words: &[String]) -> Result<Found<'s>> {
    let every: Vec<Listed<'s>> = all
        .iter()
        .flat_map(|(kind, table)| {
            let listed = |setting| Listed {
                kind: *kind,
                table,
                setting,
            };
            table.settings.iter().map(listed)
        })
        .collect();
    let words: Vec<String> = words
        .iter()
        .flat_map(|word| word.split_whitespace())
        .map(|word| word.trim_matches(['[', ']']).to_lowercase())
        .collect();
    let that = |test: &dyn Fn(&Listed<'_>) -> bool| -> Vec<Listed<'s>> {
        every
            .iter()
            .filter(|listed| test(listed))
            .copied()
            .collect()
    };
    if let [key] = words.as_slice() {
        let inside = that(&|listed| is_inside(&listed.table.path, key));
        // A comparison's `train` stands for the keys of an experiment's.
        let is_listed =
            |one: &Setting| matches!(one.key.shape, Shape::Part(_)) && !inside.is_empty();
        let whole = that(&|one| is_at(&one.setting.path, key) && !is_listed(one.setting));
        if !whole.is_empty() {
            return Ok(Found::Described(whole));
        }
        if !inside.is_empty() {
            return Ok(Found::Listed(inside));
        }
    }
    let named = that(&|listed| words.iter().all(|word| is_named(listed.setting, word)));
    let told = || that(&|listed| words.iter().all(|word| is_told(listed.setting, word)));
    let name = words.join("_");
    let is_foreign = is_foreign(&name);
    let found = match named.is_empty() {
        true if is_foreign => Vec::new(),
        true => told(),
        false => named,
    };
    match found.len() {
        0 => {
            let paths: Vec<String> = every.iter().map(|one| one.setting.path.clone()).collect();
            Err(match unknown_key(&name, &paths) {
                ConfigError::UnknownKey {
                    suggestion: None,
                    remark: None,
                    ..
                } if !is_foreign => Usage(format!(
                    "nothing found for {:?} among {} settings\nto list them: sisun config",
                    words.join(" "),
                    every.len()
                ))
                .into(),
                error => error.into(),
            })
        }
        1 => Ok(Found::Described(found)),
        _ => Ok(Found::Listed(found)),
    }
}

/// Return true if `given` is this path; `NAME` stands for any name.
fn is_at(path: &str, given: &str) -> bool {
    let (path, given): (Vec<&str>, Vec<&str>) =
        (path.split('.').collect(), given.split('.').collect());
    path.len() == given.len() && fits(&path, &given)
}

/// Return true if a table is the given one, or inside of it.
fn is_inside(table: &str, given: &str) -> bool {
    let (table, given): (Vec<&str>, Vec<&str>) =
        (table.split('.').collect(), given.split('.').collect());
    table.len() >= given.len() && fits(&table, &given)
}

fn fits(path: &[&str], given: &[&str]) -> bool {
    path.iter()
        .zip(given)
        .all(|(one, given)| *one == "NAME" || one == given)
}

fn is_named(setting: &Setting, word: &str) -> bool {
    let word = word.replace('-', "_");
    setting.path.contains(&word) || setting.other_names().contains(&&*word)
}

fn is_told(setting: &Setting, word: &str) -> bool {
    let choices: Vec<(&str, &str)> = match setting.key.shape {
        Shape::Choice(known) => known.iter().map(|one| (one.name, one.docs)).collect(),
        Shape::Kinds { known, .. } => known.iter().map(|one| (one.name, one.docs)).collect(),
        _ => Vec::new(),
    };
    let told = |text: &str| text.to_lowercase().contains(word);
    is_named(setting, word)
        || told(setting.key.docs)
        || choices.iter().any(|(name, docs)| told(name) || told(docs))
}

#[cfg(test)]
mod tests {
    use super::{Found, find};
    use crate::commands::config::files::every_setting;

    fn found(words: &str) -> Result<(bool, Vec<String>), String> {
        let all = every_setting();
        let words: Vec<String> = words
            .split(' ')
            .filter(|w| !w.is_empty())
            .map(str::to_owned)
            .collect();
        let found = find(&all, &words).map_err(|error| crate::hints::message(&error))?;
        let paths = found
            .settings()
            .map(|one| one.setting.path.clone())
            .collect();
        Ok((matches!(found, Found::Described(_)), paths))
    }

    #[test]
    fn a_key_is_described_and_a_word_is_searched_for() {
        for (words, described, paths) in [
            ("train.lr_max", true, &["train.lr_max"][..]),
            ("TRAIN.LR_MAX", true, &["train.lr_max"]),
            ("tracks.copy.examples", true, &["tracks.NAME.examples"]),
            ("seeds", true, &["seeds"]),
            ("name", true, &["name", "name", "name"]),
            (
                "lr",
                false,
                &["train.lr_max", "train.lr_min", "train.muon_lr_max"],
            ),
            ("learning_rate", true, &["train.lr_max"]),
            ("n-embd", false, &["model.d_model", "seq2seq.d_embed"]),
            ("muon rate", true, &["train.muon_lr_max"]),
            ("[attend]", false, &["attend.text", "attend.source"]),
            (
                "finetune.lora",
                false,
                &["finetune.lora.rank", "finetune.lora.alpha"],
            ),
        ] {
            let expected: Vec<String> = paths.iter().map(ToString::to_string).collect();
            assert_eq!(found(words), Ok((described, expected)), "{words}");
        }
        let (_, all) = found("").expect("all");
        assert!(all.len() > 100, "{}", all.len());
        let (_, train) = found("train").expect("a table");
        assert!(train.len() > 20 && train.iter().all(|path| path.starts_with("train.")));
        let (_, told) = found("swiglu").expect("a choice");
        assert!(told.contains(&"model.ffn".to_owned()), "{told:?}");
    }

    #[test]
    fn what_is_not_found_is_suggested() {
        for (word, part) in [
            ("train.lr_mx", "did you mean train.lr_max?"),
            ("train.n_embd", "did you mean model.d_model?"),
            ("epochs", "train.steps? Training is counted in steps"),
            ("betas", "did you mean train.beta1?"),
            ("wandb_log", "remove it"),
            ("early stopping", "remove it"),
            ("device", "an option of training, the device: --device"),
            ("contxt_len", "did you mean model.context_len?"),
        ] {
            let told = found(word).expect_err(word);
            assert!(told.contains(part), "{word}: {told}");
        }
        for words in ["xyzzyplugh", "green cheese"] {
            let told = found(words).expect_err(words);
            let expected = format!("nothing found for {words:?} among ");
            assert!(told.starts_with(&expected), "{told}");
        }
    }
}
