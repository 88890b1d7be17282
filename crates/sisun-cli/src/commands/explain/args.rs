//! Arguments of `sisun explain`.

use crate::common::DeviceArgs;
use crate::edit_args::{EditArgs, edit_grammar};
use crate::given_text::{self, TextFile};
use crate::model_source::PrecisionArgs;
use crate::output::ForceArgs;
use sisun_infer::{Index, InferError, Language, Query};
use std::path::PathBuf;
use std::str::FromStr;

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
    pub(super) run: Option<PathBuf>,
    /// The text whose attention is computed; of a sequence-to-sequence run, the source
    #[arg(long, value_name = "TEXT", value_parser = given_text::argument, required_unless_present_any = ["text_file", "matrices"])]
    pub(super) text: Option<String>,
    #[command(flatten)]
    pub(super) text_file: TextFile,
    /// Sequence-to-sequence: the target [default: the one that the model writes]
    #[arg(long, value_name = "TEXT", value_parser = given_text::argument)]
    pub(super) target: Option<String>,
    /// The attending token: its number, counted from 0 or, as -2, from the end, or its text, as in
    /// --query cat (the last token of a longer word) [default: the last token; of a
    /// sequence-to-sequence run the first of the target]
    #[arg(long, value_name = "TOKEN", allow_negative_numbers = true)]
    pub(super) query: Option<Query>,
    /// The layer, counted from 0 or, as -1 or last, from the end [default: the last]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(super) layer: Option<Index>,
    /// The head, counted likewise
    #[arg(long, value_name = "N", default_value_t = Index::FromStart(0), allow_negative_numbers = true)]
    pub(super) head: Index,
    /// Language of the explanation: en or ko
    #[arg(long, value_name = "LANGUAGE", default_value_t = Language::English)]
    pub(super) language: Language,
    /// Print all keys and complete vectors
    #[arg(long)]
    pub(super) full: bool,
    /// Print one JSON object: q, and of each key k, v and every step
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) edit: EditArgs,
    #[command(flatten)]
    pub(super) own: OwnArgs,
    #[command(flatten)]
    pub(super) precision: PrecisionArgs,
    #[command(flatten)]
    pub(super) device: DeviceArgs,
}

impl Args {
    /// Return the layer and the head of a model with this many.
    pub(super) fn place(&self, layers: usize, heads: usize) -> Result<[usize; 2], InferError> {
        let layer = self.layer.unwrap_or(Index::FromEnd(1));
        Ok([
            layer.among("layer", layers)?,
            self.head.among("head", heads)?,
        ])
    }
}

/// Options of given matrices.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct OwnArgs {
    /// Work given matrices through instead of a model: a TOML file with X, W_Q, W_K and W_V, or with
    /// Q, K and V, or one of the examples mat and baekgopa
    #[arg(long, value_name = "FILE|NAME", conflicts_with_all = ["run", "text", "target", "layer", "head", "edits", "precision"])]
    pub(super) matrices: Option<PathBuf>,
    /// Write a file instead of printing: html, a page in which the matrices can be changed, or toml,
    /// the example as a file to start from
    #[arg(long, value_name = "FORMAT", requires = "matrices", requires = "out")]
    pub(super) format: Option<OwnFormat>,
    /// The file to write with --format
    #[arg(long, value_name = "FILE", requires = "format")]
    pub(super) out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) force: ForceArgs,
}

/// A format of given matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnFormat {
    Html,
    Toml,
}

impl FromStr for OwnFormat {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        match given.trim() {
            "html" => Ok(Self::Html),
            "toml" => Ok(Self::Toml),
            _ => Err("choose html or toml".to_owned()),
        }
    }
}
