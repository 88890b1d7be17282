//! Options of a forward pass.

use crate::cache::KvCache;
use crate::capture::{Activation, Capture};
use crate::edit::{Edit, Site, edited, edits_any};
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
    /// Changes of activations, made in this order.
    pub edits: &'a [Edit],
    /// Layers before which a row joins the batch, ascending: a copy of the first row, which went
    /// through the layers before it once for all of them. Edits tell the rows apart. A cache must be
    /// [`KvCache::fixed`] then.
    pub forks: &'a [usize],
    /// Activations to capture of the attention to another sequence, if the blocks have one: its
    /// queries, keys, values, scores, pattern, `z` and output.
    pub cross_capture: Option<&'a mut Capture>,
    /// Like `edits`, of the attention to another sequence.
    pub cross_edits: &'a [Edit],
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

    /// Create a pass with these edits, which [`Edit::check`] accepts.
    pub fn editing(edits: &'a [Edit]) -> Self {
        Self {
            edits,
            ..Self::default()
        }
    }

    /// Return `p` while training, otherwise 0.
    pub(crate) fn dropout(&self, p: f64) -> f64 {
        if self.training { p } else { 0.0 }
    }

    /// Return true if an activation is edited or captured.
    pub(crate) fn uses(&self, name: Activation, layer: usize) -> bool {
        let captured = self.capture.as_ref();
        captured.is_some_and(|capture| capture.wants(name, layer))
            || edits_any(self.edits, layer, &[name])
    }

    /// Return the number of tokens before those of the pass.
    pub(crate) fn start(&self) -> usize {
        self.cache.as_ref().map_or(0, |cache| cache.len())
    }

    /// Return an activation without a head axis after its edits, and capture it if requested.
    /// `start` is the position of its first token.
    pub(crate) fn at(
        &mut self,
        activation: Activation,
        layer: usize,
        start: usize,
        x: Tensor<3>,
    ) -> Tensor<3> {
        let site = Site {
            activation,
            layer,
            start,
            heads_each: 1,
        };
        let x = match edits_any(self.edits, layer, &[activation]) {
            true => edited(self.edits, site, x.unsqueeze_dim(1), None).squeeze_dim(1),
            false => x,
        };
        if let Some(capture) = &mut self.capture {
            capture.keep(activation, layer, &x);
        }
        x
    }

    /// Return the residual stream with the rows that join before a layer.
    pub(crate) fn forked(&self, layer: usize, x: Tensor<3>) -> Tensor<3> {
        match self.forks.iter().filter(|before| **before == layer).count() {
            0 => x,
            joining => {
                let first = x.clone().narrow(0, 0, 1).repeat_dim(0, joining);
                Tensor::cat(vec![x, first], 0)
            }
        }
    }
}
