//! Batches as tensors.

use burn::tensor::{Device, Int, Tensor, TensorData};
use sisun_data::Batch;

/// A batch on the device.
pub(crate) struct TensorBatch {
    /// `[batch, pos]`.
    pub inputs: Tensor<2, Int>,
    /// `[batch·pos]`.
    pub targets: Tensor<1, Int>,
    /// `[batch·pos]`: 1 where the loss mask is set. `None` without a loss mask.
    pub weights: Option<Tensor<1>>,
    /// Number of targets in the loss.
    pub loss_tokens: u64,
}

/// Copy a batch to the device.
pub(crate) fn tensors(batch: &Batch, device: &Device) -> TensorBatch {
    let n = batch.batch_size * batch.context_len;
    let ids = |ids: &[u32]| ids.iter().map(|&id| id as i32).collect::<Vec<_>>();
    let plain = device.clone().inner();
    let weights = batch.loss_mask.as_ref().map(|mask| {
        let ones: Vec<f32> = mask.iter().map(|&on| f32::from(u8::from(on))).collect();
        Tensor::from_data(TensorData::new(ones, [n]), &plain)
    });
    TensorBatch {
        inputs: Tensor::from_data(
            TensorData::new(ids(&batch.inputs), [batch.batch_size, batch.context_len]),
            device,
        ),
        targets: Tensor::from_data(TensorData::new(ids(&batch.targets), [n]), device),
        weights,
        loss_tokens: loss_tokens(batch),
    }
}

/// Return the number of targets in the loss.
pub(crate) fn loss_tokens(batch: &Batch) -> u64 {
    batch
        .loss_mask
        .as_ref()
        .map_or(batch.targets.len(), |mask| {
            mask.iter().filter(|&&on| on).count()
        }) as u64
}

/// Split a batch into at most `parts` batches of consecutive rows, as evenly as possible.
pub(crate) fn split(batch: &Batch, parts: usize) -> Vec<Batch> {
    let rows_each = batch.batch_size.div_ceil(parts.max(1));
    let starts = (0..batch.batch_size).step_by(rows_each.max(1));
    let part = |first: usize| {
        let batch_size = rows_each.min(batch.batch_size - first);
        let range = first * batch.context_len..(first + batch_size) * batch.context_len;
        Batch {
            batch_size,
            context_len: batch.context_len,
            inputs: batch.inputs[range.clone()].to_vec(),
            targets: batch.targets[range.clone()].to_vec(),
            loss_mask: batch.loss_mask.as_ref().map(|mask| mask[range].to_vec()),
        }
    };
    starts.map(part).collect()
}
