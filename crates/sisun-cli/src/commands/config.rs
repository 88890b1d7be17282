//! `sisun config`.

mod describe;
mod files;
mod find;
mod markdown;

use crate::terminal::{say, say_json, write_now};
use crate::wrap::terminal_width;
use anyhow::Result;
use files::{Kind, every_setting};
use find::{Found, Listed};
use serde_json::{Value, json};
use sisun_compare::comparison_schema;
use sisun_config::schema::{experiment_schema, number, seq2seq_schema};
use sisun_config::{Bound, Setting, Shape};

/// List the settings of a configuration file: their meaning, type, range and default.
///
/// A whole key, such as train.lr_max, is described in full; a table, such as train, is listed; any
/// other word is searched for, in the names that other programs use as well.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun config
  sisun config train.lr_max
  sisun config learning rate
  sisun config --schema > sisun.schema.json")]
pub(crate) struct Args {
    /// A key, a table, or words to search for; all settings if there are none
    #[arg(value_name = "KEY|WORD")]
    words: Vec<String>,
    /// Print a JSON Schema, of an experiment, a sequence-to-sequence experiment or a comparison:
    /// editors with Taplo complete and check a file whose first line is `#:schema ./sisun.schema.json`
    #[arg(
        long,
        value_name = "FILE",
        num_args = 0..=1,
        default_missing_value = "experiment",
        conflicts_with_all = ["words", "json", "markdown"]
    )]
    schema: Option<Kind>,
    /// Print all settings as a chapter in Markdown
    #[arg(long, conflicts_with_all = ["words", "json"])]
    markdown: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Result<()> {
    match args.schema {
        Some(Kind::Experiment) => return say_json(&experiment_schema()),
        Some(Kind::Seq2seq) => return say_json(&seq2seq_schema()),
        Some(Kind::Compare) => return say_json(&comparison_schema()),
        None => {}
    }
    let all = every_setting();
    if args.markdown {
        return write_now(&markdown::chapter(&all));
    }
    let found = find::find(&all, &args.words)?;
    if args.json {
        let listed: Vec<Value> = found.settings().map(object).collect();
        return say_json(&json!({ "settings": listed }));
    }
    let width = terminal_width();
    let text = match found {
        Found::Described(settings) => describe::in_full(&settings, width),
        Found::Listed(settings) => describe::list(&settings, width),
    };
    say(text.trim_end())
}

fn object(listed: Listed<'_>) -> Value {
    let Listed { kind, setting, .. } = listed;
    let Setting { path, key, kinds } = setting;
    let choices: Option<Value> = match key.shape {
        Shape::Choice(known) => {
            let one = |one: &sisun_config::Choice| json!({ "name": one.name, "meaning": one.docs });
            Some(known.iter().map(one).collect())
        }
        Shape::Kinds { known, .. } => {
            let one = |one: &sisun_config::Kind| json!({ "name": one.name, "meaning": one.docs });
            Some(known.iter().map(one).collect())
        }
        _ => None,
    };
    let bound = |bound: Option<Bound>| {
        bound.map(|bound| json!({ "value": number(bound.value), "excluded": bound.excluded }))
    };
    json!({
        "key": path,
        "file": kind.name(),
        "meaning": key.meaning(),
        "type": key.shape.words(),
        "choices": choices,
        "min": bound(key.limits.min),
        "max": bound(key.limits.max),
        "unit": key.unit,
        "required": setting.must_be_set(),
        "default": key.default(),
        "example": setting.example(listed.table),
        "kinds": kinds,
        "other_names": setting.other_names(),
    })
}
