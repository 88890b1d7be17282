//! Training speed of two sequence-to-sequence models, to compare with `peers/seq2seq_speed.py`:
//! prints the milliseconds of the fastest and the median step of each as JSON.
//!
//! ```sh
//! RAYON_NUM_THREADS=2 cargo run --release -p sisun-cli -p sisun-tests --example seq2seq_speed
//! ```

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use sisun_config::{
    Context, EncoderDecoderConfig, RecurrentConfig, RecurrentEncoder, Seq2SeqConfig, TrainConfig,
};
use sisun_seq2seq::{PairTensors, Rows, Seq2Seq, Seq2SeqPass, Vocabularies};
use sisun_train::{MicroStep, Trainable, Trainer};
use std::time::Instant;

const VOCABULARIES: Vocabularies = Vocabularies {
    source: 64,
    target: 62,
};
const ROWS: usize = 64;
const SOURCE: usize = 20;
const TARGET: usize = 20;

#[derive(Module, Debug)]
struct Learner {
    model: Seq2Seq,
}

/// Lengths of source and target of each row.
type Lens = Vec<(usize, usize)>;

impl Trainable for Learner {
    type Batch = Lens;

    fn device(&self) -> Device {
        self.model.device()
    }

    fn has_dropout(&self) -> bool {
        false
    }

    fn tokens(batch: &Lens) -> u64 {
        Self::loss_tokens(batch)
    }

    fn loss_tokens(batch: &Lens) -> u64 {
        batch.iter().map(|(_, target)| *target as u64).sum()
    }

    fn split(batch: &Lens, parts: usize) -> Vec<Lens> {
        let each = batch.len().div_ceil(parts);
        batch.chunks(each).map(<[_]>::to_vec).collect()
    }

    fn loss(&self, rows: &Lens, _: &MicroStep) -> Tensor<1> {
        let ids = |width: usize, factor: usize| -> Vec<u32> {
            (0..rows.len() * width)
                .map(|i| (i * factor % 60) as u32)
                .collect()
        };
        let (source, inputs, targets) = (ids(SOURCE, 7), ids(TARGET, 11), ids(TARGET, 13));
        let (source_lens, target_lens): (Vec<usize>, Vec<usize>) = rows.iter().copied().unzip();
        let batch = PairTensors::new(
            Rows {
                tokens: &source,
                lens: &source_lens,
            },
            &inputs,
            Rows {
                tokens: &targets,
                lens: &target_lens,
            },
            &self.model.device(),
        );
        self.model.loss(&batch, &mut Seq2SeqPass::default())
    }
}

fn main() {
    let recurrent = RecurrentConfig::new(RecurrentEncoder::Bigru, Context::Additive, 64, 128);
    let transformer = EncoderDecoderConfig::new(128, 2, 4);
    let train: TrainConfig =
        toml::from_str("steps = 1000\nbatch_size = 64\nlr_max = 1e-3").unwrap();
    for (name, config) in [
        ("gru_additive", Seq2SeqConfig::Recurrent(recurrent)),
        ("transformer", Seq2SeqConfig::Transformer(transformer)),
    ] {
        let device = Device::flex().autodiff();
        let model = Seq2Seq::random(&config, VOCABULARIES, 1, &device).unwrap();
        let mut trainer = Trainer::new(Learner { model }, &train);
        // The longest rows are in both halves.
        let lens: Lens = (0..ROWS)
            .map(|row| (SOURCE - row % 8, TARGET - row % 8))
            .collect();
        let mut times: Vec<f64> = (0..80)
            .map(|_| {
                let start = Instant::now();
                let out = sisun_kernels::on_pool(|| trainer.step(std::slice::from_ref(&lens)));
                let loss = sisun_model::to_host(out.loss).1[0];
                assert!(loss.is_finite());
                start.elapsed().as_secs_f64() * 1e3
            })
            .skip(20)
            .collect();
        times.sort_by(f64::total_cmp);
        println!(
            "{{\"model\": \"{name}\", \"fastest_ms\": {:.2}, \"median_ms\": {:.2}}}",
            times[0],
            times[times.len() / 2]
        );
    }
}
