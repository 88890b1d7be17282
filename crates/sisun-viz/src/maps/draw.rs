//! The parts that every picture is made of.

use svg::Document;
use svg::node::element::{Description, Group, Rectangle, TSpan, Text, Title};

use super::colour::INK;
use super::font;
use super::ruler::Ruler;
use super::sizes::Sizes;
use super::subject::Subject;

/// How far below the middle of a capital letter its baseline is, in sizes of the font.
const MIDDLE: f32 = 0.355;

/// Where a text is held.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// An empty white page with the title and description that screen readers read.
pub(super) fn page(width: usize, height: usize, title: &str, subject: &Subject<'_>) -> Document {
    let page = Document::new()
        .set("width", width)
        .set("height", height)
        .set("viewBox", (0, 0, width, height))
        .set("role", "img")
        .set("fill", INK.to_string());
    font::named(page, subject.font)
        .add(Title::new(title))
        .add(Description::new().add(svg::node::Text::new(subject.source.as_str())))
        .add(
            Rectangle::new()
                .set("width", width)
                .set("height", height)
                .set("fill", "#ffffff"),
        )
}

/// A text whose capital letters are centred on `y`.
pub(super) fn text(
    ruler: &Ruler<'_>,
    content: &str,
    x: f32,
    y: f32,
    size: f32,
    anchor: Anchor,
) -> Text {
    held(ruler, content, x, size, anchor).set("y", tenths(y + MIDDLE * size))
}

/// A text turned by `degrees` clockwise around the point that it is held at.
pub(super) fn turned(
    ruler: &Ruler<'_>,
    content: &str,
    at: (f32, f32),
    degrees: f32,
    size: f32,
    anchor: Anchor,
) -> Text {
    let transform = format!(
        "translate({} {}) rotate({degrees})",
        tenths(at.0),
        tenths(at.1)
    );
    held(ruler, content, 0.0, size, anchor)
        .set("y", tenths(MIDDLE * size))
        .set("transform", transform)
}

/// A text held at `x`. If it takes several fonts, each part stands where the ruler says.
fn held(ruler: &Ruler<'_>, content: &str, x: f32, size: f32, anchor: Anchor) -> Text {
    let runs = ruler.runs(content, size);
    let (name, share) = match anchor {
        Anchor::Start => ("start", 0.0),
        Anchor::Middle => ("middle", 0.5),
        Anchor::End => ("end", 1.0),
    };
    if let [_] = runs[..] {
        return Text::new(content)
            .set("x", tenths(x))
            .set("font-size", tenths(size))
            .set("text-anchor", name);
    }
    let start = x - share * ruler.width(content, size);
    runs.into_iter().fold(
        Text::new("").set("font-size", tenths(size)),
        |text, (offset, run)| text.add(TSpan::new(run).set("x", tenths(start + offset))),
    )
}

/// Enough digits for a tenth of a pixel, so that files stay small.
pub(super) fn tenths(value: f32) -> f32 {
    (value * 10.0).round() / 10.0
}

/// A value in a cell or on a scale: two decimals, or powers of ten where those would not do.
pub(super) fn number(value: f32) -> String {
    if value.abs() < 1000.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.1e}")
    }
}

const KEYS: &str = "Key (attended to)";
const QUERIES: &str = "Query (attending)";

/// How far the titles above and below a plot of width `width` reach over it on either side.
pub(super) fn overhang(subject: &Subject<'_>, title: &str, width: f32) -> f32 {
    let Sizes {
        title: title_size,
        axis,
        ..
    } = subject.sizes;
    let longest = subject
        .ruler
        .width(title, title_size)
        .max(subject.ruler.width(KEYS, axis));
    (longest - width).max(0.0) / 2.0
}

/// The titles of both axes: that of the keys below the plot, ending at `bottom`, that of the
/// queries at the left margin.
pub(super) fn axis_titles(subject: &Subject<'_>, plot: Plot, bottom: f32) -> Group {
    let (ruler, Sizes { axis, margin, .. }) = (&subject.ruler, subject.sizes);
    let half = ruler.width(QUERIES, axis) / 2.0;
    // Centred on the plot, but never above the page.
    let middle = (plot.top + plot.height / 2.0).max(half + margin);
    let centre = plot.left + plot.width / 2.0;
    Group::new()
        .add(text(
            ruler,
            KEYS,
            centre,
            bottom - axis / 2.0,
            axis,
            Anchor::Middle,
        ))
        .add(turned(
            ruler,
            QUERIES,
            (margin + axis / 2.0, middle),
            -90.0,
            axis,
            Anchor::Middle,
        ))
}

/// Where the cells of a picture are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plot {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) width: f32,
    pub(super) height: f32,
}

/// A thin line around cells that have no gaps, so that light ones at the edge do not fade into the
/// page.
pub(super) fn frame(left: f32, top: f32, length: f32) -> Rectangle {
    Rectangle::new()
        .set("x", left - 0.5)
        .set("y", top - 0.5)
        .set("width", length + 1.0)
        .set("height", length + 1.0)
        .set("fill", "none")
        .set("stroke", "#bbbbbb")
}
