//! Arguments of `sisun heads`.

use crate::ablation::AblationArgs;
use crate::common::DeviceArgs;
use crate::failure::Usage;
use crate::given_text::{self, TextFile};
use crate::model_source::{ModelSource, PrecisionArgs};
use anyhow::Result;
use std::path::PathBuf;
use std::str::FromStr;

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
    pub(super) runs: Vec<PathBuf>,
    /// The text on which entropy to duplicate are measured [default: the run's attend.text]
    #[arg(long, value_name = "TEXT", value_parser = given_text::argument)]
    pub(super) text: Option<String>,
    #[command(flatten)]
    pub(super) text_file: TextFile,
    #[command(flatten)]
    pub(super) ablation: AblationArgs,
    /// The text from which mean and resample take the output of a head [default: the beginning of
    /// the text on which heads are ablated, as many tokens as its windows have]
    #[arg(long, value_name = "TEXT", value_parser = given_text::argument)]
    pub(super) other: Option<String>,
    /// Skip ablating the heads, which takes most of the time
    #[arg(long)]
    pub(super) fast: bool,
    /// Print one JSON object: tokens, a row for each head, chance values, attention rollout; with
    /// --checkpoints all scores and what follows from them
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) precision: PrecisionArgs,
    #[command(flatten)]
    pub(super) device: DeviceArgs,
    #[command(flatten)]
    pub(super) over_time: OverTimeArgs,
}

/// Options of the measurement over checkpoints.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Over training")]
pub(super) struct OverTimeArgs {
    /// Measure all checkpoints of the runs, and find at which step each score passes its threshold
    #[arg(long)]
    pub(super) checkpoints: bool,
    /// The score from which on a head is of the kind, for all scores [default: twice what uniform
    /// attention has and 0.1 more, of positional 0.9]
    #[arg(long, value_name = "SHARE")]
    pub(super) threshold: Option<f64>,
    /// Draw a picture of each score over the steps: any of png, svg
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(super) format: Vec<Picture>,
    /// The folder of the pictures [default: maps]
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
}

/// A format of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Picture {
    Png,
    Svg,
}

impl FromStr for Picture {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        match given.trim() {
            "png" => Ok(Self::Png),
            "svg" => Ok(Self::Svg),
            other => Err(format!("unknown format `{other}`; choose from png, svg")),
        }
    }
}

impl OverTimeArgs {
    /// Refuse options that would be ignored, and thresholds that no score can have.
    pub(super) fn check(&self, runs: usize) -> Result<()> {
        let options = [
            ("--threshold", self.threshold.is_some()),
            ("--format", !self.format.is_empty()),
            ("--out", self.out.is_some()),
            ("a second RUN", runs > 1),
        ];
        let given = options.into_iter().find(|(_, given)| *given);
        let problem = match (self.checkpoints, given) {
            (false, Some((option, _))) => {
                format!("{option} is about heads over training: add --checkpoints")
            }
            (true, _) if self.out.is_some() && self.format.is_empty() => {
                "--out is about pictures: name them with --format png,svg".to_owned()
            }
            _ => match self.threshold {
                Some(share) if !(share > 0.0 && share <= 1.0) => {
                    format!("--threshold {share}: give a share above 0 and up to 1, as in 0.3")
                }
                _ => return Ok(()),
            },
        };
        Err(Usage(problem).into())
    }
}

impl Args {
    /// Check that a model can read the text, and that the text has something to attend to.
    pub(super) fn check_text(&self, opened: &ModelSource, text: &str) -> Result<()> {
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
}
