//! The configuration as a commented file.

use super::choose::{Choice, EVALUATION_WINDOWS, EVALUATIONS};
use crate::pace;
use crate::units;
use serde_json::Value as Json;
use sisun_config::{Documents, shell};
use sisun_data::{Script, Survey};
use sisun_model::{Chosen, thousands};
use sisun_train::Trial;
use std::path::Path;
use toml::Value;
use unicode_width::UnicodeWidthStr;

/// Columns of a line with a comment.
const WIDTH: usize = 80;

/// Return the settings without comments.
pub(super) fn settings(choice: &Choice) -> String {
    let lines = table(choice);
    let lines = lines.iter().map(|line| match line {
        Line::Setting { key, value, .. } => format!("{key} = {value}\n"),
        Line::Table(name) => format!("[{name}]\n"),
    });
    lines.collect()
}

/// Return the file, with the reasons of the choice.
pub(super) fn commented(
    choice: &Choice,
    survey: &Survey,
    chosen: &Chosen,
    trial: &Trial,
    out: &Path,
) -> String {
    let mut file = format!(
        "# {}\n# On {}: {:.0} ms a step, about {} in all.\n#   sisun train {}\n",
        describe(choice, survey),
        chosen.name,
        1e3 * trial.step_s,
        pace::duration(choice.seconds),
        shell::path(out),
    );
    for note in &choice.notes {
        file += &format!("# {}{}\n", note[..1].to_uppercase(), &note[1..]);
    }
    for line in table(choice) {
        file += &match line {
            Line::Table(name) => format!("\n[{name}]\n"),
            Line::Setting { key, value, why } if why.is_empty() => format!("{key} = {value}\n"),
            Line::Setting { key, value, why } => {
                let setting = format!("{key} = {value}");
                let beside = format!("{setting:<31} # {why}\n");
                match beside.width() <= WIDTH {
                    true => beside,
                    false => format!("# {why}\n{setting}\n"),
                }
            }
        };
    }
    file
}

/// Describe the text.
fn describe(choice: &Choice, survey: &Survey) -> String {
    let script = match survey.script {
        Script::Latin => "in Latin letters",
        Script::Korean => "in Korean",
        Script::Chinese => "in Chinese",
        Script::Japanese => "in Japanese",
        Script::Other => "in other or mixed scripts",
    };
    let files = match survey.files.len() {
        1 => "1 file".to_owned(),
        files => format!("{} files", thousands(files as u64)),
    };
    let records = if survey.fields.is_some() {
        " of JSON"
    } else {
        ""
    };
    format!(
        "{files}{records}, {}, {script}: about {} tokens to learn from.",
        units::bytes(survey.bytes),
        thousands(choice.tokens),
    )
}

enum Line {
    Table(&'static str),
    Setting {
        key: &'static str,
        value: String,
        why: String,
    },
}

fn set(key: &'static str, value: impl Into<Value>, why: impl Into<String>) -> Line {
    let value = match value.into() {
        // In one line; a JSON string is a TOML string.
        Value::String(text) if text.contains('\n') => Json::from(text).to_string(),
        other => other.to_string(),
    };
    Line::Setting {
        key,
        value,
        why: why.into(),
    }
}

fn table(choice: &Choice) -> Vec<Line> {
    let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let mut lines = vec![
        set(
            "name",
            choice.name.as_str(),
            "the run directory is runs/NAME",
        ),
        Line::Table("data"),
        set("sources", choice.sources.clone(), ""),
    ];
    if let Some(fields) = choice.fields.as_ref().filter(|_| choice.names_fields) {
        lines.push(set(
            "jsonl_field",
            fields.text.as_str(),
            "the field that holds the text",
        ));
        if let Some(answer) = &fields.answer {
            lines.push(set(
                "jsonl_answer_field",
                answer.as_str(),
                "follows the text; the loss is on it alone",
            ));
            if !fields.separator.is_empty() {
                lines.push(set(
                    "jsonl_separator",
                    fields.separator,
                    "between the two; a prompt ends with it",
                ));
            }
        }
    }
    if choice.fields.is_none() {
        let documents = match choice.documents {
            Documents::File => "file",
            Documents::Line => "line",
            Documents::Paragraph => "paragraph",
        };
        lines.push(set(
            "documents",
            documents,
            format!("{}; or file, line, paragraph", choice.why_documents),
        ));
    }
    if choice.composes {
        lines.push(set(
            "normalize",
            "nfc",
            "its Hangul is decomposed, as macOS writes names",
        ));
    }
    lines.extend([
        set(
            "validation_fraction",
            choice.validation_fraction,
            "held out, to measure the loss on it",
        ),
        Line::Table("tokenizer"),
    ]);
    if choice.by_character {
        lines.push(set(
            "kind",
            "char",
            format!(
                "a token for each of {} characters: the text is short",
                choice.vocab_size
            ),
        ));
    } else {
        lines.extend([
            set(
                "kind",
                "bpe",
                "trained on the text; frequent words become one token",
            ),
            set(
                "vocab_size",
                whole(choice.vocab_size),
                "more tokens need more text",
            ),
        ]);
    }
    lines.push(Line::Table("model"));
    let shape = choice.shape;
    lines.extend([
        set(
            "d_model",
            whole(shape.d_model),
            "the largest for which text and time suffice",
        ),
        set("n_layers", whole(shape.n_layers), ""),
        set("n_heads", whole(shape.n_heads), ""),
        set(
            "context_len",
            whole(choice.context_len),
            "tokens that it sees at once",
        ),
        set(
            "dropout",
            choice.dropout,
            match choice.dropout > 0.0 {
                true => format!(
                    "because each token is seen about {:.0} times",
                    choice.epochs()
                ),
                false => String::new(),
            },
        ),
        set("position", "rope", ""),
        set("norm", "rms", ""),
        set("ffn", "relu_squared", ""),
        set("bias", false, ""),
        set("qk_norm", true, "allows the high learning rates"),
        Line::Table("train"),
    ]);
    let every = whole(choice.steps.div_ceil(EVALUATIONS) as usize);
    lines.extend([
        set(
            "steps",
            whole(choice.steps as usize),
            match choice.is_small_text {
                true => format!(
                    "each token about {:.0} times; more would learn it by heart",
                    choice.epochs()
                ),
                false => format!(
                    "what the time allows; each token about {:.1} times",
                    choice.epochs()
                ),
            },
        ),
        set(
            "batch_size",
            whole(choice.batch_size),
            format!("{} tokens a step", thousands(choice.tokens_a_step())),
        ),
        set("optimizer", "muon", "learns fastest in few steps"),
        set(
            "lr_max",
            3e-3,
            "of the embedding and the norms, which AdamW trains",
        ),
        set("muon_lr_max", 0.02, "of the matrices"),
        set("lr_min", 0.0, ""),
        set("schedule", "linear", ""),
        set("warmup_steps", 10, ""),
        set("weight_decay", 0.01, ""),
        set("eval_every", every, ""),
        set("eval_windows", whole(EVALUATION_WINDOWS), ""),
        set(
            "checkpoint_every",
            whole(choice.steps as usize),
            "the best of the evaluations is kept as well",
        ),
    ]);
    if let Some(prompt) = &choice.prompt {
        lines.extend([
            Line::Table("sample"),
            set("prompt", prompt.as_str(), "what the samples begin with"),
            set(
                "tokens",
                whole(if choice.by_character { 300 } else { 120 }),
                "",
            ),
            set("temperature", 0.7, ""),
            set("every", every, ""),
        ]);
    }
    if let Some(sentence) = &choice.sentence {
        lines.extend([
            Line::Table("attend"),
            set(
                "text",
                sentence.as_str(),
                "whose attention is drawn after training",
            ),
        ]);
    }
    lines
}
