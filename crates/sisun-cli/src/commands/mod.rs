//! One module for each command.

pub(crate) mod attend;
pub(crate) mod attribute;
pub(crate) mod bench;
pub(crate) mod cache;
pub(crate) mod circuits;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod data;
pub(crate) mod devices;
pub(crate) mod embeddings;
pub(crate) mod eval;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod heads;
pub(crate) mod info;
pub(crate) mod init;
pub(crate) mod lens;
pub(crate) mod neuron;
pub(crate) mod page;
pub(crate) mod patch;
pub(crate) mod runs;
pub(crate) mod sample;
pub(crate) mod tokenizer;
pub(crate) mod train;
pub(crate) mod verify;
