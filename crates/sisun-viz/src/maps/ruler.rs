//! How wide text is.

use std::borrow::Cow;
use std::iter::zip;

use skrifa::instance::Size;
use skrifa::{FontRef, MetadataProvider as _};
use unicode_segmentation::UnicodeSegmentation as _;

use super::font::{Font, PRETENDARD};

/// Measures text in the fonts that it is drawn with.
pub(super) struct Ruler<'f> {
    /// The chosen font and the weight it is drawn in, then the embedded one, which draws what the
    /// chosen one lacks.
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

    /// The characters without a glyph, but for those that only shape others.
    pub(super) fn lacking(&self, text: &str) -> impl Iterator<Item = char> {
        let glyphs: Vec<_> = self.fonts.iter().map(|(font, _)| font.charmap()).collect();
        let shapes = |c| matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
        text.chars()
            .filter(move |&c| !shapes(c) && glyphs.iter().all(|glyphs| glyphs.map(c).is_none()))
    }

    /// Width in pixels of `text` at `size` pixels; what the fonts lack counts one em a visible
    /// character.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        self.graphemes(text, size).map(|(_, _, width)| width).sum()
    }

    /// The parts of `text` that are drawn in one font each, and how many pixels after its beginning
    /// they begin. Drawn apart, they keep their font: a renderer may take another for all of a text
    /// of which one lacks something.
    pub(super) fn runs<'t>(&self, text: &'t str, size: f32) -> Vec<(f32, &'t str)> {
        let (mut runs, mut font, mut x) = (Vec::new(), None, 0.0);
        let mut start = (0, 0.0);
        for ((at, grapheme), (_, used, width)) in
            zip(text.grapheme_indices(true), self.graphemes(text, size))
        {
            // What neither has, an emoji, stays with what it stands beside.
            let used = used.or(font);
            if font.is_some() && used != font {
                runs.push((start.1, &text[start.0..at]));
                start = (at, x);
            }
            font = used;
            x += width;
            // A space at the beginning of a part would be lost.
            if start.0 == at && at > 0 && grapheme == " " {
                start = (at + 1, x);
            }
        }
        runs.push((start.1, &text[start.0..]));
        runs
    }

    /// The visible characters of `text`, the number of the font that has each, if any, and how wide
    /// it is.
    fn graphemes<'t>(
        &self,
        text: &'t str,
        size: f32,
    ) -> impl Iterator<Item = (&'t str, Option<usize>, f32)> {
        // As the renderer sets them; a font that is not variable has no such axes.
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
            // Kerning, a fraction of a pixel, is left out.
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
            // An emoji or a letter with marks from elsewhere takes one place however many
            // characters it has.
            found.unwrap_or((grapheme, None, size))
        })
    }

    /// `text`, or as much of its beginning as leaves room for `…` within `limit` pixels.
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
