//! Korean stories: particles that depend on whether a word ends in a consonant.

use super::grammar::{Cast, Voice, Word};
use crate::particles::{Final, with_particle};

/// The voice of Korean stories.
#[derive(Debug, Default)]
pub(crate) struct Korean;

/// Return a name as friends use it: `민준이`, `민수`.
fn familiar(name: &str) -> String {
    if Final::of(name) == Final::Vowel {
        name.to_owned()
    } else {
        format!("{name}이")
    }
}

impl Voice for Korean {
    fn spots(place: &Word) -> &[String] {
        &place.details
    }

    /// `A은` the word with a particle; `X*을` described; `A~이` a familiar name; `X!` the thing and
    /// the stem of what one does with it (`연을 날리`); `animal D이`, `sound D` of a pet.
    fn fill(&mut self, slot: &str, cast: &Cast) -> String {
        let (form, slot) = slot.split_once(' ').unwrap_or(("", slot));
        let variable = slot.chars().next().expect("a slot names a variable");
        let (word, rest) = (&cast[&variable], &slot[variable.len_utf8()..]);
        match form {
            "animal" => return with_particle(&word.details[0], rest),
            "sound" => return word.details[1].clone(),
            "" => {}
            other => panic!("no such form: {other}"),
        }
        if let Some(particle) = rest.strip_prefix('~') {
            with_particle(&familiar(&word.text), particle)
        } else if let Some(particle) = rest.strip_prefix('*') {
            format!("{} {}", word.adjective, with_particle(&word.text, particle))
        } else if rest == "!" {
            format!("{} {}", with_particle(&word.text, "을"), word.details[0])
        } else {
            with_particle(&word.text, rest)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::familiar;
    use crate::particles::with_particle;

    #[test]
    fn friends_add_a_vowel_to_a_name_that_ends_in_a_consonant() {
        assert_eq!(with_particle(&familiar("지훈"), "이"), "지훈이가");
        assert_eq!(with_particle(&familiar("민수"), "한테"), "민수한테");
    }
}
