//! `sisun attribute`.

use crate::analysis::{self, Analysis, AnalysisFormat, AnalysisOutput, Shows};
use crate::columns::{Align, aligned};
use crate::common::DeviceArgs;
use crate::given_text::{self, TextFile};
use crate::terminal::{say, say_json};
use anyhow::Result;
use serde_json::json;
use sisun_infer::{Attribution, AttributionOptions, Query};
use sisun_viz::analysis::{attribution_npz, attribution_sheet};
use sisun_viz::page::AnalysisPage;
use std::path::PathBuf;

/// Number of parts in the table; the others are added up.
const SHOWN: usize = 20;

/// Show what each part of the model adds to the logit of an answer: direct logit attribution.
///
/// The residual stream is the sum of what the embeddings, every head, every feed-forward network and
/// the biases write, and the logits are linear in it once the scale of the final norm is fixed; that
/// of this very run is used. So the parts add up to the model's own logit exactly, but for rounding
/// (Elhage et al. 2021). With --against it is the difference of two logits that is split, in which
/// what both share cancels out (Wang et al. 2022).
///
/// embed, pos_embed: the embeddings of the token and of its position. head 1.2: layer 1, head 2.
/// attn_bias: the bias of attention's output. mlp: a feed-forward network with its biases.
/// norm_bias: the bias of the final norm.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun attribute runs/quickstart --text \"The cat sat on the\" --answer \" mat\"
  sisun attribute runs/quickstart --text \"The cat sat on the\" --answer \" mat\" --against \" dog\"
  sisun attribute runs/quickstart --text \"The cat sat\" --answer \" on\" --query cat --top 5
  sisun attribute runs/quickstart --text \"The cat sat on the\" --answer \" mat\" --format html,png,npz
  sisun attribute runs/quickstart-ko --text \"미나는 연\" --answer \"을\" --against \"를\" --json > parts.json")]
pub(crate) struct Args {
    /// A run directory, one of its checkpoints (the best is used unless you name one), or a Hugging
    /// Face directory
    run: PathBuf,
    /// The text that the model reads
    #[arg(long, value_name = "TEXT", value_parser = given_text::argument, required_unless_present = "text_file")]
    text: Option<String>,
    #[command(flatten)]
    text_file: TextFile,
    /// The answer whose logit is split; of several tokens the first is taken. Spaces count
    #[arg(long, value_name = "TEXT", value_parser = given_text::argument)]
    answer: String,
    /// The answer whose logit is subtracted
    #[arg(long, value_name = "TEXT", value_parser = given_text::argument)]
    against: Option<String>,
    /// The token after which the answer is predicted: its number, counted from 0 or, as -2, from the
    /// end, or its text [default: the last token]
    #[arg(long, value_name = "TOKEN", allow_negative_numbers = true)]
    query: Option<Query>,
    /// Number of parts in the table, largest first; the others are added up [default: 20]
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    #[command(flatten)]
    output: AnalysisOutput,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let Args { output, device, .. } = &args;
    output.check()?;
    output.check_used("--top", args.top.is_some(), &[Shows::Table])?;
    let uses = [Shows::Table, Shows::Json, Shows::File(AnalysisFormat::Npz)];
    output.check_used("--query", args.query.is_some(), &uses)?;
    let text = args.text_file.or(args.text.as_ref())?.unwrap_or_default();
    let opened = analysis::open(
        &args.run,
        None,
        device,
        "`sisun explain` shows how a target attends to its source",
    )?;
    analysis::note_text(&opened, &text, device)?;
    let asked = AttributionOptions {
        answer: args.answer.clone(),
        against: args.against.clone(),
        query: args.query.clone().unwrap_or_default(),
    };
    let split = opened.loaded.attribute(&text, &asked)?;
    analysis::note_rest(
        "--answer",
        &args.answer,
        &split.answer,
        &opened.loaded,
        device,
    )?;
    if let (Some(given), Some(token)) = (&args.against, &split.against) {
        analysis::note_rest("--against", given, token, &opened.loaded, device)?;
    }
    let found = Analysis {
        name: "attribution",
        text: &text,
        sheets: vec![attribution_sheet(&split)],
    };
    let page = |_| AnalysisPage {
        title: split.model.clone(),
        text: split.text.clone(),
        details: Vec::new(),
        notes: vec![answers(&split)],
    };
    let files = output.write(&found, || attribution_npz(&split), page, device)?;
    if output.json {
        return say_json(&as_json(
            &split,
            &opened.loaded.name,
            opened.loaded.step,
            &files,
        ));
    }
    match output.format.is_empty() {
        true => say(&table(&split, args.top.unwrap_or(SHOWN))),
        false => analysis::say_files(&files),
    }
}

/// Return the tokens whose logits are split: `" mat" − " dog"`.
fn answers(split: &Attribution) -> String {
    let against = split.against.as_ref();
    let against = against.map_or_else(String::new, |other| format!(" − {:?}", other.text));
    format!("{:?}{against}", split.answer.text)
}

fn as_json(
    split: &Attribution,
    name: &str,
    step: Option<u64>,
    files: &[PathBuf],
) -> serde_json::Value {
    let n = split.tokens.len();
    let part = |(number, part)| {
        let values: Vec<f64> = (0..n).map(|at| split.at(number, at)).collect();
        json!({ "part": part, "adds": values })
    };
    json!({
        "model": name,
        "step": step,
        "text": split.text,
        "tokens": split.tokens,
        "answer": split.answer,
        "against": split.against,
        "query": split.query,
        "parts": split.parts.iter().enumerate().map(part).collect::<Vec<_>>(),
        "sum": (0..n).map(|at| split.sum(at)).collect::<Vec<_>>(),
        "logit_difference": split.of_model,
        "largest_error": split.error(),
        "files": files,
    })
}

fn table(split: &Attribution, top: usize) -> String {
    let query = split.query;
    let mut order: Vec<usize> = (0..split.parts.len()).collect();
    order.sort_by(|&a, &b| {
        split
            .at(b, query)
            .abs()
            .total_cmp(&split.at(a, query).abs())
    });
    let (shown, rest) = order.split_at(top.min(order.len()));
    let signed = |value: f64| format!("{value:+.4}");
    let row = |name: String, value: f64| vec![name, signed(value)];
    let mut rows = vec![vec!["part".to_owned(), "adds".to_owned()]];
    rows.extend(
        shown
            .iter()
            .map(|&part| row(split.parts[part].to_string(), split.at(part, query))),
    );
    if !rest.is_empty() {
        let sum = rest.iter().map(|&part| split.at(part, query)).sum();
        let s = if rest.len() == 1 { "" } else { "s" };
        rows.push(row(format!("{} other{s}", rest.len()), sum));
    }
    rows.push(row("sum".to_owned(), split.sum(query)));
    rows.push(row("of the model".to_owned(), split.of_model[query]));
    let answer = match &split.against {
        None => format!("the logit of {:?}", split.answer.text),
        Some(other) => format!(
            "the logit of {:?} less that of {:?}",
            split.answer.text, other.text
        ),
    };
    let heading = format!("{answer}, after {:?}:", split.tokens[query].text);
    format!(
        "{heading}\n{}",
        aligned(&rows, &[Align::Left, Align::Right])
    )
}
