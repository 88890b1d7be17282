//! A stack of blocks: from tokens to hidden states. A decoder-only model has one, an
//! encoder–decoder two.

use crate::attention::AttentionContext;
use crate::block::Block;
use crate::capture::Activation;
use crate::cross_attention::Memory;
use crate::forward::Pass;
use crate::layers::{Embedding, NormLayer};
use crate::position::{PositionEncoding, Positions};
use burn::tensor::{Int, Tensor};
use sisun_config::ModelConfig;
use sisun_kernels::{self as kernels, AttentionOptions, Lens};

/// The parts of a model between tokens and final hidden states.
#[derive(Clone, Copy, Debug)]
pub struct Stack<'m> {
    /// Token embedding.
    pub embed: &'m Embedding,
    /// Position encoding.
    pub position: &'m PositionEncoding,
    /// Blocks, first to last.
    pub blocks: &'m [Block],
    /// Norm after the last block.
    pub norm_final: Option<&'m NormLayer>,
    /// Sizes and variants of the blocks.
    pub config: &'m ModelConfig,
}

/// What a stack sees besides its own tokens. The default is nothing.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Number of real tokens of each sequence; the rest are padding. `None` if none is padded.
    pub lens: Option<Lens>,
    /// The sequences that blocks with cross-attention read.
    pub memory: Option<Memory>,
}

impl Stack<'_> {
    /// Compute the final hidden states.
    ///
    /// # Shapes
    /// - `tokens`: `[batch, pos]`; with a cache, the tokens after the cached ones
    /// - result: `[batch, pos, d_model]`
    ///
    /// # Panics
    /// If the last token exceeds the learned positions.
    pub fn forward(
        &self,
        tokens: Tensor<2, Int>,
        around: Surroundings,
        pass: &mut Pass<'_>,
    ) -> Tensor<3> {
        let [batch, pos] = tokens.dims();
        let device = tokens.device();
        let start = pass.start();
        let positions = match &pass.positions {
            Some(places) => {
                assert_eq!(places.len(), pos, "a place for each token");
                Positions::At(places.clone())
            }
            None => Positions::From(start, pos),
        };
        let x = self.embed.forward(tokens);
        let x = pass.at(Activation::Embed, 0, start, x);
        let x = match self
            .position
            .embedding(&positions, self.config.d_model, &device)
        {
            Some(rows) => {
                let rows: Tensor<3> = rows.unsqueeze();
                let rows = match pass.uses(Activation::PosEmbed, 0) {
                    true => {
                        let every = rows.repeat_dim(0, batch);
                        pass.at(Activation::PosEmbed, 0, start, every)
                    }
                    false => rows,
                };
                x + rows
            }
            None => x,
        };
        let mut x = kernels::dropout(x, pass.dropout(self.config.dropout));
        let context = AttentionContext {
            rotation: self.position.rotation(&positions, &device),
            attention: AttentionOptions {
                causal: self.config.causal,
                bias: self.position.score_bias(pos, start + pos, &device),
                dropout: pass.dropout(self.config.dropout),
                lens: around.lens,
            },
            memory: around.memory,
            start,
        };
        for (layer, block) in self.blocks.iter().enumerate() {
            x = block.forward(layer, pass.forked(layer, x), &context, pass);
        }
        match self.norm_final {
            Some(norm) => norm.forward(x),
            None => x,
        }
    }
}
