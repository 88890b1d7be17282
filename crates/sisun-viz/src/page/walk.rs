//! What a page holds for the steps before and after attention.

use super::encode::{Block, Blocks};
use crate::worked::StepContext;
use serde::Serialize;
use sisun_config::Position;
use sisun_infer::explain::StreamSource;
use sisun_infer::{CaptureSelection, HeadName, InferError, LanguageModel};
use sisun_model::Activation;
use sisun_model::position::rope::Frequencies;

/// Largest number of bytes of all models on a page, before they are deflated.
const MOST_BYTES: usize = 256 << 10;

/// The stream around each layer, shortened, as the page's scripts read it.
#[derive(Debug, Serialize)]
pub(super) struct Walk {
    /// Flags and values of the model for the words of the steps.
    context: StepContext,
    /// Rotation of queries and keys.
    rotation: Option<Rotation>,
    /// How edits were written, and the activations that they change, by layer and head.
    edits: Option<PageEdits>,
    /// Number of tokens that the blocks hold.
    pub(super) tokens: usize,
    shown: usize,
    shown_of_head: usize,
    start_names: Vec<&'static str>,
    layer_names: Vec<&'static str>,
    /// The parts of the model, as `attn_out 1`.
    points: Vec<StreamSource>,
    /// The next token of each.
    next: Vec<String>,
    /// Blocks of float32; see [`sisun_infer::explain::Walks`].
    start: Option<usize>,
    layers: Option<usize>,
    products: Option<usize>,
    shares: Option<usize>,
    terms: Option<usize>,
    probabilities: Option<usize>,
    without: Option<usize>,
}

#[derive(Debug, Serialize)]
struct Rotation {
    radians: Vec<f64>,
    magnitude: f64,
}

#[derive(Debug, Serialize)]
struct PageEdits {
    written: Vec<String>,
    /// By layer and head: names of edited activations.
    of: Vec<Vec<Vec<String>>>,
    /// Block of the heads' results, `[layer, head, token, d_head]`.
    z: Option<usize>,
}

/// Follow the text through the model and store what fits.
pub(super) fn walk(
    loaded: &LanguageModel,
    text: &str,
    looking: &CaptureSelection,
    views: usize,
    blocks: &mut Blocks,
) -> Result<Walk, InferError> {
    let config = loaded.model.config();
    let (layers, heads) = looking.of(config)?;
    let n = loaded.tokens(text)?.len();
    let per_token = 4 * loaded.walk_size(layers.len(), heads.len());
    let fitting = (MOST_BYTES / views.max(1) / per_token).min(n);
    let found = match fitting {
        0 => None,
        tokens => Some(loaded.walks(text, looking, tokens)?),
    };
    let mut context = StepContext::default();
    context.set_form(&loaded.block_form(), config.position);
    context.set("grouped", config.kv_heads() < config.n_heads);
    context.put("H", config.n_heads.to_string());
    context.put("kvs", config.kv_heads().to_string());
    let mut block = |values: &[f32]| blocks.push(Block::floats(values.iter().copied()));
    let rotation = match config.position {
        Position::Rope { base, scaling, .. } => {
            let found = Frequencies::new(config.rotary_dims(), base, scaling, n);
            Some(Rotation {
                radians: found.radians,
                magnitude: found.magnitude,
            })
        }
        _ => None,
    };
    let edits = (!loaded.edits.list.is_empty()).then(|| PageEdits {
        written: loaded.edits.written.clone(),
        of: layers
            .iter()
            .map(|&layer| {
                let of = |&head: &usize| names(&loaded.edited(HeadName { layer, head }));
                heads.iter().map(of).collect()
            })
            .collect(),
        z: found.as_ref().map(|found| block(&found.z)),
    });
    let empty = Walk {
        context,
        rotation,
        edits,
        tokens: 0,
        shown: 0,
        shown_of_head: 0,
        start_names: Vec::new(),
        layer_names: Vec::new(),
        points: Vec::new(),
        next: Vec::new(),
        start: None,
        layers: None,
        products: None,
        shares: None,
        terms: None,
        probabilities: None,
        without: None,
    };
    Ok(match found {
        None => empty,
        Some(found) => Walk {
            tokens: found.tokens,
            shown: found.shown,
            shown_of_head: found.shown_of_head,
            start: Some(block(&found.start)),
            layers: Some(block(&found.layers)),
            products: Some(block(&found.products)),
            shares: Some(block(&found.shares)),
            terms: Some(block(&found.terms)),
            probabilities: Some(block(&found.probabilities)),
            without: found.without_head.as_deref().map(&mut block),
            start_names: found.start_names,
            layer_names: found.layer_names,
            points: found.points,
            next: found.next,
            ..empty
        },
    })
}

fn names(activations: &[Activation]) -> Vec<String> {
    activations.iter().map(ToString::to_string).collect()
}
