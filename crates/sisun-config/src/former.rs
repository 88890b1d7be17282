//! Keys that had another name in earlier versions. The former name is still read.

use crate::ConfigError;
use std::fmt;
use toml::{Table, Value};

/// Table, former name and current name.
const FORMER: [(&str, &str, &str); 1] = [("train", "accumulate", "gradient_accumulation_steps")];

/// A key that was given by its former name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormerKey {
    /// The name that was given.
    pub former: String,
    /// The current name.
    pub current: String,
}

impl fmt::Display for FormerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is now called {}", self.former, self.current)
    }
}

/// Return the current name of a dotted key, if it is a former one.
pub(crate) fn renamed(key: &str) -> Option<FormerKey> {
    FORMER.iter().find_map(|(table, former, current)| {
        let rest = key.strip_suffix(former)?.strip_suffix('.')?;
        let of_table = rest == *table || rest.ends_with(&format!(".{table}"));
        of_table.then(|| FormerKey {
            former: key.to_owned(),
            current: format!("{rest}.{current}"),
        })
    })
}

/// Give each key its current name, at every depth of the table. Return those that were renamed.
///
/// # Errors
/// If a key is given by both names.
pub(crate) fn rename_former_keys(table: &mut Table) -> Result<Vec<FormerKey>, ConfigError> {
    let mut found = Vec::new();
    rename("", table, &mut found)?;
    Ok(found)
}

fn rename(at: &str, table: &mut Table, found: &mut Vec<FormerKey>) -> Result<(), ConfigError> {
    let mut all = Table::new();
    for (name, mut value) in std::mem::take(table) {
        let path = if at.is_empty() {
            name.clone()
        } else {
            format!("{at}.{name}")
        };
        match &mut value {
            Value::Table(inner) => rename(&path, inner, found)?,
            Value::Array(inner) => {
                for inner in inner.iter_mut().filter_map(Value::as_table_mut) {
                    rename(&path, inner, found)?;
                }
            }
            _ => {}
        }
        let current = match renamed(&path) {
            Some(key) => {
                // The name may be a dotted key itself, as in `vary."train.accumulate"`.
                let name = key.current[path.len() - name.len()..].to_owned();
                found.push(key);
                name
            }
            None => name,
        };
        if all.insert(current, value).is_some() {
            let key = found.last().expect("two keys became one by a renaming");
            return Err(ConfigError::Invalid {
                key: key.former.clone(),
                message: format!("{key}, which is set as well: remove one of the two"),
            });
        }
    }
    *table = all;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{FormerKey, rename_former_keys, renamed};
    use toml::Table;

    #[test]
    fn former_names_are_read_at_every_depth() {
        let text = "[train]\naccumulate = 2\nsteps = 1\n[budgets.smoke.train]\naccumulate = 3\n\
                    [vary]\n\"train.accumulate\" = [1, 2]\n[model]\naccumulate = 4\n";
        let mut table: Table = text.parse().expect("TOML");
        let found = rename_former_keys(&mut table).expect("one name each");
        let current = "gradient_accumulation_steps";
        let expected: Table = text
            .replace("accumulate", current)
            .replace(&format!("[model]\n{current}"), "[model]\naccumulate")
            .parse()
            .expect("TOML");
        assert_eq!(table, expected);
        let names: Vec<&str> = found.iter().map(|key| key.former.as_str()).collect();
        assert_eq!(
            names,
            [
                "train.accumulate",
                "budgets.smoke.train.accumulate",
                "vary.train.accumulate"
            ]
        );
    }

    #[test]
    fn a_key_given_by_both_names_is_refused() {
        for text in [
            "accumulate = 2\ngradient_accumulation_steps = 3",
            "gradient_accumulation_steps = 3\naccumulate = 2",
        ] {
            let mut table: Table = format!("[train]\n{text}").parse().expect("TOML");
            let told = rename_former_keys(&mut table)
                .expect_err("both names")
                .to_string();
            assert!(told.contains("remove one of the two"), "{told}");
        }
    }

    #[test]
    fn only_whole_names_are_former_ones() {
        for key in [
            "accumulate",
            "train.accumulates",
            "retrain.accumulate",
            "train.steps",
        ] {
            assert_eq!(renamed(key), None, "{key}");
        }
        let key = FormerKey {
            former: "train.accumulate".to_owned(),
            current: "train.gradient_accumulation_steps".to_owned(),
        };
        assert_eq!(renamed("train.accumulate"), Some(key));
    }
}
