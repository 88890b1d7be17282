//! `sisun explain`.

mod computation;
mod json;
mod keys;
mod numbers;
mod own;
mod page;
mod pairs;
mod rows;
mod steps;
mod stream;
mod summary;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod tone;

use crate::common::DeviceArgs;
use crate::edit_args::{EditArgs, edit_grammar};
use crate::failure::Usage;
use crate::given_text::{self, TextFile};
use crate::model_source::PrecisionArgs;
use crate::terminal::{say, say_json};
use crate::work;
use anyhow::Result;
use computation::Computation;
use own::OwnArgs;
use page::ExplainPage;
use sisun_infer::{Explanation, Index, InferError, Language, Query, Reach};
use sisun_model::Run;
use sisun_viz::worked::{self, StepContext, WorkedStep};
use std::path::{Path, PathBuf};
use text::label;

/// Compute one layer's attention step by step, from the embedding to the next token.
///
/// One token of the text, the query, is followed through one layer with the model's own numbers:
/// its embedding and position, the norm, q, k and v, similarity, scale, mask, softmax, the weighted
/// sum of the values, the head's share, the residual addition, the feed-forward network, and what
/// each part added to the probability of the next token. The page of `sisun attend --format html`
/// shows the same steps. With --matrices, attention is computed from given matrices, without a
/// model.
#[derive(clap::Args)]
#[command(after_help = concat!("\
Examples:
  sisun explain runs/quickstart --text \"The cat sat on the mat.\"
  sisun explain runs/quickstart --text \"The cat sat on the mat.\" --query sat --layer 0 --head 2
  sisun explain runs/quickstart-ko --text \"미나는 빨간 연을 찾았어요.\" --query 찾았어요 --language ko
  sisun explain runs/dates-gru --text \"5 March 1997\" --query 0
  sisun explain runs/quickstart --text \"The cat\" --full > steps.txt
  sisun explain runs/quickstart --text \"The cat\" --json | jq '.keys[] | {label, score, weight}'
  sisun explain runs/quickstart --text \"The cat sat.\" --edit \"pattern 1.0 @2 = first\"
  sisun explain --matrices mat
  sisun explain --matrices baekgopa --format toml --out my-numbers.toml
  sisun explain --matrices my-numbers.toml --language ko
  sisun explain --matrices my-numbers.toml --format html --out my-numbers.html",
    edit_grammar!()
))]
pub(crate) struct Args {
    /// A run directory, one of its checkpoints (the best is used unless you name one), or a Hugging
    /// Face directory
    #[arg(required_unless_present = "matrices")]
    run: Option<PathBuf>,
    /// The text whose attention is computed; of a sequence-to-sequence run, the source
    #[arg(long, value_name = "TEXT", value_parser = given_text::argument, required_unless_present_any = ["text_file", "matrices"])]
    text: Option<String>,
    #[command(flatten)]
    text_file: TextFile,
    /// Sequence-to-sequence: the target [default: the one that the model writes]
    #[arg(long, value_name = "TEXT", value_parser = given_text::argument)]
    target: Option<String>,
    /// The attending token: its number, counted from 0 or, as -2, from the end, or its text, as in
    /// --query cat (the last token of a longer word) [default: the last token; of a
    /// sequence-to-sequence run the first of the target]
    #[arg(long, value_name = "TOKEN", allow_negative_numbers = true)]
    query: Option<Query>,
    /// The layer, counted from 0 or, as -1 or last, from the end [default: the last]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    layer: Option<Index>,
    /// The head, counted likewise
    #[arg(long, value_name = "N", default_value_t = Index::FromStart(0), allow_negative_numbers = true)]
    head: Index,
    /// Language of the explanation: en or ko
    #[arg(long, value_name = "LANGUAGE", default_value_t = Language::English)]
    language: Language,
    /// Print all keys and complete vectors
    #[arg(long)]
    full: bool,
    /// Print one JSON object: q, and of each key k, v and every step
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    edit: EditArgs,
    #[command(flatten)]
    own: OwnArgs,
    #[command(flatten)]
    precision: PrecisionArgs,
    #[command(flatten)]
    device: DeviceArgs,
}

/// Queries of at most this many tokens are listed token by token.
const FEW: usize = 6;

pub(crate) fn run(args: Args) -> Result<()> {
    if let Some(from) = &args.own.matrices {
        return own::run(&args, from);
    }
    // clap asks for both unless there are matrices.
    let run = args.run.clone().unwrap_or_default();
    let text = args.text_file.or(args.text.as_ref())?.unwrap_or_default();
    if let Some(pairs) = crate::pairs::run_of(&run) {
        return explain_pair(&args, &pairs, &text);
    }
    if args.target.is_some() && run.exists() {
        return Err(Usage(format!(
            "--target is for sequence-to-sequence models, and {} holds a language model: leave it out",
            run.display()
        ))
        .into());
    }
    explain_text(args, &run, &text)
}

/// Explain a token of a text in a language model.
fn explain_text(args: Args, run: &Path, text: &str) -> Result<()> {
    let chosen = args.device.choose(|| work::reading(run, args.precision))?;
    let mut loaded = args.precision.open(run, &chosen.device)?.loaded;
    if args.edit.given() {
        let n = loaded.tokens(text)?.len();
        let reach = Reach {
            what: "text",
            tokens: n,
            longest: n,
        };
        loaded.edits = args.edit.of(&loaded, reach)?;
    }
    args.device.note(&loaded.introduction());
    let query = args.query.clone().unwrap_or_default();
    let config = loaded.model.config();
    let [layer, head] = args.place(config.n_layers, config.n_heads)?;
    let found = loaded.explain(text, Some(layer), head, &query)?;
    if let Some(namesake) = query.namesake(&found.tokens) {
        let [asked, other] = [found.query, namesake]
            .map(|number| format!("{number} {:?}", found.tokens[number].text));
        args.device.note(&format!(
            "note: --query takes a number as a token's number, {asked}; for {other} say --query {namesake}"
        ));
    }
    if let word @ [_, _, ..] = &found.query_word[..] {
        let named = |number: &usize| format!("{number} {:?}", found.tokens[*number].text);
        let tokens = match word {
            [first, .., last] if word.len() > FEW => format!("{} to {}", named(first), named(last)),
            few => few.iter().map(named).collect::<Vec<_>>().join(", "),
        };
        args.device.note(&format!(
            "note: the query is {} tokens, {tokens}: the last looks, which sees all of them",
            word.len(),
        ));
    }
    args.device.note_form(&loaded.tokenizer, text)?;
    args.device
        .note_length(found.tokens.len(), loaded.model.config().context_len);
    let context = StepContext::of(&found, label, args.language);
    let steps = worked::steps(&context, args.language);
    if args.json {
        return say_json(&json::of_text(&found, &steps)?);
    }
    let mut page = ExplainPage::on_terminal(args.language, args.full);
    write(&mut page, &found, &steps);
    say(page.written())
}

impl Args {
    /// Return the layer and the head of a model with this many.
    fn place(&self, layers: usize, heads: usize) -> Result<[usize; 2], InferError> {
        let layer = self.layer.unwrap_or(Index::FromEnd(1));
        Ok([
            layer.among("layer", layers)?,
            self.head.among("head", heads)?,
        ])
    }
}

/// Explain the attention of a target token to the source.
fn explain_pair(args: &Args, run: &Run, text: &str) -> Result<()> {
    let reduced = args.precision.is_reduced();
    let refused = [
        ("--precision", reduced, crate::pairs::FLOAT32),
        ("--edit", args.edit.given(), crate::pairs::NO_EDITS),
    ];
    crate::pairs::refuse(run, &refused)?;
    let loaded = crate::pairs::open(run, &args.device)?;
    loaded.check_attention()?;
    let (layers, heads) = loaded.model.cross_attention().unwrap_or((1, 1));
    let [layer, head] = args.place(layers, heads)?;
    let target = match &args.target {
        Some(target) => target.clone(),
        None => crate::pairs::written_target(&loaded, text)?,
    };
    let found = loaded.explain(text, &target, Some(layer), head, args.query.as_ref())?;
    args.device.note_form(loaded.tokenizers.source(), text)?;
    if args.json {
        return say_json(&json::of_pair(&found, &loaded.source_tokens(text)?)?);
    }
    let mut page = ExplainPage::on_terminal(args.language, args.full);
    pairs::write(&mut page, &found);
    say(page.written())
}

/// Write the whole explanation.
fn write(page: &mut ExplainPage, found: &Explanation, steps: &[WorkedStep]) {
    let computed = Computation::of(found);
    summary::beginning(page, found);
    steps::all(page, &computed, steps, |_, _| ());
    summary::overview(page, steps);
    summary::most(page, &computed);
    summary::agreement(page, found);
}
