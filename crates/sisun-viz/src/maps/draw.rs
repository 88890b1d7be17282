//! Elements shared by all pictures.

use svg::Document;
use svg::node::element::{Description, Group, Rectangle, TSpan, Text, Title};

use super::about::About;
use super::colour::INK;
use super::font;
use super::ruler::Ruler;
use super::sizes::Sizes;
use super::subject::Subject;

/// Colour of the outlines of the true alignment, which no colour map has.
const ALIGNED: &str = "#e6550d";

/// Offset of the baseline below the middle of capital letters, as a fraction of the font size.
const MIDDLE: f32 = 0.355;

/// Gap between the title and the line below it, at the usual font size.
const SOURCE_GAP: f32 = 6.0;

/// Horizontal alignment of a text at its position.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Create an empty white page with a title and description for screen readers, and metadata.
pub(super) fn page(
    width: usize,
    height: usize,
    title: &str,
    about: &About,
    subject: &Subject<'_>,
) -> Document {
    let page = Document::new()
        .set("width", width)
        .set("height", height)
        .set("viewBox", (0, 0, width, height))
        .set("role", "img")
        .set("fill", INK.to_string());
    font::named(page, subject.font)
        .add(Title::new(format!("{title} · {}", subject.source)))
        .add(Description::new().add(svg::node::Text::new(subject.source.as_str())))
        .add(about.element())
        .add(
            Rectangle::new()
                .set("width", width)
                .set("height", height)
                .set("fill", "#ffffff"),
        )
}

/// Create a text whose capital letters are vertically centred on `y`.
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

/// Create a text rotated clockwise by `degrees` around its position.
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

/// Create a text aligned at `x`. If it needs several fonts, each part is placed by the ruler.
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

/// Draw the title of a picture above a plot, centred on `middle`, and below it the model and the
/// text, as much of them as the picture of `width` pixels has room for.
pub(super) fn titles(subject: &Subject<'_>, title: &str, middle: f32, width: f32) -> Group {
    let Sizes {
        title: size,
        tick,
        margin,
        scale,
        ..
    } = subject.sizes;
    let ruler = &subject.ruler;
    // The ruler ignores kerning.
    let room = width - 2.0 * margin - tick;
    let source = ruler.fit(&subject.source, tick, room);
    let half = ruler.width(&source, tick).min(room) / 2.0 + tick / 2.0;
    let centre = middle.clamp(margin + half, (width - margin - half).max(margin + half));
    let below = margin + size + SOURCE_GAP * scale + tick / 2.0;
    Group::new()
        .add(text(
            ruler,
            title,
            middle,
            margin + size / 2.0,
            size,
            Anchor::Middle,
        ))
        .add(text(ruler, &source, centre, below, tick, Anchor::Middle).set("fill", "#595959"))
}

/// Return the height of the titles of a picture.
pub(super) fn titles_height(sizes: &Sizes) -> f32 {
    sizes.title + SOURCE_GAP * sizes.scale + sizes.tick
}

/// Round to a tenth of a pixel, which keeps files small.
pub(super) fn tenths(value: f32) -> f32 {
    (value * 10.0).round() / 10.0
}

/// Format a value for a cell or a scale: two decimals, or scientific notation if that would not
/// fit.
pub(super) fn number(value: f32) -> String {
    if value.abs() < 1000.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.1e}")
    }
}

/// Return the width by which the titles above and below a plot exceed its `width` on either side.
pub(super) fn overhang(subject: &Subject<'_>, title: &str, width: f32) -> f32 {
    let Sizes {
        title: title_size,
        axis,
        ..
    } = subject.sizes;
    let longest = subject
        .ruler
        .width(title, title_size)
        .max(subject.ruler.width(subject.titles.keys, axis));
    (longest - width).max(0.0) / 2.0
}

/// Draw the titles of both axes: that of the keys below the plot, ending at `bottom`, and that of
/// the queries at the left margin.
pub(super) fn axis_titles(subject: &Subject<'_>, plot: Plot, bottom: f32) -> Group {
    let (ruler, Sizes { axis, margin, .. }) = (&subject.ruler, subject.sizes);
    let half = ruler.width(subject.titles.queries, axis) / 2.0;
    // Centred on the plot, but not beyond the top of the page.
    let middle = (plot.top + plot.height / 2.0).max(half + margin);
    let centre = plot.left + plot.width / 2.0;
    Group::new()
        .add(text(
            ruler,
            subject.titles.keys,
            centre,
            bottom - axis / 2.0,
            axis,
            Anchor::Middle,
        ))
        .add(turned(
            ruler,
            subject.titles.queries,
            (margin + axis / 2.0, middle),
            -90.0,
            axis,
            Anchor::Middle,
        ))
}

/// Position of the cells in a picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plot {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) width: f32,
    pub(super) height: f32,
}

/// Draw a thin line around cells without gaps, so that light ones at the edge do not merge with the
/// page.
pub(super) fn frame(left: f32, top: f32, width: f32, height: f32) -> Rectangle {
    Rectangle::new()
        .set("x", left - 0.5)
        .set("y", top - 0.5)
        .set("width", width + 1.0)
        .set("height", height + 1.0)
        .set("fill", "none")
        .set("stroke", "#bbbbbb")
}

/// Outline the cells of the true alignment.
pub(super) fn outlines(links: &[(usize, usize)], left: f32, top: f32, side: f32) -> Group {
    let line = (side / 12.0).clamp(1.0, 3.0);
    let group = Group::new()
        .set("fill", "none")
        .set("stroke", ALIGNED)
        .set("stroke-width", tenths(line));
    links.iter().fold(group, |group, &(query, key)| {
        group.add(
            Rectangle::new()
                .set("x", tenths(left + key as f32 * side + line / 2.0 - 0.5))
                .set("y", tenths(top + query as f32 * side + line / 2.0 - 0.5))
                .set("width", tenths(side - line))
                .set("height", tenths(side - line)),
        )
    })
}
