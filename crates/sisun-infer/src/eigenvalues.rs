//! Eigenvalues of a real matrix that need not be symmetric.
//!
//! The method of EISPACK (Smith et al. 1976) and LAPACK for matrices of this size: balance the
//! matrix, reduce it to Hessenberg form by Householder reflections, and find the eigenvalues with
//! Francis' double-shift QR algorithm (Golub and Van Loan 2013, §7.5).

/// Number of QR steps for one eigenvalue after which the method is given up; two or three are usual.
const MOST_STEPS: usize = 100;

/// A complex number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Complex {
    /// Real part.
    pub re: f64,
    /// Imaginary part.
    pub im: f64,
}

impl Complex {
    /// Return the absolute value.
    pub fn modulus(self) -> f64 {
        self.re.hypot(self.im)
    }
}

/// Return the eigenvalues of a square matrix, row-major, `n` × `n`; `None` if it holds values that
/// are not finite, or the method does not converge.
///
/// # Panics
/// If the matrix is not square.
pub fn eigenvalues(matrix: &[f64], n: usize) -> Option<Vec<Complex>> {
    assert_eq!(matrix.len(), n * n, "a square matrix");
    if !matrix.iter().all(|x| x.is_finite()) {
        return None;
    }
    let mut h = Square {
        n,
        values: matrix.to_vec(),
    };
    h.balance();
    h.reduce();
    h.deflate()
}

/// A square matrix that is worked on in place.
struct Square {
    n: usize,
    values: Vec<f64>,
}

impl Square {
    fn at(&self, row: usize, column: usize) -> f64 {
        self.values[row * self.n + column]
    }

    fn at_mut(&mut self, row: usize, column: usize) -> &mut f64 {
        &mut self.values[row * self.n + column]
    }

    /// Scale rows and columns by powers of two until their norms are similar, which makes the
    /// eigenvalues more accurate (Parlett and Reinsch 1969).
    fn balance(&mut self) {
        let mut changed = true;
        while changed {
            changed = false;
            for i in 0..self.n {
                let others = (0..self.n).filter(|&j| j != i);
                let (mut column, row) = others.fold((0.0, 0.0), |(column, row), j| {
                    (column + self.at(j, i).abs(), row + self.at(i, j).abs())
                });
                if column == 0.0 || row == 0.0 {
                    continue;
                }
                let (sum, mut factor) = (column + row, 1.0);
                while column < row / 2.0 {
                    factor *= 2.0;
                    column *= 4.0;
                }
                while column > row * 2.0 {
                    factor /= 2.0;
                    column /= 4.0;
                }
                if (column + row) / factor < 0.95 * sum {
                    changed = true;
                    for j in 0..self.n {
                        *self.at_mut(i, j) /= factor;
                    }
                    for j in 0..self.n {
                        *self.at_mut(j, i) *= factor;
                    }
                }
            }
        }
    }

    /// Reduce to upper Hessenberg form: zero below the first subdiagonal.
    fn reduce(&mut self) {
        let n = self.n;
        for k in 1..n.saturating_sub(1) {
            let norm = (k..n)
                .map(|i| self.at(i, k - 1).powi(2))
                .sum::<f64>()
                .sqrt();
            if norm == 0.0 {
                continue;
            }
            let alpha = if self.at(k, k - 1) > 0.0 { -norm } else { norm };
            let mut v: Vec<f64> = (k..n).map(|i| self.at(i, k - 1)).collect();
            v[0] -= alpha;
            let squared: f64 = v.iter().map(|x| x * x).sum();
            for j in k - 1..n {
                let dot: f64 = (k..n).map(|i| v[i - k] * self.at(i, j)).sum();
                for i in k..n {
                    *self.at_mut(i, j) -= 2.0 * dot / squared * v[i - k];
                }
            }
            for i in 0..n {
                let dot: f64 = (k..n).map(|j| self.at(i, j) * v[j - k]).sum();
                for j in k..n {
                    *self.at_mut(i, j) -= 2.0 * dot / squared * v[j - k];
                }
            }
        }
    }

    /// Find the eigenvalues of a Hessenberg matrix, last to first.
    fn deflate(mut self) -> Option<Vec<Complex>> {
        let n = self.n;
        let upper = |i: usize| (i.saturating_sub(1)..n).map(move |j| (i, j));
        let norm: f64 = (0..n)
            .flat_map(upper)
            .map(|(i, j)| self.at(i, j).abs())
            .sum();
        let mut found = Vec::with_capacity(n);
        // Rows and columns `..end` remain.
        let (mut end, mut shifted, mut steps) = (n, 0.0, 0);
        while end > 0 {
            let last = end - 1;
            let first = self.split(last, norm);
            if first == last {
                let re = self.at(last, last) + shifted;
                found.push(Complex { re, im: 0.0 });
                (end, steps) = (last, 0);
            } else if first + 1 == last {
                found.extend(self.pair(last, shifted));
                (end, steps) = (last - 1, 0);
            } else {
                if steps == MOST_STEPS {
                    return None;
                }
                let shift = self.shift(last, steps, &mut shifted);
                steps += 1;
                self.step(first, last, shift);
            }
        }
        Some(found)
    }

    /// Return the first row of the last block that no negligible subdiagonal element divides.
    fn split(&self, last: usize, norm: f64) -> usize {
        for row in (1..=last).rev() {
            let beside = self.at(row - 1, row - 1).abs() + self.at(row, row).abs();
            let scale = if beside == 0.0 { norm } else { beside };
            if self.at(row, row - 1).abs() <= f64::EPSILON * scale {
                return row;
            }
        }
        0
    }

    /// Return the eigenvalues of the last two rows and columns.
    fn pair(&self, last: usize, shifted: f64) -> [Complex; 2] {
        let (x, y) = (self.at(last, last), self.at(last - 1, last - 1));
        let w = self.at(last, last - 1) * self.at(last - 1, last);
        let p = (y - x) / 2.0;
        let q = p * p + w;
        let z = q.abs().sqrt();
        let x = x + shifted;
        if q < 0.0 {
            return [z, -z].map(|im| Complex { re: x + p, im });
        }
        let z = if p >= 0.0 { p + z } else { p - z };
        let other = if z == 0.0 { x } else { x - w / z };
        [x + z, other].map(|re| Complex { re, im: 0.0 })
    }

    /// Return the shift of a step: the last diagonal element, the one before, and the product of
    /// the two elements beside them. Exceptional shifts break cycles.
    fn shift(&mut self, last: usize, steps: usize, shifted: &mut f64) -> [f64; 3] {
        if steps > 0 && steps.is_multiple_of(10) {
            let x = self.at(last, last);
            *shifted += x;
            for i in 0..=last {
                *self.at_mut(i, i) -= x;
            }
            let s = self.at(last, last - 1).abs() + self.at(last - 1, last - 2).abs();
            return [0.75 * s, 0.75 * s, -0.4375 * s * s];
        }
        [
            self.at(last, last),
            self.at(last - 1, last - 1),
            self.at(last, last - 1) * self.at(last - 1, last),
        ]
    }

    /// Perform one double QR step on rows and columns `first..=last`.
    fn step(&mut self, first: usize, last: usize, [x, y, w]: [f64; 3]) {
        let (start, mut column) = self.start(first, last, [x, y, w]);
        for i in start + 2..=last {
            *self.at_mut(i, i - 2) = 0.0;
            if i > start + 2 {
                *self.at_mut(i, i - 3) = 0.0;
            }
        }
        for k in start..last {
            let is_last = k == last - 1;
            let mut scale = 0.0;
            if k > start {
                let third = if is_last { 0.0 } else { self.at(k + 2, k - 1) };
                column = [self.at(k, k - 1), self.at(k + 1, k - 1), third];
                scale = column.iter().map(|x| x.abs()).sum();
                if scale == 0.0 {
                    continue;
                }
                column = column.map(|x| x / scale);
            }
            let [p, q, r] = column;
            let norm = (p * p + q * q + r * r).sqrt();
            let s = if p < 0.0 { -norm } else { norm };
            if s == 0.0 {
                continue;
            }
            if k > start {
                *self.at_mut(k, k - 1) = -s * scale;
            } else if first < start {
                *self.at_mut(k, k - 1) = -self.at(k, k - 1);
            }
            let p = p + s;
            self.reflect(k, (first, last), [p / s, q / s, r / s], [q / p, r / p]);
        }
    }

    /// Find where a step can start, where two consecutive subdiagonal elements are small, and the
    /// first column of the shifted product there.
    fn start(&self, first: usize, last: usize, [x, y, w]: [f64; 3]) -> (usize, [f64; 3]) {
        let mut m = last - 2;
        loop {
            let z = self.at(m, m);
            let (r, s) = (x - z, y - z);
            let column = [
                (r * s - w) / self.at(m + 1, m) + self.at(m, m + 1),
                self.at(m + 1, m + 1) - z - r - s,
                self.at(m + 2, m + 1),
            ];
            let sum: f64 = column.iter().map(|x| x.abs()).sum();
            let [p, q, r] = column.map(|x| x / sum.max(f64::MIN_POSITIVE));
            let is_small = || {
                let before = self.at(m, m - 1).abs() * (q.abs() + r.abs());
                let beside = self.at(m - 1, m - 1).abs() + z.abs() + self.at(m + 1, m + 1).abs();
                before < f64::EPSILON * p.abs() * beside
            };
            if m == first || is_small() {
                return (m, [p, q, r]);
            }
            m -= 1;
        }
    }

    /// Apply one Householder reflection of rows and columns `k` to `k + 2` (`k + 1` at the end).
    fn reflect(
        &mut self,
        k: usize,
        (first, last): (usize, usize),
        [x, y, z]: [f64; 3],
        [q, r]: [f64; 2],
    ) {
        let has_third = k + 2 <= last;
        for j in k..=last {
            let mut p = self.at(k, j) + q * self.at(k + 1, j);
            if has_third {
                p += r * self.at(k + 2, j);
                *self.at_mut(k + 2, j) -= p * z;
            }
            *self.at_mut(k, j) -= p * x;
            *self.at_mut(k + 1, j) -= p * y;
        }
        for i in first..=last.min(k + 3) {
            let mut p = x * self.at(i, k) + y * self.at(i, k + 1);
            if has_third {
                p += z * self.at(i, k + 2);
                *self.at_mut(i, k + 2) -= p * r;
            }
            *self.at_mut(i, k) -= p;
            *self.at_mut(i, k + 1) -= p * q;
        }
    }
}
