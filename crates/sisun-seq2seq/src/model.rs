//! The model: either kind behind one interface.

use crate::batch::{PairTensors, ids};
use crate::count::n_params;
use crate::encoder_decoder::EncoderDecoder;
use crate::pass::Seq2SeqPass;
use crate::recurrent::Recurrent;
use crate::state::{DecoderState, StateKind};
use crate::vocabularies::Vocabularies;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use sisun_config::Seq2SeqConfig;
use sisun_kernels::{Lens, cross_entropy};
use sisun_model::weights::{self, FlatTensors};
use sisun_model::{ModelError, Params, RandomParams, memory};
use std::path::Path;

/// An encoder–decoder.
#[derive(Module, Debug)]
pub struct Seq2Seq {
    /// The network of one of the kinds.
    pub net: Network,
    #[module(skip)]
    vocabularies: Vocabularies,
}

/// The network of one of the kinds.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // there are few models
pub enum Network {
    /// Recurrent encoder and decoder.
    Recurrent(Recurrent),
    /// Transformer encoder and decoder.
    Transformer(EncoderDecoder),
}

impl Seq2Seq {
    /// Create a model with random weights.
    ///
    /// # Errors
    /// If the configuration is invalid or does not fit into memory.
    pub fn random(
        config: &Seq2SeqConfig,
        vocabularies: Vocabularies,
        seed: u64,
        device: &Device,
    ) -> Result<Self, ModelError> {
        check(config, vocabularies, device)?;
        Self::from_params(config, vocabularies, &mut RandomParams::new(seed, device))
    }

    /// Create a model whose parameters come from `source`.
    ///
    /// # Errors
    /// If the configuration is invalid, or the source cannot provide a parameter.
    pub fn from_params(
        config: &Seq2SeqConfig,
        vocabularies: Vocabularies,
        source: &mut dyn Params,
    ) -> Result<Self, ModelError> {
        config.validate()?;
        let net = match config {
            Seq2SeqConfig::Recurrent(config) => Network::Recurrent(Recurrent::new(
                source,
                "net.Recurrent",
                config,
                vocabularies,
            )?),
            Seq2SeqConfig::Transformer(config) => Network::Transformer(EncoderDecoder::new(
                source,
                "net.Transformer",
                config,
                vocabularies,
            )?),
        };
        Ok(Self { net, vocabularies })
    }

    /// Load a weights file.
    ///
    /// # Errors
    /// If the file cannot be read, is not a complete safetensors file, or does not hold exactly the
    /// tensors of this configuration; the error lists all differences.
    pub fn load(
        path: &Path,
        config: &Seq2SeqConfig,
        vocabularies: Vocabularies,
        device: &Device,
    ) -> Result<Self, ModelError> {
        check(config, vocabularies, device)?;
        weights::load(path, device, |source| {
            Self::from_params(config, vocabularies, source)
        })
    }

    /// Return every parameter by name, without copying, for [`weights::write_tensors`].
    pub fn flat(&self) -> FlatTensors {
        weights::flat(self)
    }

    /// Return the settings of the model.
    pub fn config(&self) -> Seq2SeqConfig {
        match &self.net {
            Network::Recurrent(net) => Seq2SeqConfig::Recurrent(net.config().clone()),
            Network::Transformer(net) => Seq2SeqConfig::Transformer(net.config().clone()),
        }
    }

    /// Return the sizes of the vocabularies.
    pub fn vocabularies(&self) -> Vocabularies {
        self.vocabularies
    }

    /// Return the device of the weights.
    pub fn device(&self) -> Device {
        match &self.net {
            Network::Recurrent(net) => net.device(),
            Network::Transformer(net) => net.device(),
        }
    }

    /// Return the number of layers and heads of the attention to the source, if there is any.
    pub fn cross_attention(&self) -> Option<(usize, usize)> {
        match &self.net {
            Network::Recurrent(net) => net.config().context.is_attention().then_some((1, 1)),
            Network::Transformer(net) => Some((net.config().n_layers, net.config().n_heads)),
        }
    }

    /// Return the logits of the token after each input.
    ///
    /// # Shapes
    /// - result: `[rows, target, target_rows]`
    ///
    /// # Panics
    /// If a sequence exceeds the learned positions.
    pub fn forward(&self, batch: &PairTensors, pass: &mut Seq2SeqPass<'_>) -> Tensor<3> {
        let mut state = self.encode(batch.source.clone(), batch.source_lens.clone(), pass);
        let inputs = batch.inputs.clone();
        match (&self.net, &mut state.kind) {
            (Network::Recurrent(net), StateKind::Recurrent(state)) => {
                net.decoder.decode(inputs, state, pass)
            }
            (Network::Transformer(net), StateKind::Transformer(state)) => {
                net.decode(inputs, state, pass)
            }
            _ => unreachable!("the state has just been made by this network"),
        }
    }

    /// Return the mean cross-entropy of the real target tokens, in nats.
    ///
    /// # Shapes
    /// - result: `[1]`
    pub fn loss(&self, batch: &PairTensors, pass: &mut Seq2SeqPass<'_>) -> Tensor<1> {
        let logits = self.forward(batch, pass);
        let [rows, target, vocab] = logits.dims();
        cross_entropy(
            logits.reshape([rows * target, vocab]),
            batch.targets.clone(),
            batch.weights.clone(),
        )
    }

    /// Read sources, and return the decoder's state before the first token.
    ///
    /// # Shapes
    /// - `source`: `[batch, source]`, padded at the ends
    /// - `lens`: number of real tokens of each source, at least 1; `None` if none is padded
    pub fn encode(
        &self,
        source: Tensor<2, Int>,
        lens: Option<Lens>,
        pass: &mut Seq2SeqPass<'_>,
    ) -> DecoderState {
        let kind = match &self.net {
            Network::Recurrent(net) => StateKind::Recurrent(net.encode(source, lens, pass)),
            Network::Transformer(net) => StateKind::Transformer(net.encode(source, lens, pass)),
        };
        DecoderState { kind }
    }

    /// Let the decoder read one more token of each row, and return the logits of the next. The first
    /// token is [`Vocabularies::begin`]. `pass` ablates and captures as in [`Seq2Seq::forward`].
    ///
    /// # Shapes
    /// - `tokens`: `[batch]`
    /// - result: `[batch, target_rows]`
    ///
    /// # Panics
    /// If the state is of a model of the other kind, or the token is past the learned positions.
    pub fn step(
        &self,
        tokens: &[u32],
        state: &mut DecoderState,
        pass: &mut Seq2SeqPass<'_>,
    ) -> Tensor<2> {
        let inputs = ids(tokens, [tokens.len(), 1], &self.device());
        let logits = match (&self.net, &mut state.kind) {
            (Network::Recurrent(net), StateKind::Recurrent(state)) => {
                net.decoder.decode(inputs, state, pass)
            }
            (Network::Transformer(net), StateKind::Transformer(state)) => {
                net.step(inputs, state, pass)
            }
            _ => panic!("the state is of a model of the other kind"),
        };
        logits.squeeze_dim(1)
    }
}

fn check(
    config: &Seq2SeqConfig,
    vocabularies: Vocabularies,
    device: &Device,
) -> Result<(), ModelError> {
    config.validate()?;
    let bytes = 4 * n_params(config, vocabularies);
    memory::check(
        bytes,
        device,
        || format!("a model of {} parameters", bytes / 4),
        || "make the model of [seq2seq] smaller".to_owned(),
    )
}
