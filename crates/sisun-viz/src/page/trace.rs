//! The page of how a sample came about.

use super::encode::{Blocks, WeightCode};
use super::thin::MOST_WEIGHTS;
use super::{colours, html};
use crate::{InferError, Language, Trace};
use serde_json::json;

impl Trace {
    /// The trace as one page that needs no network, in which the writing can be replayed step by
    /// step.
    ///
    /// What it attended to travels as one block: for each step, layer and head the weights of the
    /// keys it saw.
    ///
    /// # Errors
    /// More weights than a page can carry.
    pub fn html(mut self, language: Language) -> Result<String, InferError> {
        let weights = || {
            self.steps
                .iter()
                .flat_map(|step| &step.attention)
                .flatten()
                .flatten()
                .copied()
        };
        let count = weights().count();
        if count > MOST_WEIGHTS {
            return Err(InferError::LongTrace {
                weights: count,
                most: MOST_WEIGHTS,
            });
        }
        let precision = WeightCode::of(count);
        let mut blocks = Blocks::default();
        let block = blocks.push(precision.encode_all(weights()));
        let first = self.steps.first().map(|step| &step.attention);
        let (layers, heads) = (
            first.map_or(0, Vec::len),
            first.and_then(|layers| layers.first()).map_or(0, Vec::len),
        );
        // They are in the block.
        self.steps
            .iter_mut()
            .for_each(|step| step.attention = Vec::new());
        let data = json!({
            "version": 1,
            "language": language.code(),
            "title": self.model,
            "colours": colours(),
            "trace": self,
            "layers": layers,
            "heads": heads,
            "attention": { "block": block, "bits": precision.bits, "error": precision.error() },
        });
        Ok(html::join(
            html::TRACE,
            language.code(),
            &self.model,
            &data.to_string(),
            blocks.iter(),
        ))
    }
}
