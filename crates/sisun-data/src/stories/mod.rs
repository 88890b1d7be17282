//! Small coherent stories to learn a language from: names that come back, pronouns that refer,
//! things that are given, lost, found and asked about, so that attention has something to find.
//!
//! The corpora in `data/` are made here ([`SHIPPED`]). A story is a function of (seed, its number),
//! so a longer corpus begins with a shorter one.

mod english;
mod grammar;
mod korean;

use english::{English, capitalize};
use grammar::{Grammar, Voice};
use korean::Korean;
use rand::Rng;
use sisun_config::randomness::stream;
use std::io::{self, Write};
use std::str::FromStr;

/// A language that stories can be told in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoryLanguage {
    /// `en`
    English,
    /// `ko`
    Korean,
}

impl FromStr for StoryLanguage {
    type Err = String;

    fn from_str(code: &str) -> Result<Self, String> {
        match code {
            "en" => Ok(Self::English),
            "ko" => Ok(Self::Korean),
            other => Err(format!(
                "there are no stories in `{other}`; choose `en` or `ko`"
            )),
        }
    }
}

/// How a corpus in `data/` was made.
#[derive(Clone, Copy, Debug)]
pub struct Recipe {
    /// Its name in `data/`.
    pub file: &'static str,
    /// Its language.
    pub language: StoryLanguage,
    /// Its seed.
    pub seed: u64,
    /// Stories were added until it had this many bytes.
    pub min_bytes: u64,
}

/// The corpora in `data/`.
pub const SHIPPED: [Recipe; 2] = [
    Recipe {
        file: "stories-en.txt",
        language: StoryLanguage::English,
        seed: 1,
        min_bytes: 1_200_000,
    },
    Recipe {
        file: "stories-ko.txt",
        language: StoryLanguage::Korean,
        seed: 1,
        min_bytes: 1_400_000,
    },
];

/// Stories with a blank line between, each on one line, until there are at least `min_bytes` bytes
/// of them. The same arguments give the same text.
pub fn make_stories(language: StoryLanguage, seed: u64, min_bytes: u64) -> String {
    let mut text = Vec::new();
    write_stories(language, seed, min_bytes, &mut text).expect("writing into memory cannot fail");
    String::from_utf8(text).expect("stories are text")
}

/// Writes what [`make_stories`] returns, story by story, and returns how many bytes it has.
///
/// # Errors
/// What keeps it from being written.
pub fn write_stories(
    language: StoryLanguage,
    seed: u64,
    min_bytes: u64,
    to: &mut (impl Write + ?Sized),
) -> io::Result<u64> {
    let (grammar, purpose) = match language {
        StoryLanguage::English => (Grammar::parse(include_str!("english.txt")), "stories-en"),
        StoryLanguage::Korean => (Grammar::parse(include_str!("korean.txt")), "stories-ko"),
    };
    let mut written = 0;
    for number in 0.. {
        let rng = &mut stream(seed, purpose, number);
        let story = match language {
            StoryLanguage::English => capitalize(&story(&grammar, English::default(), rng)),
            StoryLanguage::Korean => story(&grammar, Korean, rng),
        };
        writeln!(to, "{story}")?;
        written += story.len() as u64 + 1;
        if written >= min_bytes {
            break;
        }
        writeln!(to)?;
        written += 1;
    }
    Ok(written)
}

fn story<V: Voice>(grammar: &Grammar, mut voice: V, rng: &mut impl Rng) -> String {
    let story = &grammar.stories[crate::random::below(rng, grammar.stories.len())];
    let cast = grammar.cast::<V>(story, rng);
    grammar.tell(story, &cast, &mut voice, rng)
}
