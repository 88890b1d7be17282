//! The decoder-only transformer: tokens in, logits out.

use crate::ModelError;
use crate::block::Block;
use crate::capture::Activation;
use crate::forward::Pass;
use crate::layers::{Embedding, Linear, NormLayer};
use crate::memory;
use crate::params::{Params, RandomParams};
use crate::position::PositionEncoding;
use crate::stack::{Stack, Surroundings};
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use sisun_config::{ModelConfig, NormPlacement, Position, RopeScaling};
use sisun_kernels::MatmulPrecision;

/// A decoder-only transformer (Radford et al. 2019) with the variants that its configuration
/// selects.
#[derive(Module, Debug)]
pub struct Transformer {
    /// Token embedding, `[vocab, d_model]`.
    pub embed: Embedding,
    /// Position encoding.
    pub position: PositionEncoding,
    /// Blocks, first to last.
    pub blocks: Vec<Block>,
    /// Norm before the head; `None` in a post-norm stack.
    pub norm_final: Option<NormLayer>,
    /// Output head; `None` if tied to the embedding.
    pub head: Option<Linear>,
    #[module(skip)]
    config: ModelConfig,
    /// Precision of the weights; if bfloat16, every pass uses it.
    #[module(skip)]
    pub(crate) precision: MatmulPrecision,
}

impl Transformer {
    /// Create a model with random weights: GPT-2's initialisation (Radford et al. 2019, §2.3),
    /// normal with `init_std`, the projections back into the residual stream divided by
    /// `√(2·n_layers)`, biases 0, norms 1.
    ///
    /// # Errors
    /// If the configuration is invalid, lacks `vocab_size`, or does not fit into memory.
    pub fn random(config: &ModelConfig, seed: u64, device: &Device) -> Result<Self, ModelError> {
        config.validate()?;
        memory::check_weights(config, device)?;
        Self::from_params(config, &mut RandomParams::new(seed, device))
    }

    /// Create a model whose parameters come from `source`.
    ///
    /// # Errors
    /// If the configuration is invalid or lacks `vocab_size`, or the source cannot provide a
    /// parameter.
    pub fn from_params(config: &ModelConfig, source: &mut dyn Params) -> Result<Self, ModelError> {
        config.validate()?;
        let vocab = config.vocab_size.ok_or(ModelError::NoVocabulary)?;
        let std = config.init_std;
        Ok(Self {
            embed: Embedding::new(source, "embed", [vocab, config.d_model], std)?,
            position: PositionEncoding::new(source, "position", config)?,
            blocks: (0..config.n_layers)
                .map(|layer| Block::new(source, &format!("blocks.{layer}"), config))
                .collect::<Result<_, _>>()?,
            norm_final: (config.norm_placement == NormPlacement::Pre)
                .then(|| NormLayer::new(source, "norm_final", config))
                .transpose()?,
            head: (!config.tied_head)
                .then(|| Linear::new(source, "head", [config.d_model, vocab], false, std))
                .transpose()?,
            config: config.clone(),
            precision: MatmulPrecision::default(),
        })
    }

    /// Return the configuration of the model.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Return true if the weights are held in bfloat16 ([`Transformer::in_bf16`]).
    pub fn is_bf16(&self) -> bool {
        self.precision == MatmulPrecision::Bf16
    }

    /// Return the device of the weights.
    pub fn device(&self) -> Device {
        self.embed.weight.val().device()
    }

    /// Return the same model with RoPE frequencies scaled for longer contexts; unchanged with other
    /// position variants.
    #[must_use]
    pub fn with_rope_scaling(mut self, changed: RopeScaling) -> Self {
        self.position = self.position.with_scaling(changed);
        if let Position::Rope { scaling, .. } = &mut self.config.position {
            *scaling = Some(changed);
        }
        self
    }

    /// Return the bias that the position variant adds to the scores of `n` tokens: one row per
    /// head, with the bias for `query − key` = `−(n − 1)`, …, `n − 1`. `None` for variants without
    /// a bias (all but ALiBi and T5's).
    ///
    /// # Shapes
    /// - result: `[n_heads, 2·n − 1]`
    pub fn score_bias(&self, n: usize) -> Option<Tensor<2>> {
        let by_offset = self.position.score_bias(n, n, &self.device())?;
        Some(by_offset.transpose())
    }

    /// Return the vectors that the position variant adds to the embeddings of the first `n` tokens.
    /// `None` for all variants but learned and sinusoidal positions.
    ///
    /// # Shapes
    /// - result: `[n, d_model]`
    ///
    /// # Panics
    /// If `n` exceeds the learned positions; call [`Transformer::check_length`] first.
    pub fn added_positions(&self, n: usize) -> Option<Tensor<2>> {
        self.position
            .first_rows(n, self.config.d_model, &self.device())
    }

    /// Check that the model can read `len` tokens in one sequence.
    ///
    /// # Errors
    /// If `len` exceeds the `context_len` rows of a learned position table.
    pub fn check_length(&self, len: usize) -> Result<(), ModelError> {
        if self.config.position == Position::Learned && len > self.config.context_len {
            return Err(ModelError::PastTable {
                len,
                context_len: self.config.context_len,
            });
        }
        Ok(())
    }

    /// Return the logits of the token after each position.
    ///
    /// # Shapes
    /// - `tokens`: `[batch, pos]`, each below `vocab_size`; with a cache, the tokens after the
    ///   cached ones
    /// - result: `[batch, pos, vocab]`
    ///
    /// # Panics
    /// If the last token exceeds the learned positions; call [`Transformer::check_length`] first.
    pub fn forward(&self, tokens: Tensor<2, Int>, mut pass: Pass<'_>) -> Tensor<3> {
        let start = pass.start();
        let x = self.hidden(tokens, &mut pass);
        self.logits(x, start, &mut pass)
    }

    /// Return the logits of the token after the last position only.
    ///
    /// # Shapes
    /// - `tokens`: `[batch, pos]`, as for [`Transformer::forward`]
    /// - result: `[batch, vocab]`
    pub fn forward_last(&self, tokens: Tensor<2, Int>, mut pass: Pass<'_>) -> Tensor<2> {
        let last = pass.start() + tokens.dims()[1] - 1;
        let x = self.hidden(tokens, &mut pass);
        let x = x.clone().narrow(1, x.dims()[1] - 1, 1);
        let logits = self.logits(x, last, &mut pass);
        let [batch, _, vocab] = logits.dims();
        logits.reshape([batch, vocab])
    }

    /// Compute the final hidden states, before the head.
    ///
    /// # Shapes
    /// - `tokens`: `[batch, pos]`
    /// - result: `[batch, pos, d_model]`
    fn hidden(&self, tokens: Tensor<2, Int>, pass: &mut Pass<'_>) -> Tensor<3> {
        if self.precision == MatmulPrecision::Bf16 {
            pass.precision = MatmulPrecision::Bf16;
        }
        let stack = Stack {
            embed: &self.embed,
            position: &self.position,
            blocks: &self.blocks,
            norm_final: self.norm_final.as_ref(),
            config: &self.config,
        };
        stack.forward(tokens, Surroundings::default(), pass)
    }

    /// # Shapes
    /// - `x`: `[batch, pos, d_model]`
    /// - result: `[batch, pos, vocab]`
    fn logits(&self, x: Tensor<3>, start: usize, pass: &mut Pass<'_>) -> Tensor<3> {
        let logits = match &self.head {
            Some(head) => head.forward(x, pass.precision),
            None => self.embed.as_head(x, pass.precision),
        };
        pass.at(Activation::Logits, self.config.n_layers, start, logits)
    }
}
