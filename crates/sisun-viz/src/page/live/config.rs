//! The settings of a model as the page's scripts read them: every default resolved, and positions
//! reduced to three mechanisms.

use serde::Serialize;
use sisun_config::{Ffn, ModelConfig, Norm, NormPlacement, Position, RopeScaling};
use sisun_model::position::rope::Frequencies;

/// Sizes and variants of a model.
#[derive(Clone, Debug, Serialize)]
pub(super) struct LiveConfig {
    d_model: usize,
    n_layers: usize,
    n_heads: usize,
    n_kv_heads: usize,
    d_head: usize,
    d_ff: usize,
    vocab: usize,
    /// Length of the longest sequence of the training.
    context_len: usize,
    /// Number of tokens that the page computes at most.
    pub(super) max_tokens: usize,
    norm: Norm,
    placement: NormPlacement,
    eps: f64,
    ffn: Ffn,
    residual: bool,
    parallel: bool,
    causal: bool,
    /// Factor on `q·k`.
    scale: f64,
    tied_head: bool,
    rotation: Option<Rotation>,
}

/// Angles by which queries and keys are rotated.
#[derive(Clone, Debug, Serialize)]
struct Rotation {
    /// Radians per position of each pair of dimensions.
    radians: Vec<f64>,
    /// Factor on cosines and sines.
    magnitude: f64,
}

impl LiveConfig {
    /// Resolve a configuration for at most `max_tokens` tokens.
    pub(super) fn of(config: &ModelConfig, max_tokens: usize) -> Self {
        let rotation = match config.position {
            Position::Rope { base, scaling, .. } => {
                let found = Frequencies::new(config.rotary_dims(), base, scaling, max_tokens);
                Some(Rotation {
                    radians: found.radians,
                    magnitude: found.magnitude,
                })
            }
            _ => None,
        };
        Self {
            d_model: config.d_model,
            n_layers: config.n_layers,
            n_heads: config.n_heads,
            n_kv_heads: config.kv_heads(),
            d_head: config.d_head(),
            d_ff: config.ff_width(),
            vocab: config.vocab_size.unwrap_or(0),
            context_len: config.context_len,
            max_tokens,
            norm: config.norm,
            placement: config.norm_placement,
            eps: config.norm_eps,
            ffn: config.ffn,
            residual: config.residual,
            parallel: config.parallel_residual,
            causal: config.causal,
            scale: config.score_scale(),
            tied_head: config.tied_head,
            rotation,
        }
    }
}

/// Return the number of tokens that a page computes at most: twice the trained length where the
/// positions allow it, as long as all patterns together have at most `most_weights` weights.
pub(super) fn max_tokens(
    config: &ModelConfig,
    window: Option<usize>,
    most_weights: usize,
) -> usize {
    const LEAST: usize = 256;
    const MOST: usize = 1024;
    let patterns = (config.n_layers * config.n_heads).max(1);
    let of_patterns = (2.0 * most_weights as f64 / patterns as f64).sqrt() as usize;
    let wanted = (2 * config.context_len)
        .clamp(LEAST, MOST)
        .min(of_patterns.max(LEAST));
    let most = match config.position {
        Position::Learned => config.context_len,
        // Its frequencies change with the length beyond this, and the page keeps earlier keys.
        Position::Rope {
            scaling:
                Some(RopeScaling::Dynamic {
                    original_context_len,
                    ..
                }),
            ..
        } => original_context_len,
        _ => usize::MAX,
    };
    wanted.min(most).min(window.unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_tokens_as_positions_and_patterns_allow() {
        let config = ModelConfig::new(65, 64, 4, 4, 128);
        assert_eq!(max_tokens(&config, None, 20_000_000), 256);
        assert_eq!(max_tokens(&config, Some(99), 20_000_000), 99);
        let learned = ModelConfig {
            position: Position::Learned,
            ..config.clone()
        };
        assert_eq!(max_tokens(&learned, None, 20_000_000), 128);
        let gpt2 = ModelConfig::new(50_257, 768, 12, 12, 1024);
        assert_eq!(max_tokens(&gpt2, None, 20_000_000), 527);
    }
}
