//! The chapter of the guide that lists all settings.

use super::files::Kind;
use sisun_config::{Setting, SettingsTable, Shape};

/// Return the chapter.
pub(super) fn chapter(all: &[(Kind, SettingsTable)]) -> String {
    let mut text = "# Every setting\n\n\
        This chapter is written by `sisun config --markdown`, from the types that read the settings. \
        `sisun config KEY`\ndescribes a key with an example, `sisun config WORD` searches, and \
        `sisun config --schema` prints a JSON Schema for\neditors (see the end).\n"
        .to_owned();
    for (kind, table) in all {
        if table.path.is_empty() {
            text.push_str(match kind {
                Kind::Experiment => "\n## An experiment, for `sisun train`\n",
                Kind::Seq2seq => SEQ2SEQ,
                Kind::Compare => "\n## A comparison, for `sisun compare`\n",
            });
        } else {
            text.push_str(&format!("\n### `{}`\n\n{}\n", table.header, table.docs));
        }
        if table.settings.is_empty() {
            continue;
        }
        text.push_str("\n| key | takes | default | meaning |\n| --- | --- | --- | --- |\n");
        for setting in &table.settings {
            text.push_str(&row(setting));
        }
        for setting in &table.settings {
            text.push_str(&choices(setting));
        }
    }
    text.push_str(EDITORS);
    text
}

/// The beginning of the part about sequence-to-sequence experiments.
const SEQ2SEQ: &str = "
## A sequence-to-sequence experiment, for `sisun train`

A file with `[seq2seq]` in place of `[model]` describes a sequence-to-sequence model, and `[pairs]` in place of
`[data]` its text. `[train]` and `[tokenizer]` are those of an experiment.
";

/// The part about editors.
const EDITORS: &str = "
## Completion in an editor

`configs/sisun.schema.json`, `configs/sisun-seq2seq.schema.json` and `configs/sisun-compare.schema.json` describe these
files as JSON Schemas (draft 07). An editor with Taplo (*Even Better TOML* in VS Code; Helix, Neovim and Zed through its language server) completes keys,
shows their documentation and marks mistakes in a file whose first line is

```toml
#:schema ./sisun.schema.json
```

The path is relative to the file. To write a schema beside a file of your own:

```sh
sisun config --schema > sisun.schema.json
sisun config --schema seq2seq > sisun-seq2seq.schema.json
sisun config --schema compare > sisun-compare.schema.json
```

The program itself does not read the schema: the line is a comment. A schema that is older than the program marks keys
that came later; write it anew. Its `$comment` names the version that wrote it. Checks that involve several keys or the
text, such as the divisibility of `d_model` by `n_heads`, are made by the program alone.
";

fn row(setting: &Setting) -> String {
    let key = &setting.key;
    let takes = match key.shape {
        Shape::Choice(_) | Shape::Kinds { .. } => "a name, see below".to_owned(),
        _ => key.takes(),
    };
    let default = match (key.fixed_default, key.default()) {
        (Some(fixed), _) => format!("`{fixed}`"),
        (None, Some(told)) => told.to_owned(),
        (None, None) if key.required => "**required**".to_owned(),
        (None, None) => "none".to_owned(),
    };
    let kinds = match setting.kinds.as_slice() {
        [] => String::new(),
        kinds => format!(" (kind {})", code(kinds)),
    };
    format!(
        "| `{}` | {} | {} | {}{kinds} |\n",
        key.name,
        cell(&takes),
        cell(&default),
        cell(key.meaning())
    )
}

fn code(names: &[&str]) -> String {
    let all: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    all.join(", ")
}

/// Escape what would end a cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// List the names of a choice with their meanings.
fn choices(setting: &Setting) -> String {
    let known: Vec<(&str, &str)> = match setting.key.shape {
        Shape::Choice(known) => known.iter().map(|one| (one.name, one.docs)).collect(),
        Shape::Kinds { known, .. } => known.iter().map(|one| (one.name, one.docs)).collect(),
        _ => return String::new(),
    };
    let mut text = format!("\n`{}` is one of\n\n", setting.key.name);
    for (name, docs) in known {
        text.push_str(&format!("- `{name}`: {docs}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::chapter;
    use crate::commands::config::files::every_setting;
    use std::path::Path;

    #[test]
    fn the_guide_has_the_chapter() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sisun/guide/settings.md");
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            there == chapter(&every_setting()),
            "write it anew: sisun config --markdown > crates/sisun/guide/settings.md"
        );
    }
}
