//! The options of `sisun sample`.

use crate::common::DeviceArgs;
use crate::edit_args::{EditArgs, edit_grammar};
use crate::given_text;
use crate::model_source::PrecisionArgs;
use crate::output::ForceArgs;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

/// Defaults of options that sequence-to-sequence models do not take.
pub(super) const TOKENS: usize = 200;
pub(crate) const TEMPERATURE: f64 = 0.8;

/// Generate text with a trained model.
///
/// The text appears as it is generated. When it grows past the model's context, the older half of
/// the context is dropped and the rest is read again.
#[derive(clap::Args)]
#[command(after_help = concat!(
    "\
Examples:
  sisun sample runs/quickstart --prompt \"Once upon a time\"
  sisun sample runs/quickstart-ko --prompt \"옛날에\" --temperature 0
  sisun sample runs/quickstart --prompt \"Once\" --top-k 40 --trace why.html
  sisun sample runs/quickstart --samples 3 --stop '\\n'
  sisun sample runs/dates-gru --prompt \"5 March 1997\" --beam 4 --length-penalty 1
  echo \"One day\" | sisun sample runs/quickstart --prompt-file - --samples 3 --seed 7 --json
  sisun sample runs/quickstart --prompt \"Once\" --edit \"z 1.3 = zero\" --edit \"mlp_out 0 = scale 0.5\"",
    edit_grammar!()
))]
pub(crate) struct Args {
    /// A run directory, one of its checkpoints (the best is used unless you name one), or a Hugging
    /// Face directory
    pub(super) run: PathBuf,
    /// The text to continue, or the source to write the target of [default: none; the model begins a
    /// new text]
    #[arg(long, value_name = "TEXT", conflicts_with = "prompt_file", value_parser = given_text::argument)]
    pub(super) prompt: Option<String>,
    /// Read the text to continue from a file, or - for standard input (sequence to sequence: a source
    /// on each line)
    #[arg(long, value_name = "FILE")]
    pub(super) prompt_file: Option<PathBuf>,
    /// Generate at most this many tokens (for several texts: --samples)
    #[arg(long, short = 'n', value_name = "N", default_value_t = TOKENS)]
    pub(super) tokens: usize,
    /// Softmax temperature; 0 always takes the most likely token
    #[arg(
        long,
        value_name = "T",
        default_value_t = TEMPERATURE,
        allow_negative_numbers = true
    )]
    pub(super) temperature: f64,
    /// Sample from the K most likely tokens only; 0 takes all
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub(super) top_k: usize,
    /// Sample from the most likely tokens whose probabilities add up to P
    #[arg(
        long,
        value_name = "P",
        default_value_t = 1.0,
        allow_negative_numbers = true
    )]
    pub(super) top_p: f64,
    /// Sample from tokens at least P times as likely as the most likely one
    #[arg(
        long,
        value_name = "P",
        default_value_t = 0.0,
        allow_negative_numbers = true
    )]
    pub(super) min_p: f64,
    /// Make tokens that already occurred less likely (usual: 1.1 to 1.3)
    #[arg(
        long,
        value_name = "F",
        default_value_t = 1.0,
        allow_negative_numbers = true
    )]
    pub(super) repetition_penalty: f64,
    /// Sequence-to-sequence: keep the N best targets at each step, and write the best [default: 1,
    /// the most likely token at each step]
    #[arg(long, value_name = "N", value_parser = beam_width, help_heading = "Sequence to sequence")]
    pub(super) beam: Option<NonZeroUsize>,
    /// Sequence-to-sequence: divide a target's log-probability by ((5 + length) / 6)^A; 0 prefers
    /// short targets, 1 compares their means (needs --beam)
    #[arg(
        long,
        value_name = "A",
        requires = "beam",
        value_parser = penalty,
        allow_negative_numbers = true,
        help_heading = "Sequence to sequence"
    )]
    pub(super) length_penalty: Option<f64>,
    /// Stop at this text (may be repeated); \n is a newline, \t a tab, \\ a backslash
    #[arg(long, value_name = "TEXT", value_parser = unescaped)]
    pub(super) stop: Vec<String>,
    /// Number of samples
    #[arg(long, value_name = "N", default_value_t = NonZeroU64::MIN)]
    pub(super) samples: NonZeroU64,
    /// Random seed; the same seed gives the same text
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) seed: u64,
    /// Write how each token was chosen (candidates, what each stage removed, attention) to an .html
    /// page or a .json file, which replaces an earlier trace
    #[arg(long, value_name = "FILE")]
    pub(super) trace: Option<PathBuf>,
    #[command(flatten)]
    pub(super) edit: EditArgs,
    #[command(flatten)]
    pub(super) force: ForceArgs,
    /// Print one JSON object: text, tokens with log-probabilities, speed; of a sequence-to-sequence
    /// run text, tokens, finish, log_prob, score (log_prob over the length penalty), and in others
    /// the rest of the beam
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) precision: PrecisionArgs,
    #[command(flatten)]
    pub(super) device: DeviceArgs,
}

/// Largest width of a beam: each of its targets has a state of its own.
const WIDEST: usize = 256;

fn beam_width(given: &str) -> Result<NonZeroUsize, String> {
    let width: usize = given
        .parse()
        .map_err(|_| "expected a whole number".to_owned())?;
    NonZeroUsize::new(width)
        .filter(|width| width.get() <= WIDEST)
        .ok_or_else(|| format!("must be from 1 to {WIDEST}"))
}

fn penalty(given: &str) -> Result<f64, String> {
    let penalty: f64 = given.parse().map_err(|_| "expected a number".to_owned())?;
    match (0.0..=10.0).contains(&penalty) {
        true => Ok(penalty),
        false => Err("must be from 0 to 10".to_owned()),
    }
}

/// Replace the escapes `\n`, `\t`, `\r` and `\\` in a text.
fn unescaped(given: &str) -> Result<String, String> {
    let mut text = String::with_capacity(given.len());
    let mut characters = given.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                Some('\\') => text.push('\\'),
                other => {
                    let found =
                        other.map_or_else(|| "at its end".to_owned(), |c| format!("before {c:?}"));
                    return Err(format!(
                        "a backslash {found} means nothing: write \\\\ for a backslash, \\n for a line end"
                    ));
                }
            },
            c => text.push(c),
        }
    }
    match text.is_empty() {
        true => Err("must hold at least one character".to_owned()),
        false => Ok(text),
    }
}
