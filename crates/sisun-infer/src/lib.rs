//! infer

pub mod maps;
