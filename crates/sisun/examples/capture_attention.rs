//! Look at where each head attends: `cargo run --release -p sisun --example capture_attention`.
#![allow(clippy::print_stdout, missing_docs, unreachable_pub)] // a program; the tests call its `main`

use sisun::{Activation, Capture, ModelConfig, Pass, Transformer, cpu, token_ids};
use std::error::Error;

pub fn main() -> Result<(), Box<dyn Error>> {
    let config = ModelConfig::new(11, 24, 2, 3, 16);
    let model = Transformer::random(&config, 7, &cpu())?;
    let tokens = [3, 1, 4, 1, 5];

    // The pattern of all layers and heads, kept on the way through the ordinary forward pass.
    let mut capture = Capture::new(&[Activation::Pattern], &[0, 1], &[0, 1, 2]);
    model.forward(token_ids(&[&tokens], &cpu()), Pass::capturing(&mut capture));

    for layer in capture.into_found() {
        // `[batch, head, query, key]`
        let [_, heads, queries, keys] = layer.shape[..] else {
            return Err("a pattern has four axes".into());
        };
        for (head, pattern) in layer.values.chunks_exact(queries * keys).enumerate() {
            assert!(head < heads);
            println!("layer {}, head {head}", layer.layer);
            for row in pattern.chunks_exact(keys) {
                let weights: Vec<String> = row.iter().map(|p| format!("{p:.2}")).collect();
                println!("  {}", weights.join(" "));
            }
        }
    }
    Ok(())
}
