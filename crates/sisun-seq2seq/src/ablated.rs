//! Heads whose output is set to zero.

use crate::pass::Seq2SeqPass;

/// `(layer, head)` pairs of each kind of attention whose `z` is set to zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ablated {
    /// Heads of the encoder.
    pub encoder: Vec<(usize, usize)>,
    /// Heads of the decoder's self-attention.
    pub decoder: Vec<(usize, usize)>,
    /// Heads of the attention to the source. In a recurrent model `(0, 0)` is its context.
    pub cross: Vec<(usize, usize)>,
}

impl Ablated {
    /// Return the options of a pass without these heads.
    pub fn pass(&self) -> Seq2SeqPass<'_> {
        Seq2SeqPass {
            encoder_ablated: &self.encoder,
            decoder_ablated: &self.decoder,
            cross_ablated: &self.cross,
            ..Seq2SeqPass::default()
        }
    }
}
