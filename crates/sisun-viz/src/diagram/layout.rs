//! What a diagram is drawn of: shapes in columns, in CSS pixels.

use serde::Serialize;

/// Width of a column.
pub(super) const WIDTH: f32 = 360.0;
/// Font sizes of names and details.
pub(super) const NAME: f32 = 14.0;
pub(super) const DETAIL: f32 = 12.0;
/// Height of a line of details, and of the first line of a box.
pub(super) const LINE: f32 = 17.0;
pub(super) const FIRST: f32 = 26.0;

/// A diagram.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drawing {
    /// The whole model, and one block.
    pub columns: Vec<Column>,
}

/// Shapes that belong together.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Column {
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
    /// Shapes, drawn one after another.
    pub shapes: Vec<Shape>,
}

/// Kind of a part, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Embedding and head.
    Embedding,
    /// Position encoding.
    Position,
    /// Norm.
    Norm,
    /// Attention.
    Attention,
    /// Feed-forward network.
    Ffn,
    /// A block in the whole model.
    Block,
    /// A head.
    Head,
}

/// Where a click on a shape leads on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Go {
    /// A layer.
    Layer(usize),
    /// A head of the current layer.
    Head(usize),
    /// The view of positions.
    Positions,
}

/// A shape.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Shape {
    /// A box.
    Box {
        /// Left edge.
        x: f32,
        /// Top edge.
        y: f32,
        /// Width.
        width: f32,
        /// Height.
        height: f32,
        /// Kind of the part.
        role: Role,
        /// Where a click leads.
        go: Option<Go>,
    },
    /// A line of text, vertically centred.
    Text {
        /// Its anchor.
        x: f32,
        /// Its middle.
        y: f32,
        /// Font size.
        size: f32,
        /// `start`, `middle` or `end`.
        anchor: &'static str,
        /// The text.
        text: String,
        /// True for names, false for details.
        strong: bool,
    },
    /// A line through points `x, y, x, y, …`.
    Line {
        /// The points.
        points: Vec<f32>,
        /// True if it ends with an arrow.
        arrow: bool,
    },
    /// The sum of two streams, a circle with a plus.
    Sum {
        /// Its centre.
        x: f32,
        /// Its centre.
        y: f32,
    },
}
