//! A picture of the report.

/// One picture of the report.
#[derive(Debug)]
pub(super) struct Figure {
    /// Its file is `figures/STEM.svg`.
    pub(super) stem: String,
    /// What it shows.
    pub(super) title: String,
    /// How to read it.
    pub(super) caption: String,
    /// The drawing.
    pub(super) svg: String,
}
