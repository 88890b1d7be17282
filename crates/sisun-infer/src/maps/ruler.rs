//! How wide text is.

use std::borrow::Cow;
use std::iter::zip;

use skrifa::instance::Size;
use skrifa::{FontRef, MetadataProvider as _};
use unicode_segmentation::UnicodeSegmentation as _;

use super::font::{Font, PRETENDARD};

/// Measures text in the fonts that it is drawn with.
pub(super) struct Ruler<'f> {
    /// The chosen font and the weight it is drawn in, then the embedded one, which draws what the chosen one lacks.
    fonts: Vec<(FontRef<'f>, u16)>,
}

impl<'f> Ruler<'f> {
    pub(super) fn new(chosen: Option<&'f Font>) -> Self {
        let embedded = FontRef::new(PRETENDARD).expect("the embedded font is a whole OpenType file");
        Self { fonts: chosen.map(Font::face).into_iter().chain([(embedded, 400)]).collect() }
    }

    /// The characters without a glyph, but for those that only shape others.
    pub(super) fn lacking(&self, text: &str) -> impl Iterator<Item = char> {
        let glyphs: Vec<_> = self.fonts.iter().map(|(font, _)| font.charmap()).collect();
        let shapes = |c| matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
        text.chars().filter(move |&c| !shapes(c) && glyphs.iter().all(|glyphs| glyphs.map(c).is_none()))
    }

    /// Width in pixels of `text` at `size` pixels; what the fonts lack counts one em a visible character.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        // As the renderer sets them; a font that is not variable has no such axes.
        let location =
            |(font, weight): &(FontRef<'_>, u16)| font.axes().location([("wght", f32::from(*weight)), ("opsz", size)]);
        let locations: Vec<_> = self.fonts.iter().map(location).collect();
        let fonts: Vec<_> = zip(&self.fonts, &locations)
            .map(|((font, _), location)| (font.charmap(), font.glyph_metrics(Size::new(size), location)))
            .collect();
        // In the first font that has all of it. Kerning, a fraction of a pixel, is left out.
        let in_one = |text: &str| {
            fonts.iter().find_map(|(glyphs, metrics)| {
                text.chars().map(|c| metrics.advance_width(glyphs.map(c)?)).sum::<Option<f32>>()
            })
        };
        // An emoji or a letter with marks from elsewhere takes one place however many characters it has.
        let mixed = text.graphemes(true).map(|grapheme| in_one(grapheme).unwrap_or(size)).sum::<f32>();
        // Browsers take another font for what one lacks, our renderer for all of a text of which one lacks something.
        in_one(text).map_or(mixed, |width| width.max(mixed))
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
        for text in [syllables.as_str(), "The cat? 0.53 − 1/3", "␣⏎⇥…·→", "éñßœĠ", "αЖ", "ㄱㅏㅎ", "あア"]
        {
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
