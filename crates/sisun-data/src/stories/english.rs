//! English stories: articles, unambiguous pronouns, capital letters.

use super::grammar::{Cast, Voice, Word};
use std::collections::{BTreeMap, BTreeSet};

/// The voice of English stories, which remembers who was named and what was described.
#[derive(Debug, Default)]
pub(crate) struct English {
    /// For each gender the person named last, to whom a pronoun refers.
    last_named: BTreeMap<Gender, char>,
    /// Things that have been described.
    described: BTreeSet<char>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Gender {
    Female,
    Male,
    Animal,
}

impl Gender {
    fn of(word: &Word) -> Self {
        match word.list.as_str() {
            "girl" | "woman" => Self::Female,
            "boy" | "man" => Self::Male,
            "pet" => Self::Animal,
            other => panic!(
                "{} is from the list {other}, which is not of people",
                word.text
            ),
        }
    }

    fn pronoun(self, case: &str) -> Option<&'static str> {
        let forms = match self {
            Self::Female => ["she", "her", "her", "herself"],
            Self::Male => ["he", "him", "his", "himself"],
            Self::Animal => ["it", "it", "its", "itself"],
        };
        let at = ["he", "him", "his", "himself"]
            .iter()
            .position(|form| *form == case)?;
        Some(forms[at])
    }
}

impl Voice for English {
    /// The first detail of a place is its preposition.
    fn spots(place: &Word) -> &[String] {
        &place.details[1..]
    }

    /// `A` the word, `A's` with a possessive; `he A him A his A himself A` a pronoun, or the name
    /// where a pronoun would be ambiguous; `a X` with article, described the first time; `a* X
    /// the X the* X adj X` with article, description or both; `use X` what one does with it; `at P
    /// to P` a place; `kind A` a girl or a boy; `sound D`, `animal D` of a pet.
    fn fill(&mut self, slot: &str, cast: &Cast) -> String {
        let (form, name) = slot.rsplit_once(' ').unwrap_or(("", slot));
        let (name, possessive) = name
            .strip_suffix("'s")
            .map_or((name, false), |name| (name, true));
        let variable = name.chars().next().expect("a slot names a variable");
        let word = cast
            .get(&variable)
            .unwrap_or_else(|| panic!("{slot}: the story has no such variable"));
        let described = if word.adjective.is_empty() {
            word.text.clone()
        } else {
            format!("{} {}", word.adjective, word.text)
        };
        match form {
            "" if possessive => self.name(variable, word) + "'s",
            "" => self.name(variable, word),
            "he" | "him" | "his" | "himself" => self.pronoun(form, variable, word),
            "a" if !self.described.insert(variable) => with_article(&word.text),
            "a" | "a*" => with_article(&described),
            "the" => format!("the {}", word.text),
            "the*" => format!("the {described}"),
            "adj" => described,
            "use" => word.details[0].clone(),
            "at" => format!("{} the {}", word.details[0], word.text),
            "to" => format!("to the {}", word.text),
            "kind" => with_article(&word.list),
            "animal" => word.details[0].clone(),
            "sound" => word.details[1].clone(),
            other => panic!("no such form: {other}"),
        }
    }
}

impl English {
    fn name(&mut self, variable: char, word: &Word) -> String {
        if ["girl", "boy", "woman", "man", "pet"].contains(&word.list.as_str()) {
            self.last_named.insert(Gender::of(word), variable);
        }
        word.text.clone()
    }

    fn pronoun(&mut self, case: &str, variable: char, word: &Word) -> String {
        let gender = Gender::of(word);
        let clear = self.last_named.get(&gender) == Some(&variable);
        match gender.pronoun(case) {
            Some(pronoun) if clear || case == "himself" => pronoun.to_owned(),
            _ if case == "his" => self.name(variable, word) + "'s",
            _ => self.name(variable, word),
        }
    }
}

/// Return `a` or `an`, by sound.
pub(crate) fn with_article(noun: &str) -> String {
    let like_you = ["uni", "uku", "use"]
        .iter()
        .any(|start| noun.starts_with(start));
    let vowel = noun.starts_with(['a', 'e', 'i', 'o', 'u']) && !like_you;
    format!("{} {noun}", if vowel { "an" } else { "a" })
}

/// Capitalize the beginning of sentences and of direct speech, unless a comma before the quotation
/// mark shows that the sentence continues.
pub(crate) fn capitalize(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let (mut begins, mut speaks) = (true, false);
    for c in text.chars() {
        if c == '"' {
            speaks = !speaks;
            begins |= speaks && !result.ends_with(", ");
        } else if c == ' ' {
            // After `?"` and `!"` the speaker may follow; after `."` only a new sentence.
            begins |= result.ends_with(['.', '!', '?']) || result.ends_with(".\"");
        }
        if begins && c.is_alphanumeric() {
            result.extend(c.to_uppercase());
            begins = false;
        } else {
            result.push(c);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::{Cast, English, Voice, Word, capitalize, with_article};

    fn cast(people: [(char, &str, &str); 2]) -> Cast {
        let word = |list: &str, text: &str| Word {
            text: text.to_owned(),
            list: list.to_owned(),
            details: Vec::new(),
            adjective: String::new(),
        };
        people
            .into_iter()
            .map(|(variable, list, name)| (variable, word(list, name)))
            .collect()
    }

    fn told(slots: &[&str], cast: &Cast) -> Vec<String> {
        let mut voice = English::default();
        slots.iter().map(|slot| voice.fill(slot, cast)).collect()
    }

    #[test]
    fn a_pronoun_means_the_person_of_its_gender_named_last() {
        let girls = cast([('A', "girl", "Mia"), ('B', "woman", "Aunt May")]);
        let slots = [
            "A",
            "his A",
            "B",
            "he B",
            "he A",
            "he A",
            "himself B",
            "his B",
            "his A",
        ];
        let expected = [
            "Mia",
            "her",
            "Aunt May",
            "she",
            "Mia",
            "she",
            "herself",
            "Aunt May's",
            "Mia's",
        ];
        assert_eq!(told(&slots, &girls), expected);

        let girl_and_boy = cast([('A', "girl", "Mia"), ('B', "boy", "Ben")]);
        let slots = ["he A", "A", "B", "he A", "him B", "A's", "his B"];
        assert_eq!(
            told(&slots, &girl_and_boy),
            ["Mia", "Mia", "Ben", "she", "him", "Mia's", "his"]
        );
    }

    #[test]
    fn articles_follow_the_sound() {
        let nouns = [
            "kite", "apple", "old ring", "umbrella", "ukulele", "unicycle", "hoop",
        ];
        let expected = [
            "a kite",
            "an apple",
            "an old ring",
            "an umbrella",
            "a ukulele",
            "a unicycle",
            "a hoop",
        ];
        assert_eq!(nouns.map(with_article), expected);
    }

    #[test]
    fn sentences_begin_with_a_capital() {
        assert_eq!(
            capitalize(
                "the end. \"a kite!\" cried Ben. \"it is,\" said Mia, \"but not here. over there.\" she left."
            ),
            "The end. \"A kite!\" cried Ben. \"It is,\" said Mia, \"but not here. Over there.\" She left."
        );
    }
}
