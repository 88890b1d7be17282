//! `sisun explain --matrices`: given numbers, without a model.

use super::args::{Args, OwnFormat};
use super::computation::Computation;
use super::example;
use super::page::ExplainPage;
use super::steps;
use super::summary;
use super::table::Table;
use super::text::label;
use super::tone::Tone;
use crate::failure::Usage;
use crate::given_text;
use crate::output::make_parent;
use crate::terminal::{say, say_json};
use anyhow::{Context, Result};
use serde_json::json;
use sisun_files::write_atomic;
use sisun_infer::{OwnExplanation, OwnNumbers, OwnPreset, OwnQuery, PRESETS, Query};
use sisun_viz::page::own_html;
use sisun_viz::worked::{self, StepContext, WorkedStep, printed_sentences};
use std::path::Path;

/// Number of tokens up to which the weights of all of them are printed.
const FEW: usize = 12;

/// Work the matrices through.
pub(super) fn run(args: &Args, from: &Path) -> Result<()> {
    let preset = preset(from);
    let name = from.display();
    let text = match preset {
        Some(preset) => preset.toml.to_owned(),
        None if !from.exists() && from.extension().is_none() => return Err(unknown(from).into()),
        None => given_text::file("the matrices", from)?,
    };
    let mut given = OwnNumbers::read(&text).map_err(|error| Usage(format!("{name}: {error}")))?;
    given.query = match &args.query {
        None | Some(Query::Last) => given.query,
        Some(Query::Number(number)) => Some(OwnQuery::Number(*number)),
        Some(Query::FromEnd(number)) => {
            let rows = given.x.as_ref().or(given.q.as_ref()).map_or(0, Vec::len);
            let Some(number) = rows.checked_sub(*number) else {
                return Err(Usage(format!(
                    "--query -{number}: {name} has {rows} rows of tokens"
                ))
                .into());
            };
            Some(OwnQuery::Number(number))
        }
        Some(Query::Label(label)) => Some(OwnQuery::Label(label.clone())),
    };
    let found = given
        .explain()
        .map_err(|error| Usage(format!("{name}: {error}")))?;
    check_remarks(&found, args).map_err(|error| Usage(format!("{name}: {error}")))?;
    if let (Some(format), Some(out)) = (args.own.format, &args.own.out) {
        return write_file(args, &found, format, out, preset);
    }
    let context = StepContext::of_own(&found, label, args.language);
    let steps = worked::steps(&context, args.language);
    if args.json {
        let notes = printed_sentences(&found, true, args.language);
        return say_json(&json!({ "matrices": found, "steps": steps, "notes": notes }));
    }
    let mut page = ExplainPage::on_terminal(args.language, args.full);
    write(&mut page, &found, &steps);
    say(page.written())
}

/// Write the whole computation.
pub(super) fn write(page: &mut ExplainPage, found: &OwnExplanation, steps: &[WorkedStep]) {
    let computed = Computation::of_own(found);
    let name = label(&computed.query_label);
    page.heading(
        &page.say(
            format!("Where “{name}” looks, from given matrices"),
            format!("“{name}” 토큰은 어디를 볼까요: 주어진 행렬로 계산"),
        ),
        "",
    );
    if !found.given.title.is_empty() {
        page.line(&label_free(&found.given.title), Tone::Strong);
    }
    let (n, query) = (found.tokens.len(), found.query);
    page.sentences(&page.say(
        format!("“{name}” is token {query} of {n}."),
        format!("“{name}” 토큰은 {query}번입니다. 토큰은 모두 {n}개이고 0번부터 셉니다."),
    ));
    page.gap();
    let notes = printed_sentences(found, page.full, page.language);
    steps::all(page, &computed, steps, |page, step| {
        if step.id == "qkv" {
            products(page, found);
        }
        for note in notes.get(step.id).into_iter().flatten() {
            page.sentences(&format!("⚠ {note}"));
        }
    });
    // What a note prints of q, k and v that were given is not computed.
    summary::overview(page, steps);
    summary::most(page, &computed);
    if n <= FEW || page.full {
        all_rows(page, found);
    }
}

/// Write X and the products with W_Q, W_K and W_V for each token.
fn products(page: &mut ExplainPage, found: &OwnExplanation) {
    let token = page.word("token");
    let table = |name: &str, rows: &[Vec<f64>]| {
        let width = rows.first().map_or(0, Vec::len);
        format!("{name} ({} × {width})", rows.len())
    };
    let x = found.given.x.as_deref().unwrap_or_default();
    for (name, rows) in [("X", x), ("Q", &found.q), ("K", &found.k), ("V", &found.v)] {
        let title = table(name, rows);
        let table = Table::default()
            .text(
                &token,
                found.tokens.iter().map(|token| label(token)).collect(),
            )
            .vectors(&title, rows.iter().map(|row| Some(&row[..])).collect());
        page.table(&table);
    }
    let column = |w: &Option<Vec<Vec<f64>>>| -> Vec<f64> {
        w.iter()
            .flatten()
            .filter_map(|row| row.first().copied())
            .collect()
    };
    let query = found.query;
    for (name, w, result) in [
        ("W_Q", &found.given.w_q, &found.q),
        ("W_K", &found.given.w_k, &found.k),
        ("W_V", &found.given.w_v, &found.v),
    ] {
        let name = format!("X[{query}] · {name}[:, 0]");
        example::product(
            page,
            (&name, result[query][0]),
            &x[query],
            &column(w),
            false,
        );
    }
    page.gap();
}

/// Write the weights and results of all queries.
fn all_rows(page: &mut ExplainPage, found: &OwnExplanation) {
    page.heading(&page.word("own-rows"), "");
    let n = found.tokens.len();
    let weights: Vec<Vec<f64>> = found
        .rows
        .iter()
        .map(|row| row.keys.iter().map(|key| key.weight).collect())
        .collect();
    let results: Vec<&[f64]> = found.rows.iter().map(|row| &row.z[..]).collect();
    for (title, rows) in [
        (
            format!("A ({n} × {n})"),
            weights.iter().map(|row| &row[..]).collect::<Vec<_>>(),
        ),
        (format!("Z ({n} × {})", found.v[0].len()), results),
    ] {
        let table = Table::default()
            .text(
                &page.word("token"),
                found.tokens.iter().map(|token| label(token)).collect(),
            )
            .vectors(&title, rows.into_iter().map(Some).collect());
        page.table(&table);
    }
}

/// Check that remarks belong to steps of this computation.
fn check_remarks(found: &OwnExplanation, args: &Args) -> Result<(), String> {
    let steps = worked::steps(
        &StepContext::of_own(found, label, args.language),
        args.language,
    );
    let unknown = found
        .given
        .remarks
        .iter()
        .find(|remark| !steps.iter().any(|step| step.id == remark.step));
    match unknown {
        None => Ok(()),
        Some(remark) => Err(format!(
            "remarks.step = {:?}: choose one of the steps of these matrices, {}",
            remark.step,
            steps
                .iter()
                .map(|step| step.id)
                .collect::<Vec<_>>()
                .join(", ")
        )),
    }
}

fn write_file(
    args: &Args,
    found: &OwnExplanation,
    format: OwnFormat,
    out: &Path,
    preset: Option<OwnPreset>,
) -> Result<()> {
    let content = match (format, preset) {
        (OwnFormat::Html, _) => own_html(&found.given, args.language),
        (OwnFormat::Toml, Some(preset)) => preset.toml.to_owned(),
        (OwnFormat::Toml, None) => {
            let message = "--format toml writes one of the examples, mat or baekgopa, as a file to start from";
            return Err(Usage(message.to_owned()).into());
        }
    };
    args.own.force.check("--out", out)?;
    make_parent(out)?;
    write_atomic(out, content.as_bytes()).with_context(|| format!("--out {}", out.display()))?;
    match args.json {
        true => say_json(&json!({ "file": out, "bytes": content.len() })),
        false => say(&out.display().to_string()),
    }
}

/// Return the example of this name, unless a file has it.
fn preset(from: &Path) -> Option<OwnPreset> {
    let found = PRESETS
        .into_iter()
        .find(|preset| Path::new(preset.name) == from);
    found.filter(|_| !from.exists())
}

fn unknown(from: &Path) -> Usage {
    let given = from.display().to_string();
    let names = PRESETS.map(|preset| preset.name);
    Usage(format!(
        "--matrices {given}: there is no such file, and no example of this name; the examples are {}",
        names.join(" and ")
    ))
}

/// Return a title without characters that would move the cursor.
fn label_free(text: &str) -> String {
    sisun_data::make_visible(text)
}
