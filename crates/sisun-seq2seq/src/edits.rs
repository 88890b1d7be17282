//! Edits of the activations of a sequence-to-sequence model.

use crate::pass::Seq2SeqPass;
use sisun_model::Edit;

/// Edits of each kind of attention and of what is around it.
#[derive(Clone, Debug, Default)]
pub struct Seq2SeqEdits {
    /// Edits of the encoder.
    pub encoder: Vec<Edit>,
    /// Edits of the decoder, its attention to the source excepted.
    pub decoder: Vec<Edit>,
    /// Edits of the attention to the source. In a recurrent model head 0 of layer 0 is its context.
    pub cross: Vec<Edit>,
}

impl Seq2SeqEdits {
    /// Return the options of a pass with these edits.
    pub fn pass(&self) -> Seq2SeqPass<'_> {
        Seq2SeqPass {
            encoder_edits: &self.encoder,
            decoder_edits: &self.decoder,
            cross_edits: &self.cross,
            ..Seq2SeqPass::default()
        }
    }
}
