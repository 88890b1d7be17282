//! A flat list of the settings of a file, table by table, for reference pages and searches.

use crate::meant::other_names;
use crate::shape::{Choice, Key, Kind, Limits, Shape, joined};

/// The settings of one table.
#[derive(Clone, Debug)]
pub struct SettingsTable {
    /// The path of the table, for example `train` or `tracks.NAME`; empty for keys outside of
    /// tables.
    pub path: String,
    /// The table's header, for example `[train]` or `[[variants]]`.
    pub header: String,
    /// Its documentation.
    pub docs: &'static str,
    /// Its keys, without those that are tables with keys of their own.
    pub settings: Vec<Setting>,
}

/// A key with the tables on the way to it.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The full path, for example `train.lr_max`.
    pub path: String,
    /// The key.
    pub key: Key,
    /// The kinds of its table that have it; empty if all have it.
    pub kinds: Vec<&'static str>,
}

impl Setting {
    /// Return the names that other programs use for this setting.
    pub fn other_names(&self) -> Vec<&'static str> {
        other_names(&self.path)
    }

    /// Return true if the setting has to be stated.
    pub fn must_be_set(&self) -> bool {
        self.key.required && self.key.default().is_none()
    }

    /// Return an example, with the header of its table.
    pub fn example(&self, table: &SettingsTable) -> Option<String> {
        let line = format!("{} = {}", self.key.name, self.key.example()?);
        // Any other key of the table needs the kind beside it.
        let kind = self.kinds.first().map(|kind| format!("kind = {kind:?}\n"));
        let header = match table.header.as_str() {
            "" => String::new(),
            header => format!("{header}\n"),
        };
        Some(format!("{header}{}{line}", kind.unwrap_or_default()))
    }
}

impl Shape {
    /// List the settings of a file of this shape, in the order of its types.
    pub fn tables(&self) -> Vec<SettingsTable> {
        let mut tables = Vec::new();
        if let Self::Table(keys) = self {
            add(&mut tables, "", String::new(), "", keys);
        }
        tables
    }
}

fn add(
    tables: &mut Vec<SettingsTable>,
    path: &str,
    header: String,
    docs: &'static str,
    keys: &[Key],
) {
    let at = tables.len();
    tables.push(SettingsTable {
        path: path.to_owned(),
        header,
        docs,
        settings: Vec::new(),
    });
    for key in keys {
        let path = joined(path, key.name);
        if is_setting(&key.shape) {
            add_setting(&mut tables[at].settings, path.clone(), key, &[]);
        }
        add_inside(tables, &path, key);
    }
}

/// Return true if the key is listed by itself, and not only as a table.
fn is_setting(shape: &Shape) -> bool {
    if let Shape::Named(inner) = shape {
        return matches!(inner, Shape::Free);
    }
    !matches!(
        shape,
        Shape::Table(_) | Shape::Tables(_) | Shape::Kinds { by_name: false, .. }
    )
}

/// Add the tables inside of a key.
fn add_inside(tables: &mut Vec<SettingsTable>, path: &str, key: &Key) {
    let header = format!("[{path}]");
    match key.shape {
        Shape::Table(keys) => add(tables, path, header, key.docs, keys),
        Shape::Tables(keys) => add(tables, path, format!("[[{path}]]"), key.docs, keys),
        Shape::Kinds { known, .. } => add_kinds(tables, path, header, key.docs, known),
        Shape::Named(inner) => {
            let path = format!("{path}.NAME");
            let header = format!("[{path}]");
            match inner {
                Shape::Table(keys) => add(tables, &path, header, key.docs, keys),
                Shape::Kinds { known, .. } => add_kinds(tables, &path, header, key.docs, known),
                _ => {}
            }
        }
        _ => {}
    }
}

fn add_kinds(
    tables: &mut Vec<SettingsTable>,
    path: &str,
    header: String,
    docs: &'static str,
    known: &[Kind],
) {
    let at = tables.len();
    let kind = kind_key(known);
    add(tables, path, header, docs, &[kind]);
    for kind in known {
        for key in kind.keys {
            let path = joined(path, key.name);
            add_setting(&mut tables[at].settings, path.clone(), key, &[kind.name]);
            if tables.iter().all(|table| table.path != path) {
                add_inside(tables, &path, key);
            }
        }
    }
}

/// Add a setting, or the kinds to one that several kinds share.
fn add_setting(settings: &mut Vec<Setting>, path: String, key: &Key, kinds: &[&'static str]) {
    let same = |setting: &&mut Setting| setting.path == path && setting.key.docs == key.docs;
    if let Some(known) = settings.iter_mut().find(same) {
        known.kinds.extend(kinds);
        return;
    }
    settings.push(Setting {
        path,
        key: *key,
        kinds: kinds.to_vec(),
    });
}

/// Describe the key `kind` of a table.
fn kind_key(known: &[Kind]) -> Key {
    let choices: Vec<Choice> = known
        .iter()
        .map(|kind| Choice {
            name: kind.name,
            docs: kind.docs,
        })
        .collect();
    let example = known
        .iter()
        .find(|kind| kind.keys.iter().all(|key| !key.required));
    let example = example
        .or(known.first())
        .map(|kind| format!("{:?}", kind.name));
    Key {
        name: "kind",
        shape: Shape::Choice(choices.leak()),
        docs: "The kind, which decides the other keys of the table.",
        required: true,
        fixed_default: None,
        limits: Limits::default(),
        unit: None,
        example: example.map(|example| &*example.leak()),
    }
}
