//! Errors of drawing charts.

/// A chart cannot be drawn.
#[derive(Debug, thiserror::Error)]
#[error("cannot draw {picture}: {problem}")]
#[non_exhaustive]
pub struct ChartError {
    /// Name of the chart.
    pub picture: String,
    /// Message of the drawing library.
    pub problem: String,
}
