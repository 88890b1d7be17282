//! Evaluation of a trained model.

pub(crate) mod attention;
pub(crate) mod language;
pub(crate) mod pairs;
pub(crate) mod task;

use burn::tensor::{Int, Tensor, TensorData};
use sisun_kernels::log_sum_exp;
use sisun_model::{Pass, Transformer};
use sisun_train::random_positions;

/// Approximate number of tokens in one forward pass.
const TOKENS_AT_ONCE: usize = 8_192;

/// A model to evaluate, with the positions of its tokens.
#[derive(Clone, Debug)]
pub(crate) struct EvaluatedModel {
    pub(crate) model: Transformer,
    /// The upper bound of random positions, if the model was trained on them and is evaluated on
    /// them (Ruoss et al. 2023).
    pub(crate) random_positions: Option<usize>,
}

impl EvaluatedModel {
    /// Return the positions of a row of this length, the same each time, or `None` for consecutive
    /// positions.
    pub(crate) fn places(&self, len: usize) -> Option<Vec<usize>> {
        self.random_positions
            .map(|below| random_positions(1, len as u64, len, below))
    }

    /// Check that rows of this length can be read, or return the reason why not.
    pub(crate) fn check_length(&self, len: usize) -> Result<(), String> {
        let learned = |_| {
            format!(
                "past the table of {} learned positions",
                self.model.config().context_len
            )
        };
        self.model.check_length(len).map_err(learned)?;
        match self.random_positions {
            Some(below) if len > below => Err(format!("longer than the {below} random positions")),
            _ => Ok(()),
        }
    }

    /// Compute the logits of rows of equal length at these positions, in batches: `f` is called
    /// with the row's number and `[pos, vocab]`.
    pub(crate) fn each_logits(
        &self,
        places: Option<&[usize]>,
        rows: &[&[u32]],
        mut f: impl FnMut(usize, &[f32]),
    ) {
        let Some(len) = rows.first().map(|row| row.len()) else {
            return;
        };
        let at_once = (TOKENS_AT_ONCE / len.max(1)).max(1);
        for (i, rows) in rows.chunks(at_once).enumerate() {
            let pass = Pass {
                positions: places.map(<[usize]>::to_vec),
                ..Pass::default()
            };
            let logits = self.model.forward(tokens(&self.model, rows), pass);
            let [_, _, vocab] = logits.dims();
            let values = logits
                .into_data()
                .try_into_vec_as::<f32>()
                .expect("a float tensor can be read as f32");
            for (row, logits) in values.chunks_exact(len * vocab).enumerate() {
                f(i * at_once + row, logits);
            }
        }
    }
}

/// Return rows of equal length on the model's device.
pub(crate) fn tokens(model: &Transformer, rows: &[&[u32]]) -> Tensor<2, Int> {
    let len = rows.first().map_or(0, |row| row.len());
    let ids: Vec<i32> = rows
        .iter()
        .flat_map(|row| row.iter().map(|&id| id as i32))
        .collect();
    Tensor::from_data(TensorData::new(ids, [rows.len(), len]), &model.device())
}

/// Return `−ln p(target)` in nats.
pub(crate) fn surprise(logits: &[f32], target: u32) -> f64 {
    let [largest, rest] = log_sum_exp(logits);
    f64::from(largest) - f64::from(logits[target as usize]) + f64::from(rest)
}

#[cfg(test)]
mod tests;
