//! Colours of weights.

use std::cmp::Ordering;
use std::fmt;

/// An opaque sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rgb(pub(super) [u8; 3]);

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// Cells that may not be attended to: a neutral grey, which the map below never takes.
pub(super) const HIDDEN: Rgb = Rgb([0xe9, 0xe9, 0xe9]);

/// Text and lines.
pub(super) const INK: Rgb = Rgb([0x22, 0x22, 0x22]);

/// ColorBrewer's nine-class `Blues`, which Matplotlib's `cmap="Blues"` interpolates in the same way.
///
/// A single hue whose lightness falls steadily: differences look as large as they are, any colour vision and a
/// grey-scale print read it alike, and no attention is white, so that the few cells that matter stand out.
pub(super) const BLUES: [Rgb; 9] = [
    Rgb([247, 251, 255]),
    Rgb([222, 235, 247]),
    Rgb([198, 219, 239]),
    Rgb([158, 202, 225]),
    Rgb([107, 174, 214]),
    Rgb([66, 146, 198]),
    Rgb([33, 113, 181]),
    Rgb([8, 81, 156]),
    Rgb([8, 48, 107]),
];

/// The colour of `share` of the scale, from 0 to 1; what lies outside takes the nearest end.
pub(super) fn blues(share: f32) -> Rgb {
    let position = share.clamp(0.0, 1.0) * (BLUES.len() - 1) as f32;
    let below = (position as usize).min(BLUES.len() - 2);
    let fraction = position - below as f32;
    let (Rgb(from), Rgb(to)) = (BLUES[below], BLUES[below + 1]);
    Rgb(std::array::from_fn(|i| {
        (f32::from(from[i]) + fraction * (f32::from(to[i]) - f32::from(from[i]))).round() as u8
    }))
}

/// Black or white ink, whichever has the higher contrast on `background` (WCAG 2.2, contrast ratio).
pub(super) fn ink_on(background: Rgb) -> Rgb {
    let white = Rgb([255; 3]);
    let contrast = |ink| {
        let (a, b) = (luminance(ink), luminance(background));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    };
    if contrast(INK) >= contrast(white) { INK } else { white }
}

/// Relative luminance (WCAG 2.2): 0.2126 R + 0.7152 G + 0.0722 B in linear light.
fn luminance(Rgb(channels): Rgb) -> f32 {
    let linear = channels.map(|channel| {
        let c = f32::from(channel) / 255.0;
        if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

/// How values become colours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scale {
    /// Weights of a softmax: 0 to 1, whatever values occur, so that every picture reads alike.
    Weights,
    /// The same by square roots, as Matplotlib's `PowerNorm(0.5)`: over many tokens most weights are so small that a
    /// linear scale would show an empty page.
    RootWeights,
    /// Evenly from the least value to the greatest.
    Range {
        /// The value that is almost white.
        low: f32,
        /// The value that is darkest.
        high: f32,
    },
}

impl Scale {
    /// From so many tokens on, an even share of the attention would look like none on a linear scale.
    const ROOT_FROM: usize = 65;

    /// The scale of weights over `n` tokens.
    pub(super) fn weights(n: usize) -> Self {
        if n < Self::ROOT_FROM { Self::Weights } else { Self::RootWeights }
    }

    /// From the least to the greatest finite value.
    pub(super) fn spanning(values: impl Iterator<Item = f32>) -> Self {
        let (low, high) = values
            .filter(|value| value.is_finite())
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        match low.partial_cmp(&high) {
            Some(Ordering::Less) => Self::Range { low, high },
            // One value only: it sits at the light end of a scale of length 1.
            Some(Ordering::Equal) => Self::Range { low, high: low + 1.0 },
            _ => Self::Weights,
        }
    }

    /// Where a value is on the scale: 0 at the light end, 1 at the dark end.
    fn share(self, value: f32) -> f32 {
        match self {
            Self::Weights => value,
            Self::RootWeights => value.max(0.0).sqrt(),
            // Halved first, because the difference of two finite numbers may not be finite.
            Self::Range { low, high } => (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0),
        }
    }

    /// The colour of a value.
    pub(super) fn colour(self, value: f32) -> Rgb {
        blues(self.share(value))
    }

    /// Values to write beside the scale, and where they are on it.
    pub(super) fn ticks(self) -> Vec<(f32, f32)> {
        let values = match self {
            Self::Weights => vec![0.0, 0.25, 0.5, 0.75, 1.0],
            Self::RootWeights => vec![0.0, 0.01, 0.1, 0.25, 0.5, 1.0],
            Self::Range { low, high } => {
                [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| low * (1.0 - share) + high * share).to_vec()
            }
        };
        values.into_iter().map(|value| (value, self.share(value))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `LinearSegmentedColormap.from_list("b", matplotlib._cm._Blues_data, N=100001)(share)`, times 255, rounded.
    const MATPLOTLIB: [(f32, [u8; 3]); 5] = [
        (0.0, [247, 251, 255]),
        (0.1, [227, 238, 249]),
        (0.37, [160, 203, 226]),
        (0.5, [107, 174, 214]),
        (0.93, [8, 66, 134]),
    ];

    #[test]
    fn blues_agree_with_matplotlib() {
        for (share, expected) in MATPLOTLIB {
            assert_eq!(blues(share), Rgb(expected), "{share}");
        }
        assert_eq!(blues(-3.0), BLUES[0]);
        assert_eq!(blues(7.0), BLUES[8]);
    }

    #[test]
    fn lightness_falls_all_the_way() {
        let lights: Vec<f32> = (0..=100).map(|i| luminance(blues(i as f32 / 100.0))).collect();
        assert!(lights.windows(2).all(|pair| pair[1] < pair[0]), "{lights:?}");
    }

    #[test]
    fn ink_is_readable_everywhere() {
        assert_eq!(ink_on(blues(0.0)), INK);
        assert_eq!(ink_on(blues(1.0)), Rgb([255; 3]));
        for i in 0..=100 {
            let ground = blues(i as f32 / 100.0);
            let (a, b) = (luminance(ink_on(ground)), luminance(ground));
            let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            // 3:1 is WCAG's bound for large or graphical text.
            assert!(contrast > 3.0, "{ground}: {contrast}");
        }
    }

    #[test]
    fn scale_of_odd_values() {
        let scale = Scale::spanning([f32::NEG_INFINITY, -2.0, 6.0, f32::NAN].into_iter());
        assert_eq!(scale, Scale::Range { low: -2.0, high: 6.0 });
        assert_eq!(scale.colour(2.0), blues(0.5));
        assert_eq!(Scale::spanning([3.0, 3.0].into_iter()), Scale::Range { low: 3.0, high: 4.0 });
        assert_eq!(Scale::spanning([f32::NEG_INFINITY].into_iter()), Scale::Weights);
        let all = Scale::spanning([f32::MIN, f32::MAX].into_iter());
        assert_eq!(all.colour(0.0), blues(0.5));
    }

    #[test]
    fn many_tokens_take_square_roots() {
        assert_eq!(Scale::weights(64).colour(0.25), blues(0.25));
        assert_eq!(Scale::weights(65).colour(0.25), blues(0.5));
        for scale in [Scale::Weights, Scale::RootWeights, Scale::Range { low: -7.0, high: 3.0 }] {
            let ticks = scale.ticks();
            assert!(ticks.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1), "{ticks:?}");
            assert_eq!((ticks[0].1, ticks[ticks.len() - 1].1), (0.0, 1.0));
        }
    }
}
