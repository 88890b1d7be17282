//! Colours of values.

use std::cmp::Ordering;
use std::fmt;

use super::Colours;

/// An opaque sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rgb(pub(super) [u8; 3]);

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// Colour of hidden cells: a neutral grey that no colour map contains.
pub(super) const HIDDEN: Rgb = Rgb([0xe9, 0xe9, 0xe9]);

/// Colour of text and lines.
pub(super) const INK: Rgb = Rgb([0x22, 0x22, 0x22]);

/// Return [`INK`], white or black: the first with a contrast of at least 4.5 to `background` (WCAG
/// 2.2, AA), which black or white always has.
pub(super) fn ink_on(background: Rgb) -> Rgb {
    [INK, Rgb([255; 3])]
        .into_iter()
        .find(|ink| contrast(*ink, background) >= 4.5)
        .unwrap_or(Rgb([0; 3]))
}

/// Return the contrast ratio (WCAG 2.2): from 1, equal, to 21, black on white.
pub(super) fn contrast(a: Rgb, b: Rgb) -> f32 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Return the relative luminance (WCAG 2.2): 0.2126 R + 0.7152 G + 0.0722 B in linear light.
pub(super) fn luminance(Rgb(channels): Rgb) -> f32 {
    let linear = channels.map(|channel| {
        let c = f32::from(channel) / 255.0;
        if c <= 0.040_45 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

/// Mapping of values to the range of a colour map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scale {
    /// Weights of a softmax: always 0 to 1, so that pictures are comparable.
    Weights,
    /// Weights on a square-root scale, as Matplotlib's `PowerNorm(0.5)`: over many tokens most
    /// weights are so small that a linear scale would show an empty page.
    RootWeights,
    /// Linear scale from the smallest value to the largest.
    Range {
        /// Value of the lightest colour.
        low: f32,
        /// Value of the darkest colour.
        high: f32,
    },
}

impl Scale {
    /// Number of tokens from which the square-root scale is used; on a linear scale uniform
    /// attention would then look like none.
    const ROOT_FROM: usize = 65;

    /// Return the scale of weights over `n` tokens.
    pub(super) fn weights(n: usize) -> Self {
        if n < Self::ROOT_FROM {
            Self::Weights
        } else {
            Self::RootWeights
        }
    }

    /// Return the scale from the smallest to the largest finite value.
    pub(super) fn spanning(values: impl Iterator<Item = f32>) -> Self {
        let (low, high) = values
            .filter(|value| value.is_finite())
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            });
        match low.partial_cmp(&high) {
            Some(Ordering::Less) => Self::Range { low, high },
            // A single value is at the light end of a scale of length 1.
            Some(Ordering::Equal) => Self::Range {
                low,
                high: low + 1.0,
            },
            _ => Self::Weights,
        }
    }

    /// Return the position of a value on the scale: 0 at the light end, 1 at the dark end.
    fn share(self, value: f32) -> f32 {
        match self {
            Self::Weights => value,
            Self::RootWeights => value.max(0.0).sqrt(),
            // Halved first, because the difference of two finite numbers may overflow.
            Self::Range { low, high } => (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0),
        }
    }

    /// Return the smallest and the largest value.
    pub(super) fn ends(self) -> (f32, f32) {
        match self {
            Self::Weights | Self::RootWeights => (0.0, 1.0),
            Self::Range { low, high } => (low, high),
        }
    }

    /// Return the values to write beside the scale, with their positions.
    pub(super) fn ticks(self) -> Vec<(f32, f32)> {
        let values = match self {
            Self::Weights => vec![0.0, 0.25, 0.5, 0.75, 1.0],
            Self::RootWeights => vec![0.0, 0.01, 0.1, 0.25, 0.5, 1.0],
            Self::Range { low, high } => [0.0, 0.25, 0.5, 0.75, 1.0]
                .map(|share| low * (1.0 - share) + high * share)
                .to_vec(),
        };
        values
            .into_iter()
            .map(|value| (value, self.share(value)))
            .collect()
    }
}

/// Colour of 0 on a signed scale, and of its two ends, as on the pages.
const ZERO: [u8; 3] = [0xf7, 0xf7, 0xf7];
const NEGATIVE: [u8; 3] = [0xd5, 0x5e, 0x00];
const POSITIVE: [u8; 3] = [0x00, 0x72, 0xb2];

/// Return the colour of a signed share, from −1 to 1.
pub(super) fn signed(share: f32) -> Rgb {
    let end = if share < 0.0 { NEGATIVE } else { POSITIVE };
    let mixed = |i: usize| {
        let (zero, end) = (f32::from(ZERO[i]), f32::from(end[i]));
        (zero + share.abs().min(1.0) * (end - zero)).round() as u8
    };
    Rgb([mixed(0), mixed(1), mixed(2)])
}

/// A scale and a colour map.
pub(super) struct Paint {
    pub(super) scale: Scale,
    /// True if values are compared by their magnitude.
    pub(super) is_signed: bool,
    table: [[u8; 3]; 256],
}

impl Paint {
    pub(super) fn new(scale: Scale, colours: Colours) -> Self {
        Self {
            scale,
            is_signed: false,
            table: colours.table(),
        }
    }

    /// Create the colours of a difference: from −`limit`, orange, over 0, white, to `limit`, blue.
    pub(super) fn diverging(limit: f32) -> Self {
        let limit = limit.max(f32::MIN_POSITIVE);
        let entry = |i: usize| signed(i as f32 / 127.5 - 1.0).0;
        Self {
            scale: Scale::Range {
                low: -limit,
                high: limit,
            },
            is_signed: true,
            table: std::array::from_fn(entry),
        }
    }

    /// Return the colour of a value; values outside the scale are clamped.
    pub(super) fn colour(&self, value: f32) -> Rgb {
        // The cast saturates at 0 and maps NaN to 0.
        let entry = (self.scale.share(value) * 256.0) as usize;
        Rgb(self.table[entry.min(255)])
    }

    /// Return evenly spaced positions on the scale and their colours, close enough for a linear
    /// gradient.
    pub(super) fn stops(&self) -> impl Iterator<Item = (f32, Rgb)> {
        let last = self.table.len() - 1;
        self.table
            .iter()
            .enumerate()
            .step_by(5)
            .map(move |(i, &colour)| (i as f32 / last as f32, Rgb(colour)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Return the colour of the default map at `share` of the scale.
    fn blues(share: f32) -> Rgb {
        Paint::new(Scale::Weights, Colours::Blues).colour(share)
    }

    fn coloured(scale: Scale, value: f32) -> Rgb {
        Paint::new(scale, Colours::Blues).colour(value)
    }

    #[test]
    fn shares_take_their_entry_of_the_table() {
        let table = Colours::Viridis.table();
        let paint = Paint::new(Scale::Weights, Colours::Viridis);
        for (share, entry) in [
            (0.0, 0),
            (0.003, 0),
            (0.004, 1),
            (0.5, 128),
            (0.996, 254),
            (0.997, 255),
            (1.0, 255),
        ] {
            assert_eq!(paint.colour(share), Rgb(table[entry]), "{share}");
        }
        for (outside, entry) in [(-3.0, 0), (7.0, 255), (f32::NAN, 0), (f32::INFINITY, 255)] {
            assert_eq!(paint.colour(outside), Rgb(table[entry]), "{outside}");
        }
        let stops: Vec<(f32, Rgb)> = paint.stops().collect();
        assert_eq!(
            (stops[0], stops[stops.len() - 1]),
            ((0.0, Rgb(table[0])), (1.0, Rgb(table[255])))
        );
    }

    #[test]
    fn scale_of_odd_values() {
        let scale = Scale::spanning([f32::NEG_INFINITY, -2.0, 6.0, f32::NAN].into_iter());
        assert_eq!(
            scale,
            Scale::Range {
                low: -2.0,
                high: 6.0
            }
        );
        assert_eq!(coloured(scale, 2.0), blues(0.5));
        assert_eq!(
            Scale::spanning([3.0, 3.0].into_iter()),
            Scale::Range {
                low: 3.0,
                high: 4.0
            }
        );
        assert_eq!(
            Scale::spanning([f32::NEG_INFINITY].into_iter()),
            Scale::Weights
        );
        let all = Scale::spanning([f32::MIN, f32::MAX].into_iter());
        assert_eq!(coloured(all, 0.0), blues(0.5));
    }

    #[test]
    fn many_tokens_take_square_roots() {
        assert_eq!(coloured(Scale::weights(64), 0.25), blues(0.25));
        assert_eq!(coloured(Scale::weights(65), 0.25), blues(0.5));
        for scale in [
            Scale::Weights,
            Scale::RootWeights,
            Scale::Range {
                low: -7.0,
                high: 3.0,
            },
        ] {
            let ticks = scale.ticks();
            assert!(
                ticks
                    .windows(2)
                    .all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1),
                "{ticks:?}"
            );
            assert_eq!((ticks[0].1, ticks[ticks.len() - 1].1), (0.0, 1.0));
            assert_eq!((ticks[0].0, ticks[ticks.len() - 1].0), scale.ends());
        }
    }
}
