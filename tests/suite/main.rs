//! The numerical tests: reference values, properties, gradients, and files that are not what they should be.

#![allow(clippy::unwrap_used)]

mod cached_decoding;
mod capture;
mod causality;
mod golden;
mod config;
mod structure;
mod gradients;
mod initialisation;
mod optimizers;
mod positions;
mod worked_examples;

use proptest::test_runner::{Config, RngSeed};

/// Property tests that try the same cases in every run.
fn repeatable(cases: u32) -> Config {
    Config { cases, rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..Config::default() }
}
