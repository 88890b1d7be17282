//! The page of a sheet that is drawn as lines or points.

use super::colour::INK;
use super::draw::{Anchor, text};
use super::ruler::Ruler;
use super::{font, label};
use crate::sheet::Sheet;
use svg::Document;
use svg::node::element::{Description, Rectangle, Title};

pub(super) const MARGIN: f32 = 16.0;
/// Top of what is drawn below the title.
pub(super) const TOP: f32 = 66.0;
const TITLE: f32 = 16.0;
const BELOW: f32 = 12.0;

/// Create a white page with the title of a sheet and the explanation below it, at least as wide as
/// they are.
pub(super) fn titled(sheet: &Sheet, ruler: &Ruler<'_>, width: f32, height: f32) -> Document {
    let (title, below) = (label::drawable(&sheet.title), label::drawable(&sheet.below));
    let lines = [(&title, TITLE), (&below, BELOW)];
    let widest = lines.map(|(line, size)| ruler.width(line, size) + 2.0 * MARGIN);
    let width = widest.into_iter().fold(width, f32::max).ceil();
    let page = Document::new()
        .set("width", width)
        .set("height", height)
        .set("viewBox", (0, 0, width, height))
        .set("role", "img")
        .set("fill", INK.to_string());
    let back = Rectangle::new()
        .set("width", width)
        .set("height", height)
        .set("fill", "#ffffff");
    let first = MARGIN + TITLE / 2.0;
    let second = first + TITLE + 4.0;
    font::named(page, None)
        .add(Title::new(&*title))
        .add(Description::new().add(svg::node::Text::new(&*below)))
        .add(back)
        .add(text(ruler, &title, MARGIN, first, TITLE, Anchor::Start))
        .add(text(ruler, &below, MARGIN, second, BELOW, Anchor::Start))
}
