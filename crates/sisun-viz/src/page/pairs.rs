//! The page of a source and its target.

use super::colours::colours;
use super::encode::{Block, Blocks};
use super::html;
use super::thin::MOST_WEIGHTS;
use serde_json::{Value, json};
use sisun_infer::{Ablations, AttentionMaps, AttentionPart, Language, Token};

/// A source and a target that are too long for a page.
#[derive(Debug, thiserror::Error)]
#[error(
    "a page carries {most} weights at most, and the attention of these texts has {weights}: give shorter texts, or write npz"
)]
pub struct LongPair {
    /// Number of attention weights.
    pub weights: usize,
    /// Maximum number on a page.
    pub most: usize,
}

/// Return the attention of an encoder–decoder as a self-contained page: cross-attention with a row
/// for each token of the target, and the attention of encoder and decoder to themselves. It opens
/// with the head that agrees best with the true alignment, if that is known.
///
/// # Errors
/// If the texts have more weights than a page can hold.
pub fn pairs_html(
    parts: &[AttentionMaps],
    ablations: Option<&Ablations>,
    language: Language,
) -> Result<String, LongPair> {
    let maps = || parts.iter().flat_map(|part| &part.activations);
    let weights = maps().map(|map| map.values.len()).sum();
    if weights > MOST_WEIGHTS {
        return Err(LongPair {
            weights,
            most: MOST_WEIGHTS,
        });
    }
    let mut blocks = Blocks::default();
    // Cross-attention first: it is what the page opens with.
    let is_cross = |part: &&AttentionMaps| matches!(part.part, AttentionPart::Cross(_));
    let (cross, others): (Vec<_>, Vec<_>) = parts.iter().partition(is_cross);
    let described: Vec<Value> = cross
        .iter()
        .chain(&others)
        .map(|part| describe(part, &mut blocks))
        .collect();
    let title = parts.first().map_or("", |part| &part.model);
    let texts = cross.first().map(|maps| match &maps.part {
        AttentionPart::Cross(keys) => (keys.text.as_str(), maps.text.as_str()),
        _ => ("", ""),
    });
    let (source, target) = texts.unwrap_or_default();
    let data = json!({
        "version": 1,
        "language": language.code(),
        "title": title,
        "source": source,
        "target": target,
        "colours": colours(),
        "ablations": ablations,
        "parts": described,
    });
    Ok(html::join(
        html::PAIRS,
        language.code(),
        title,
        &data.to_string(),
        blocks.iter(),
    ))
}

fn describe(maps: &AttentionMaps, blocks: &mut Blocks) -> Value {
    let labels = |tokens: &[Token]| -> Vec<String> {
        tokens.iter().map(|token| token.text.clone()).collect()
    };
    let layers: Vec<Value> = maps
        .activations
        .iter()
        .map(|map| {
            let block = blocks.push(Block::floats(map.values.iter().copied()));
            json!({ "layer": map.layer, "heads": map.heads, "block": block })
        })
        .collect();
    let (part, alignment) = match &maps.part {
        AttentionPart::Cross(keys) => ("cross", keys.alignment.as_ref()),
        AttentionPart::Decoder => ("decoder", None),
        AttentionPart::Encoder | AttentionPart::Only => ("encoder", None),
    };
    json!({
        "part": part,
        "rows": labels(&maps.tokens),
        "columns": labels(maps.key_tokens()),
        "causal": maps.causal,
        "alignment": alignment,
        "best": maps.best_aligned().map(|(layer, head)| json!({ "layer": layer, "head": head })),
        "layers": layers,
    })
}
