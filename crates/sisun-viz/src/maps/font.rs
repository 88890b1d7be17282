//! The font of a picture: the embedded one or a file.

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

/// The `font-family` of every picture: the embedded font, then Korean system fonts.
const FAMILIES: &str = "Pretendard, 'Apple SD Gothic Neo', 'Malgun Gothic', 'Noto Sans KR', 'Noto Sans CJK KR', \
                        NanumGothic, sans-serif";

/// A font file for the text of pictures.
#[derive(Clone)]
pub struct Font {
    path: PathBuf,
    pub(super) data: Arc<Vec<u8>>,
    family: String,
    style: fontdb::Style,
    weight: u16,
}

impl Font {
    /// Read a TrueType or OpenType font (`.ttf`, `.otf`), or the first face of a collection
    /// (`.ttc`).
    ///
    /// # Errors
    /// [`MapsError::ReadFont`] if the file cannot be read, [`MapsError::NoFont`] if it is not a
    /// font.
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
        // Check before `fontdb`, which would trust a collection that claims four billion faces.
        let variable = is_variable(&first_face(&data)?);
        let data = Arc::new(data);
        let mut faces = fontdb::Database::new();
        faces.load_font_source(fontdb::Source::Binary(Arc::clone(&data) as _));
        let face = faces.faces().find(|face| face.index == 0)?;
        // A variable font is drawn at the weight that the text requests, whatever its default.
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

    /// Return the face for measuring and its weight.
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

/// Return the font, or the first of a collection, if it has any characters.
fn first_face(data: &[u8]) -> Option<skrifa::FontRef<'_>> {
    skrifa::FontRef::from_index(data, 0)
        .ok()
        .filter(|font| font.charmap().has_map())
}

/// Return true if the font has a variable weight.
fn is_variable(font: &skrifa::FontRef<'_>) -> bool {
    font.axes().get_by_tag(skrifa::Tag::new(b"wght")).is_some()
}

/// Set the font family of all text in a picture: the chosen font, then the default families.
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
    // Remove quotes and characters that XML forbids; real names do not contain them.
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
