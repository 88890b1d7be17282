//! A small story grammar: word lists, and stories as rows of beats told in one of several ways.
//!
//! Its files (`english.txt`, `korean.txt`) are made of sections:
//!
//! ```text
//! @alias child = girl boy         a name for several word lists
//! @default W weekday              a variable that every story has, unless it says otherwise
//! @words outdoors                 a word list: words with commas between, or one a line with details:
//! park = in; under the bench      word = detail; detail; …
//! @beats wonder                   ways of telling a beat that several stories share, one a line
//! @story trade                    a story; first its variables:
//! A child; X toy adjective; P outdoors; S spot P
//! {A} went {to P}.                a beat …
//! <tab>One day {A} went {to P}.   … and another way of telling it
//! ? {A} sang.                     a beat that may be left out
//! > wonder                        a shared beat
//! ```
//!
//! A variable gets a word from one of the lists named, never one that the story has already; from a
//! list called `adjective` or `taste` it gets a describing word besides; `spot P` takes one of the
//! spots of the place P. The language decides how text in braces is filled in.

use crate::random::below;
use rand::Rng;
use std::collections::BTreeMap;

/// Lists of words that describe other words.
const DESCRIBING: [&str; 2] = ["adjective", "taste"];

/// A grammar: word lists and stories.
#[derive(Debug, Default)]
pub(crate) struct Grammar {
    aliases: BTreeMap<String, Vec<String>>,
    defaults: Vec<Variable>,
    words: BTreeMap<String, Vec<Word>>,
    shared: BTreeMap<String, Vec<String>>,
    pub(crate) stories: Vec<Story>,
}

/// A word of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    /// The list of the word.
    pub(crate) list: String,
    pub(crate) details: Vec<String>,
    /// The word that describes it in this story.
    pub(crate) adjective: String,
}

/// The words of one story.
pub(crate) type Cast = BTreeMap<char, Word>;

#[derive(Debug)]
pub(crate) struct Story {
    variables: Vec<Variable>,
    beats: Vec<Beat>,
}

#[derive(Clone, Debug)]
struct Variable {
    name: char,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Lists {
        lists: Vec<String>,
        describing: Option<String>,
    },
    SpotOf(char),
}

#[derive(Debug)]
struct Beat {
    optional: bool,
    tellings: Tellings,
}

#[derive(Debug)]
enum Tellings {
    Own(Vec<String>),
    Shared(String),
}

/// A language, which fills in the text in braces.
pub(crate) trait Voice {
    /// Return the spots of a place.
    fn spots(place: &Word) -> &[String];
    /// Return the words for `{slot}`. The text so far decides what a pronoun can refer to.
    fn fill(&mut self, slot: &str, cast: &Cast) -> String;
}

impl Grammar {
    /// Read a grammar.
    ///
    /// # Panics
    /// If it is malformed. The grammars are part of the program, and a test tells all their stories.
    pub(crate) fn parse(text: &str) -> Self {
        let mut grammar = Self::default();
        let mut section = ("", "");
        for line in text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            if let Some(heading) = line.strip_prefix('@') {
                section = heading.split_once(' ').expect("a section has a name");
                match section.0 {
                    "alias" => {
                        let (name, lists) =
                            section.1.split_once(" = ").expect("an alias has lists");
                        grammar.aliases.insert(
                            name.to_owned(),
                            lists.split(' ').map(str::to_owned).collect(),
                        );
                    }
                    "default" => grammar.defaults = variables(section.1),
                    _ => {}
                }
                if section.0 == "story" {
                    grammar.stories.push(Story {
                        variables: Vec::new(),
                        beats: Vec::new(),
                    });
                }
                continue;
            }
            match section.0 {
                "words" => grammar
                    .words
                    .entry(section.1.to_owned())
                    .or_default()
                    .extend(words(section.1, line)),
                "beats" => grammar
                    .shared
                    .entry(section.1.to_owned())
                    .or_default()
                    .push(line.to_owned()),
                "story" => grammar
                    .stories
                    .last_mut()
                    .expect("the section began with one")
                    .add(line),
                other => panic!("a line outside any section that has lines: @{other}: {line}"),
            }
        }
        grammar
    }

    /// Choose words for the variables of `story`.
    pub(crate) fn cast<V: Voice>(&self, story: &Story, rng: &mut impl Rng) -> Cast {
        let mut cast = Cast::new();
        for variable in story.variables.iter().chain(&self.defaults) {
            if cast.contains_key(&variable.name) {
                continue;
            }
            let word = match &variable.source {
                Source::SpotOf(place) => {
                    let place = &cast[place];
                    let spots: Vec<&String> = V::spots(place)
                        .iter()
                        .filter(|spot| cast.values().all(|word| word.text != **spot))
                        .collect();
                    let text = spots[below(rng, spots.len())].clone();
                    Word {
                        text,
                        list: "spot".to_owned(),
                        details: Vec::new(),
                        adjective: String::new(),
                    }
                }
                Source::Lists { lists, describing } => {
                    let free: Vec<&Word> = lists
                        .iter()
                        .flat_map(|list| self.list(list))
                        .filter(|word| cast.values().all(|other| other.text != word.text))
                        .collect();
                    let mut word = free[below(rng, free.len())].clone();
                    if let Some(describing) = describing {
                        let describing: Vec<&Word> = self.list(describing).collect();
                        word.adjective
                            .clone_from(&describing[below(rng, describing.len())].text);
                    }
                    word
                }
            };
            cast.insert(variable.name, word);
        }
        cast
    }

    /// Tell `story` with the words of `cast`.
    pub(crate) fn tell(
        &self,
        story: &Story,
        cast: &Cast,
        voice: &mut impl Voice,
        rng: &mut impl Rng,
    ) -> String {
        let mut text = String::new();
        for beat in &story.beats {
            if beat.optional && below(rng, 2) == 0 {
                continue;
            }
            let tellings = match &beat.tellings {
                Tellings::Own(tellings) => tellings,
                Tellings::Shared(name) => &self.shared[name],
            };
            if !text.is_empty() {
                text.push(' ');
            }
            fill(
                &tellings[below(rng, tellings.len())],
                cast,
                voice,
                &mut text,
            );
        }
        text
    }

    /// Return the words of a list, or of the lists of an alias.
    pub(crate) fn list<'g>(&'g self, name: &'g str) -> impl Iterator<Item = &'g Word> {
        let lists = self.aliases.get(name).map_or_else(
            || vec![name],
            |lists| lists.iter().map(String::as_str).collect(),
        );
        lists.into_iter().flat_map(|list| {
            self.words
                .get(list)
                .unwrap_or_else(|| panic!("no word list {list}"))
        })
    }
}

impl Story {
    fn add(&mut self, line: &str) {
        if self.variables.is_empty() {
            self.variables = variables(line);
            return;
        }
        if let Some(telling) = line.strip_prefix('\t') {
            let beat = self
                .beats
                .last_mut()
                .expect("another telling follows a first one");
            let Tellings::Own(tellings) = &mut beat.tellings else {
                panic!("a shared beat is told as it is: {line}")
            };
            tellings.push(telling.to_owned());
            return;
        }
        let (optional, line) = line
            .strip_prefix("? ")
            .map_or((false, line), |line| (true, line));
        let tellings = match line.strip_prefix("> ") {
            Some(shared) => Tellings::Shared(shared.to_owned()),
            None => Tellings::Own(vec![line.to_owned()]),
        };
        self.beats.push(Beat { optional, tellings });
    }
}

fn variables(line: &str) -> Vec<Variable> {
    line.split("; ").map(variable).collect()
}

fn variable(text: &str) -> Variable {
    let (name, lists) = text.split_once(' ').expect("a variable has a word list");
    let source = match lists.strip_prefix("spot ") {
        Some(place) => Source::SpotOf(single(place)),
        None => {
            let (describing, lists) = lists
                .split(' ')
                .map(str::to_owned)
                .partition(|list| DESCRIBING.contains(&list.as_str()));
            let describing: Vec<String> = describing;
            Source::Lists {
                lists,
                describing: describing.into_iter().next(),
            }
        }
    };
    Variable {
        name: single(name),
        source,
    }
}

fn single(name: &str) -> char {
    let mut characters = name.chars();
    match (characters.next(), characters.next()) {
        (Some(name), None) => name,
        _ => panic!("a variable is one letter, not {name:?}"),
    }
}

fn words(list: &str, line: &str) -> Vec<Word> {
    let word = |text: &str, details: Vec<String>| Word {
        text: text.to_owned(),
        list: list.to_owned(),
        details,
        adjective: String::new(),
    };
    match line.split_once(" = ") {
        Some((text, details)) => vec![word(text, details.split("; ").map(str::to_owned).collect())],
        None => line
            .split(", ")
            .map(|text| word(text, Vec::new()))
            .collect(),
    }
}

/// Append `telling` to `text` with its braces filled in.
fn fill(telling: &str, cast: &Cast, voice: &mut impl Voice, text: &mut String) {
    let mut rest = telling;
    while let Some((before, after)) = rest.split_once('{') {
        let (slot, after) = after
            .split_once('}')
            .expect("a brace that opens also closes");
        text.push_str(before);
        text.push_str(&voice.fill(slot, cast));
        rest = after;
    }
    text.push_str(rest);
}
