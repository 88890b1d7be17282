//! That the models learn what their papers say they can.

use super::{Pair, batch};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand::{Rng, RngExt};
use sisun_config::{
    Context, EncoderDecoderConfig, RecurrentConfig, RecurrentEncoder, Seq2SeqConfig, TrainConfig,
    randomness,
};
use sisun_seq2seq::{Beam, Seq2Seq, Seq2SeqPass, Vocabularies, beam, greedy, patterns};
use sisun_train::{MicroStep, Trainable, Trainer};

const LETTERS: Vocabularies = Vocabularies {
    source: 8,
    target: 8,
};

/// A model that the trainer can train on these pairs.
#[derive(Module, Debug)]
struct Learner {
    model: Seq2Seq,
}

impl Trainable for Learner {
    type Batch = Vec<Pair>;

    fn device(&self) -> Device {
        self.model.device()
    }

    fn has_dropout(&self) -> bool {
        false
    }

    fn tokens(batch: &Vec<Pair>) -> u64 {
        Self::loss_tokens(batch)
    }

    fn loss_tokens(batch: &Vec<Pair>) -> u64 {
        batch.iter().map(|pair| pair.target.len() as u64 + 1).sum()
    }

    fn split(batch: &Vec<Pair>, parts: usize) -> Vec<Vec<Pair>> {
        let each = batch.len().div_ceil(parts);
        batch.chunks(each).map(<[Pair]>::to_vec).collect()
    }

    fn loss(&self, rows: &Vec<Pair>, _: &MicroStep) -> Tensor<1> {
        let batch = batch(rows, LETTERS, &self.model.device());
        self.model.loss(&batch, &mut Seq2SeqPass::default())
    }
}

fn random_pair(rng: &mut impl Rng, reversed: bool) -> Pair {
    let len = rng.random_range(2..=7);
    let source: Vec<u32> = (0..len).map(|_| rng.random_range(0..8u32)).collect();
    let mut target = source.clone();
    if reversed {
        target.reverse();
    }
    Pair { source, target }
}

/// Train for some steps and return the model.
fn train(config: &Seq2SeqConfig, steps: u64, lr: f64, reversed: bool) -> Seq2Seq {
    let device = Device::flex().autodiff();
    let model = Seq2Seq::random(config, LETTERS, 1, &device).unwrap();
    let train: TrainConfig = toml::from_str(&format!(
        "steps = {steps}\nbatch_size = 32\nlr_max = {lr}\nwarmup_steps = 20\nweight_decay = 0.01"
    ))
    .unwrap();
    let mut trainer = Trainer::new(Learner { model }, &train);
    for step in 0..steps {
        let mut rng = randomness::stream(3, "pairs", step);
        let batch = (0..32).map(|_| random_pair(&mut rng, reversed)).collect();
        trainer.step(&[batch]);
    }
    trainer.model.model.valid()
}

/// Return the share of new pairs that are written exactly.
fn exact(model: &Seq2Seq, reversed: bool) -> f64 {
    let mut rng = randomness::stream(4, "held out", 0);
    let pairs: Vec<Pair> = (0..100).map(|_| random_pair(&mut rng, reversed)).collect();
    let sources: Vec<&[u32]> = pairs.iter().map(|pair| &pair.source[..]).collect();
    let written = greedy(model, &sources, 12);
    let right = written
        .iter()
        .zip(&pairs)
        .filter(|(found, pair)| found.ended && found.tokens == pair.target)
        .count();
    right as f64 / pairs.len() as f64
}

#[test]
fn additive_attention_learns_to_reverse_and_its_alignment_runs_backwards() {
    let config = RecurrentConfig::new(RecurrentEncoder::Bigru, Context::Additive, 24, 48);
    let model = train(&Seq2SeqConfig::Recurrent(config), 300, 6e-3, true);
    let exact = exact(&model, true);
    assert!(exact >= 0.95, "{exact} of new strings are reversed");
    let source = [3, 1, 4, 1, 5, 7];
    let target: Vec<u32> = source.iter().rev().copied().collect();
    let alignment = &patterns(&model, &source, &target).cross[0];
    assert_eq!(alignment.shape, [1, 1, 7, 6]);
    let rows: Vec<&[f32]> = alignment.values.chunks_exact(6).collect();
    let mass: f32 = (0..6).map(|t| rows[t][5 - t]).sum::<f32>() / 6.0;
    assert!(
        mass > 0.5,
        "{mass} of the weight is where it should be: {rows:?}"
    );
    let best = &beam(
        &model,
        &source,
        12,
        Beam {
            width: 4,
            length_penalty: 0.6,
        },
    )[0];
    assert!(best.ended && best.tokens == target, "{best:?}");
}

#[test]
fn the_transformer_learns_to_copy() {
    let config = EncoderDecoderConfig::new(48, 2, 4);
    let model = train(&Seq2SeqConfig::Transformer(config), 600, 3e-3, false);
    let exact = exact(&model, false);
    assert!(exact >= 0.95, "{exact} of new strings are copied");
}
