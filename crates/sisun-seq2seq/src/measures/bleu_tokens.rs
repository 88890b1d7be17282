//! The words that BLEU compares.

use regex::{Captures, Regex};
use std::borrow::Cow;
use std::sync::OnceLock;

/// How a text is divided into words before BLEU compares them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BleuTokens {
    /// `13a`, that of mteval-v13a and sacrebleu's default: words and punctuation of Western
    /// languages.
    #[default]
    Words,
    /// `char`: every character but white space, for targets without spaces between words.
    /// sacrebleu's `ko-mecab`, which needs a dictionary of Korean morphemes, is not here.
    Characters,
}

impl BleuTokens {
    /// Return sacrebleu's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Words => "13a",
            Self::Characters => "char",
        }
    }

    /// Return the words of a text.
    pub(super) fn split(self, text: &str) -> Vec<String> {
        let text = text.trim_end_matches(is_space);
        match self {
            Self::Words => words(text),
            Self::Characters => text
                .chars()
                .filter(|c| !is_space(*c))
                .map(String::from)
                .collect(),
        }
    }
}

/// Return true for the white space of Python's `str.split`, which counts four control characters
/// more than Unicode does.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1C}'..='\u{1F}').contains(&c)
}

/// The replacements of mteval-v13a, in their order, as sacrebleu writes them.
fn rules() -> &'static [(Regex, &'static [&'static str]); 4] {
    static RULES: OnceLock<[(Regex, &[&str]); 4]> = OnceLock::new();
    RULES.get_or_init(|| {
        let rule = |pattern: &str, replacement| {
            let regex = Regex::new(pattern).expect("the patterns are fixed, and tested");
            (regex, replacement)
        };
        // A replacement is the groups, with spaces where it has them.
        [
            rule(r"([{-~\[-` -&(-+:-@/])", &[" ", "1", " "][..]),
            // A point or comma that is not after a digit, then one that is not before a digit.
            rule(r"([^0-9])([.,])", &["1", " ", "2", " "][..]),
            rule(r"([.,])([^0-9])", &[" ", "1", " ", "2"][..]),
            rule(r"([0-9])(-)", &["1", " ", "2", " "][..]),
        ]
    })
}

fn words(text: &str) -> Vec<String> {
    let mut text = text
        .replace("<skipped>", "")
        .replace("-\n", "")
        .replace('\n', " ");
    if text.contains('&') {
        for (entity, character) in [
            ("&quot;", "\""),
            ("&amp;", "&"),
            ("&lt;", "<"),
            ("&gt;", ">"),
        ] {
            text = text.replace(entity, character);
        }
    }
    text = format!(" {text} ");
    for (regex, replacement) in rules() {
        let replace = |found: &Captures<'_>| -> String {
            let part = |part: &&str| match *part {
                "1" => found[1].to_owned(),
                "2" => found[2].to_owned(),
                space => space.to_owned(),
            };
            replacement.iter().map(part).collect()
        };
        if let Cow::Owned(changed) = regex.replace_all(&text, replace) {
            text = changed;
        }
    }
    text.split(is_space)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::BleuTokens;

    #[test]
    fn punctuation_is_parted_from_words_but_not_from_numbers() {
        let words = |text: &str| BleuTokens::Words.split(text).join("|");
        assert_eq!(words("Minsu's boat, 3.5 m."), "Minsu's|boat|,|3.5|m|.");
        assert_eq!(words("1997-03-05"), "1997|-|03|-|05");
        assert_eq!(words("well-known (old) a/b"), "well-known|(|old|)|a|/|b");
        assert_eq!(words("민수는 배를 먹었다."), "민수는|배를|먹었다|.");
        let characters = |text: &str| BleuTokens::Characters.split(text).join("|");
        assert_eq!(characters("배를 타 \n"), "배|를|타");
    }
}
