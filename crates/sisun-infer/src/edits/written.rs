//! The grammar of edits: `ACTIVATION LAYER.HEAD @POSITIONS = CHANGE`.

use super::meant;
use crate::{Index, Indices};
use sisun_model::{Activation, Target};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// An edit as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct WrittenEdit {
    /// The text.
    pub written: String,
    /// The activation.
    pub activation: Activation,
    /// Layers; `None` for all.
    pub layers: Option<Indices>,
    /// Heads; `None` for all.
    pub heads: Option<Indices>,
    /// Positions, of `scores` and `pattern` those of queries; `None` for all.
    pub positions: Option<Indices>,
    /// The key of a single cell.
    pub key: Option<Index>,
    /// The change.
    pub what: What,
}

/// The change of an edit as it was written.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Every value becomes this number.
    Set(f64),
    /// Every value is multiplied by this number.
    Scale(f64),
    /// Every position gets the mean over the positions of another text.
    Mean(TextSource),
    /// Each position gets the values of a random position of another text.
    Resample(TextSource),
    /// Each position gets the values of the same position of another text.
    From(TextSource),
    /// Each query attends to one token only.
    Only(Target),
}

/// Another text.
#[derive(Clone, Debug, PartialEq)]
pub enum TextSource {
    /// The text itself.
    Text(String),
    /// A file that holds it.
    File(PathBuf),
}

impl WrittenEdit {
    /// Return the file that holds the other text, if it is not given itself.
    pub fn file(&self) -> Option<&Path> {
        match &self.what {
            What::Mean(TextSource::File(path))
            | What::Resample(TextSource::File(path))
            | What::From(TextSource::File(path)) => Some(path),
            _ => None,
        }
    }

    /// Return the edit with the text of its file.
    #[must_use]
    pub fn with_text(self, text: String) -> Self {
        let text = TextSource::Text(text);
        let what = match self.what {
            What::Mean(_) => What::Mean(text),
            What::Resample(_) => What::Resample(text),
            What::From(_) => What::From(text),
            other => other,
        };
        Self { what, ..self }
    }
}

impl FromStr for WrittenEdit {
    type Err = String;

    /// Parse an edit.
    ///
    /// # Errors
    /// What is expected instead, if it is malformed or names an unknown activation.
    fn from_str(written: &str) -> Result<Self, String> {
        let (place, what) = written
            .split_once('=')
            .ok_or("expected ACTIVATION LAYER.HEAD @POSITIONS = CHANGE, as in \"z 1.3 = zero\"")?;
        let mut words = place.split_whitespace();
        let name = words
            .next()
            .ok_or("the activation is missing before the =")?;
        let activation = name.parse().map_err(|_| unknown(name))?;
        let mut edit = Self {
            written: written.trim().to_owned(),
            activation,
            layers: None,
            heads: None,
            positions: None,
            key: None,
            what: change(what.trim())?,
        };
        let mut layers_named = false;
        for word in words {
            match word.strip_prefix('@') {
                Some(positions) if edit.positions.is_none() => edit.place(positions)?,
                None if !layers_named && edit.positions.is_none() => {
                    edit.part(word)?;
                    layers_named = true;
                }
                _ => {
                    return Err(format!(
                        "{word:?} is one part too many before the =: expected ACTIVATION LAYER.HEAD @POSITIONS"
                    ));
                }
            }
        }
        edit.check()?;
        Ok(edit)
    }
}

impl WrittenEdit {
    /// Read `LAYERS` or `LAYERS.HEADS`.
    fn part(&mut self, word: &str) -> Result<(), String> {
        let list = |what: &str, given: &str| {
            match given {
            "*" => Ok(None),
            _ => given.parse().map(Some).map_err(|_| {
                format!(
                    "{what} {given:?}: expected numbers and ranges, as in 0,2-3 or last, or * for all"
                )
            }),
        }
        };
        let (layers, heads) = match word.split_once('.') {
            Some((layers, heads)) => (layers, Some(heads)),
            None => (word, None),
        };
        self.layers = list("layers", layers)?;
        if let Some(heads) = heads {
            if !self.activation.is_per_head() {
                return Err(format!(
                    "{} has no heads: write its layer only, as in \"{} {layers}\"",
                    self.activation, self.activation
                ));
            }
            self.heads = list("heads", heads)?;
        }
        Ok(())
    }

    /// Read `POSITIONS` or `QUERY:KEY`.
    fn place(&mut self, given: &str) -> Result<(), String> {
        let list = |given: &str| {
            given.parse().map_err(|_| {
                format!(
                    "@{given}: expected positions as numbers and ranges, as in @4, @0,2-3 or @last, or QUERY:KEY, as in @5:3"
                )
            })
        };
        let Some((queries, key)) = given.split_once(':') else {
            self.positions = Some(list(given)?);
            return Ok(());
        };
        self.positions = match queries {
            "*" => None,
            _ => Some(list(queries)?),
        };
        self.key = Some(key.parse().map_err(|_| {
            format!("@{given}: expected QUERY:KEY with one number for the key, as in @5:3")
        })?);
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        let name = self.activation;
        let is_square = name.is_query_by_key();
        match &self.what {
            What::Only(_) if name != Activation::Pattern => Err(format!(
                "diagonal, first and previous are for the pattern, and this is {name}"
            )),
            What::Only(_) if self.key.is_some() => {
                Err("diagonal, first and previous set whole rows: name no key".to_owned())
            }
            What::Mean(_) | What::Resample(_) if is_square => Err(format!(
                "{name} depends on the length of the text, so that it cannot be taken from other positions: use from, or edit z"
            )),
            What::Set(_) | What::Only(_) => match self.key {
                Some(_) if !is_square => {
                    Err(format!("{name} has no keys: write @POSITION without :KEY"))
                }
                _ => Ok(()),
            },
            _ if self.key.is_some() => {
                Err("a single key is set to a number, as in \"pattern 0.1 @5:3 = 0.9\"".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// Read the part after the `=`.
fn change(given: &str) -> Result<What, String> {
    let (word, rest) = given
        .split_once(char::is_whitespace)
        .map_or((given, ""), |(word, rest)| (word, rest.trim()));
    let finite = |given: &str| {
        given
            .parse()
            .ok()
            .filter(|number: &f64| (*number as f32).is_finite())
    };
    let number = finite(word).filter(|_| rest.is_empty());
    match (word, number) {
        (_, Some(number)) => Ok(What::Set(number)),
        ("zero", _) if rest.is_empty() => Ok(What::Set(0.0)),
        ("diagonal", _) if rest.is_empty() => Ok(What::Only(Target::Same)),
        ("first", _) if rest.is_empty() => Ok(What::Only(Target::First)),
        ("previous", _) if rest.is_empty() => Ok(What::Only(Target::Previous)),
        ("scale", _) => finite(rest)
            .map(What::Scale)
            .ok_or_else(|| format!("scale {rest:?}: expected a number, as in \"scale 0.5\"")),
        ("mean", _) => other_text(word, rest).map(What::Mean),
        ("resample", _) => other_text(word, rest).map(What::Resample),
        ("from", _) => other_text(word, rest).map(What::From),
        _ => Err(format!(
            "{given:?} is no change: choose zero, a number, scale NUMBER, mean 'TEXT', resample 'TEXT', from 'TEXT', or of a pattern diagonal, first or previous"
        )),
    }
}

/// Read a text in quotes, or the name of a file.
fn other_text(word: &str, given: &str) -> Result<TextSource, String> {
    let Some(quote) = given.chars().next() else {
        return Err(format!(
            "{word} of what? Write a text in quotes, as in \"{word} 'another text'\", or the name of a file"
        ));
    };
    if !matches!(quote, '\'' | '"') {
        return Ok(TextSource::File(given.into()));
    }
    let inside = given
        .strip_prefix(quote)
        .and_then(|rest| rest.strip_suffix(quote))
        .ok_or_else(|| format!("{given}: the text lacks its second {quote}"))?;
    match inside.is_empty() {
        true => Err(format!("{word}: the text is empty")),
        false => Ok(TextSource::Text(unescaped(inside))),
    }
}

/// Replace `\n` by a line end and `\t` by a tab; any other character after a backslash stands for
/// itself.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            (character, false) => out.push(character),
        }
    }
    out
}

fn unknown(name: &str) -> String {
    let known = Activation::ALL.map(|activation| activation.to_string());
    let meant = meant(name).map_or(String::new(), |meant| format!(" (did you mean {meant}?)"));
    format!(
        "unknown activation {name:?}{meant}; known: {}",
        known.join(", ")
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{TextSource, What, WrittenEdit};
    use crate::{Index, Indices};
    use sisun_model::{Activation, Target};

    fn parsed(text: &str) -> WrittenEdit {
        text.parse()
            .unwrap_or_else(|problem| panic!("{text}: {problem}"))
    }

    #[test]
    fn places_and_changes_are_read() {
        let edit = parsed(" z 1.3 = zero ");
        assert_eq!(
            (edit.activation, &edit.what, edit.written.as_str()),
            (Activation::Z, &What::Set(0.0), "z 1.3 = zero")
        );
        let list = |given: &str| Some(given.parse::<Indices>().unwrap());
        assert_eq!((edit.layers, edit.heads), (list("1"), list("3")));
        let edit = parsed("resid_mid 0,2 @4-5=from 'It\\'s = \\n'");
        assert_eq!(edit.positions, list("4-5"));
        assert_eq!(
            edit.what,
            What::From(TextSource::Text("It's = \n".to_owned()))
        );
        let edit = parsed("pattern *.1 @5:3 = 0.25");
        assert_eq!((edit.layers, edit.key), (None, Some(Index::FromStart(3))));
        let edit = parsed("pattern last.-2 @-1:-3 = 0.25");
        assert_eq!((edit.layers, edit.heads), (list("-1"), list("-2")));
        assert_eq!(
            (edit.positions, edit.key),
            (list("last"), Some(Index::FromEnd(3)))
        );
        assert_eq!(edit.what, What::Set(0.25));
        assert_eq!(
            parsed("pattern = previous").what,
            What::Only(Target::Previous)
        );
        assert_eq!(parsed("v 0 = scale -2").what, What::Scale(-2.0));
        assert_eq!(
            parsed("z = mean a novel.txt").file().unwrap().to_str(),
            Some("a novel.txt")
        );
        let given = parsed("z = mean a.txt").with_text("words".to_owned());
        assert_eq!(given.what, What::Mean(TextSource::Text("words".to_owned())));
    }

    #[test]
    fn errors_say_what_is_meant() {
        for (text, said) in [
            ("z 1.3", "as in \"z 1.3 = zero\""),
            ("= zero", "missing before the ="),
            ("hook_z 1 = zero", "did you mean z?"),
            ("resid_mdi 1 = zero", "did you mean resid_mid?"),
            ("banana 1 = zero", "\"banana\"; known: embed"),
            ("z one = zero", "layers \"one\""),
            ("z 1.x = zero", "heads \"x\""),
            ("z 1.3 2 = zero", "one part too many"),
            ("mlp_out 1.3 = zero", "mlp_out has no heads"),
            ("z 1 @a = zero", "@a: expected positions"),
            ("z 1 @3:2 = 1", "z has no keys"),
            ("pattern 1 @3:x = 1", "one number for the key"),
            ("pattern 1 @3:2 = scale 2", "set to a number"),
            ("z 1 = previous", "for the pattern"),
            ("pattern 1 = mean 'a'", "use from, or edit z"),
            ("z 1 = nothing", "choose zero, a number"),
            ("z 1 = inf", "choose zero, a number"),
            ("z 1 = 1e40", "choose zero, a number"),
            ("z 1 = scale x", "expected a number"),
            ("z 1 = from", "from of what?"),
            ("z 1 = from 'a", "lacks its second '"),
            ("z 1 = from ''", "is empty"),
        ] {
            let problem = text.parse::<WrittenEdit>().unwrap_err();
            assert!(problem.contains(said), "{text}: {problem}");
        }
    }
}
