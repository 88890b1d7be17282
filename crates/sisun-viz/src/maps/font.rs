//! A font that text is drawn with: the embedded one, or one that the reader has.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use resvg::usvg::fontdb;
use skrifa::MetadataProvider as _;
use svg::Document;

use super::MapsError;
use super::label;

/// Pretendard 1.3.9 Regular, unmodified (SIL Open Font License 1.1, licence beside it): Latin,
/// Greek, Cyrillic, kana and all 11,172 Hangul syllables.
pub(super) static PRETENDARD: &[u8] = include_bytes!("../../assets/Pretendard-Regular.otf");

/// The `font-family` of every picture: the embedded font's design first, then what systems have for
/// Korean.
const FAMILIES: &str = "Pretendard, 'Apple SD Gothic Neo', 'Malgun Gothic', 'Noto Sans KR', 'Noto Sans CJK KR', \
                        NanumGothic, sans-serif";

/// A font file to draw the text of pictures with.
#[derive(Clone)]
pub struct Font {
    path: PathBuf,
    pub(super) data: Arc<Vec<u8>>,
    family: String,
    style: fontdb::Style,
    weight: u16,
}

impl Font {
    /// Reads a TrueType or OpenType font (`.ttf`, `.otf`), or the first face of a collection
    /// (`.ttc`).
    ///
    /// # Errors
    /// [`MapsError::ReadFont`] for a file that cannot be read, [`MapsError::NoFont`] for one that
    /// is no font.
    pub fn open(path: &Path) -> Result<Self, MapsError> {
        let unreadable = |source| MapsError::ReadFont {
            path: path.into(),
            source,
        };
        let data = fs::read(path).map_err(unreadable)?;
        sisun_config::check_pointer(&data).map_err(unreadable)?;
        Self::read(path, data).ok_or_else(|| MapsError::NoFont { path: path.into() })
    }

    fn read(path: &Path, data: Vec<u8>) -> Option<Self> {
        // Before `fontdb`, which believes a collection that says it has four thousand million
        // faces.
        let variable = is_variable(&first_face(&data)?);
        let data = Arc::new(data);
        let mut faces = fontdb::Database::new();
        faces.load_font_source(fontdb::Source::Binary(Arc::clone(&data) as _));
        let face = faces.faces().find(|face| face.index == 0)?;
        // A variable font takes the weight that text asks for, whatever weight it calls its own.
        let weight = if variable {
            fontdb::Weight::NORMAL.0
        } else {
            face.weight.0
        };
        let (family, style) = (face.families.first()?.0.clone(), face.style);
        Some(Self {
            path: path.into(),
            data,
            family,
            style,
            weight,
        })
    }

    /// The face, for measuring, and the weight that it is drawn in.
    pub(super) fn face(&self) -> (skrifa::FontRef<'_>, u16) {
        (
            first_face(&self.data).expect("`open` has read it from the same bytes"),
            self.weight,
        )
    }
}

impl fmt::Debug for Font {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Font")
            .field("path", &self.path)
            .field("family", &self.family)
            .finish_non_exhaustive()
    }
}

/// The font, or the first of a collection, if it has any characters.
fn first_face(data: &[u8]) -> Option<skrifa::FontRef<'_>> {
    skrifa::FontRef::from_index(data, 0)
        .ok()
        .filter(|font| font.charmap().has_map())
}

/// Whether the weight of a font can be chosen.
fn is_variable(font: &skrifa::FontRef<'_>) -> bool {
    font.axes().get_by_tag(skrifa::Tag::new(b"wght")).is_some()
}

/// Names the font of all text in a picture: the chosen one first, then those that every picture
/// names.
pub(super) fn named(page: Document, chosen: Option<&Font>) -> Document {
    let Some(Font {
        family,
        style,
        weight,
        ..
    }) = chosen
    else {
        return page.set("font-family", FAMILIES);
    };
    // What would end the quotes or is not allowed in XML is no part of any real name.
    let family: String = family
        .chars()
        .filter(|&c| !matches!(c, '\'' | '"' | '\\') && label::is_plain(c))
        .collect();
    let page = page.set("font-family", format!("'{family}', {FAMILIES}"));
    let page = if *weight == fontdb::Weight::NORMAL.0 {
        page
    } else {
        page.set("font-weight", *weight)
    };
    match style {
        fontdb::Style::Normal => page,
        fontdb::Style::Italic => page.set("font-style", "italic"),
        fontdb::Style::Oblique => page.set("font-style", "oblique"),
    }
}
