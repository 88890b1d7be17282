//! RoPE on one query and one key, before and after.

use serde::Serialize;
use sisun_config::{ModelConfig, Position};
use sisun_model::position::rope::Frequencies;

/// Distances by which query and key are moved together to show that only their offset matters.
const SHIFTS: [usize; 3] = [0, 10, 1000];

/// The rotation of a query and a key by their positions (Su et al. 2021): the pair of dimensions
/// `(i, i + r/2)` is turned by `position · radians[i]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rotation {
    /// Radians per position of each pair, `[r/2]`.
    pub radians: Vec<f64>,
    /// Factor on the rotated numbers; 1 except for YaRN.
    pub magnitude: f64,
    /// The query before the rotation, `[d_head]`.
    pub q: Vec<f64>,
    /// Index of the key that is shown beside it.
    pub key: usize,
    /// That key before the rotation, `[d_head]`.
    pub k: Vec<f64>,
    /// The product of both, rotated as if they stood elsewhere at the same distance.
    pub proof: Vec<Moved>,
}

/// Query and key at other positions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Moved {
    /// Position of the query.
    pub query: usize,
    /// Position of the key.
    pub key: usize,
    /// `q·k` after the rotation.
    pub dot: f64,
}

impl Rotation {
    /// Return the rotation of the query at position `query` and the key at position `key`, which
    /// are given as the model compares them; `None` without RoPE. `n` is the number of tokens.
    pub(crate) fn of(
        config: &ModelConfig,
        n: usize,
        (query, q): (usize, &[f64]),
        (key, k): (usize, &[f64]),
    ) -> Option<Self> {
        let Position::Rope { base, scaling, .. } = config.position else {
            return None;
        };
        let Frequencies { radians, magnitude } =
            Frequencies::new(config.rotary_dims(), base, scaling, n);
        let back =
            |x: &[f64], position: usize| turned(x, &radians, -(position as f64), 1.0 / magnitude);
        let (q, k) = (back(q, query), back(k, key));
        let moved = |shift: usize| {
            let at = |x: &[f64], position: usize| {
                turned(x, &radians, (position + shift) as f64, magnitude)
            };
            let (q, k) = (at(&q, query), at(&k, key));
            Moved {
                query: query + shift,
                key: key + shift,
                dot: q.iter().zip(&k).map(|(q, k)| q * k).sum(),
            }
        };
        let proof = SHIFTS.map(moved).to_vec();
        Some(Self {
            radians,
            magnitude,
            q,
            key,
            k,
            proof,
        })
    }
}

impl Rotation {
    /// Return a rotated vector as it was before, at a position.
    pub fn turned_back(&self, x: &[f64], position: usize) -> Vec<f64> {
        turned(x, &self.radians, -(position as f64), 1.0 / self.magnitude)
    }
}

/// Return a vector whose pairs are turned by `position · radians` and multiplied by `magnitude`.
fn turned(x: &[f64], radians: &[f64], position: f64, magnitude: f64) -> Vec<f64> {
    let (half, mut y) = (radians.len(), x.to_vec());
    for (i, radians) in radians.iter().enumerate() {
        let (sin, cos) = (position * radians).sin_cos();
        y[i] = magnitude * (x[i] * cos - x[i + half] * sin);
        y[i + half] = magnitude * (x[i] * sin + x[i + half] * cos);
    }
    y
}

#[cfg(test)]
mod tests {
    use super::turned;

    #[test]
    fn a_quarter_turn_and_back() {
        let quarter = [std::f64::consts::FRAC_PI_2];
        let there = turned(&[2.0, 0.0, 5.0], &quarter, 1.0, 1.5);
        assert!((there[0]).abs() < 1e-12 && (there[1] - 3.0).abs() < 1e-12);
        assert_eq!(there[2].to_bits(), 5.0_f64.to_bits());
        let back = turned(&there, &quarter, -1.0, 1.0 / 1.5);
        assert!((back[0] - 2.0).abs() < 1e-12 && back[1].abs() < 1e-12);
    }
}
