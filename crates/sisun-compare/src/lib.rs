//! Comparisons: many training runs, evaluated in the same way, and the statistics of their
//! differences.
//!
//! The models are decoder-only transformers on tasks and text, or encoder–decoders on pairs.
//!
//! A [`Grid`] is tracks × variants × seeds. [`run`] trains and evaluates its cells, each on one
//! thread, and saves every finished one; [`Summary`] holds the statistics of the results;
//! [`report`] writes them to files.
//!
//! This crate prints nothing. It reports each [`Event`] to its caller.

mod cell;
mod claims;
mod error;
mod evaluate;
mod grid;
mod keys;
mod parts;
mod read_tracks;
pub mod report;
mod results;
mod runner;
pub mod stats;
mod store;
mod summarize;
mod summary;
mod sweep;
mod track;
mod track_data;

pub use claims::{Claim, Standing, Verdict, judge};
pub use error::CompareError;
pub use grid::{Cell, Grid, Network, Settings, Variant};
pub use keys::{COMPARISON, comparison_schema};
pub use results::{
    CellOutcome, CellResult, CurvePoint, HeadDistance, Measure, MeasureName, Timing,
};
pub use runner::{Event, Finished, Plan, Shard, merge, run};
pub use store::{IDENTITY, SETTINGS, Store};
pub use summary::{
    CLAIMS_FROM, Comparison, GATE, Headline, SeedSpread, SeriesPoint, Summary, TrackSummary,
    VariantSummary,
};
pub use track::Track;
