//! Options of a forward pass.

use crate::cache::KvCache;
use crate::capture::{Activation, Capture};
use burn::tensor::Tensor;
use sisun_kernels::MatmulPrecision;

/// Options of one forward pass. The default is a plain one: no cache, no capture, no dropout.
#[derive(Debug, Default)]
pub struct Pass<'a> {
    /// Keys and values of earlier tokens, which the pass reads and extends.
    pub cache: Option<&'a mut KvCache>,
    /// Activations to capture.
    pub capture: Option<&'a mut Capture>,
    /// Apply dropout.
    pub training: bool,
    /// Position of each token, ascending; `None` for consecutive positions. Affects learned,
    /// sinusoidal and rotary positions; score biases depend on token offsets only.
    pub positions: Option<Vec<usize>>,
    /// `(layer, head)` pairs whose `z` is set to zero (ablation).
    pub ablated: &'a [(usize, usize)],
    /// Activations to capture of the attention to another sequence, if the blocks have one: its
    /// queries, keys, values, scores, pattern, `z` and output.
    pub cross_capture: Option<&'a mut Capture>,
    /// Like `ablated`, of the attention to another sequence.
    pub cross_ablated: &'a [(usize, usize)],
    /// Precision of the matrix products of the layers.
    pub precision: MatmulPrecision,
}

impl<'a> Pass<'a> {
    /// Create a pass with dropout.
    pub fn training(precision: MatmulPrecision) -> Self {
        Self {
            training: true,
            precision,
            ..Self::default()
        }
    }

    /// Create a pass that continues after the tokens in `cache`.
    pub fn cached(cache: &'a mut KvCache) -> Self {
        Self {
            cache: Some(cache),
            ..Self::default()
        }
    }

    /// Create a pass that captures activations.
    pub fn capturing(capture: &'a mut Capture) -> Self {
        Self {
            capture: Some(capture),
            ..Self::default()
        }
    }

    /// Create a pass with these heads ablated.
    pub fn ablating(heads: &'a [(usize, usize)]) -> Self {
        Self {
            ablated: heads,
            ..Self::default()
        }
    }

    /// Return `p` while training, otherwise 0.
    pub(crate) fn dropout(&self, p: f64) -> f64 {
        if self.training { p } else { 0.0 }
    }

    /// Return true if an activation is requested.
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
