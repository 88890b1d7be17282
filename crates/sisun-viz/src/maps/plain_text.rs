//! Text for drawings outside of this module, with the embedded font and its fallbacks.

use super::colour::INK;
use super::draw::{Anchor, text};
use super::ruler::Ruler;
use super::{font, label};
use svg::Document;
use svg::node::element::Text;

/// Measures and places lines of text.
pub(crate) struct PlainText(Ruler<'static>);

impl PlainText {
    pub(crate) fn new() -> Self {
        Self(Ruler::new(None))
    }

    /// Set size, colour and font of a document.
    pub(crate) fn page(&self, page: Document, width: f32, height: f32) -> Document {
        let page = page
            .set("width", width)
            .set("height", height)
            .set("viewBox", (0, 0, width, height))
            .set("role", "img")
            .set("fill", INK.to_string());
        font::named(page, None)
    }

    /// Return a text without invisible characters, shortened to a width.
    pub(crate) fn fitted(&self, line: &str, size: f32, limit: f32) -> String {
        self.0.fit(&label::drawable(line), size, limit).into_owned()
    }

    /// Create a text whose capital letters are vertically centred; `anchor` is `start`, `middle` or
    /// `end`.
    pub(crate) fn line(&self, line: &str, at: (f32, f32), size: f32, anchor: &str) -> Text {
        let anchor = match anchor {
            "end" => Anchor::End,
            "middle" => Anchor::Middle,
            _ => Anchor::Start,
        };
        text(&self.0, line, at.0, at.1, size, anchor)
    }
}
