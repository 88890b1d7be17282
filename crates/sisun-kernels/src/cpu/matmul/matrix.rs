//! A view of a matrix in memory.

/// A matrix in borrowed memory: element (i, j) is `data[i * row_stride + j *
/// column_stride]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a, T = f32> {
    pub(super) data: &'a [T],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: usize,
    pub(super) column_stride: usize,
}

impl<'a, T: Copy> Matrix<'a, T> {
    /// A `rows` x `columns` view of `data`.
    ///
    /// # Panics
    ///
    /// Where an element lies outside `data`.
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

    /// A dense `rows` x `columns` matrix, rows one after the other.
    ///
    /// # Panics
    ///
    /// Where `data` is too short.
    pub(crate) fn row_major(data: &'a [T], rows: usize, columns: usize) -> Self {
        Self::new(data, rows, columns, columns, 1)
    }

    /// Rows and columns exchanged, in the same memory.
    pub(crate) fn transpose(self) -> Self {
        Self {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }

    /// Only some of the columns.
    ///
    /// # Panics
    ///
    /// Where it does not have them.
    pub(crate) fn take_columns(self, columns: std::ops::Range<usize>) -> Self {
        assert!(columns.start <= columns.end && columns.end <= self.columns);
        let start = (columns.start * self.column_stride).min(self.data.len());
        Self {
            data: &self.data[start..],
            columns: columns.len(),
            ..self
        }
    }

    /// Only some of the rows.
    ///
    /// # Panics
    ///
    /// Where it does not have them.
    pub(crate) fn take_rows(self, rows: std::ops::Range<usize>) -> Self {
        self.transpose().take_columns(rows).transpose()
    }

    /// The memory; element (0, 0) comes first.
    pub(crate) fn data(&self) -> &'a [T] {
        self.data
    }

    /// Rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Columns.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// From one row to the next, in elements.
    pub(crate) fn row_stride(&self) -> usize {
        self.row_stride
    }

    /// From one column to the next, in elements.
    pub(crate) fn column_stride(&self) -> usize {
        self.column_stride
    }
}

/// The offset of the last of `count` elements, `stride` apart.
pub(super) fn last(count: usize, stride: usize) -> usize {
    (count - 1).checked_mul(stride).expect("a matrix in memory")
}
