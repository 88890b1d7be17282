//! The transformer encoder–decoder (Vaswani et al. 2017, §3.1).

use crate::pass::Seq2SeqPass;
use crate::rows::select_lens;
use crate::vocabularies::Vocabularies;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use sisun_config::{EncoderDecoderConfig, ModelConfig, NormPlacement};
use sisun_kernels::{Lens, MatmulPrecision};
use sisun_model::position::PositionEncoding;
use sisun_model::{
    Block, Embedding, KvCache, Linear, Memory, ModelError, NormLayer, Params, Stack, Surroundings,
};

/// A stack that reads the source both ways, and a stack that writes the target and reads the first
/// one's output in every block. Both are made of the decoder-only model's parts.
#[derive(Module, Debug)]
pub struct EncoderDecoder {
    /// Reads the source.
    pub encoder: EncoderStack,
    /// Writes the target.
    pub decoder: DecoderStack,
    #[module(skip)]
    config: EncoderDecoderConfig,
}

/// The encoder.
#[derive(Module, Debug)]
pub struct EncoderStack {
    /// Embedding of the source's tokens.
    pub embed: Embedding,
    /// Position encoding.
    pub position: PositionEncoding,
    /// Blocks, first to last.
    pub blocks: Vec<Block>,
    /// Norm after the last block; `None` in a post-norm stack.
    pub norm_final: Option<NormLayer>,
    #[module(skip)]
    config: ModelConfig,
}

/// The decoder.
#[derive(Module, Debug)]
pub struct DecoderStack {
    /// Embedding of the target's tokens.
    pub embed: Embedding,
    /// Position encoding.
    pub position: PositionEncoding,
    /// Blocks with cross-attention, first to last.
    pub blocks: Vec<Block>,
    /// Norm before the head; `None` in a post-norm stack.
    pub norm_final: Option<NormLayer>,
    /// Output head; `None` if tied to the embedding.
    pub head: Option<Linear>,
    #[module(skip)]
    config: ModelConfig,
}

/// The decoder's view of a batch of sources, and the keys and values of the target tokens so far.
#[derive(Clone, Debug)]
pub(crate) struct StackState {
    memory: Memory,
    cache: KvCache,
}

impl StackState {
    pub(crate) fn device(&self) -> Device {
        self.memory.layers[0].device()
    }

    pub(crate) fn select(&self, rows: &[usize], indices: &Tensor<1, Int>) -> Self {
        let select = |kv: &Tensor<3>| kv.clone().select(0, indices.clone());
        Self {
            memory: Memory {
                layers: self.memory.layers.iter().map(select).collect(),
                lens: select_lens(&self.memory.lens, rows),
            },
            cache: self.cache.select(indices),
        }
    }
}

fn norm_final(
    source: &mut dyn Params,
    name: &str,
    config: &ModelConfig,
) -> Result<Option<NormLayer>, ModelError> {
    (config.norm_placement == NormPlacement::Pre)
        .then(|| NormLayer::new(source, &format!("{name}.norm_final"), config))
        .transpose()
}

impl EncoderDecoder {
    /// Request the parameters, whose names begin with `name`, from `source`.
    ///
    /// # Errors
    /// If the source cannot provide a parameter.
    pub(crate) fn new(
        source: &mut dyn Params,
        name: &str,
        config: &EncoderDecoderConfig,
        vocabularies: Vocabularies,
    ) -> Result<Self, ModelError> {
        let embed = |source: &mut dyn Params, name: &str, rows: usize| {
            Embedding::new(
                source,
                &format!("{name}.embed"),
                [rows, config.d_model],
                config.init_std,
            )
        };
        let (at, stack) = (format!("{name}.encoder"), config.encoder());
        let encoder = EncoderStack {
            embed: embed(source, &at, vocabularies.source)?,
            position: PositionEncoding::new(source, &format!("{at}.position"), &stack)?.two_sided(),
            blocks: (0..stack.n_layers)
                .map(|layer| Block::new(source, &format!("{at}.blocks.{layer}"), &stack))
                .collect::<Result<_, _>>()?,
            norm_final: norm_final(source, &at, &stack)?,
            config: stack,
        };
        let (at, stack) = (format!("{name}.decoder"), config.decoder());
        let rows = vocabularies.target_rows();
        let decoder = DecoderStack {
            embed: embed(source, &at, rows)?,
            position: PositionEncoding::new(source, &format!("{at}.position"), &stack)?,
            blocks: (0..stack.n_layers)
                .map(|layer| {
                    let name = format!("{at}.blocks.{layer}");
                    Block::with_cross_attention(source, &name, &stack)
                })
                .collect::<Result<_, _>>()?,
            norm_final: norm_final(source, &at, &stack)?,
            head: (!stack.tied_head)
                .then(|| {
                    let shape = [config.d_model, rows];
                    Linear::new(source, &format!("{at}.head"), shape, false, config.init_std)
                })
                .transpose()?,
            config: stack,
        };
        Ok(Self {
            encoder,
            decoder,
            config: config.clone(),
        })
    }

    /// Return the settings.
    pub fn config(&self) -> &EncoderDecoderConfig {
        &self.config
    }

    pub(crate) fn device(&self) -> Device {
        self.encoder.embed.weight.val().device()
    }

    /// Read the sources.
    ///
    /// # Shapes
    /// - `source`: `[batch, source]`
    pub(crate) fn encode(
        &self,
        source: Tensor<2, Int>,
        lens: Option<Lens>,
        pass: &mut Seq2SeqPass<'_>,
    ) -> StackState {
        let precision = pass.precision;
        let around = Surroundings {
            lens: lens.clone(),
            memory: None,
        };
        let encoder = &self.encoder;
        let stack = Stack {
            embed: &encoder.embed,
            position: &encoder.position,
            blocks: &encoder.blocks,
            norm_final: encoder.norm_final.as_ref(),
            config: &encoder.config,
        };
        let encoded = stack.forward(source, around, &mut pass.encoder());
        let layers = self.decoder.blocks.iter().map(|block| {
            let cross = block.cross.as_ref().expect("made by with_cross_attention");
            cross.keys_and_values(encoded.clone(), precision)
        });
        StackState {
            memory: Memory {
                layers: layers.collect(),
                lens,
            },
            cache: KvCache::new(),
        }
    }

    /// Return the logits of the token after each of a whole target's.
    ///
    /// # Shapes
    /// - `inputs`: `[batch, target]`
    /// - result: `[batch, target, target_rows]`
    pub(crate) fn decode(
        &self,
        inputs: Tensor<2, Int>,
        state: &StackState,
        pass: &mut Seq2SeqPass<'_>,
    ) -> Tensor<3> {
        let precision = pass.precision;
        self.logits(inputs, &state.memory, &mut pass.decoder(), precision)
    }

    /// Like [`EncoderDecoder::decode`], for tokens after those that the state has read.
    pub(crate) fn step(
        &self,
        inputs: Tensor<2, Int>,
        state: &mut StackState,
        pass: &mut Seq2SeqPass<'_>,
    ) -> Tensor<3> {
        let precision = pass.precision;
        let mut pass = pass.decoder();
        pass.cache = Some(&mut state.cache);
        self.logits(inputs, &state.memory, &mut pass, precision)
    }

    fn logits(
        &self,
        inputs: Tensor<2, Int>,
        memory: &Memory,
        pass: &mut sisun_model::Pass<'_>,
        precision: MatmulPrecision,
    ) -> Tensor<3> {
        let around = Surroundings {
            lens: None,
            memory: Some(memory.clone()),
        };
        let decoder = &self.decoder;
        let stack = Stack {
            embed: &decoder.embed,
            position: &decoder.position,
            blocks: &decoder.blocks,
            norm_final: decoder.norm_final.as_ref(),
            config: &decoder.config,
        };
        let x = stack.forward(inputs, around, pass);
        match &decoder.head {
            Some(head) => head.forward(x, precision),
            None => decoder.embed.as_head(x, precision),
        }
    }
}
