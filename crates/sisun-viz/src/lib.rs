//! Visualisation of models: attention maps as files and pictures ([`maps`]), analyses of what a
//! model does as arrays and sheets ([`analysis`]), the words of a worked computation ([`worked`]),
//! self-contained pages ([`page`]), charts ([`chart`]), diagrams of a model ([`diagram`]), and the
//! report of a training run ([`run_report`]).
//!
//! Training and comparison never draw; they pass their results to this crate as plain data.

pub mod analysis;
pub mod chart;
pub mod diagram;
mod formation;
pub mod maps;
mod npz;
pub mod page;
mod patching;
pub mod run_report;
mod sheet;
pub mod text;
mod units;
pub mod worked;

pub use formation::formation_chart;
pub use patching::{patching_npz, patching_sheet};
pub use sheet::{Sheet, SheetForm, SheetScale};
pub use units::Unit;
