//! Batches as tensors.

use burn::tensor::{Device, Int, Tensor, TensorData};
use sisun_data::Batch;

/// A batch on the device.
pub(crate) struct TensorBatch {
    /// `[batch, pos]`.
    pub inputs: Tensor<2, Int>,
    /// `[batch·pos]`.
    pub targets: Tensor<1, Int>,
    /// `[batch·pos]`: 1 where the loss is taken. `None`: everywhere.
    pub weights: Option<Tensor<1>>,
    /// Targets the loss is taken on.
    pub marked: u64,
}

/// Copies a batch to the device.
pub(crate) fn tensors(batch: &Batch, device: &Device) -> TensorBatch {
    let n = batch.batch_size * batch.context_len;
    let ids = |ids: &[u32]| ids.iter().map(|&id| id as i32).collect::<Vec<_>>();
    let plain = device.clone().inner();
    let weights = batch.loss_mask.as_ref().map(|mask| {
        let ones: Vec<f32> = mask.iter().map(|&on| f32::from(u8::from(on))).collect();
        Tensor::from_data(TensorData::new(ones, [n]), &plain)
    });
    let marked = batch.loss_mask.as_ref().map_or(n, |mask| mask.iter().filter(|&&on| on).count()) as u64;
    TensorBatch {
        inputs: Tensor::from_data(TensorData::new(ids(&batch.inputs), [batch.batch_size, batch.context_len]), device),
        targets: Tensor::from_data(TensorData::new(ids(&batch.targets), [n]), device),
        weights,
        marked,
    }
}
