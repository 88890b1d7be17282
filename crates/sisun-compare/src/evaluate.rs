//! What a trained model is judged by.

pub(crate) mod attention;
pub(crate) mod language;
pub(crate) mod task;

use burn::tensor::{Int, Tensor, TensorData};
use sisun_kernels::log_sum_exp;
use sisun_model::{Pass, Transformer};

/// Tokens in one forward pass, about.
const TOKENS_AT_ONCE: usize = 8_192;

/// The model's logits for rows of equal length, in batches: `f` gets the first row's number and `[row, pos, vocab]`.
pub(crate) fn each_logits(model: &Transformer, rows: &[&[u32]], mut f: impl FnMut(usize, &[f32])) {
    let Some(len) = rows.first().map(|row| row.len()) else { return };
    for (i, rows) in rows.chunks((TOKENS_AT_ONCE / len.max(1)).max(1)).enumerate() {
        let first = i * (TOKENS_AT_ONCE / len.max(1)).max(1);
        let logits = model.forward(tokens(model, rows), Pass::default());
        let [_, _, vocab] = logits.dims();
        let values = logits.into_data().try_into_vec_as::<f32>().expect("a float tensor can be read as f32");
        for (row, logits) in values.chunks_exact(len * vocab).enumerate() {
            f(first + row, logits);
        }
    }
}

/// Rows of equal length on the model's device.
pub(crate) fn tokens(model: &Transformer, rows: &[&[u32]]) -> Tensor<2, Int> {
    let len = rows.first().map_or(0, |row| row.len());
    let ids: Vec<i32> = rows.iter().flat_map(|row| row.iter().map(|&id| id as i32)).collect();
    Tensor::from_data(TensorData::new(ids, [rows.len(), len]), &model.device())
}

/// `−ln p(target)` in nats.
pub(crate) fn surprise(logits: &[f32], target: u32) -> f64 {
    let [largest, rest] = log_sum_exp(logits);
    f64::from(largest) - f64::from(logits[target as usize]) + f64::from(rest)
}

#[cfg(test)]
mod tests;
