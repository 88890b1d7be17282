//! The parts that every picture is made of.

use svg::Document;
use svg::node::element::{
    Definitions, Description, Group, LinearGradient, Rectangle, Stop, TSpan, Text, Title,
};

use super::colour::{HIDDEN, INK, Scale};
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
fn tenths(value: f32) -> f32 {
    (value * 10.0).round() / 10.0
}

/// The colour bar, its numbers and title, and the swatch of hidden cells.
pub(super) struct Legend<'a> {
    subject: &'a Subject<'a>,
    any_hidden: bool,
    /// Width of the colour bar, and space between the parts.
    bar: f32,
    gap: f32,
}

impl<'a> Legend<'a> {
    pub(super) fn new(subject: &'a Subject<'a>, any_hidden: bool) -> Self {
        let scale = subject.sizes.scale;
        Self {
            subject,
            any_hidden,
            bar: 14.0 * scale,
            gap: 6.0 * scale,
        }
    }

    /// Width in pixels.
    pub(super) fn width(&self) -> f32 {
        let Subject {
            ruler,
            paint,
            sizes: Sizes { axis, tick, .. },
            ..
        } = self.subject;
        let ticks = paint.scale.ticks();
        let ticks = ticks
            .iter()
            .map(|(value, _)| ruler.width(&number(*value), *tick))
            .fold(0.0, f32::max);
        let bar = self.bar + self.gap + ticks + self.gap + axis;
        bar.max(self.bar + self.gap + ruler.width("hidden", *tick))
    }

    /// Height in pixels beside a plot of height `plot`.
    pub(super) fn height(&self, plot: f32) -> f32 {
        let swatch = if self.any_hidden {
            self.gap * 2.0 + self.bar
        } else {
            0.0
        };
        self.bar_height(plot) + swatch
    }

    /// As high as the plot, or as its title is long.
    fn bar_height(&self, plot: f32) -> f32 {
        plot.max(
            self.subject
                .ruler
                .width(&self.title(), self.subject.sizes.axis)
                .ceil(),
        )
    }

    fn title(&self) -> String {
        let note = if self.subject.paint.scale == Scale::RootWeights {
            " (square-root scale)"
        } else {
            ""
        };
        format!("{}{note}", self.subject.quantity)
    }

    /// Draws it with its top left corner at `x`, `y`, beside a plot of height `plot`.
    pub(super) fn draw(&self, x: f32, y: f32, plot: f32) -> Group {
        let Subject {
            paint,
            ruler,
            sizes: Sizes { axis, tick, .. },
            ..
        } = self.subject;
        let height = self.bar_height(plot);
        let stops = paint.stops().fold(
            // Object bounding boxes run downwards, the bar upwards.
            LinearGradient::new()
                .set("id", "scale")
                .set("x1", 0)
                .set("y1", 1)
                .set("x2", 0)
                .set("y2", 0),
            |gradient, (offset, colour)| {
                gradient.add(
                    Stop::new()
                        .set("offset", offset)
                        .set("stop-color", colour.to_string()),
                )
            },
        );
        let bar = self.swatch(x, y, height).set("fill", "url(#scale)");
        let mut group = Group::new().add(Definitions::new().add(stops)).add(bar);
        let labels_at = x + self.bar + self.gap;
        for (value, share) in paint.scale.ticks() {
            group = group.add(text(
                ruler,
                &number(value),
                labels_at,
                y + height * (1.0 - share),
                *tick,
                Anchor::Start,
            ));
        }
        let title_at = x + self.width() - axis / 2.0;
        group = group.add(turned(
            ruler,
            &self.title(),
            (title_at, y + height / 2.0),
            -90.0,
            *axis,
            Anchor::Middle,
        ));
        if self.any_hidden {
            let top = y + height + self.gap * 2.0;
            group = group
                .add(
                    self.swatch(x, top, self.bar)
                        .set("fill", HIDDEN.to_string()),
                )
                .add(text(
                    ruler,
                    "hidden",
                    labels_at,
                    top + self.bar / 2.0,
                    *tick,
                    Anchor::Start,
                ));
        }
        group
    }

    fn swatch(&self, x: f32, y: f32, height: f32) -> Rectangle {
        Rectangle::new()
            .set("x", tenths(x))
            .set("y", tenths(y))
            .set("width", tenths(self.bar))
            .set("height", tenths(height))
            .set("stroke", "#999999")
            .set("stroke-width", 0.5)
    }
}

/// A value in a cell or on a scale: two decimals, or powers of ten where those would not do.
pub(super) fn number(value: f32) -> String {
    if value.abs() < 1000.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.1e}")
    }
}

/// The labels of one axis.
pub(super) struct Labels {
    /// Which tokens are labelled, and with what.
    pub(super) shown: Vec<(usize, String)>,
    /// Size of the font in pixels.
    pub(super) size: f32,
    /// Width of the longest in pixels.
    pub(super) longest: f32,
}

impl Labels {
    /// The steepest that labels across are turned, in degrees.
    pub(super) const TURN: f32 = 60.0;

    /// Labels for cells of `side` pixels, each at most `limit` pixels long. Where they would touch,
    /// only every 2nd, 5th, 10th … is shown, with its position before it.
    pub(super) fn new(subject: &Subject<'_>, side: f32, limit: f32) -> Self {
        let size = subject.sizes.label(side);
        let step = thinned(Self::pitch(size) / side);
        let Subject { labels, ruler, .. } = subject;
        let shown: Vec<(usize, String)> = (0..labels.len())
            .step_by(step)
            .map(|i| {
                let label = if step == 1 {
                    labels[i].clone()
                } else {
                    format!("{i} · {}", labels[i])
                };
                (i, ruler.fit(&label, size, limit).into_owned())
            })
            .collect();
        let longest = shown
            .iter()
            .map(|(_, label)| ruler.width(label, size))
            .fold(0.0, f32::max);
        Self {
            shown,
            size,
            longest,
        }
    }

    /// How far apart labels of a size have to begin at least.
    pub(super) fn pitch(size: f32) -> f32 {
        // Turned labels are closest to each other at a right angle to their direction.
        size * 1.1 / Self::TURN.to_radians().sin()
    }

    /// Whether they can stand side by side under cells of `side` pixels without being turned.
    fn upright(&self, side: f32) -> bool {
        self.longest <= side - 6.0
    }

    /// How far they reach below a plot whose cells are `side` pixels wide.
    pub(super) fn depth(&self, side: f32) -> f32 {
        let (sin, cos) = Self::TURN.to_radians().sin_cos();
        if self.upright(side) {
            self.size
        } else {
            self.longest * sin + self.size * cos
        }
    }

    /// Draws them left of a plot, held at `x`, the first row beginning at `top`.
    pub(super) fn down(&self, ruler: &Ruler<'_>, x: f32, top: f32, side: f32) -> Group {
        self.shown.iter().fold(Group::new(), |group, (i, label)| {
            group.add(text(
                ruler,
                label,
                x,
                top + side * (*i as f32 + 0.5),
                self.size,
                Anchor::End,
            ))
        })
    }

    /// Draws them below a plot, held at `y`, the first column beginning at `left`.
    pub(super) fn across(&self, ruler: &Ruler<'_>, left: f32, y: f32, side: f32) -> Group {
        self.shown.iter().fold(Group::new(), |group, (i, label)| {
            let middle = left + side * (*i as f32 + 0.5);
            group.add(if self.upright(side) {
                text(
                    ruler,
                    label,
                    middle,
                    y + self.size / 2.0,
                    self.size,
                    Anchor::Middle,
                )
            } else {
                turned(
                    ruler,
                    label,
                    (middle, y + self.size * 0.25),
                    -Self::TURN,
                    self.size,
                    Anchor::End,
                )
            })
        })
    }
}

/// The first of 1, 2, 5, 10, 20, 50 … that is at least `least`.
fn thinned(least: f32) -> usize {
    let mut decade = 1;
    loop {
        for step in [decade, 2 * decade, 5 * decade] {
            if step as f32 >= least {
                return step;
            }
        }
        decade *= 10;
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
