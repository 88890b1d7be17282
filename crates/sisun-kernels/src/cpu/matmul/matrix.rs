//! A view of a matrix in memory.

use crate::MatmulPrecision;

/// A matrix in borrowed memory: element (i, j) is `data[i * row_stride + j * column_stride]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a, T = f32> {
    pub(super) data: &'a [T],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: usize,
    pub(super) column_stride: usize,
}

impl<'a, T: Copy> Matrix<'a, T> {
    /// Return a `rows` x `columns` view of `data`.
    ///
    /// # Panics
    ///
    /// If an element is outside `data`.
    pub(crate) fn new(
        data: &'a [T],
        rows: usize,
        columns: usize,
        row_stride: usize,
        column_stride: usize,
    ) -> Self {
        assert!(
            rows == 0
                || columns == 0
                || last(rows, row_stride) + last(columns, column_stride) < data.len(),
            "{rows} x {columns} with strides {row_stride} and {column_stride} in {} elements",
            data.len()
        );
        Self {
            data,
            rows,
            columns,
            row_stride,
            column_stride,
        }
    }

    /// Return a dense, row-major `rows` x `columns` view of `data`.
    ///
    /// # Panics
    ///
    /// If `data` is too short.
    pub(crate) fn row_major(data: &'a [T], rows: usize, columns: usize) -> Self {
        Self::new(data, rows, columns, columns, 1)
    }

    /// Exchange rows and columns, in the same memory.
    pub(crate) fn transpose(self) -> Self {
        Self {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }

    /// Return a view of a range of columns.
    ///
    /// # Panics
    ///
    /// If the range exceeds the matrix.
    pub(crate) fn take_columns(self, columns: std::ops::Range<usize>) -> Self {
        assert!(columns.start <= columns.end && columns.end <= self.columns);
        let start = (columns.start * self.column_stride).min(self.data.len());
        Self {
            data: &self.data[start..],
            columns: columns.len(),
            ..self
        }
    }

    /// Return a view of a range of rows.
    ///
    /// # Panics
    ///
    /// If the range exceeds the matrix.
    pub(crate) fn take_rows(self, rows: std::ops::Range<usize>) -> Self {
        self.transpose().take_columns(rows).transpose()
    }

    /// Return the memory, starting with element (0, 0).
    pub(crate) fn data(&self) -> &'a [T] {
        self.data
    }

    /// Return the number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Return the number of columns.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Return the distance from one row to the next, in elements.
    pub(crate) fn row_stride(&self) -> usize {
        self.row_stride
    }

    /// Return the distance from one column to the next, in elements.
    pub(crate) fn column_stride(&self) -> usize {
        self.column_stride
    }
}

/// Return the offset of the last of `count` elements that are `stride` apart.
pub(super) fn last(count: usize, stride: usize) -> usize {
    (count - 1).checked_mul(stride).expect("a matrix in memory")
}

/// The product A B, and how it is written to C. A is m x k and B is k x n.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MatrixProduct<'m> {
    /// The left factor.
    pub(crate) a: Matrix<'m>,
    /// The right factor.
    pub(crate) b: Matrix<'m>,
    /// Add the product to C instead of replacing C.
    pub(crate) accumulate: bool,
    /// Precision of the factors.
    pub(crate) precision: MatmulPrecision,
}

impl<'m> MatrixProduct<'m> {
    /// A product that replaces C.
    pub(crate) fn new(a: Matrix<'m>, b: Matrix<'m>, precision: MatmulPrecision) -> Self {
        Self {
            a,
            b,
            accumulate: false,
            precision,
        }
    }
}
