//! Measure what the loss loses with each head: `cargo run --release -p sisun --example ablate_head`.
#![allow(clippy::print_stdout, missing_docs, unreachable_pub)] // a program; the tests call its `main`

use sisun::{
    Edit, ModelConfig, Tokens, TrainConfig, Trainer, Transformer, cpu_for_training, edited_loss,
    random_batch,
};
use std::error::Error;

pub fn main() -> Result<(), Box<dyn Error>> {
    // A sequence in which each token follows from the one three places before it.
    let mut ids = vec![1_u32, 5, 2];
    while ids.len() < 6_000 {
        ids.push((ids[ids.len() - 3] * 3 + 1) % 7);
    }
    let tokens = Tokens::from_ids(&ids, None, &[0], ids.len() as u64);

    let config = ModelConfig::new(7, 24, 2, 2, 12);
    let train = TrainConfig::new(80, 16, 5e-3);
    let mut trainer = Trainer::new(
        Transformer::random(&config, 1, &cpu_for_training())?,
        &train,
    );
    for _ in 0..train.steps {
        let batch = |i| random_batch(&tokens, train.batch_size, config.context_len, 1, i);
        let batches: Vec<_> = trainer.next_micro_steps().map(batch).collect();
        trainer.step(&batches);
    }

    // Zero the output `z` of one head after the other.
    let loss = |edits: &[Edit]| {
        let len = config.context_len;
        edited_loss(edits, &trainer.model, &tokens, len, 16, Some(8)).ok_or("the text is too short")
    };
    let whole = loss(&[])?;
    println!("loss with all heads: {whole:.3} nats per token");
    for layer in 0..config.n_layers {
        for head in 0..config.n_heads {
            println!(
                "without head {layer}.{head}: {:+.3}",
                loss(&[Edit::ablation(layer, head)])? - whole
            );
        }
    }
    Ok(())
}
