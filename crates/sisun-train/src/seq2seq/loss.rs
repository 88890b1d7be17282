//! The loss of a sequence-to-sequence model.

use crate::trainable::{MicroStep, Trainable, matmul_precision};
use burn::tensor::{Device, Tensor};
use sisun_data::pairs::PairBatch;
use sisun_seq2seq::{PairTensors, Rows, Seq2Seq, Seq2SeqPass};

impl Trainable for Seq2Seq {
    type Batch = PairBatch;

    fn device(&self) -> Device {
        Seq2Seq::device(self)
    }

    fn has_dropout(&self) -> bool {
        self.config().dropout() != 0.0
    }

    /// Return the number of tokens that encoder and decoder read, without padding.
    fn tokens(batch: &PairBatch) -> u64 {
        (batch.source_lens.iter().sum::<usize>() + batch.loss_tokens()) as u64
    }

    fn loss_tokens(batch: &PairBatch) -> u64 {
        batch.loss_tokens() as u64
    }

    fn split(batch: &PairBatch, parts: usize) -> Vec<PairBatch> {
        let each = batch.rows.div_ceil(parts.max(1)).max(1);
        let starts = (0..batch.rows).step_by(each);
        starts
            .map(|first| batch.select(first..(first + each).min(batch.rows)))
            .collect()
    }

    /// Return the mean cross-entropy of the targets' tokens, ends included, given the correct tokens
    /// before them (teacher forcing).
    fn loss(&self, rows: &PairBatch, micro_step: &MicroStep) -> Tensor<1> {
        let batch = pair_tensors(rows, &Seq2Seq::device(self));
        let mut pass = Seq2SeqPass::training(matmul_precision(micro_step.precision));
        Seq2Seq::loss(self, &batch, &mut pass)
    }
}

/// Copy a batch to the device.
pub fn pair_tensors(batch: &PairBatch, device: &Device) -> PairTensors {
    let source = Rows {
        tokens: &batch.source,
        lens: &batch.source_lens,
    };
    let targets = Rows {
        tokens: &batch.targets,
        lens: &batch.target_lens,
    };
    PairTensors::new(source, &batch.inputs, targets, device)
}
