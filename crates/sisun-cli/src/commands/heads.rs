//! `sisun heads`.

mod args;
mod over_time;
mod table;

pub(crate) use args::Args;

use crate::ablation::{Ablation, Replacing, ablate};
use crate::failure::Usage;
use crate::model_source::ModelSource;
use crate::pairs;
use crate::terminal::{say, say_json};
use crate::work;
use anyhow::{Result, bail};
use serde_json::json;
use sisun_config::shell;
use sisun_infer::{AblationKind, HeadMeasures};
use std::path::Path;
use table::{findings, table};

pub(crate) fn run(args: Args) -> Result<()> {
    let idle = args.ablation.idle();
    let idle = idle.or(args.other.as_ref().map(|_| "--other"));
    if let (true, Some(option)) = (args.fast, idle) {
        return Err(Usage(format!(
            "{option} is about ablating heads, which --fast leaves out"
        ))
        .into());
    }
    args.over_time.check(args.runs.len())?;
    if let (true, Some(option)) = (args.over_time.checkpoints, idle) {
        return Err(Usage(format!(
            "{option} is about ablating heads, which --checkpoints leaves out"
        ))
        .into());
    }
    for run in &args.runs {
        pairs::refuse_run(run, |run| {
            format!(
                "its statistics are those of causal self-attention; how well heads agree with a known alignment: sisun eval {run}; \
                 what is written without each: sisun attend {run} --text SOURCE --ablate"
            )
        })?;
    }
    let [first, ..] = &args.runs[..] else {
        return Err(Usage("name a run to look at".to_owned()).into());
    };
    match args.over_time.checkpoints {
        true => over_time::run(&args, first),
        false => of_model(&args, first),
    }
}

/// Measure the heads of one model.
fn of_model(args: &Args, run: &Path) -> Result<()> {
    let chosen = args.device.choose(|| work::reading(run, args.precision))?;
    let opened = args.precision.open(run, &chosen.device)?;
    let loaded = &opened.loaded;
    let given = args.text_file.or(args.text.as_ref())?;
    let Some(text) = given.as_deref().or(opened.attend_text()) else {
        bail!(
            "{} has no attend.text of its own to look at: give a text with --text, as in\n  sisun heads {} --text 'YOUR TEXT'{}",
            opened.kind(),
            shell::path(run),
            match (
                args.fast,
                opened.has_held_out_text() || !args.ablation.text.data.is_empty()
            ) {
                (true, _) => " --fast",
                (false, true) => "",
                // Without text of its own to measure an ablation on.
                (false, false) => " --data YOUR.txt\nor without ablation: --fast",
            }
        );
    };
    args.device.note(&loaded.introduction());
    args.check_text(&opened, text)?;
    args.device.note_form(&loaded.tokenizer, text)?;
    args.device.note_length(
        loaded.tokens(text)?.len(),
        loaded.model.config().context_len,
    );
    let mut found = loaded.heads(text)?;
    let mut ablation = None;
    if !args.fast {
        let all = found.heads.iter().map(name).collect::<Vec<_>>();
        ablation = Some(args.ablate(&opened, &all)?);
    }
    for head in &mut found.heads {
        let rises = ablation.iter().flat_map(|ablation| &ablation.rises);
        let rise = |(kind, of): (&AblationKind, &sisun_infer::LossRises)| {
            Some((*kind, *of.get(&name(head))?))
        };
        head.ablated = rises.filter_map(rise).collect();
        head.stats.ablation = head.ablated.get(&AblationKind::Zero).copied();
    }
    if args.json {
        return say_json(&json!({
            "model": loaded.name,
            "step": loaded.step,
            "text": text,
            "tokens": found.tokens,
            "loss": ablation.as_ref().map(|ablation| ablation.loss),
            "ablated_from": ablation.as_ref().map(|ablation| ablation.taken_from),
            "heads": found.heads,
            "chance": found.chance,
            "rollout": found.rollout,
        }));
    }
    say(&table(&found))?;
    if let Some(Ablation { loss, .. }) = ablation.filter(|ablation| ablation.loss.is_finite()) {
        say(&format!("loss with all heads: {loss:.4} nats per token"))?;
    }
    for line in findings(&found) {
        say(&line)?;
    }
    Ok(())
}

impl Args {
    /// Ablate heads in each way.
    fn ablate(&self, opened: &ModelSource, heads: &[(usize, usize)]) -> Result<Ablation> {
        let tokens = opened.held_out(&self.ablation.text, &self.device)?;
        let other = match self.other.as_deref() {
            Some(text) => {
                let tokens = opened.loaded.tokens(text)?;
                Some(tokens.into_iter().map(|token| token.id).collect())
            }
            None => None,
        };
        ablate(
            opened,
            &tokens,
            heads,
            Replacing::All(other),
            &self.ablation,
            &self.device,
        )
    }
}

fn name(head: &HeadMeasures) -> (usize, usize) {
    (head.stats.layer, head.stats.head)
}
