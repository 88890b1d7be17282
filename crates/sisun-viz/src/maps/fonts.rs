//! Fonts that cover every character of a picture.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use resvg::usvg::{self, fontdb};
use skrifa::MetadataProvider as _;
use unicode_segmentation::UnicodeSegmentation as _;

use super::font::{Font, PRETENDARD};
use super::label;
use super::ruler::Ruler;

/// Return the characters of some labels for which no font of this machine has a glyph, in ascending
/// order. PNG pictures show boxes in their place.
pub fn without_glyph<'a>(labels: impl Iterator<Item = &'a str>, font: Option<&Font>) -> Vec<char> {
    Fonts::new(labels, font).missing.into_iter().collect()
}

/// The fonts of one picture, including system fonts if needed.
pub(super) struct Fonts {
    pub(super) database: Arc<fontdb::Database>,
    /// Font of all text, regardless of its family name.
    chosen: Option<fontdb::ID>,
    /// Characters without a glyph in any font.
    missing: BTreeSet<char>,
}

impl Fonts {
    /// Collect the fonts to draw `labels`: the chosen font, the embedded one as a fallback, and
    /// system fonts only if both lack a character, so that most pictures are identical on every
    /// machine.
    pub(super) fn new<'a>(labels: impl Iterator<Item = &'a str>, font: Option<&Font>) -> Self {
        let ruler = Ruler::new(font);
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(PRETENDARD.to_vec());
        let chosen = font.and_then(|font| {
            let faces = fonts.load_font_source(fontdb::Source::Binary(Arc::clone(&font.data) as _));
            // Exclude the other faces of a collection.
            let (chosen, others): (Vec<_>, Vec<_>) = faces
                .into_iter()
                .partition(|&id| fonts.face(id).is_some_and(|face| face.index == 0));
            others.into_iter().for_each(|id| fonts.remove_face(id));
            chosen.first().copied()
        });
        let mut missing: BTreeSet<char> = labels
            .flat_map(|text| ruler.lacking(&label::drawable(text)).collect::<Vec<_>>())
            .collect();
        if !missing.is_empty() {
            fonts.load_system_fonts();
            missing.retain(|&c| {
                !fonts
                    .faces()
                    .any(|face| is_usable(face) && has_char(&fonts, face.id, c))
            });
        }
        Self {
            database: Arc::new(fonts),
            chosen,
            missing,
        }
    }

    /// Return `svg` with a box for every character without a glyph, because the missing-glyph signs
    /// of fonts overlap.
    pub(super) fn drawable<'t>(&self, svg: &'t str) -> Cow<'t, str> {
        if self.missing.is_empty() {
            return svg.into();
        }
        let is_missing = |grapheme: &str| grapheme.chars().any(|c| self.missing.contains(&c));
        // A combining mark at the beginning of a text forms a grapheme with the markup before it,
        // which must stay.
        let markup = |grapheme: &str| {
            grapheme
                .starts_with(['<', '>', '&', ';', '"', '\''])
                .then(|| grapheme[..1].to_owned())
        };
        let drawn = |grapheme| match is_missing(grapheme) {
            true => Cow::from(markup(grapheme).unwrap_or_default() + "□"),
            false => Cow::from(grapheme),
        };
        svg.graphemes(true).map(drawn).collect::<String>().into()
    }

    /// Return a resolver for the font of a text, and for each character that this font lacks.
    pub(super) fn resolver(&self) -> usvg::FontResolver<'static> {
        let select_font: usvg::FontSelectionFn<'static> = match self.chosen {
            Some(chosen) => Box::new(move |_, _| Some(chosen)),
            None => usvg::FontResolver::default_font_selector(),
        };
        usvg::FontResolver {
            select_font,
            select_fallback: Box::new(plainest),
        }
    }
}

/// Return a font with the character, preferably one like the embedded font: upright, regular and
/// sans-serif.
fn plainest(c: char, used: &[fontdb::ID], fonts: &mut Arc<fontdb::Database>) -> Option<fontdb::ID> {
    fonts
        .faces()
        .filter(|face| !used.contains(&face.id) && is_usable(face) && has_char(fonts, face.id, c))
        .min_by_key(|face| {
            let weight = face.weight.0.abs_diff(fontdb::Weight::NORMAL.0);
            (
                face.style != fontdb::Style::Normal,
                is_called(face, "Serif"),
                weight,
                face.monospaced,
            )
        })
        .map(|face| face.id)
}

/// Return true unless the font is macOS's LastResort, which has a box for every character.
fn is_usable(face: &fontdb::FaceInfo) -> bool {
    !is_called(face, "LastResort")
}

fn is_called(face: &fontdb::FaceInfo, word: &str) -> bool {
    face.families.iter().any(|(name, _)| name.contains(word))
}

fn has_char(fonts: &fontdb::Database, face: fontdb::ID, c: char) -> bool {
    let has = |data: &[u8], index| {
        skrifa::FontRef::from_index(data, index).is_ok_and(|font| font.charmap().map(c).is_some())
    };
    fonts.with_face_data(face, has).unwrap_or(false)
}
