//! Train a character model on a text and let it write: `cargo run --release -p sisun --example
//! train_from_scratch [FILE]`.
#![allow(clippy::print_stdout, missing_docs, unreachable_pub)] // a program; the tests call its `main`

use sisun::{
    GenerationOptions, LanguageModel, ModelConfig, Module, Tokenizer, Tokens, TrainConfig, Trainer,
    Transformer, cpu_for_training, random_batch,
};
use std::error::Error;
use std::ops::ControlFlow;

pub fn main() -> Result<(), Box<dyn Error>> {
    let text = match std::env::args()
        .nth(1)
        .filter(|name| name.ends_with(".txt"))
    {
        Some(path) => std::fs::read_to_string(path)?,
        None => "the cat sat on the mat. the dog sat on the log. ".repeat(200),
    };
    let tokenizer = Tokenizer::characters(text.chars(), false)?;
    let ids = tokenizer.encode(&text)?.ids;
    let tokens = Tokens::from_ids(&ids, None, &[0], text.len() as u64);

    let config = ModelConfig::new(tokenizer.vocab_size(), 64, 2, 4, 32);
    let train = TrainConfig::new(60, 8, 3e-3);
    let model = Transformer::random(&config, train.seed, &cpu_for_training())?;
    let mut trainer = Trainer::new(model, &train);
    for step in 1..=train.steps {
        let batches: Vec<_> = trainer
            .next_micro_steps()
            .map(|i| random_batch(&tokens, train.batch_size, config.context_len, train.seed, i))
            .collect();
        let output = trainer.step(&batches);
        if step % 20 == 0 {
            println!("step {step}: loss {:.3}", output.loss.into_scalar::<f32>());
        }
    }

    let model = LanguageModel::new("scratch".into(), None, trainer.model.valid(), tokenizer);
    let options = GenerationOptions {
        tokens: 40,
        ..GenerationOptions::default()
    };
    let sample = model.generate("the ", &options, &mut |_| ControlFlow::Continue(()))?;
    println!("the {}", sample.text);
    Ok(())
}
