//! One colour and one marker per variant, used in all charts.

use plotters::style::RGBColor;

pub(super) const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);
pub(super) const INK: RGBColor = RGBColor(0x3d, 0x3b, 0x39);
pub(super) const QUIET: RGBColor = RGBColor(0x6b, 0x68, 0x64);
pub(super) const GRID: RGBColor = RGBColor(0xe9, 0xe6, 0xe1);
/// Background of the trained lengths.
pub(super) const SHADE: RGBColor = RGBColor(0xf5, 0xf3, 0xf0);

/// The palette of Okabe and Ito (2008), distinguishable with any kind of colour vision, and a
/// counterpart for dark pages. Its yellow is omitted, because it is invisible on white.
const VARIANTS: [(RGBColor, &str); 7] = [
    (RGBColor(0x00, 0x72, 0xb2), "#5a9cf0"),
    (RGBColor(0xd5, 0x5e, 0x00), "#f07f2e"),
    (RGBColor(0x00, 0x9e, 0x73), "#1fc796"),
    (RGBColor(0xcc, 0x79, 0xa7), "#dd92bb"),
    (RGBColor(0xe6, 0x9f, 0x00), "#f2b632"),
    (RGBColor(0x56, 0xb4, 0xe9), "#93d5fb"),
    (RGBColor(0x00, 0x00, 0x00), "#f2f0ec"),
];

/// Colours of all other elements on dark pages.
const DARK: [(RGBColor, &str, &str); 5] = [
    (PAPER, "fill", "#1e2024"),
    (INK, "fill", "#d2cfca"),
    (QUIET, "fill", "#a09d98"),
    (SHADE, "fill", "#26282d"),
    (GRID, "stroke", "#34363b"),
];

/// Marker shapes, which distinguish variants of the same colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Square,
    Triangle,
    Diamond,
    Down,
    Plus,
    Cross,
}

const MARKERS: [(Marker, char); 7] = [
    (Marker::Circle, '●'),
    (Marker::Square, '■'),
    (Marker::Triangle, '▲'),
    (Marker::Diamond, '◆'),
    (Marker::Down, '▼'),
    (Marker::Plus, '✚'),
    (Marker::Cross, '✖'),
];

/// Return the colour of the variant with this number.
pub(super) fn colour(variant: usize) -> RGBColor {
    VARIANTS[variant % VARIANTS.len()].0
}

/// Return its marker. Each time the colours are used up, the markers are shifted by one, so that 49
/// variants look different.
pub(super) fn marker(variant: usize) -> Marker {
    look(variant).0
}

/// Return the marker and colour of a variant as HTML.
pub fn key(variant: usize) -> String {
    format!(
        "<span class=\"key k{}\" aria-hidden=\"true\">{}</span>",
        variant % VARIANTS.len(),
        look(variant).1
    )
}

fn look(variant: usize) -> (Marker, char) {
    MARKERS[(variant + variant / VARIANTS.len()) % MARKERS.len()]
}

/// Return the CSS that colours the markers of a page.
pub fn key_style() -> String {
    let light: String = (0..)
        .zip(VARIANTS)
        .map(|(i, (light, _))| format!(".k{i} {{ color: {}; }} ", hex(light)))
        .collect();
    let dark: String = (0..)
        .zip(VARIANTS)
        .map(|(i, (_, dark))| format!(".k{i} {{ color: {dark}; }} "))
        .collect();
    format!("{light}\n@media (prefers-color-scheme: dark) {{ {dark}}}\n@media print {{ {light}}}\n")
}

/// Return the CSS that adapts a figure to the reader's dark scheme, by the attributes in the SVG.
pub(super) fn picture_style() -> String {
    let rule = |light: RGBColor, of: &str, dark: &str| {
        format!(".chart [{of}=\"{}\"] {{ {of}: {dark}; }}\n", hex(light))
    };
    let rest: String = DARK
        .iter()
        .map(|(light, of, dark)| rule(*light, of, dark))
        .collect();
    let variants: String = VARIANTS
        .iter()
        .flat_map(|(light, dark)| ["fill", "stroke"].map(|of| rule(*light, of, dark)))
        .collect();
    format!(
        "<style>\n@media screen and (prefers-color-scheme: dark) {{\n{rest}{variants}}}\n</style>"
    )
}

/// Format a colour as plotters does.
fn hex(RGBColor(r, g, b): RGBColor) -> String {
    format!("#{r:02X}{g:02X}{b:02X}")
}

/// Return a light to dark blue for a value from 0 to 1, and a text colour that is readable on it.
pub(super) fn heat(share: f64) -> (RGBColor, RGBColor) {
    const ENDS: [[f64; 3]; 3] = [
        [242.0, 246.0, 250.0],
        [103.0, 164.0, 208.0],
        [8.0, 54.0, 102.0],
    ];
    let place = if share.is_finite() {
        share.clamp(0.0, 1.0) * 2.0
    } else {
        0.0
    };
    let (from, part) = if place < 1.0 {
        (0, place)
    } else {
        (1, place - 1.0)
    };
    let [r, g, b] = [0, 1, 2]
        .map(|i| (ENDS[from][i] + part * (ENDS[from + 1][i] - ENDS[from][i])).round() as u8);
    // The dark scheme changes neither of these text colours.
    let ink = if place < 1.15 {
        RGBColor(0x14, 0x14, 0x14)
    } else {
        RGBColor(0xfc, 0xfc, 0xfc)
    };
    (RGBColor(r, g, b), ink)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn forty_nine_variants_look_different() {
        let looks: HashSet<_> = (0..49).map(key).collect();
        assert_eq!(looks.len(), 49);
        assert_eq!(marker(0), Marker::Circle);
    }

    #[test]
    fn heat_goes_from_light_to_dark() {
        let light = |share| {
            let RGBColor(r, g, b) = heat(share).0;
            u32::from(r) + u32::from(g) + u32::from(b)
        };
        assert!(
            [0.0, 0.2, 0.5, 0.8, 1.0]
                .map(light)
                .is_sorted_by(|a, b| a > b)
        );
        assert_eq!(heat(f64::NAN).0, heat(0.0).0);
        assert_eq!(heat(7.0).0, heat(1.0).0);
    }
}
