//! Values of the positions of another text: their mean, or random ones of them.

use crate::{InferError, LanguageModel};
use rand::RngExt;
use sisun_config::randomness;
use sisun_model::Activation;

/// Values of one layer, row-major, and their shape, `[1, head, position, width]`.
pub(crate) type LayerValues = (Vec<f32>, [usize; 4]);

impl LanguageModel {
    /// Return for each layer the mean of an activation over the positions of a text, which is read
    /// in windows of the context length; there is one position.
    pub(crate) fn means(
        &self,
        activation: Activation,
        layers: &[usize],
        ids: &[u32],
    ) -> Result<Vec<LayerValues>, InferError> {
        let mut sums: Vec<Vec<f64>> = vec![Vec::new(); layers.len()];
        let mut shape = [1; 4];
        for window in ids.chunks(self.model.config().context_len) {
            for (sum, found) in sums
                .iter_mut()
                .zip(self.plain_run(window, activation, layers)?)
            {
                let [heads, n, width] = heads_first(&found.shape);
                shape = [1, heads, 1, width];
                sum.resize(heads * width, 0.0);
                for (row, values) in found.values.chunks_exact(width).enumerate() {
                    let sums = &mut sum[row / n * width..][..width];
                    sums.iter_mut()
                        .zip(values)
                        .for_each(|(sum, value)| *sum += f64::from(*value));
                }
            }
        }
        let mean = |sum: Vec<f64>| {
            let mean = sum.into_iter().map(|sum| (sum / ids.len() as f64) as f32);
            (mean.collect(), shape)
        };
        Ok(sums.into_iter().map(mean).collect())
    }

    /// Return for each layer the values that an activation has at random positions of a text, one
    /// for each of `positions`, the same in all layers and heads.
    pub(crate) fn draws(
        &self,
        activation: Activation,
        layers: &[usize],
        ids: &[u32],
        positions: &[usize],
    ) -> Result<Vec<LayerValues>, InferError> {
        let drawn: Vec<usize> = positions
            .iter()
            .map(|&at| {
                randomness::stream(0, "resampled activations", at as u64).random_range(0..ids.len())
            })
            .collect();
        let context = self.model.config().context_len;
        let mut all: Vec<LayerValues> = Vec::new();
        for (window, ids) in ids.chunks(context).enumerate() {
            for (l, found) in self
                .plain_run(ids, activation, layers)?
                .into_iter()
                .enumerate()
            {
                let [heads, n, width] = heads_first(&found.shape);
                if window == 0 {
                    let shape = [1, heads, positions.len(), width];
                    all.push((vec![0.0; heads * positions.len() * width], shape));
                }
                for (to, from) in drawn.iter().enumerate() {
                    let Some(from) = from.checked_sub(window * context).filter(|from| *from < n)
                    else {
                        continue;
                    };
                    for head in 0..heads {
                        let to = (head * positions.len() + to) * width;
                        let from = (head * n + from) * width;
                        all[l].0[to..to + width].copy_from_slice(&found.values[from..from + width]);
                    }
                }
            }
        }
        Ok(all)
    }
}

/// Return the shape of a captured activation of one text as `[head, position, width]`.
pub(super) fn heads_first(shape: &[usize]) -> [usize; 3] {
    match *shape {
        [_, heads, n, width] => [heads, n, width],
        [_, n, width] => [1, n, width],
        _ => [1, 1, shape.iter().product()],
    }
}
