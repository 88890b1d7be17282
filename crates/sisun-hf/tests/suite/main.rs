//! Hugging Face directories: those of `tests/peers/reference_hf.py`, whole and broken.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod configs;
mod damage;
mod defaults;
mod directory;
mod exports;
mod reference;
