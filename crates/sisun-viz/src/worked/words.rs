//! The file of the steps, `page/steps.js`: the words of each.

use serde::Deserialize;
use sisun_infer::Language;
use std::collections::BTreeMap;
use std::sync::LazyLock;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Script {
    pub(super) steps: Vec<Step>,
    words: BTreeMap<String, Both>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub(super) id: String,
    #[serde(default)]
    pub(super) when: Vec<String>,
    pub(super) title: Both,
    pub(super) operation: Both,
    pub(super) shape: String,
    pub(super) gives: Both,
    pub(super) texts: Vec<Sentence>,
}

/// A text in both languages.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Both {
    en: String,
    ko: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sentence {
    #[serde(default)]
    pub(super) when: Vec<String>,
    en: String,
    ko: String,
}

const FILE: &str = include_str!("../../page/steps.js");

pub(super) static SCRIPT: LazyLock<Script> = LazyLock::new(|| {
    let (_, json) = FILE.split_once("STEPS = ").unwrap_or_default();
    let json = json.trim_end().trim_end_matches(';');
    serde_json::from_str(json)
        .expect("the project's own file is JSON, as a test of this module proves")
});

/// Return a word of the steps, such as the title of a column, with its placeholders filled in.
pub fn word(name: &str, values: &[(&str, &str)], language: Language) -> String {
    let values = values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    match SCRIPT.words.get(name) {
        Some(text) => filled(text.of(language), &values.collect()),
        None => name.to_owned(),
    }
}

impl Both {
    pub(super) fn of(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::Korean => &self.ko,
        }
    }
}

impl Sentence {
    pub(super) fn of(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::Korean => &self.ko,
        }
    }
}

/// Replace each `{name}` by its value in one pass; what has no value stays.
pub(super) fn filled(text: &str, values: &BTreeMap<String, String>) -> String {
    let (mut result, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once('{') {
        result += before;
        match after
            .split_once('}')
            .and_then(|(name, after)| Some((values.get(name)?, after)))
        {
            Some((value, after)) => {
                result += value;
                rest = after;
            }
            None => {
                result.push('{');
                rest = after;
            }
        }
    }
    result + rest
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::collections::BTreeSet;

    fn placeholders(text: &str) -> BTreeSet<&str> {
        let parts = text.split('{').skip(1);
        parts
            .filter_map(|part| Some(part.split_once('}')?.0))
            .collect()
    }

    #[test]
    fn both_languages_say_the_same_of_every_step() {
        let mut ids = BTreeSet::new();
        for step in &SCRIPT.steps {
            assert!(ids.insert(&step.id), "two steps {}", step.id);
            for text in [&step.title, &step.operation, &step.gives] {
                assert_eq!(
                    placeholders(&text.en),
                    placeholders(&text.ko),
                    "{}",
                    step.id
                );
            }
            for text in &step.texts {
                let (en, ko) = (placeholders(&text.en), placeholders(&text.ko));
                assert_eq!(en, ko, "{}: {}", step.id, text.en);
            }
        }
        for step in &SCRIPT.steps {
            let texts = step.texts.iter().flat_map(|text| placeholders(&text.en));
            for other in texts.filter_map(|name| name.strip_prefix("step:")) {
                assert!(
                    ids.iter().any(|id| *id == other),
                    "{} names {other}",
                    step.id
                );
            }
        }
        for (name, text) in &SCRIPT.words {
            assert_eq!(placeholders(&text.en), placeholders(&text.ko), "{name}");
        }
    }

    #[test]
    fn what_is_put_in_is_not_looked_at_again() {
        let values = [("a", "{b}"), ("b", "2")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(filled("{a} {b} {c} {", &values.into()), "{b} 2 {c} {");
    }
}
