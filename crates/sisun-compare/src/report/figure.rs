//! A figure of the report.

/// One figure of the report.
#[derive(Debug)]
pub(super) struct Figure {
    /// Its file name without extension: `figures/STEM.svg`.
    pub(super) stem: String,
    /// Its title.
    pub(super) title: String,
    /// An explanation for the reader.
    pub(super) caption: String,
    /// The drawing as SVG.
    pub(super) svg: String,
}
