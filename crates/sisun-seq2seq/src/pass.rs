//! Options of a forward pass.

use sisun_kernels::MatmulPrecision;
use sisun_model::{Capture, Pass};

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
    /// `(layer, head)` pairs of the encoder whose `z` is set to zero.
    pub encoder_ablated: &'a [(usize, usize)],
    /// `(layer, head)` pairs of the decoder's self-attention whose `z` is set to zero.
    pub decoder_ablated: &'a [(usize, usize)],
    /// `(layer, head)` pairs of the attention to the source whose `z` is set to zero. In a recurrent
    /// model `(0, 0)` sets the context to zero.
    pub cross_ablated: &'a [(usize, usize)],
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

    /// Return the options of the encoder's stack.
    pub(crate) fn encoder(&mut self) -> Pass<'_> {
        Pass {
            training: self.training,
            precision: self.precision,
            capture: self.encoder_capture.as_deref_mut(),
            ablated: self.encoder_ablated,
            ..Pass::default()
        }
    }

    /// Return the options of the decoder's stack.
    pub(crate) fn decoder(&mut self) -> Pass<'_> {
        Pass {
            training: self.training,
            precision: self.precision,
            capture: self.decoder_capture.as_deref_mut(),
            ablated: self.decoder_ablated,
            cross_capture: self.cross_capture.as_deref_mut(),
            cross_ablated: self.cross_ablated,
            ..Pass::default()
        }
    }
}
