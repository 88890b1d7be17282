//! The page of how a sample came about.

use super::colours::colours;
use super::encode::{Blocks, WeightCode};
use super::html;
use super::thin::MOST_WEIGHTS;
use serde_json::json;
use sisun_infer::{Language, Trace};

/// A trace that no page can carry.
#[derive(Debug, thiserror::Error)]
#[error(
    "a page carries {most} weights at most and this trace has {weights}: write fewer tokens (-n) or name a .json file"
)]
pub struct LongTrace {
    /// Weights of attention in it.
    pub weights: usize,
    /// How many a page carries.
    pub most: usize,
}

/// A trace as one page that needs no network, in which the writing can be replayed step by
/// step.
///
/// What it attended to travels as one block: for each step, layer and head the weights of the
/// keys it saw.
///
/// # Errors
/// More weights than a page can carry.
pub fn trace_html(mut trace: Trace, language: Language) -> Result<String, LongTrace> {
    let weights = || {
        trace
            .steps
            .iter()
            .flat_map(|step| &step.attention)
            .flatten()
            .flatten()
            .copied()
    };
    let count = weights().count();
    if count > MOST_WEIGHTS {
        return Err(LongTrace {
            weights: count,
            most: MOST_WEIGHTS,
        });
    }
    let precision = WeightCode::of(count);
    let mut blocks = Blocks::default();
    let block = blocks.push(precision.encode_all(weights()));
    let first = trace.steps.first().map(|step| &step.attention);
    let (layers, heads) = (
        first.map_or(0, Vec::len),
        first.and_then(|layers| layers.first()).map_or(0, Vec::len),
    );
    // They are in the block.
    trace
        .steps
        .iter_mut()
        .for_each(|step| step.attention = Vec::new());
    let data = json!({
        "version": 1,
        "language": language.code(),
        "title": trace.model,
        "colours": colours(),
        "trace": trace,
        "layers": layers,
        "heads": heads,
        "attention": { "block": block, "bits": precision.bits, "error": precision.error() },
    });
    Ok(html::join(
        html::TRACE,
        language.code(),
        &trace.model,
        &data.to_string(),
        blocks.iter(),
    ))
}
