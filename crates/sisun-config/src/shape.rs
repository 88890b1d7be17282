//! Descriptions of the keys that a table of settings may hold: their types, ranges, defaults and
//! documentation. [`Shape::of`] derives them from serde types.

/// The type of a value.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Text of at least one character.
    Text,
    /// A whole number of at least 0.
    Integer,
    /// A finite number.
    Number,
    /// `true` or `false`.
    Bool,
    /// One of these names.
    Choice(&'static [Choice]),
    /// A list of texts; a single text stands for a list of one.
    Strings,
    /// A list of whole numbers.
    Integers,
    /// A list of numbers.
    Numbers,
    /// A list of two whole numbers.
    Pair,
    /// A table.
    Table(&'static [Key]),
    /// A table that completes another one: none of its keys is required.
    Part(&'static [Key]),
    /// A table whose `kind` decides which keys it has, or only the name of the kind.
    Kinds {
        /// The kinds.
        known: &'static [Kind],
        /// Allow the name of the kind in place of the table.
        by_name: bool,
    },
    /// A table of entries with names of their own.
    Named(&'static Shape),
    /// A list of tables.
    Tables(&'static [Key]),
    /// A table that its reader checks.
    Free,
}

/// One name of a choice.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// The name as it is written.
    pub name: &'static str,
    /// Its documentation.
    pub docs: &'static str,
}

/// One kind of a table.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The value of `kind`.
    pub name: &'static str,
    /// Its documentation.
    pub docs: &'static str,
    /// The keys beside `kind`.
    pub keys: &'static [Key],
}

/// One key of a table.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// The type of its value.
    pub shape: Shape,
    /// Documentation, in sentences.
    pub docs: &'static str,
    /// True if serde needs it. Its [`default`](Self::default) may still come from elsewhere.
    pub required: bool,
    /// The default as TOML, if it is a fixed value.
    pub fixed_default: Option<&'static str>,
    /// The limits of a number.
    pub limits: Limits,
    /// The unit of a number.
    pub unit: Option<&'static str>,
    /// A typical value as TOML, if one is given.
    pub example: Option<&'static str>,
}

/// The range of a number; cross-checks with other keys are stated in the documentation of the key.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// The least value.
    pub min: Option<Bound>,
    /// The greatest value.
    pub max: Option<Bound>,
}

/// One end of a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// The number.
    pub value: f64,
    /// True if the number itself is excluded.
    pub excluded: bool,
}

/// The word before the default in the documentation of a key.
const DEFAULT: &str = "Default: ";

impl Kind {
    /// Return true if this kind has the key.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.keys.iter().any(|key| key.name == name)
    }
}

impl Key {
    /// Return the first sentence of the documentation as part of another sentence: `number of
    /// blocks`.
    pub(crate) fn about(&self) -> String {
        let sentence = self.first_sentence();
        let sentence = sentence.strip_suffix('.').unwrap_or(sentence);
        let mut characters = sentence.chars();
        let first = characters.next().map(|first| first.to_ascii_lowercase());
        let told = first.into_iter().chain(characters);
        told.filter(|c| *c != '`').collect()
    }

    /// Return the default in words or as TOML, if there is one.
    pub fn default(&self) -> Option<&'static str> {
        let told = || {
            let (_, told) = self.docs.split_once(DEFAULT)?;
            Some(told.strip_suffix('.').unwrap_or(told))
        };
        self.fixed_default.or_else(told)
    }

    /// Return the documentation without the default.
    pub fn meaning(&self) -> &'static str {
        match self.docs.split_once(DEFAULT) {
            Some((meaning, _)) => meaning.trim_end(),
            None => self.docs,
        }
    }

    /// Return the first sentence of the documentation.
    pub fn first_sentence(&self) -> &'static str {
        first_sentence(self.docs)
    }

    /// Return a value for an example: a typical one, else the default.
    pub fn example(&self) -> Option<&'static str> {
        self.example.or(self.fixed_default)
    }

    /// Describe the accepted values in words: `a whole number from 1 to 2^24 (tokens)`.
    pub fn takes(&self) -> String {
        let mut takes = self.shape.words();
        // Whole numbers are never negative.
        if let Some(range) = self.limits.words(matches!(self.shape, Shape::Integer)) {
            takes = format!("{takes} {range}");
        }
        match self.unit {
            Some(unit) => format!("{takes} ({unit})"),
            None => takes,
        }
    }
}

impl Limits {
    /// Describe the range in words, if there is one: `from 1 to 2^24`, `above 0 and below 1`.
    pub fn words(&self, whole: bool) -> Option<String> {
        let min = self.min.filter(|min| !whole || min.value > 0.0);
        let number = |bound: Bound| number(bound.value);
        match (min, self.max) {
            (None, None) => None,
            (Some(min), None) if min.excluded => Some(format!("above {}", number(min))),
            (Some(min), None) => Some(format!("of at least {}", number(min))),
            (None, Some(max)) if max.excluded => Some(format!("below {}", number(max))),
            (None, Some(max)) => Some(format!("of at most {}", number(max))),
            (Some(min), Some(max)) if !min.excluded && !max.excluded => {
                Some(format!("from {} to {}", number(min), number(max)))
            }
            (Some(min), Some(max)) => Some(format!(
                "{} {} and {} {}",
                if min.excluded { "above" } else { "of at least" },
                number(min),
                if max.excluded { "below" } else { "at most" },
                number(max)
            )),
        }
    }
}

/// Format a limit: large powers of two as powers, very small and large numbers with an exponent.
fn number(x: f64) -> String {
    let exponent = x.log2();
    if x >= 65_536.0 && exponent.fract() == 0.0 {
        return format!("2^{exponent}");
    }
    match x {
        0.0 => "0".to_owned(),
        x if x.abs() < 1e-3 || x.abs() >= 1e6 => format!("{x:e}"),
        x => x.to_string(),
    }
}

/// Return the text up to the end of its first sentence.
pub(crate) fn first_sentence(text: &'static str) -> &'static str {
    // `et al. 2020` ends no sentence; the next one begins with a capital letter.
    let ends = text.match_indices(". ").map(|(at, _)| at + 1);
    let end = ends.into_iter().find(|end| {
        !text[..*end].ends_with("al.") && text[*end + 1..].starts_with(char::is_uppercase)
    });
    end.map_or(text, |end| &text[..end])
}

impl Shape {
    /// Describe the type in words: `a whole number`, `one of layer, rms`.
    pub fn words(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Integer => "a whole number".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Bool => "true or false".to_owned(),
            Self::Choice(known) => format!("one of {}", listed(known.iter().map(|one| one.name))),
            Self::Strings => "a list of texts".to_owned(),
            Self::Integers => "a list of whole numbers".to_owned(),
            Self::Numbers => "a list of numbers".to_owned(),
            Self::Pair => "a list of two whole numbers".to_owned(),
            Self::Kinds {
                known,
                by_name: true,
            } => format!("one of {}", names(known)),
            Self::Kinds { known, .. } => format!("a table whose kind is one of {}", names(known)),
            Self::Table(_) | Self::Part(_) | Self::Named(_) | Self::Free => "a table".to_owned(),
            Self::Tables(_) => "a list of tables".to_owned(),
        }
    }

    /// Return every key inside, with the tables on the way: `train.lr_max`.
    pub(crate) fn paths(&self, at: &str) -> Vec<String> {
        let of = |keys: &[Key]| -> Vec<String> {
            keys.iter()
                .flat_map(|key| {
                    let path = joined(at, key.name);
                    let mut inside = key.shape.paths(&path);
                    inside.push(path);
                    inside
                })
                .collect()
        };
        match self {
            Self::Table(keys) | Self::Part(keys) => of(keys),
            Self::Kinds { known, .. } => {
                let mut all = vec![joined(at, "kind")];
                all.extend(known.iter().flat_map(|kind| of(kind.keys)));
                all
            }
            _ => Vec::new(),
        }
    }
}

pub(crate) fn joined(at: &str, name: &str) -> String {
    if at.is_empty() {
        name.to_owned()
    } else {
        format!("{at}.{name}")
    }
}

pub(crate) fn names(known: &[Kind]) -> String {
    listed(known.iter().map(|kind| kind.name))
}

fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
