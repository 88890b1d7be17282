//! Settings as they are shown on a terminal.

use super::find::Listed;
use crate::wrap::{beside, wrapped};
use sisun_config::{Key, Kind, SettingsTable, Shape};
use unicode_width::UnicodeWidthStr;

/// Width of the labels in a full description.
const LABELS: usize = 13;

/// Return documentation without the marks of Markdown.
fn plain(text: &str) -> String {
    text.replace('`', "")
}

/// List settings table by table, each with its first sentence, type and default.
pub(super) fn list(settings: &[Listed<'_>], width: usize) -> String {
    let longest = settings
        .iter()
        .map(|one| one.setting.key.name.width())
        .max();
    let column = 2 + longest.unwrap_or(0) + 2;
    let mut text = String::new();
    let mut before: Option<&SettingsTable> = None;
    for listed in settings {
        if before.is_none_or(|table| !std::ptr::eq(table, listed.table)) {
            let first = before.is_none() || listed.table.path.is_empty();
            before = Some(listed.table);
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&heading(listed, first, width));
        }
        let mut facts = listed.setting.key.takes();
        if !listed.setting.kinds.is_empty() {
            facts = format!("{facts}; with kind {}", listed.setting.kinds.join(", "));
        }
        facts = format!("{facts}; {}", default(listed));
        let sentence = plain(listed.setting.key.first_sentence());
        let label = format!("  {}", listed.setting.key.name);
        text.push_str(&beside(&label, column, &[sentence, plain(&facts)], width));
    }
    text
}

fn heading(listed: &Listed<'_>, first: bool, width: usize) -> String {
    let table = listed.table;
    if table.path.is_empty() {
        let program = match listed.kind {
            super::Kind::Experiment | super::Kind::Seq2seq => "train",
            super::Kind::Compare => "compare",
        };
        return format!(
            "{} (for sisun {program})\n",
            listed.kind.name().to_uppercase()
        );
    }
    let file = match (listed.kind, first) {
        (super::Kind::Compare, true) => " of a comparison",
        (super::Kind::Seq2seq, true) => " of a sequence-to-sequence experiment",
        _ => "",
    };
    let text = format!("{}{file}  {}", table.header, plain(table.docs));
    wrapped(&text, width).join("\n") + "\n"
}

fn default(listed: &Listed<'_>) -> String {
    match listed.setting.key.default() {
        Some(default) => format!("default {default}"),
        None if listed.setting.key.required => "required".to_owned(),
        None => "optional".to_owned(),
    }
}

/// Describe each setting in full.
pub(super) fn in_full(settings: &[Listed<'_>], width: usize) -> String {
    let all: Vec<String> = settings.iter().map(|listed| one(listed, width)).collect();
    all.join("\n")
}

fn one(listed: &Listed<'_>, width: usize) -> String {
    let setting = listed.setting;
    let key = &setting.key;
    let of = match listed.kind {
        super::Kind::Experiment => "",
        super::Kind::Seq2seq => "  (of a sequence-to-sequence experiment)",
        super::Kind::Compare => "  (of a comparison)",
    };
    let mut text = format!("{}{of}\n", setting.path);
    for line in wrapped(&plain(key.meaning()), width.saturating_sub(2)) {
        text.push_str(&format!("  {line}\n"));
    }
    text.push('\n');
    let mut row = |label: &str, lines: &[String]| {
        text.push_str(&beside(&format!("  {label}"), LABELS, lines, width));
    };
    let choices: Vec<String> = match key.shape {
        Shape::Choice(known) => {
            let told = known
                .iter()
                .map(|one| format!("{:?}: {}", one.name, plain(one.docs)));
            told.collect()
        }
        Shape::Kinds { known, .. } => {
            let told = known
                .iter()
                .map(|one| format!("{:?}: {}", one.name, plain(one.docs)));
            told.collect()
        }
        _ => Vec::new(),
    };
    match choices.is_empty() {
        true => row("type", &[key.shape.words()]),
        false => row("one of", &choices),
    }
    if let Some(table) = as_table(key) {
        row("or a table", &[table]);
    }
    if let Some(range) = key.limits.words(matches!(key.shape, Shape::Integer)) {
        row("range", &[range.trim_start_matches("of ").to_owned()]);
    }
    if let Some(unit) = key.unit {
        row("unit", &[unit.to_owned()]);
    }
    if !setting.kinds.is_empty() {
        row("only with", &[format!("kind = {}", quoted(&setting.kinds))]);
    }
    let default = match key.default() {
        Some(default) => plain(default),
        None if key.required => "none: it has to be set".to_owned(),
        None => "none".to_owned(),
    };
    row("default", &[default]);
    if let Some(example) = setting.example(listed.table) {
        let lines: Vec<String> = example.lines().map(str::to_owned).collect();
        row("example", &lines);
        let is_table = matches!(key.shape, Shape::Named(_) | Shape::Free | Shape::Part(_));
        let is_plain =
            !is_table && !setting.path.contains("NAME") && !listed.table.header.starts_with("[[");
        if let (true, Some(value)) = (is_plain && setting.kinds.is_empty(), key.example()) {
            row("or", &[format!("--set {}", argument(&setting.path, value))]);
        }
    }
    let others = setting.other_names();
    if !others.is_empty() {
        row("elsewhere", &[others.join(", ")]);
    }
    text
}

/// Write a key that takes the name of a kind as a table with a setting of that kind.
fn as_table(key: &Key) -> Option<String> {
    let Shape::Kinds { known, .. } = key.shape else {
        return None;
    };
    let first = |kind: &'static Kind| {
        Some((
            kind,
            kind.keys.iter().find(|key| key.fixed_default.is_some())?,
        ))
    };
    let (kind, inner) = known.iter().find_map(first)?;
    let (name, value) = (inner.name, inner.fixed_default?);
    Some(format!(
        "{} = {{ kind = {:?}, {name} = {value} }}",
        key.name, kind.name
    ))
}

fn quoted(names: &[&str]) -> String {
    let all: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    all.join(" or ")
}

/// Return `KEY=VALUE` as one word of a shell.
fn argument(path: &str, value: &str) -> String {
    let bare = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    sisun_config::shell::word(&format!("{path}={}", bare.unwrap_or(value)))
}
