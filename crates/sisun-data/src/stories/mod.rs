//! Small coherent stories as training text. Names recur, pronouns refer to them, and things are
//! given, lost, found and asked about, so that attention heads have relations to learn.
//!
//! The corpora in `data/` are made here ([`SHIPPED`]). A story is a function of the seed and its
//! number, so a longer corpus begins with a shorter one.

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

/// A language of stories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoryLanguage {
    /// English, `en`.
    English,
    /// Korean, `ko`.
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

/// The parameters of a corpus in `data/`.
#[derive(Clone, Copy, Debug)]
pub struct Recipe {
    /// The name of the file in `data/`.
    pub file: &'static str,
    /// The language.
    pub language: StoryLanguage,
    /// The seed.
    pub seed: u64,
    /// Stories were added until the corpus had this many bytes.
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

/// Return at least `min_bytes` bytes of stories, each on one line, with a blank line between them.
/// The same arguments give the same text.
pub fn make_stories(language: StoryLanguage, seed: u64, min_bytes: u64) -> String {
    let mut text = Vec::new();
    write_stories(language, seed, min_bytes, &mut text).expect("writing into memory cannot fail");
    String::from_utf8(text).expect("stories are text")
}

/// Write the text that [`make_stories`] returns, story by story, and return its number of bytes.
///
/// # Errors
/// Any error of writing to `to`.
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

/// Tell one story, chosen at random.
fn story<V: Voice>(grammar: &Grammar, mut voice: V, rng: &mut impl Rng) -> String {
    let story = &grammar.stories[crate::random::below(rng, grammar.stories.len())];
    let cast = grammar.cast::<V>(story, rng);
    grammar.tell(story, &cast, &mut voice, rng)
}
