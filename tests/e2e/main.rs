//! The program as people use it: the binary, its files, its messages.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod bad_input;
mod bench;
mod browser;
mod comparing;
mod data;
mod devices;
#[cfg(unix)]
mod documents;
mod explaining;
mod exporting;
#[cfg(unix)]
mod files;
mod finetune;
mod heads;
mod hugging_face;
mod maps;
mod pages;
mod resume;
mod sampling;
mod sisun;
mod training;
