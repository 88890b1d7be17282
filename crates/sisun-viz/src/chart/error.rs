//! What can go wrong when a chart is drawn.

/// A chart that could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("cannot draw {picture}: {problem}")]
#[non_exhaustive]
pub struct ChartError {
    /// What it shows.
    pub picture: String,
    /// What the drawing library says.
    pub problem: String,
}
