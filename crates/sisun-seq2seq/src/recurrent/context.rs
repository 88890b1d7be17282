//! The contexts: pooled states, and attention to them.

use burn::tensor::{Bool, Tensor, TensorData};
use sisun_kernels::{self as kernels, AttentionOptions, Lens};

/// Return the mean of each sequence's states.
///
/// # Shapes
/// - `states`: `[batch, pos, d]`
/// - result: `[batch, d]`
pub(super) fn mean(states: Tensor<3>, lens: Option<&Lens>) -> Tensor<2> {
    let [batch, pos, _] = states.dims();
    let weights: Vec<f32> = (0..batch)
        .flat_map(|row| {
            let len = lens.map_or(pos, |lens| lens[row]);
            (0..pos).map(move |at| if at < len { 1.0 / len as f32 } else { 0.0 })
        })
        .collect();
    let device = states.device().inner();
    let weights = Tensor::<3>::from_data(TensorData::new(weights, [batch, pos, 1]), &device);
    (states * weights).sum_dim(1).squeeze_dim(1)
}

/// Return the largest of each sequence's states in each dimension.
///
/// # Shapes
/// - `states`: `[batch, pos, d]`
/// - result: `[batch, d]`
pub(super) fn max(states: Tensor<3>, lens: Option<&Lens>) -> Tensor<2> {
    let [batch, pos, d] = states.dims();
    let states = match lens {
        Some(lens) => {
            let hidden: Vec<bool> = lens
                .iter()
                .flat_map(|len| (0..pos).map(move |at| at >= *len))
                .collect();
            let device = states.device().inner();
            let hidden =
                Tensor::<3, Bool>::from_data(TensorData::new(hidden, [batch, pos, 1]), &device);
            states.mask_fill(hidden.expand([batch, pos, d]), f32::MIN)
        }
        None => states,
    };
    states.max_dim(1).squeeze_dim(1)
}

/// Queries, keys and values of attention with scores `q·k` that are not scaled (Luong et al. 2015,
/// equation 8).
pub(super) struct DotAttention {
    /// `[batch, target, d]`.
    pub(super) queries: Tensor<3>,
    /// `[batch, source, d]`.
    pub(super) keys: Tensor<3>,
    /// `[batch, source, d]`.
    pub(super) values: Tensor<3>,
    pub(super) lens: Option<Lens>,
}

impl DotAttention {
    /// Return the weighted values, `[batch, target, d]`.
    pub(super) fn mix(self) -> Tensor<3> {
        let options = self.options();
        let [q, k, v] = self.heads();
        let z = kernels::attention(q, k, v, &options);
        z.squeeze_dim(1)
    }

    /// Return the scores, `[batch, 1, target, source]`.
    pub(super) fn scores(self) -> Tensor<4> {
        let options = self.options();
        let [q, k, _] = self.heads();
        kernels::attention::scores(q, k, &options)
    }

    fn options(&self) -> AttentionOptions {
        AttentionOptions {
            causal: false,
            bias: None,
            dropout: 0.0,
            lens: self.lens.clone(),
        }
    }

    /// Return them with one head. The kernel divides by √d, and the factor cancels that.
    fn heads(self) -> [Tensor<4>; 3] {
        let [_, _, d] = self.queries.dims();
        let queries = self.queries * (d as f64).sqrt();
        [queries, self.keys, self.values].map(|x| x.unsqueeze_dim(1))
    }
}
