//! The page of how a sample came about.

use super::encode::{Blocks, Precision};
use super::{colours, html};
use crate::{Language, Trace};
use serde_json::{Value, json};

impl Trace {
    /// The trace as one page that needs no network, in which the writing can be replayed step by step.
    ///
    /// What it attended to travels as one block: for each step, layer and head the weights of the keys it saw.
    pub fn html(&self, language: Language) -> String {
        let weights = || self.steps.iter().flat_map(|step| &step.attention).flatten().flatten().copied();
        let precision = Precision::of(weights().count());
        let mut blocks = Blocks::default();
        let block = blocks.push(precision.encode_all(weights()));
        let mut trace = serde_json::to_value(self).expect("plain structs of numbers and strings always serialise");
        for step in trace["steps"].as_array_mut().into_iter().flatten() {
            if let Value::Object(step) = step {
                step.remove("attention");
            }
        }
        let first = self.steps.first().map(|step| &step.attention);
        let data = json!({
            "version": 1,
            "language": language.code(),
            "title": self.model,
            "colours": colours(),
            "trace": trace,
            "layers": first.map_or(0, Vec::len),
            "heads": first.and_then(|layers| layers.first()).map_or(0, Vec::len),
            "attention": { "block": block, "bits": precision.bits, "error": precision.error() },
        });
        html::join(html::TRACE, language.code(), &self.model, &data.to_string(), blocks.iter())
    }
}
