//! The embedded font: what it covers and how wide its text is.

use std::borrow::Cow;
use std::sync::Arc;

use resvg::usvg::fontdb;
use skrifa::MetadataProvider as _;
use skrifa::instance::{LocationRef, Size};
use unicode_segmentation::UnicodeSegmentation as _;

use super::label;

/// Pretendard 1.3.9 Regular, unmodified (SIL Open Font License 1.1, licence beside it): Latin, Greek, Cyrillic, kana
/// and all 11,172 Hangul syllables.
static PRETENDARD: &[u8] = include_bytes!("../../assets/Pretendard-Regular.otf");

/// The `font-family` of every picture: the embedded font's design first, then what systems have for Korean.
pub(super) const FAMILIES: &str = "Pretendard, 'Apple SD Gothic Neo', 'Malgun Gothic', 'Noto Sans KR', \
                                   'Noto Sans CJK KR', NanumGothic, sans-serif";

/// Measures text in the embedded font.
pub(super) struct Ruler {
    font: skrifa::FontRef<'static>,
}

impl Ruler {
    pub(super) fn new() -> Self {
        Self { font: skrifa::FontRef::new(PRETENDARD).expect("the embedded font is a whole OpenType file") }
    }

    /// Whether the embedded font has a glyph for every character.
    fn covers(&self, text: &str) -> bool {
        let glyphs = self.font.charmap();
        text.chars().all(|c| glyphs.map(c).is_some())
    }

    /// Width in pixels of `text` at `size` pixels; what the font lacks counts one em a visible character.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        let glyphs = self.font.charmap();
        let metrics = self.font.glyph_metrics(Size::new(size), LocationRef::default());
        let advance = |c| glyphs.map(c).and_then(|glyph| metrics.advance_width(glyph));
        text.graphemes(true)
            // An emoji or a letter with marks from elsewhere takes one place however many characters it has.
            .map(|grapheme| grapheme.chars().map(advance).sum::<Option<f32>>().unwrap_or(size))
            .sum()
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

/// The fonts to draw `labels` with: the embedded one, and those of the system only where a label needs them, so that
/// the usual picture is the same on every machine.
pub(super) fn database<'a>(mut labels: impl Iterator<Item = &'a str>) -> Arc<fontdb::Database> {
    let ruler = Ruler::new();
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(PRETENDARD.to_vec());
    if !labels.all(|text| ruler.covers(&label::drawable(text))) {
        fonts.load_system_fonts();
    }
    Arc::new(fonts)
}

/// The font for a character that the fonts in use lack: of those that have it, the one most like the embedded one,
/// which is upright, regular and without serifs.
pub(super) fn plainest(c: char, used: &[fontdb::ID], fonts: &mut Arc<fontdb::Database>) -> Option<fontdb::ID> {
    let is_called = |face: &fontdb::FaceInfo, word| face.families.iter().any(|(name, _)| name.contains(word));
    fonts
        .faces()
        // macOS has a font with a box for every character.
        .filter(|face| !used.contains(&face.id) && !is_called(face, "LastResort") && has_char(fonts, face.id, c))
        .min_by_key(|face| {
            let weight = face.weight.0.abs_diff(fontdb::Weight::NORMAL.0);
            (face.style != fontdb::Style::Normal, is_called(face, "Serif"), weight, face.monospaced)
        })
        .map(|face| face.id)
}

fn has_char(fonts: &fontdb::Database, face: fontdb::ID, c: char) -> bool {
    let has =
        |data: &[u8], index| skrifa::FontRef::from_index(data, index).is_ok_and(|font| font.charmap().map(c).is_some());
    fonts.with_face_data(face, has).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn covers_what_labels_need() {
        let ruler = Ruler::new();
        let syllables: String = ('가'..='힣').collect();
        assert_eq!(syllables.chars().count(), 11_172);
        for text in [syllables.as_str(), "The cat? 0.53 − 1/3", "␣⏎⇥…·→", "éñßœĠ", "αЖ", "ㄱㅏㅎ", "あア"]
        {
            assert!(ruler.covers(text), "{text}");
        }
        assert!(!ruler.covers("👋"));
    }

    #[test]
    fn widths_add_up() {
        let ruler = Ruler::new();
        assert_eq!(ruler.width("", 12.0), 0.0);
        let one = ruler.width("한", 10.0);
        assert!((6.0..=10.0).contains(&one), "{one}");
        assert!((ruler.width("한국한", 20.0) - 6.0 * one).abs() < 1e-3);
        assert_eq!(ruler.width("👩‍👩‍👧", 10.0), 10.0);
    }

    #[test]
    fn fits_by_whole_graphemes() {
        let ruler = Ruler::new();
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
