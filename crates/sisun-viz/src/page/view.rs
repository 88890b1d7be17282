//! The data of one model on a page.

use super::architecture::{PageDiagram, PagePositions};
use super::encode::{Block, Blocks, WeightCode};
use super::thin::{cell_of, thinned, weights};
use super::walk::{Walk, walk};
use crate::units::Units;
use rayon::prelude::*;
use serde::{Serialize, Serializer};
use sisun_infer::{
    ActivationMap, AttentionSpread, CaptureSelection, Chance, HeadStats, InferError, LanguageModel,
    LossRises, Repetition, Rollout, Token,
};
use sisun_model::Activation;

/// Minimum and maximum number of bytes of q, k and v of all models on a page; a weight counts as a
/// byte.
const VECTOR_BYTES: [usize; 2] = [1 << 20, 4 << 20];

/// One model on one text, as the page's scripts read it; numbers are in the blocks to which it
/// refers.
#[derive(Debug, Serialize)]
pub(super) struct View {
    name: String,
    label: String,
    step: Option<u64>,
    position: &'static str,
    causal: bool,
    layers: Vec<usize>,
    heads: Vec<usize>,
    d_head: usize,
    /// Factor on `q·k`.
    scale: f64,
    /// Number of cells along one side of a pattern.
    n: usize,
    #[serde(serialize_with = "labelled")]
    pub(super) tokens: Vec<Token>,
    /// Number of tokens per cell, if not one.
    pub(super) thinned: Option<usize>,
    words: Option<Units>,
    characters: Option<Units>,
    patterns: Patterns,
    rollout: Option<usize>,
    /// One block of float32 per layer, `[head, token]`: the norm of what each key contributes;
    /// `None` if a cell is not a token.
    norms: Option<Vec<usize>>,
    pub(super) vectors: Option<Vectors>,
    walk: Walk,
    bias: Option<Bias>,
    stats: Vec<Vec<HeadStats>>,
    chance: Chance,
    /// `None` where those of the first view are the same.
    positions: Option<PagePositions>,
    diagram: Option<PageDiagram>,
}

impl View {
    /// Return true if it contains a number that is not finite.
    pub(super) fn has_no_numbers(&self) -> bool {
        self.stats
            .iter()
            .flatten()
            .any(|head| head.spread.entropy.is_nan())
    }
}

/// One block per layer, with the rows of its heads one after another.
#[derive(Debug, Serialize)]
struct Patterns {
    blocks: Vec<usize>,
    bits: u32,
    error: f64,
}

/// Blocks of float32, one per layer: `[head, token, d_head]`.
#[derive(Debug, Default, Serialize)]
pub(super) struct Vectors {
    /// Number of tokens with vectors, the first ones.
    pub(super) tokens: usize,
    /// Row of `k` and `v` for each head.
    kv_heads: Vec<usize>,
    q: Vec<usize>,
    k: Vec<usize>,
    v: Vec<usize>,
}

/// Bias of the scaled scores, by offset.
#[derive(Debug, Serialize)]
struct Bias {
    block: usize,
    tokens: usize,
}

/// Share of the page available to a view.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Maximum number of weights of all patterns of this view.
    pub(super) weights: usize,
    /// Number of views on the page.
    pub(super) views: usize,
    /// True if a view of the same settings stands on the page.
    pub(super) repeats: bool,
    /// Measure the attention to repeated random text, which takes as long as many texts.
    pub(super) repetition: bool,
}

/// Run the text through the model and store the results in blocks. For `loss_rises` see
/// [`LossRises`].
pub(super) fn view(
    loaded: &LanguageModel,
    label: String,
    text: &str,
    looking: &CaptureSelection,
    loss_rises: Option<&LossRises>,
    room: Room,
    blocks: &mut Blocks,
) -> Result<View, InferError> {
    let config = loaded.model.config();
    let (layers, heads) = looking.of(config)?;
    let n = loaded.tokens(text)?.len();
    let cell = cell_of(n, layers.len() * heads.len(), config.causal, room.weights);
    let cells = n.div_ceil(cell);
    let precision =
        WeightCode::of(weights(cells, config.causal) * layers.len() * heads.len() * room.views);
    let mut kv_heads: Vec<usize> = heads.iter().map(|&head| config.kv_head(head)).collect();
    kv_heads.dedup();
    let per_token =
        layers.len() * (heads.len() + 2 * kv_heads.len()) * config.d_head() * size_of::<f32>();
    let pattern_bytes = weights(cells, config.causal) * layers.len() * heads.len() * room.views;
    let [least, most] = VECTOR_BYTES;
    let vector_bytes = most.saturating_sub(pattern_bytes).max(least) / room.views;
    let with_vectors = (vector_bytes / per_token).min(n);

    let mut wanted = vec![Activation::Pattern];
    if with_vectors > 0 {
        wanted.extend([Activation::Q, Activation::K]);
    }
    if with_vectors > 0 || cell == 1 {
        wanted.push(Activation::V);
    }
    // First head of each group of heads that share keys.
    let first_of_group: Vec<usize> = kv_heads
        .iter()
        .filter_map(|kv| heads.iter().position(|&head| config.kv_head(head) == *kv))
        .collect();
    let all_heads: Vec<usize> = (0..heads.len()).collect();
    let mut found = Collected {
        patterns: Vec::new(),
        spreads: Vec::new(),
        rollout: Rollout::new(cells),
        norms: Vec::new(),
        vectors: Vectors::default(),
    };
    let tokens = loaded.attend_each(
        text,
        &CaptureSelection {
            activations: wanted,
            ..looking.clone()
        },
        |map| match map.activation {
            Activation::Pattern => {
                found.add_pattern(&map, n, cell, config.causal, precision, blocks);
            }
            Activation::Q => {
                let rows = first_rows(&map, &all_heads, with_vectors);
                found.vectors.q.push(blocks.push(rows));
            }
            Activation::K => {
                let rows = first_rows(&map, &first_of_group, with_vectors);
                found.vectors.k.push(blocks.push(rows));
            }
            Activation::V => {
                if with_vectors > 0 {
                    let rows = first_rows(&map, &first_of_group, with_vectors);
                    found.vectors.v.push(blocks.push(rows));
                }
                if cell == 1 {
                    let norms = loaded.value_norms(map.layer, &map.heads, &map.values);
                    let norms = Block::floats(norms.into_iter().flatten());
                    found.norms.push(blocks.push(norms));
                }
            }
            other => unreachable!("{other} was not asked for"),
        },
    )?;
    // Rollout and thinning do not commute, so a thinned page has no rollout.
    let whole = cell == 1 && layers.len() == config.n_layers && heads.len() == config.n_heads;
    let rollout = whole
        .then(|| blocks.push(precision.encode(&[found.rollout.matrix()], cells, config.causal)));
    let vectors = (with_vectors > 0).then(|| Vectors {
        tokens: with_vectors,
        kv_heads: heads
            .iter()
            .filter_map(|&head| kv_heads.iter().position(|kv| *kv == config.kv_head(head)))
            .collect(),
        ..found.vectors
    });
    let bias = bias(loaded, &heads, with_vectors, blocks);
    let walk = walk(loaded, text, looking, room.views, blocks)?;
    let mut stats = match room.repetition {
        true => loaded.head_stats(&layers, &heads, &found.spreads),
        false => {
            let none = vec![vec![Repetition::default(); heads.len()]; layers.len()];
            HeadStats::joined(&layers, &heads, &found.spreads, &none)
        }
    };
    for head in stats.iter_mut().flatten() {
        head.ablation = loss_rises.and_then(|all| all.get(&(head.layer, head.head)).copied());
    }
    Ok(View {
        name: loaded.name.clone(),
        label,
        step: loaded.step,
        position: config.position.name(),
        causal: config.causal,
        d_head: config.d_head(),
        scale: config.score_scale(),
        n: cells,
        thinned: (cell > 1).then_some(cell),
        words: if cell > 1 {
            None
        } else {
            Units::words(text, &tokens)
        },
        characters: if cell > 1 {
            None
        } else {
            Units::characters(text, &tokens)
        },
        patterns: Patterns {
            blocks: found.patterns,
            bits: precision.bits,
            error: precision.error(),
        },
        rollout,
        norms: (cell == 1).then_some(found.norms),
        vectors,
        walk,
        bias,
        stats,
        chance: loaded.chance(n),
        positions: (!room.repeats || PagePositions::is_learned(config))
            .then(|| PagePositions::new(loaded, blocks))
            .transpose()?,
        diagram: (!room.repeats).then(|| PageDiagram::of(config)),
        tokens,
        layers,
        heads,
    })
}

/// Write tokens with their labels for their texts.
fn labelled<S: Serializer>(tokens: &[Token], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(tokens.iter().map(|token| Token {
        plain: token.text.clone(),
        ..token.clone()
    }))
}

/// Results of the forward pass so far.
#[derive(Debug)]
struct Collected {
    patterns: Vec<usize>,
    spreads: Vec<Vec<AttentionSpread>>,
    rollout: Rollout,
    norms: Vec<usize>,
    vectors: Vectors,
}

impl Collected {
    fn add_pattern(
        &mut self,
        map: &ActivationMap,
        n: usize,
        cell: usize,
        causal: bool,
        precision: WeightCode,
        blocks: &mut Blocks,
    ) {
        let patterns: Vec<&[f32]> = map.by_head().map(|(_, pattern)| pattern).collect();
        self.spreads.push(
            patterns
                .par_iter()
                .map(|pattern| AttentionSpread::of(pattern, n))
                .collect(),
        );
        let small: Vec<Vec<f32>> = match cell {
            1 => Vec::new(),
            _ => patterns
                .par_iter()
                .map(|pattern| thinned(pattern, n, cell))
                .collect(),
        };
        let patterns = if cell == 1 {
            patterns
        } else {
            small.iter().map(Vec::as_slice).collect()
        };
        if cell == 1 {
            self.rollout.add_layer(&patterns);
        }
        self.patterns
            .push(blocks.push(precision.encode(&patterns, n.div_ceil(cell), causal)));
    }
}

/// Encode the first tokens of the selected rows of the head axis.
fn first_rows(map: &ActivationMap, rows: &[usize], tokens: usize) -> Block {
    let [_, n, d_head] = map.shape;
    let of_row = |&row: &usize| {
        map.values[row * n * d_head..][..tokens * d_head]
            .iter()
            .copied()
    };
    Block::floats(rows.iter().flat_map(of_row))
}

/// Encode the score bias of the selected heads, for `n` tokens.
fn bias(
    loaded: &LanguageModel,
    heads: &[usize],
    tokens: usize,
    blocks: &mut Blocks,
) -> Option<Bias> {
    if tokens == 0 {
        return None;
    }
    let bias = loaded.model.score_bias(tokens)?;
    let [_, width] = bias.dims();
    let values = bias
        .into_data()
        .try_into_vec_as::<f32>()
        .expect("a float tensor that was computed can be read as f32");
    // With a causal mask, keys never follow their query: offsets start at 0.
    let from = if loaded.model.config().causal {
        tokens - 1
    } else {
        0
    };
    let of_head = |&head: &usize| {
        values[head * width + from..(head + 1) * width]
            .iter()
            .copied()
    };
    Some(Bias {
        block: blocks.push(Block::floats(heads.iter().flat_map(of_head))),
        tokens,
    })
}
