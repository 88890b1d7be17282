//! Matrices in memory, multiplied by the CPU's kernels.

use burn::tensor::{Device, Tensor, TensorData};
use sisun_kernels::{self as kernels, MatmulPrecision};
use sisun_model::to_host;

/// A matrix in float32, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Matrix {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) values: Vec<f32>,
}

/// The right factor of products.
pub(crate) struct Factor(Tensor<2>);

impl Matrix {
    pub(crate) fn new(rows: usize, columns: usize, values: Vec<f32>) -> Self {
        assert_eq!(values.len(), rows * columns, "size of a matrix");
        Self {
            rows,
            columns,
            values,
        }
    }

    /// Copy a tensor of any number format and layout.
    pub(crate) fn of(tensor: Tensor<2>) -> Self {
        let (shape, values) = to_host(tensor);
        Self::new(shape[0], shape[1], values)
    }

    /// Return the matrix as a batch of one, `[1, rows, columns]`, on a device.
    pub(crate) fn tensor(&self, device: &Device) -> Tensor<3> {
        let data = TensorData::new(self.values.clone(), [1, self.rows, self.columns]);
        Tensor::from_data(data, device)
    }

    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.columns..][..self.columns]
    }

    /// Return `count` rows from `first` on.
    pub(crate) fn some_rows(&self, first: usize, count: usize) -> Self {
        let from = first * self.columns;
        let values = self.values[from..from + count * self.columns].to_vec();
        Self::new(count, self.columns, values)
    }

    /// Return `count` columns from `first` on.
    pub(crate) fn some_columns(&self, first: usize, count: usize) -> Self {
        let rows = (0..self.rows).flat_map(|row| &self.row(row)[first..first + count]);
        Self::new(self.rows, count, rows.copied().collect())
    }

    /// Return matrices of equally many columns, one below the other.
    pub(crate) fn stacked(parts: &[Self]) -> Self {
        let columns = parts.first().map_or(0, |part| part.columns);
        let rows = parts.iter().map(|part| part.rows).sum();
        let values = parts.iter().flat_map(|part| part.values.iter().copied());
        Self::new(rows, columns, values.collect())
    }

    /// Return matrices of equally many rows, one beside the other.
    pub(crate) fn beside(parts: &[Self]) -> Self {
        let rows = parts.first().map_or(0, |part| part.rows);
        let columns = parts.iter().map(|part| part.columns).sum();
        let row = |row| {
            parts
                .iter()
                .flat_map(move |part| part.row(row).iter().copied())
        };
        Self::new(rows, columns, (0..rows).flat_map(row).collect())
    }

    pub(crate) fn transposed(&self) -> Self {
        let mut values = vec![0.0; self.values.len()];
        for (row, given) in self.values.chunks_exact(self.columns).enumerate() {
            for (column, value) in given.iter().enumerate() {
                values[column * self.rows + row] = *value;
            }
        }
        Self::new(self.columns, self.rows, values)
    }

    /// Return the product of this matrix and another.
    pub(crate) fn times(&self, other: &Self) -> Self {
        self.times_factor(&other.factor())
    }

    /// Return this matrix as the right factor of several products.
    pub(crate) fn factor(&self) -> Factor {
        let data = TensorData::new(self.values.clone(), [self.rows, self.columns]);
        Factor(Tensor::from_data(data, &Device::flex()))
    }

    /// Return the product of this matrix and another.
    pub(crate) fn times_factor(&self, Factor(right): &Factor) -> Self {
        let [inner, columns] = right.dims();
        assert_eq!(self.columns, inner, "inner sizes of a product");
        let left = self.tensor(&Device::flex());
        let product = kernels::linear(left, right.clone(), None, MatmulPrecision::Float32);
        Self::new(self.rows, columns, to_host(product).1)
    }

    /// Return the sum of squares of all elements.
    pub(crate) fn squared_norm(&self) -> f64 {
        squared_norm(&self.values)
    }
}

/// Return the sum of squares.
pub(crate) fn squared_norm(values: &[f32]) -> f64 {
    values.iter().map(|&x| f64::from(x) * f64::from(x)).sum()
}

/// Return the inner product of two vectors.
pub(crate) fn dot(a: &[f32], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(&a, b)| f64::from(a) * b).sum()
}

/// Return an upper triangular `R` with `Rᵀ·R = Wᵀ·W` (Cholesky's factor of the Gram matrix), so that
/// `‖W·X‖ = ‖R·X‖` in Frobenius' norm for every `X`. A row is zero where the columns of `W` are
/// linearly dependent.
///
/// # Shapes
/// - `w`: `[rows, n]`
/// - result: `[n, n]`
pub(crate) fn gram_root(w: &Matrix) -> Matrix {
    let n = w.columns;
    let mut gram = vec![0.0f64; n * n];
    for row in w.values.chunks_exact(n) {
        for (i, &a) in row.iter().enumerate() {
            for (j, &b) in row.iter().enumerate().skip(i) {
                gram[i * n + j] += f64::from(a) * f64::from(b);
            }
        }
    }
    let largest = (0..n).map(|i| gram[i * n + i]).fold(0.0, f64::max);
    for i in 0..n {
        let pivot = gram[i * n + i];
        let scale = if pivot > largest * 1e-14 {
            1.0 / pivot.sqrt()
        } else {
            0.0
        };
        gram[i * n + i..(i + 1) * n]
            .iter_mut()
            .for_each(|x| *x *= scale);
        for j in i + 1..n {
            let factor = gram[i * n + j];
            for k in j..n {
                gram[j * n + k] -= factor * gram[i * n + k];
            }
        }
    }
    let value = |at: usize| {
        if at % n >= at / n {
            gram[at] as f32
        } else {
            0.0
        }
    };
    Matrix::new(n, n, (0..n * n).map(value).collect())
}

#[cfg(test)]
mod tests {
    use super::{Matrix, gram_root};

    #[test]
    fn products_and_parts_by_hand() {
        let a = Matrix::new(2, 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let product = a.times(&a.transposed());
        assert_eq!(product.values, [14.0, 32.0, 32.0, 77.0]);
        assert_eq!(a.some_columns(1, 2).values, [2.0, 3.0, 5.0, 6.0]);
        assert_eq!(a.some_rows(1, 1).values, [4.0, 5.0, 6.0]);
        assert!((a.squared_norm() - 91.0).abs() < 1e-12);
    }

    #[test]
    fn a_gram_root_keeps_norms_even_of_dependent_columns() {
        // The third column is the sum of the other two.
        let w = Matrix::new(
            4,
            3,
            vec![1., 2., 3., 0., 1., 1., -1., 4., 3., 2., 0.5, 2.5],
        );
        let x = Matrix::new(3, 2, vec![1., -2., 0.5, 3., 2., 1.]);
        let (plain, root) = (w.times(&x), gram_root(&w).times(&x));
        assert!((plain.squared_norm() - root.squared_norm()).abs() < 1e-3);
    }
}
