//! Descriptions of the keys that a table of settings may hold: their types and meanings.

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
    Choice(&'static [&'static str]),
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
        /// Each kind's name and keys.
        known: &'static [(&'static str, &'static [Key])],
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

/// One key of a table.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// The type of its value.
    pub shape: Shape,
    /// For a key without a default: its meaning, and an example.
    pub needed: Option<Needed>,
}

/// Help shown for a missing key.
#[derive(Clone, Copy, Debug)]
pub struct Needed {
    /// Meaning of the key.
    pub about: &'static str,
    /// A typical value, as TOML.
    pub example: &'static str,
}

impl Key {
    /// Return a key that has a default.
    pub const fn new(name: &'static str, shape: Shape) -> Self {
        Self {
            name,
            shape,
            needed: None,
        }
    }

    /// Return a key without a default.
    pub const fn needed(
        name: &'static str,
        shape: Shape,
        about: &'static str,
        example: &'static str,
    ) -> Self {
        Self {
            name,
            shape,
            needed: Some(Needed { about, example }),
        }
    }
}

impl Shape {
    /// Describe the type in words: `a whole number`, `one of layer, rms`.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Integer => "a whole number".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Bool => "true or false".to_owned(),
            Self::Choice(names) => format!("one of {}", names.join(", ")),
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
                all.extend(known.iter().flat_map(|(_, keys)| of(keys)));
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

pub(crate) fn names(known: &[(&str, &[Key])]) -> String {
    known
        .iter()
        .map(|(name, _)| *name)
        .collect::<Vec<_>>()
        .join(", ")
}
