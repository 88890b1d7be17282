//! `sisun heads`.

mod over_time;
mod table;

use crate::ablation::{Ablation, AblationArgs, Replacing, ablate};
use crate::common::DeviceArgs;
use crate::failure::Usage;
use crate::given_text::{self, TextFile};
use crate::model_source::{ModelSource, PrecisionArgs};
use crate::pairs;
use crate::terminal::{say, say_json};
use crate::work;
use anyhow::{Result, bail};
use over_time::OverTimeArgs;
use serde_json::json;
use sisun_config::shell;
use sisun_infer::{AblationKind, HeadMeasures};
use std::path::{Path, PathBuf};
use table::{findings, table};

/// Measure what each attention head does.
///
/// entropy and distance: how widely and how far back a head attends, averaged over the text.
/// previous and first: its weight on the previous token, and on the first token, where heads that
/// contribute nothing put their weight. offset: the position relative to the query with the largest
/// mean weight; positional: the one that has the largest weight of a row most often, and in how many
/// rows (a positional head has 0.9, Voita et al. 2019). duplicate: its weight on earlier occurrences
/// of the same token (Wang et al. 2022). same and induction, on random tokens repeated twice: its
/// weight on the same token, and on the token that followed it (Olsson et al. 2022). A column with a
/// *: the same of value-weighted attention, the weight times the length of the vector that the key
/// contributes, in shares of the row (Kobayashi et al. 2020).
///
/// zero, mean and resample: by how many nats per token the loss on held-out text rises when the
/// output of the head is set to zero, to its mean over the positions of a text, or at each position
/// to that of a random position of a text. The layers above have never seen zero in training, so
/// that its rise may overstate what the head does; the other two stay closer to the data.
///
/// chance: the values of a head with uniform attention; only what is more than twice that, and more
/// than 0.1 above it, is called a finding.
///
/// --checkpoints measures every checkpoint of one or several runs, such as those of different
/// seeds: at which step a score first passes its threshold in some head, and in how many runs.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun heads runs/quickstart
  sisun heads runs/quickstart --text \"The cat sat on the mat.\" --data novel.txt
  sisun heads runs/quickstart --json > heads.json
  sisun heads runs/quickstart --checkpoints --format svg --out forming")]
pub(crate) struct Args {
    /// A run directory, one of its checkpoints (the best is used unless you name one), or a Hugging
    /// Face directory. Several with --checkpoints
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The text on which entropy to duplicate are measured [default: the run's attend.text]
    #[arg(long, value_name = "TEXT", value_parser = given_text::argument)]
    text: Option<String>,
    #[command(flatten)]
    text_file: TextFile,
    #[command(flatten)]
    ablation: AblationArgs,
    /// The text from which mean and resample take the output of a head [default: the beginning of
    /// the text on which heads are ablated, as many tokens as its windows have]
    #[arg(long, value_name = "TEXT", value_parser = given_text::argument)]
    other: Option<String>,
    /// Skip ablating the heads, which takes most of the time
    #[arg(long)]
    fast: bool,
    /// Print one JSON object: tokens, a row for each head, chance values, attention rollout; with
    /// --checkpoints all scores and what follows from them
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    precision: PrecisionArgs,
    #[command(flatten)]
    device: DeviceArgs,
    #[command(flatten)]
    over_time: OverTimeArgs,
}

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
    /// Check that a model can read the text, and that the text has something to attend to.
    fn check_text(&self, opened: &ModelSource, text: &str) -> Result<()> {
        let n = opened.loaded.tokens(text)?.len();
        if n < 2 {
            let key = match self.text {
                Some(_) => "--text",
                None => "attend.text",
            };
            return Err(Usage(format!(
                "{key} {text:?} is too short: its {n} token can attend to nothing but itself; give a text of two tokens or more"
            ))
            .into());
        }
        Ok(opened.loaded.check_length(n)?)
    }

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
