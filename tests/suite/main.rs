//! Numerical tests: reference values, properties, gradients, and damaged files.

#![allow(clippy::unwrap_used)]

mod bf16_weights;
mod cached_decoding;
mod capture;
mod causality;
mod checkpoints;
mod config;
mod damage;
mod dropout;
mod edits;
mod extremes;
mod golden;
mod gradients;
mod initialisation;
mod kernels;
mod lora;
mod optimizers;
mod page_model;
mod positions;
mod reading;
mod rope_scaling;
mod seq2seq;
mod steps;
mod structure;
mod weights_files;
mod worked_examples;

use proptest::test_runner::{Config, RngSeed};

/// Configure property tests to try the same cases in every run.
fn repeatable(cases: u32) -> Config {
    Config {
        cases,
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..Config::default()
    }
}

/// Return an error's message after checking the house style: lower case, no final full stop.
#[track_caller]
fn message(error: &impl std::error::Error) -> String {
    let message = error.to_string();
    assert!(
        !message.starts_with(char::is_uppercase),
        "begins with a capital: {message}"
    );
    assert!(
        !message.is_empty() && !message.ends_with(['.', '\n', ' ']),
        "ends with a stop or blank: {message:?}"
    );
    message
}
