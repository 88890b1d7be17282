//! Colour maps.

use std::fmt;
use std::str::FromStr;

use super::MapsError;

/// A colour map of weights.
///
/// In all of them the smallest weight is light and the largest is dark. On white paper readers take
/// dark for more (Schloss et al. 2019, "Mapping Color to Meaning in Colormap Data Visualizations"),
/// and as most weights are near 0, a page stays light and needs little ink. All but `blues` are
/// therefore reversed compared to Matplotlib's maps of the same names; there they are called
/// `viridis_r`, `cividis_r` and `magma_r`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Colours {
    /// ColorBrewer's `Blues`: a single hue, nearly white where there is no attention.
    #[default]
    Blues,
    /// Yellow, green, violet: perceptually uniform.
    Viridis,
    /// Yellow, grey, blue: perceptually uniform, also for readers with red–green colour blindness
    /// (Nuñez et al. 2018).
    Cividis,
    /// Cream, red, black: perceptually uniform.
    Magma,
}

/// ColorBrewer's nine-class `Blues`.
const BLUES: [[u8; 3]; 9] = [
    [247, 251, 255],
    [222, 235, 247],
    [198, 219, 239],
    [158, 202, 225],
    [107, 174, 214],
    [66, 146, 198],
    [33, 113, 181],
    [8, 81, 156],
    [8, 48, 107],
];

impl Colours {
    /// Every colour map.
    pub const ALL: [Self; 4] = [Self::Blues, Self::Viridis, Self::Cividis, Self::Magma];

    /// Return the name of the colour map.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blues => "blues",
            Self::Viridis => "viridis",
            Self::Cividis => "cividis",
            Self::Magma => "magma",
        }
    }

    /// Return red, green and blue of 256 weights, from the smallest to the largest.
    ///
    /// A share s ∈ [0, 1] of the scale has entry ⌊256·s⌋, and 1 has the last entry, as in
    /// Matplotlib.
    pub fn table(self) -> [[u8; 3]; 256] {
        let reversed = |gradient: colorous::Gradient| {
            std::array::from_fn(|i| {
                let colorous::Color { r, g, b } = gradient.eval_rational(255 - i, 256);
                [r, g, b]
            })
        };
        match self {
            // Linear interpolation, as in Matplotlib; `colorous::BLUES` interpolates with a spline.
            Self::Blues => std::array::from_fn(|i| blues(i as f32 / 255.0)),
            Self::Viridis => reversed(colorous::VIRIDIS),
            Self::Cividis => reversed(colorous::CIVIDIS),
            Self::Magma => reversed(colorous::MAGMA),
        }
    }
}

/// Interpolate linearly between the classes; `share` is from 0 to 1.
fn blues(share: f32) -> [u8; 3] {
    let position = share * (BLUES.len() - 1) as f32;
    let below = (position as usize).min(BLUES.len() - 2);
    let fraction = position - below as f32;
    std::array::from_fn(|i| {
        let (from, to) = (f32::from(BLUES[below][i]), f32::from(BLUES[below + 1][i]));
        (from + fraction * (to - from)).round() as u8
    })
}

impl fmt::Display for Colours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Colours {
    type Err = MapsError;

    /// Parse a name, such as `viridis`; surrounding spaces are ignored.
    fn from_str(given: &str) -> Result<Self, MapsError> {
        let named = |colours: &Self| colours.name() == given.trim();
        Self::ALL
            .into_iter()
            .find(named)
            .ok_or_else(|| MapsError::UnknownChoice {
                what: "colour map",
                given: given.into(),
                choices: Self::ALL.map(Self::name).to_vec(),
            })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::maps::colour::{HIDDEN, INK, Rgb, contrast, ink_on, luminance};

    /// Red, green and blue of `matplotlib.colormaps[name](entry)`, times 255, rounded, for `Blues`,
    /// `viridis_r`, `cividis_r` and `magma_r` (Matplotlib 3.11.2).
    const ENTRIES: [usize; 6] = [0, 25, 94, 128, 200, 255];
    const MATPLOTLIB: [(Colours, [[u8; 3]; 6]); 4] = [
        (
            Colours::Blues,
            [
                [247, 251, 255],
                [227, 238, 249],
                [160, 203, 226],
                [106, 174, 214],
                [26, 104, 174],
                [8, 48, 107],
            ],
        ),
        (
            Colours::Viridis,
            [
                [253, 231, 37],
                [189, 223, 38],
                [41, 175, 127],
                [33, 144, 141],
                [63, 72, 137],
                [68, 1, 84],
            ],
        ),
        (
            Colours::Cividis,
            [
                [254, 232, 56],
                [229, 207, 82],
                [156, 149, 118],
                [124, 123, 120],
                [58, 72, 108],
                [0, 34, 78],
            ],
        ),
        (
            Colours::Magma,
            [
                [252, 253, 191],
                [254, 207, 146],
                [232, 83, 98],
                [181, 54, 122],
                [66, 15, 117],
                [0, 0, 4],
            ],
        ),
    ];

    #[test]
    fn maps_agree_with_matplotlib() {
        for (colours, expected) in MATPLOTLIB {
            let table = colours.table();
            for (i, expected) in ENTRIES.into_iter().zip(expected) {
                let apart = std::iter::zip(table[i], expected)
                    .map(|(a, b)| a.abs_diff(b))
                    .max()
                    .unwrap();
                // `colorous` approximates cividis by a polynomial and has tables for the others.
                let allowed = if colours == Colours::Cividis { 13 } else { 1 };
                assert!(
                    apart <= allowed,
                    "{colours} {i}: {:?}, not {expected:?}",
                    table[i]
                );
            }
        }
    }

    #[test]
    fn more_is_darker_in_every_map() {
        for colours in Colours::ALL {
            let lights = colours.table().map(|colour| luminance(Rgb(colour)));
            // Rounded colours may be off by a step in the third decimal.
            assert!(
                lights.windows(2).all(|pair| pair[1] < pair[0] + 1e-3),
                "{colours}: {lights:?}"
            );
            assert!(
                lights.windows(9).all(|some| some[8] < some[0]),
                "{colours}: {lights:?}"
            );
            assert!(
                lights[0] > 0.6 && lights[255] < 0.06,
                "{colours}: {} to {}",
                lights[0],
                lights[255]
            );
        }
    }

    #[test]
    fn hidden_cells_differ_from_every_colour() {
        for colours in Colours::ALL {
            for (i, colour) in colours.table().into_iter().enumerate() {
                let apart = std::iter::zip(colour, HIDDEN.0)
                    .map(|(a, b)| a.abs_diff(b))
                    .max()
                    .unwrap();
                assert!(apart >= 12, "{colours} {i}: {colour:?}");
            }
        }
    }

    #[test]
    fn ink_is_readable_on_every_colour() {
        for colours in Colours::ALL {
            let table = colours.table();
            assert_eq!(
                (ink_on(Rgb(table[0])), ink_on(Rgb(table[255]))),
                (INK, Rgb([255; 3])),
                "{colours}"
            );
            for colour in table.map(Rgb) {
                // 3:1 is WCAG's bound for large or graphical text.
                assert!(
                    contrast(ink_on(colour), colour) > 3.0,
                    "{colours}: {colour}"
                );
            }
        }
    }

    #[test]
    fn maps_have_names() {
        for colours in Colours::ALL {
            assert_eq!(colours.to_string().parse::<Colours>().unwrap(), colours);
        }
        let error = "jet".parse::<Colours>().unwrap_err().to_string();
        assert_eq!(
            error,
            "unknown colour map `jet`; choose from blues, viridis, cividis, magma"
        );
    }
}
