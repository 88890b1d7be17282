//! Tests on Hugging Face directories: those of `tests/peers/reference_hf.py`, intact and damaged.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod configs;
mod damage;
mod defaults;
mod directory;
mod exports;
mod pair_exports;
mod reference;
