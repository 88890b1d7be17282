//! Measuring the width of text.

use std::borrow::Cow;
use std::iter::zip;

use skrifa::instance::Size;
use skrifa::{FontRef, MetadataProvider as _};
use unicode_segmentation::UnicodeSegmentation as _;

use super::font::{Font, PRETENDARD};

/// Measures text in the fonts used for drawing.
pub(super) struct Ruler<'f> {
    /// The chosen font with its weight, then the embedded one as a fallback.
    fonts: Vec<(FontRef<'f>, u16)>,
}

impl<'f> Ruler<'f> {
    pub(super) fn new(chosen: Option<&'f Font>) -> Self {
        let embedded =
            FontRef::new(PRETENDARD).expect("the embedded font is a whole OpenType file");
        Self {
            fonts: chosen
                .map(Font::face)
                .into_iter()
                .chain([(embedded, 400)])
                .collect(),
        }
    }

    /// Return the characters without a glyph, except those that only shape others.
    pub(super) fn lacking(&self, text: &str) -> impl Iterator<Item = char> {
        let glyphs: Vec<_> = self.fonts.iter().map(|(font, _)| font.charmap()).collect();
        let shapes = |c| matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
        text.chars()
            .filter(move |&c| !shapes(c) && glyphs.iter().all(|glyphs| glyphs.map(c).is_none()))
    }

    /// Return the width in pixels of `text` at `size` pixels; a visible character without a glyph
    /// counts as one em.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        self.graphemes(text, size).map(|(_, _, width)| width).sum()
    }

    /// Split `text` into parts drawn in one font each, with their offsets in pixels. Drawn
    /// separately, they keep their font: a renderer may switch the font of a whole text if it lacks
    /// one character.
    pub(super) fn runs<'t>(&self, text: &'t str, size: f32) -> Vec<(f32, &'t str)> {
        let (mut runs, mut font, mut x) = (Vec::new(), None, 0.0);
        let mut start = (0, 0.0);
        for ((at, grapheme), (_, used, width)) in
            zip(text.grapheme_indices(true), self.graphemes(text, size))
        {
            // A character in neither font, such as an emoji, stays with its neighbour.
            let used = used.or(font);
            if font.is_some() && used != font {
                runs.push((start.1, &text[start.0..at]));
                start = (at, x);
            }
            font = used;
            x += width;
            // A leading space of a part would be lost.
            if start.0 == at && at > 0 && grapheme == " " {
                start = (at + 1, x);
            }
        }
        runs.push((start.1, &text[start.0..]));
        runs
    }

    /// Return the visible characters of `text`, with the index of a font that has each, if any, and
    /// its width.
    fn graphemes<'t>(
        &self,
        text: &'t str,
        size: f32,
    ) -> impl Iterator<Item = (&'t str, Option<usize>, f32)> {
        // Use the renderer's weight; fonts that are not variable have no such axis.
        let location = |(font, weight): &(FontRef<'f>, u16)| {
            font.axes()
                .location([("wght", f32::from(*weight)), ("opsz", size)])
        };
        let fonts: Vec<_> = self
            .fonts
            .iter()
            .map(|font| (font.0.clone(), font.0.charmap(), location(font)))
            .collect();
        text.graphemes(true).map(move |grapheme| {
            // Ignore kerning, a fraction of a pixel.
            let found = fonts
                .iter()
                .enumerate()
                .find_map(|(i, (font, glyphs, location))| {
                    let metrics = font.glyph_metrics(Size::new(size), location);
                    let width = grapheme
                        .chars()
                        .map(|c| metrics.advance_width(glyphs.map(c)?))
                        .sum::<Option<f32>>()?;
                    Some((grapheme, Some(i), width))
                });
            // An emoji or an accented letter in neither font takes one em, whatever its number of
            // code points.
            found.unwrap_or((grapheme, None, size))
        })
    }

    /// Return `text`, or the longest prefix that fits with `…` into `limit` pixels.
    pub(super) fn fit<'t>(&self, text: &'t str, size: f32, limit: f32) -> Cow<'t, str> {
        if self.width(text, size) <= limit {
            return Cow::Borrowed(text);
        }
        let mut left = limit - self.width("…", size);
        let kept = text.graphemes(true).take_while(|grapheme| {
            left -= self.width(grapheme, size);
            left >= 0.0
        });
        let length = kept.map(str::len).sum();
        Cow::Owned(format!("{}…", &text[..length]))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn covers_what_labels_need() {
        let ruler = Ruler::new(None);
        let syllables: String = ('가'..='힣').collect();
        assert_eq!(syllables.chars().count(), 11_172);
        for text in [
            syllables.as_str(),
            "The cat? 0.53 − 1/3",
            "␣⏎⇥…·→",
            "éñßœĠ",
            "αЖ",
            "ㄱㅏㅎ",
            "あア",
        ] {
            assert_eq!(ruler.lacking(text).collect::<String>(), "");
        }
        assert_eq!(ruler.lacking("a👋️b👩‍👧").collect::<String>(), "👋👩👧");
    }

    #[test]
    fn widths_add_up() {
        let ruler = Ruler::new(None);
        assert_eq!(ruler.width("", 12.0), 0.0);
        let one = ruler.width("한", 10.0);
        assert!((6.0..=10.0).contains(&one), "{one}");
        assert!((ruler.width("한국한", 20.0) - 6.0 * one).abs() < 1e-3);
        assert_eq!(ruler.width("👩‍👩‍👧", 10.0), 10.0);
    }

    #[test]
    fn a_font_of_its_own_is_one_run() {
        let ruler = Ruler::new(None);
        for text in ["", "the cat", "한 1/3", "👋 1/4", "👋", "שלום"] {
            assert_eq!(ruler.runs(text, 12.0), [(0.0, text)]);
        }
    }

    #[test]
    fn fits_by_whole_graphemes() {
        let ruler = Ruler::new(None);
        assert_eq!(ruler.fit("cat", 12.0, 100.0), "cat");
        for text in ["supercalifragilistic", "대한민국의아름다운강산", "👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧"]
        {
            let fitted = ruler.fit(text, 12.0, 30.0);
            let kept = fitted.strip_suffix('…').unwrap();
            assert!(ruler.width(&fitted, 12.0) <= 30.0, "{fitted}");
            assert!(!kept.is_empty() && text.starts_with(kept));
            assert!(text.grapheme_indices(true).any(|(at, _)| at == kept.len()));
        }
        assert_eq!(ruler.fit("cat", 12.0, 0.0), "…");
    }
}
