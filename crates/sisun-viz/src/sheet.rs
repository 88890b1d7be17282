//! A table of numbers that is shown with colours: in a picture and on a page.

/// Colours of values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SheetScale {
    /// From 0, light, to 1, dark.
    Share,
    /// From −limit, orange, over 0, white, to limit, blue.
    Signed {
        /// The value of the full colour.
        limit: f32,
    },
}

impl SheetScale {
    /// Return the signed scale that spans these values.
    pub fn spanning(values: &[f32]) -> Self {
        let sizes = values.iter().map(|value| value.abs());
        let limit = sizes.filter(|size| size.is_finite()).fold(0.0, f32::max);
        Self::Signed { limit }
    }
}

/// What a sheet shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SheetForm {
    /// A coloured cell for each value.
    Cells,
    /// A labelled point for each row, at the coordinates in its two columns.
    Points,
    /// A line for each row, over its columns.
    Lines,
    /// One line, the first row, in the middle of two bands: the second to the third row, and the
    /// fourth to the fifth.
    Band,
    /// A plane of points for every two columns, named by the first of them; a point for each row.
    Planes,
}

impl SheetForm {
    /// Return the name of the form in a page's data.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cells => "cells",
            Self::Points => "points",
            Self::Lines => "lines",
            Self::Band => "band",
            Self::Planes => "planes",
        }
    }
}

/// A table with a row and a column of labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// Key of the sheet in the page's texts and in file names.
    pub name: &'static str,
    /// Title of a picture.
    pub title: String,
    /// Explanation below the title of a picture.
    pub below: String,
    /// Labels of the rows.
    pub rows: Vec<String>,
    /// Labels of the columns.
    pub columns: Vec<String>,
    /// Values, row-major; NaN where there is none.
    pub values: Vec<f32>,
    /// Texts of the cells, row-major; the values themselves if there are none.
    pub texts: Option<Vec<String>>,
    /// Colours of the values.
    pub scale: SheetScale,
    /// What is shown.
    pub form: SheetForm,
}

impl Sheet {
    /// Return the value of a cell.
    pub fn at(&self, row: usize, column: usize) -> f32 {
        self.values[row * self.columns.len() + column]
    }
}
