//! What a forward pass is asked for besides its logits.

use crate::cache::KvCache;
use crate::capture::{Activation, Capture};
use burn::tensor::Tensor;
use sisun_kernels::MatmulPrecision;

/// One pass through the model. The default is a plain one: no cache, no capture, no dropout.
#[derive(Debug, Default)]
pub struct Pass<'a> {
    /// Keys and values of earlier tokens; the pass reads and extends them.
    pub cache: Option<&'a mut KvCache>,
    /// Activations to keep.
    pub capture: Option<&'a mut Capture>,
    /// Whether dropout acts.
    pub training: bool,
    /// Where the tokens stand, ascending, one place for each; `None`: one after another. Learned,
    /// sinusoidal and rotary positions follow it; score biases count tokens and do not.
    pub positions: Option<Vec<usize>>,
    /// Layers and heads whose `z` is set to zero, to see what the model does without them.
    pub ablated: &'a [(usize, usize)],
    /// In what numbers the matrix products of the layers are computed.
    pub precision: MatmulPrecision,
}

impl<'a> Pass<'a> {
    /// A pass with dropout.
    pub fn training(precision: MatmulPrecision) -> Self {
        Self {
            training: true,
            precision,
            ..Self::default()
        }
    }

    /// A pass that continues after the tokens in `cache`.
    pub fn cached(cache: &'a mut KvCache) -> Self {
        Self {
            cache: Some(cache),
            ..Self::default()
        }
    }

    /// A pass that keeps activations.
    pub fn capturing(capture: &'a mut Capture) -> Self {
        Self {
            capture: Some(capture),
            ..Self::default()
        }
    }

    /// A pass without these layers' heads.
    pub fn ablating(heads: &'a [(usize, usize)]) -> Self {
        Self {
            ablated: heads,
            ..Self::default()
        }
    }

    /// `p` while training, otherwise 0.
    pub(crate) fn dropout(&self, p: f64) -> f64 {
        if self.training { p } else { 0.0 }
    }

    /// Whether an activation is asked for.
    pub(crate) fn wants(&self, name: Activation, layer: usize) -> bool {
        self.capture
            .as_ref()
            .is_some_and(|capture| capture.wants(name, layer))
    }

    pub(crate) fn keep(&mut self, name: Activation, layer: usize, x: &Tensor<3>) {
        if let Some(capture) = &mut self.capture {
            capture.keep(name, layer, x);
        }
    }
}
