//! Open a Hugging Face directory and continue a text: `cargo run --release -p sisun --example
//! load_gpt2 DIR`. Without DIR it takes a tiny GPT-2 from the tests.
#![allow(clippy::print_stdout, missing_docs, unreachable_pub)] // a program; the tests call its `main`

use sisun::hugging_face::open;
use sisun::{GenerationOptions, LanguageModel, Sampler, cpu};
use std::error::Error;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

pub fn main() -> Result<(), Box<dyn Error>> {
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/fixtures/hf/gpt2");
    let dir = std::env::args()
        .nth(1)
        .map(PathBuf::from)
        .filter(|dir| dir.is_dir());
    let found = open(&dir.unwrap_or(tiny), &cpu())?;
    println!("{}: {:?}", found.name, found.model.config());

    let model = LanguageModel::new(found.name, None, found.model, found.tokenizer);
    let options = GenerationOptions {
        tokens: 20,
        sampler: Sampler {
            temperature: 0.0,
            ..Sampler::default()
        },
        ..GenerationOptions::default()
    };
    let sample = model.generate("The cat", &options, &mut |_| ControlFlow::Continue(()))?;
    println!("The cat{}", sample.text);
    Ok(())
}
