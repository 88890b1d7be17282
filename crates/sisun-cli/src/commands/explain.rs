//! `sisun explain`.

mod json;
mod keys;
mod numbers;
mod page;
mod pairs;
mod rows;
mod steps;
mod summary;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod tone;

use crate::common::DeviceArgs;
use crate::failure::Usage;
use crate::given_text::{self, TextFile};
use crate::model_source::PrecisionArgs;
use crate::terminal::{say, say_json};
use crate::work;
use anyhow::Result;
use page::ExplainPage;
use sisun_infer::{Explanation, Index, InferError, Language, Query};
use sisun_model::Run;
use std::path::PathBuf;

/// Compute the attention of one query step by step, with the model's own numbers.
///
/// One token of the text, the query, attends to the others, the keys: similarity q · k, scale,
/// mask, softmax, and the weighted sum of the values. Each step is a table with its shapes and one
/// sentence on its meaning; the weights computed here are shown beside those of the model.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun explain runs/quickstart --text \"The cat sat on the mat.\"
  sisun explain runs/quickstart --text \"The cat sat on the mat.\" --query sat --layer 0 --head 2
  sisun explain runs/quickstart-ko --text \"미나는 빨간 연을 찾았어요.\" --query 찾았어요 --language ko
  sisun explain runs/dates-gru --text \"5 March 1997\" --query 0
  sisun explain runs/quickstart --text \"The cat\" --full > steps.txt
  sisun explain runs/quickstart --text \"The cat\" --json | jq '.keys[] | {label, score, weight}'")]
pub(crate) struct Args {
    /// A run directory, one of its checkpoints (the best is used unless you name one), or a Hugging
    /// Face directory
    run: PathBuf,
    /// The text whose attention is computed; of a sequence-to-sequence run, the source
    #[arg(long, value_name = "TEXT", value_parser = given_text::argument, required_unless_present = "text_file")]
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
    precision: PrecisionArgs,
    #[command(flatten)]
    device: DeviceArgs,
}

/// Queries of at most this many tokens are listed token by token.
const FEW: usize = 6;

pub(crate) fn run(args: Args) -> Result<()> {
    let text = args.text_file.or(args.text.as_ref())?.unwrap_or_default();
    if let Some(run) = crate::pairs::run_of(&args.run) {
        return explain_pair(&args, &run, &text);
    }
    if args.target.is_some() && args.run.exists() {
        return Err(Usage(format!(
            "--target is for sequence-to-sequence models, and {} holds a language model: leave it out",
            args.run.display()
        ))
        .into());
    }
    let chosen = args
        .device
        .choose(|| work::reading(&args.run, args.precision))?;
    let loaded = args.precision.open(&args.run, &chosen.device)?.loaded;
    args.device.note(&loaded.introduction());
    let query = args.query.clone().unwrap_or_default();
    let config = loaded.model.config();
    let [layer, head] = args.place(config.n_layers, config.n_heads)?;
    let found = loaded.explain(&text, Some(layer), head, &query)?;
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
    args.device.note_form(&loaded.tokenizer, &text)?;
    args.device
        .note_length(found.tokens.len(), loaded.model.config().context_len);
    if args.json {
        return say_json(&json::of_text(&found)?);
    }
    let mut page = ExplainPage::on_terminal(args.language, args.full);
    write(&mut page, &found);
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
    crate::pairs::refuse(run, &[("--precision", reduced, crate::pairs::FLOAT32)])?;
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
fn write(page: &mut ExplainPage, found: &Explanation) {
    summary::beginning(page, found);
    steps::all(page, found);
    summary::end(page, found);
}
