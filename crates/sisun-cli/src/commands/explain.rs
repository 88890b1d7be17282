//! `sisun explain`.

mod args;
mod computation;
mod example;
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

pub(crate) use args::Args;

use crate::failure::Usage;
use crate::terminal::{say, say_json};
use crate::work;
use anyhow::Result;
use computation::Computation;
use page::ExplainPage;
use sisun_infer::{Explanation, Reach};
use sisun_model::Run;
use sisun_viz::worked::{self, StepContext, WorkedStep};
use std::path::Path;
use text::label;

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
