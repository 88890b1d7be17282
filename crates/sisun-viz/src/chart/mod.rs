//! Charts as SVG documents that follow the reader's light or dark scheme.

mod axis;
mod canvas;
mod colours;
mod document;
mod dots;
mod error;
mod heatmap;
mod interval;
mod lines;
mod loss;

pub use axis::Axis;
pub use colours::{key, key_style};
pub use dots::{Dots, DotsRow};
pub use error::ChartError;
pub use heatmap::{Heatmap, HeatmapRow};
pub use interval::Interval;
pub use lines::{Line, Lines, Point};
pub use loss::{Curve, LossWords, loss_svg};
