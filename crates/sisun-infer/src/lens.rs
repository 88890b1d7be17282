//! The logit lens: what the model would predict after each layer (nostalgebraist 2020,
//! "interpreting GPT: the logit lens").

mod read;

use crate::InferError;
use crate::attention_maps::Token;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// A part of the residual stream: what one kind of component has added so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamPart {
    /// The embeddings of tokens and positions.
    Embed,
    /// The outputs of attention in the layers so far.
    Attn,
    /// The outputs of the feed-forward networks in the layers so far.
    Mlp,
}

impl StreamPart {
    /// All parts; the stream is their sum.
    pub const ALL: [Self; 3] = [Self::Embed, Self::Attn, Self::Mlp];
}

impl fmt::Display for StreamPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Embed => "embed",
            Self::Attn => "attn",
            Self::Mlp => "mlp",
        })
    }
}

impl FromStr for StreamPart {
    type Err = InferError;

    fn from_str(given: &str) -> Result<Self, InferError> {
        let found = Self::ALL
            .into_iter()
            .find(|part| part.to_string() == given.trim());
        found.ok_or_else(|| InferError::UnknownPart {
            given: given.to_owned(),
        })
    }
}

/// Options of the logit lens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LensOptions {
    /// Apply the lens to one part of the stream; `None` for the whole stream.
    pub part: Option<StreamPart>,
    /// Number of top tokens to keep of each layer and position.
    pub top: usize,
    /// Keep all logits.
    pub logits: bool,
}

impl Default for LensOptions {
    fn default() -> Self {
        Self {
            part: None,
            top: 5,
            logits: false,
        }
    }
}

/// A token with its logit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LensToken {
    /// Token id.
    pub id: u32,
    /// Readable text.
    pub text: String,
    /// Logit.
    pub logit: f32,
    /// Softmax of the logits.
    pub probability: f64,
}

/// The lens at one layer and position.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LensCell {
    /// The most likely tokens, by descending logit; none where the part of the stream is empty:
    /// before the first layer that of attention and of feed-forward networks.
    pub top: Vec<LensToken>,
    /// The token that follows in the text; `None` at the last position, and where the part of the
    /// stream is empty.
    pub next: Option<NextToken>,
}

/// The token that follows in the text, under the lens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct NextToken {
    /// Token id.
    pub id: u32,
    /// Softmax of the logits.
    pub probability: f64,
    /// Rank among all tokens, from 1.
    pub rank: usize,
}

/// The logit lens of a model on a text.
#[derive(Clone, Debug, PartialEq)]
pub struct LogitLens {
    /// Description of the model.
    pub model: String,
    /// The text.
    pub text: String,
    /// Tokens of the text.
    pub tokens: Vec<Token>,
    /// The part of the stream; `None` for the whole stream.
    pub part: Option<StreamPart>,
    /// A row for the embedding and for each layer, each with a cell for each position.
    pub layers: Vec<Vec<LensCell>>,
    /// Vocabulary size of the model.
    pub vocab: usize,
    /// `[layer + 1, pos, vocab]`, if requested.
    pub logits: Option<Vec<f32>>,
}

impl LogitLens {
    /// Return the name of a row: `embed`, or the layer after which the stream is read.
    pub fn row_name(row: usize) -> String {
        match row.checked_sub(1) {
            None => "embed".to_owned(),
            Some(layer) => format!("layer {layer}"),
        }
    }
}
