//! The fonts that text is drawn with: the embedded one, or one that the reader has.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use resvg::usvg::{self, fontdb};
use skrifa::MetadataProvider as _;
use svg::Document;
use unicode_segmentation::UnicodeSegmentation as _;

use super::MapsError;
use super::label;
use super::ruler::Ruler;

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
    data: Arc<Vec<u8>>,
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

/// Fonts for drawing.
pub(super) struct Fonts {
    pub(super) database: Arc<fontdb::Database>,
    /// The one that all text is drawn with, whatever it names.
    chosen: Option<fontdb::ID>,
    /// What none of them has.
    missing: BTreeSet<char>,
}

impl Fonts {
    /// What drawing `labels` takes: the chosen font, the embedded one for what that lacks, and
    /// those of the system only where both lack a character, so that the usual picture is the same
    /// on every machine.
    pub(super) fn new<'a>(labels: impl Iterator<Item = &'a str>, font: Option<&Font>) -> Self {
        let ruler = Ruler::new(font);
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(PRETENDARD.to_vec());
        let chosen = font.and_then(|font| {
            let faces = fonts.load_font_source(fontdb::Source::Binary(Arc::clone(&font.data) as _));
            // The other faces of a collection have no business here.
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

    /// `svg` with a box for every character that no font has: their own signs for that run into
    /// each other.
    pub(super) fn drawable<'t>(&self, svg: &'t str) -> Cow<'t, str> {
        if self.missing.is_empty() {
            return svg.into();
        }
        let is_missing = |grapheme: &str| grapheme.chars().any(|c| self.missing.contains(&c));
        // A mark that begins a text makes one grapheme with the markup before it, which must stay.
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

    /// How a renderer finds the font of a text, and of each character that this font lacks.
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

/// The font for a character that the fonts in use lack: of those that have it, the one most like
/// the embedded one, which is upright, regular and without serifs.
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

/// Whether a font is one to read: macOS has one with a box for every character.
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
