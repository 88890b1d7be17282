//! Edits of activations as a user writes them.

mod other_text;
mod resolve;
mod runs;
mod written;

pub use resolve::Reach;
pub use written::{TextSource, What, WrittenEdit};

use sisun_model::{Activation, Edit};

/// The edits that every pass of a model makes.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    /// The edits, in their order.
    pub list: Vec<Edit>,
    /// How each was written.
    pub written: Vec<String>,
}

impl Edits {
    /// Return true if a pass materialises the scores of all heads because of them.
    pub fn open_attention(&self) -> bool {
        self.list
            .iter()
            .any(|edit| edit.activation.is_query_by_key())
    }
}

/// Return the name of an activation that an unknown name most likely means.
pub(crate) fn meant(name: &str) -> Option<Activation> {
    let plain = name.to_lowercase().replace('-', "_");
    // TransformerLens calls them hook_z, attn.hook_pattern, attn_scores.
    let last = plain.rsplit('.').next().unwrap_or(&plain);
    let plain = last.trim_start_matches("hook_");
    let other = match plain {
        "attn" | "attention" | "weights" | "probs" => Some(Activation::Pattern),
        "attn_scores" | "logit" => Some(Activation::Scores),
        "query" | "queries" => Some(Activation::Q),
        "key" | "keys" => Some(Activation::K),
        "value" | "values" => Some(Activation::V),
        "head" | "heads" | "head_out" | "result" => Some(Activation::Z),
        "mlp" | "ffn" | "ffn_out" => Some(Activation::MlpOut),
        "resid" | "residual" => Some(Activation::ResidPre),
        _ => plain.parse().ok(),
    };
    let distance =
        |activation: &Activation| strsim::damerau_levenshtein(&activation.to_string(), plain);
    other.or_else(|| {
        Activation::ALL
            .into_iter()
            .min_by_key(distance)
            .filter(|nearest| distance(nearest) <= plain.len() / 3 + 1 && plain.len() > 2)
    })
}
