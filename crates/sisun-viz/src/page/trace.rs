//! The page of a sampling trace.

use super::colours::colours;
use super::encode::{Blocks, WeightCode};
use super::html;
use super::thin::MOST_WEIGHTS;
use serde_json::json;
use sisun_infer::{Language, Trace};

/// A trace that is too large for a page.
#[derive(Debug, thiserror::Error)]
#[error(
    "a page carries {most} weights at most and this trace has {weights}: write fewer tokens (-n) or name a .json file"
)]
pub struct LongTrace {
    /// Number of attention weights in the trace.
    pub weights: usize,
    /// Maximum number on a page.
    pub most: usize,
}

/// Return a trace as a self-contained page, on which the generation can be replayed step by step.
///
/// The attention is a single block: for each step, layer and head the weights of the visible keys.
///
/// # Errors
/// If the trace has more weights than a page can hold.
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
    // Pages show labels.
    trace.tokens = std::mem::take(&mut trace.labels);
    let title = [std::slice::from_ref(&trace.model), &trace.edits]
        .concat()
        .join(", ");
    // The weights are in the block.
    trace
        .steps
        .iter_mut()
        .for_each(|step| step.attention = Vec::new());
    let data = json!({
        "version": 1,
        "language": language.code(),
        "title": title,
        "colours": colours(),
        "trace": trace,
        "layers": layers,
        "heads": heads,
        "attention": { "block": block, "bits": precision.bits, "error": precision.error() },
    });
    Ok(html::join(
        html::TRACE,
        language.code(),
        &title,
        &data.to_string(),
        blocks.iter(),
    ))
}
