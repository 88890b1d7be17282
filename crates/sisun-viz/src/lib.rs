//! Visualisation of models: attention maps as files and pictures ([`maps`]), analyses of what a
//! model does as arrays and sheets ([`analysis`]), the words of a worked computation ([`worked`]),
//! self-contained pages ([`page`]), charts ([`chart`]), and the report of a training run ([`run_report`]).
//!
//! Training and comparison never draw; they pass their results to this crate as plain data.

pub mod analysis;
pub mod chart;
pub mod maps;
mod npz;
pub mod page;
mod patching;
pub mod run_report;
mod sheet;
pub mod text;
pub mod worked;

pub use patching::{patching_npz, patching_sheet};
pub use sheet::{Sheet, SheetForm, SheetScale};
