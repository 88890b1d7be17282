//! The recurrent encoder–decoder (Sutskever et al. 2014; Bahdanau et al. 2015; Luong et al. 2015).
//!
//! With the encoder's states h₁ … hₙ, the decoder's state s and the embedding y of the last token:
//!
//! | context | the decoder starts from | cₜ | the cell reads | the output layer reads |
//! | --- | --- | --- | --- | --- |
//! | `last` | hₙ | | yₜ | sₜ |
//! | `mean` | tanh(W·p + b), p the mean of h | p | yₜ | h̃ₜ |
//! | `max` | tanh(W·p + b), p the largest of h | p | yₜ | h̃ₜ |
//! | `embeddings-mean` | tanh(W·p + b), p the mean of the embeddings | p | yₜ | h̃ₜ |
//! | `dot`, `general` | hₙ | attention, query sₜ | yₜ | h̃ₜ |
//! | `additive` | tanh(W·hₙ + b) | attention, query sₜ₋₁ | yₜ and cₜ | h̃ₜ |
//!
//! `h̃ₜ = tanh(W_c·[cₜ; sₜ] + b)` is Luong's attentional vector (2015, equation 5); with input feeding
//! the cell reads h̃ₜ₋₁ as well (§3.3), 0 before the first token. So with `last` the source reaches the
//! decoder as its first state only, as in Sutskever et al. With the pooled contexts it does so as one
//! vector that stands where attention puts its weighted mean: `mean` is attention with equal
//! weights. In a model with `additive` the context that enters the cell is Bahdanau's (equations 5
//! and 6, appendix A.1.2); the output layer is Luong's in place of their maxout layer, and the last
//! state is that of both directions.
//!
//! A long short-term memory starts from c = 0 where a map gives its first h.

mod cell;
mod context;
mod decoder;
mod encoder;
mod init;

pub use cell::RecurrentCell;
pub use decoder::RecurrentDecoder;
pub(crate) use decoder::RecurrentState;
pub use encoder::RecurrentEncoder;

use crate::pass::Seq2SeqPass;
use crate::vocabularies::Vocabularies;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use sisun_config::RecurrentConfig;
use sisun_kernels::Lens;
use sisun_model::{ModelError, Params};

/// A recurrent encoder–decoder; see the table above for its contexts.
#[derive(Module, Debug)]
pub struct Recurrent {
    /// Reads the source.
    pub encoder: RecurrentEncoder,
    /// Writes the target.
    pub decoder: RecurrentDecoder,
    #[module(skip)]
    config: RecurrentConfig,
}

impl Recurrent {
    /// Request the parameters, whose names begin with `name`, from `source`.
    ///
    /// # Errors
    /// If the source cannot provide a parameter.
    pub(crate) fn new(
        source: &mut dyn Params,
        name: &str,
        config: &RecurrentConfig,
        vocabularies: Vocabularies,
    ) -> Result<Self, ModelError> {
        let (encoder, decoder) = (format!("{name}.encoder"), format!("{name}.decoder"));
        Ok(Self {
            encoder: RecurrentEncoder::new(source, &encoder, config, vocabularies.source)?,
            decoder: RecurrentDecoder::new(source, &decoder, config, vocabularies.target_rows())?,
            config: config.clone(),
        })
    }

    /// Return the settings.
    pub fn config(&self) -> &RecurrentConfig {
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
        pass: &Seq2SeqPass<'_>,
    ) -> RecurrentState {
        let reading = self.encoder.read(source, lens.clone(), pass);
        self.decoder.start(reading, lens, pass)
    }
}
