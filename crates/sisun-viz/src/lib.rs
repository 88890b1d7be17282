//! What is drawn of a model: attention maps as files and pictures ([`maps`]), pages that need no
//! network ([`page`]), charts ([`chart`]), and the report of a training run ([`run_report`]).
//!
//! Training and comparison compute and never draw; they hand their numbers over as plain data.

pub mod chart;
pub mod maps;
pub mod page;
pub mod run_report;
pub mod text;
