//! Options of a forward pass.

use sisun_kernels::MatmulPrecision;
use sisun_model::{Activation, Capture, Change, Edit, Pass};

/// Options of one forward pass. The default is a plain one: no capture, no dropout.
///
/// The activations of attention to the source have the names that self-attention has
/// ([`sisun_model::Activation`]), in a capture of their own. A recurrent model has one layer with one
/// head of it and captures `q`, `k`, `v`, `scores` and `pattern`, if its context is attention; it
/// captures nothing of encoder and decoder.
#[derive(Debug, Default)]
pub struct Seq2SeqPass<'a> {
    /// Apply dropout.
    pub training: bool,
    /// Precision of the layers' matrix products.
    pub precision: MatmulPrecision,
    /// Activations of the encoder to capture.
    pub encoder_capture: Option<&'a mut Capture>,
    /// Activations of the decoder to capture.
    pub decoder_capture: Option<&'a mut Capture>,
    /// Activations of the attention to the source to capture.
    pub cross_capture: Option<&'a mut Capture>,
    /// Edits of the encoder; a recurrent one takes none.
    pub encoder_edits: &'a [Edit],
    /// Edits of the decoder, its attention to the source excepted; a recurrent one takes none.
    pub decoder_edits: &'a [Edit],
    /// Edits of the attention to the source. A recurrent model takes [`Edit::ablation`] of its one
    /// head only, which sets the context to zero.
    pub cross_edits: &'a [Edit],
}

impl Seq2SeqPass<'_> {
    /// Create a pass with dropout.
    pub fn training(precision: MatmulPrecision) -> Self {
        Self {
            training: true,
            precision,
            ..Self::default()
        }
    }

    /// Return `p` while training, otherwise 0.
    pub(crate) fn dropout(&self, p: f64) -> f64 {
        if self.training { p } else { 0.0 }
    }

    /// Return true if the context of a recurrent model is set to zero.
    pub(crate) fn drops_context(&self) -> bool {
        self.cross_edits
            .iter()
            .any(|edit| edit.activation == Activation::Z && matches!(edit.change, Change::Zero))
    }

    /// Return the options of the encoder's stack.
    pub(crate) fn encoder(&mut self) -> Pass<'_> {
        Pass {
            training: self.training,
            precision: self.precision,
            capture: self.encoder_capture.as_deref_mut(),
            edits: self.encoder_edits,
            ..Pass::default()
        }
    }

    /// Return the options of the decoder's stack.
    pub(crate) fn decoder(&mut self) -> Pass<'_> {
        Pass {
            training: self.training,
            precision: self.precision,
            capture: self.decoder_capture.as_deref_mut(),
            edits: self.decoder_edits,
            cross_capture: self.cross_capture.as_deref_mut(),
            cross_edits: self.cross_edits,
            ..Pass::default()
        }
    }
}
