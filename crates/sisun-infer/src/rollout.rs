//! Attention accumulated over all layers.

use rayon::prelude::*;

/// Attention rollout (Abnar and Zuidema 2020, equation 1): the share of each input token in each
/// output vector, assuming that only attention mixes them. `rollout ← (½·A + ½·I)·rollout`, where
/// `A` is the mean over the heads of a layer.
#[derive(Debug)]
pub struct Rollout {
    n: usize,
    matrix: Vec<f32>,
}

impl Rollout {
    /// Create the identity: before the first layer each token is itself.
    pub fn new(n: usize) -> Self {
        let mut matrix = vec![0.0; n * n];
        matrix.iter_mut().step_by(n + 1).for_each(|own| *own = 1.0);
        Self { n, matrix }
    }

    /// Multiply by a layer.
    ///
    /// # Shapes
    /// - each of `patterns`: `[query, key]`, `n` × `n`
    pub fn add_layer(&mut self, patterns: &[&[f32]]) {
        let (n, before) = (self.n, &self.matrix);
        let share = 0.5 / patterns.len().max(1) as f32;
        let row = |query: usize| {
            let mut row: Vec<f32> = before[query * n..][..n]
                .iter()
                .map(|own| 0.5 * own)
                .collect();
            for key in 0..n {
                let weight = share
                    * patterns
                        .iter()
                        .map(|pattern| pattern[query * n + key])
                        .sum::<f32>();
                if weight != 0.0 {
                    row.iter_mut()
                        .zip(&before[key * n..][..n])
                        .for_each(|(sum, x)| *sum += weight * x);
                }
            }
            row
        };
        self.matrix = (0..n).into_par_iter().flat_map_iter(row).collect();
    }

    /// Return the rollout matrix `[query, key]`; each row sums to 1.
    pub fn matrix(&self) -> &[f32] {
        &self.matrix
    }
}

#[cfg(test)]
mod tests {
    use super::Rollout;

    #[test]
    fn rollout_by_hand() {
        let mut rollout = Rollout::new(2);
        rollout.add_layer(&[&[1.0, 0.0, 0.5, 0.5], &[1.0, 0.0, 1.0, 0.0]]);
        // A = [[1, 0], [¾, ¼]]; ½·A + ½·I = [[1, 0], [⅜, ⅝]].
        assert_eq!(rollout.matrix(), [1.0, 0.0, 0.375, 0.625]);
        rollout.add_layer(&[&[1.0, 0.0, 0.75, 0.25]]);
        // [[1, 0], [⅜, ⅝]]² = [[1, 0], [⅜ + ⅝·⅜, 25/64]].
        assert_eq!(rollout.matrix(), [1.0, 0.0, 0.609_375, 0.390_625]);
    }
}
