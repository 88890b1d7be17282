//! How widely and how far back a head attends.

use serde::Serialize;

/// Spread of one head's attention over a text, averaged over queries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct AttentionSpread {
    /// `−Σ p·ln p` in nats: 0 for attention to one token, `ln n` for uniform attention to `n`.
    pub entropy: f64,
    /// `Σ p·|query − key|` in tokens.
    pub distance: f64,
    /// Weight on the previous token; from the second query on.
    pub previous: f64,
    /// Weight on the first token, an attention sink; from the second query on.
    pub first: f64,
}

impl AttentionSpread {
    /// Measure one pattern.
    ///
    /// # Shapes
    /// - `pattern`: `[query, key]`, `n` × `n`
    pub fn of(pattern: &[f32], n: usize) -> Self {
        let mut sum = Self::default();
        for (query, row) in pattern.chunks_exact(n).enumerate() {
            for (key, &p) in row.iter().enumerate().filter(|(_, p)| **p != 0.0) {
                let p = f64::from(p);
                sum.entropy -= p * p.ln();
                sum.distance += p * query.abs_diff(key) as f64;
            }
            if query > 0 {
                sum.previous += f64::from(row[query - 1]);
                sum.first += f64::from(row[0]);
            }
        }
        let (all, later) = (n.max(1) as f64, n.saturating_sub(1).max(1) as f64);
        Self {
            entropy: sum.entropy / all,
            distance: sum.distance / all,
            previous: sum.previous / later,
            first: sum.first / later,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::AttentionSpread;

    #[test]
    fn spreads_by_hand() {
        #[rustfmt::skip]
        let pattern = [
            1.0, 0.0, 0.0,
            0.5, 0.5, 0.0,
            0.25, 0.75, 0.0,
        ];
        let spread = AttentionSpread::of(&pattern, 3);
        let entropy = (2f64.ln() + 0.25 * 4f64.ln() + 0.75 * (4f64 / 3.0).ln()) / 3.0;
        assert!((spread.entropy - entropy).abs() < 1e-12);
        assert!((spread.distance - (0.5 + 0.5 + 0.75) / 3.0).abs() < 1e-12);
        assert!((spread.previous - (0.5 + 0.75) / 2.0).abs() < 1e-12);
        assert!((spread.first - (0.5 + 0.25) / 2.0).abs() < 1e-12);
        assert_eq!(
            AttentionSpread::of(&[1.0], 1),
            AttentionSpread::default(),
            "one token looks at itself"
        );
    }
}
