//! Comparisons: many training runs, evaluated alike, and what can be said of their differences.
//!
//! A [`Grid`] is tracks × variants × seeds. [`run`] trains and evaluates its cells, each on one
//! thread, and keeps every finished one; [`Summary`] draws the statistics from the results;
//! [`report`] writes them down.
//!
//! Nothing here prints. An [`Event`] is told to whoever watches.

mod cell;
mod claims;
mod error;
mod evaluate;
mod grid;
mod keys;
mod parts;
pub mod report;
mod results;
mod runner;
pub mod stats;
mod store;
mod summarize;
mod summary;
mod sweep;
mod track;
mod track_text;

pub use claims::{Claim, Standing, Verdict, judge};
pub use error::CompareError;
pub use grid::{Cell, Grid, Variant};
pub use results::{
    CellOutcome, CellResult, CurvePoint, HeadDistance, Measure, MeasureName, Timing,
};
pub use runner::{Event, Finished, Plan, Shard, merge, run};
pub use store::{SETTINGS, Store};
pub use summary::{
    CLAIMS_FROM, Comparison, GATE, Headline, SeedSpread, SeriesPoint, Summary, TrackSummary,
    VariantSummary,
};
pub use track::Track;
