//! The parts that every picture is made of.

use svg::Document;
use svg::node::element::{Definitions, Description, Group, LinearGradient, Rectangle, Stop, Text, Title};

use super::colour::{BLUES, HIDDEN, INK, Scale};
use super::font::{FAMILIES, Ruler};
use super::picture::Subject;

/// White space around a picture.
pub(super) const MARGIN: f32 = 16.0;
/// Size of titles, of axis titles and of the numbers beside the colour bar, in pixels.
pub(super) const TITLE_SIZE: f32 = 16.0;
pub(super) const AXIS_SIZE: f32 = 14.0;
pub(super) const TICK_SIZE: f32 = 12.0;

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
pub(super) fn page(width: usize, height: usize, title: &str, description: &str) -> Document {
    Document::new()
        .set("width", width)
        .set("height", height)
        .set("viewBox", (0, 0, width, height))
        .set("role", "img")
        .set("font-family", FAMILIES)
        .set("fill", INK.to_string())
        .add(Title::new(title))
        .add(Description::new().add(svg::node::Text::new(description)))
        .add(Rectangle::new().set("width", width).set("height", height).set("fill", "#ffffff"))
}

/// A text whose capital letters are centred on `y`.
pub(super) fn text(content: &str, x: f32, y: f32, size: f32, anchor: Anchor) -> Text {
    placed(content, size, anchor).set("x", tenths(x)).set("y", tenths(y + MIDDLE * size))
}

/// A text turned by `degrees` clockwise around the point that it is held at.
pub(super) fn turned(content: &str, x: f32, y: f32, degrees: f32, size: f32, anchor: Anchor) -> Text {
    let transform = format!("translate({} {}) rotate({degrees})", tenths(x), tenths(y));
    placed(content, size, anchor).set("y", tenths(MIDDLE * size)).set("transform", transform)
}

fn placed(content: &str, size: f32, anchor: Anchor) -> Text {
    let anchor = match anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    Text::new(content).set("font-size", tenths(size)).set("text-anchor", anchor)
}

/// Enough digits for a tenth of a pixel, so that files stay small.
fn tenths(value: f32) -> f32 {
    (value * 10.0).round() / 10.0
}

/// The colour bar, its numbers and title, and the swatch of hidden cells.
pub(super) struct Legend<'a> {
    subject: &'a Subject,
    any_hidden: bool,
}

impl<'a> Legend<'a> {
    const BAR: f32 = 14.0;
    const GAP: f32 = 6.0;

    pub(super) fn new(subject: &'a Subject, any_hidden: bool) -> Self {
        Self { subject, any_hidden }
    }

    /// Width in pixels.
    pub(super) fn width(&self) -> f32 {
        let ruler = &self.subject.ruler;
        let ticks = self.subject.scale.ticks();
        let ticks = ticks.iter().map(|(value, _)| ruler.width(&number(*value), TICK_SIZE)).fold(0.0, f32::max);
        let bar = Self::BAR + Self::GAP + ticks + Self::GAP + AXIS_SIZE;
        bar.max(Self::BAR + Self::GAP + ruler.width("hidden", TICK_SIZE))
    }

    /// Height in pixels beside a plot of height `plot`.
    pub(super) fn height(&self, plot: f32) -> f32 {
        let swatch = if self.any_hidden { Self::GAP * 2.0 + Self::BAR } else { 0.0 };
        self.bar_height(plot) + swatch
    }

    /// As high as the plot, or as its title is long.
    fn bar_height(&self, plot: f32) -> f32 {
        plot.max(self.subject.ruler.width(&self.title(), AXIS_SIZE).ceil())
    }

    fn title(&self) -> String {
        let note = if self.subject.scale == Scale::RootWeights { " (square-root scale)" } else { "" };
        format!("{}{note}", self.subject.quantity)
    }

    /// Draws it with its top left corner at `x`, `y`, beside a plot of height `plot`.
    pub(super) fn draw(&self, x: f32, y: f32, plot: f32) -> Group {
        let height = self.bar_height(plot);
        let stops = BLUES.iter().enumerate().fold(
            // Object bounding boxes run downwards, the bar upwards.
            LinearGradient::new().set("id", "scale").set("x1", 0).set("y1", 1).set("x2", 0).set("y2", 0),
            |gradient, (i, colour)| {
                let offset = i as f32 / (BLUES.len() - 1) as f32;
                gradient.add(Stop::new().set("offset", offset).set("stop-color", colour.to_string()))
            },
        );
        let bar = swatch(x, y, height).set("fill", "url(#scale)");
        let mut group = Group::new().add(Definitions::new().add(stops)).add(bar);
        let labels_at = x + Self::BAR + Self::GAP;
        for (value, share) in self.subject.scale.ticks() {
            group = group.add(text(&number(value), labels_at, y + height * (1.0 - share), TICK_SIZE, Anchor::Start));
        }
        let title_at = x + self.width() - AXIS_SIZE / 2.0;
        group = group.add(turned(&self.title(), title_at, y + height / 2.0, -90.0, AXIS_SIZE, Anchor::Middle));
        if self.any_hidden {
            let top = y + height + Self::GAP * 2.0;
            group = group.add(swatch(x, top, Self::BAR).set("fill", HIDDEN.to_string())).add(text(
                "hidden",
                labels_at,
                top + Self::BAR / 2.0,
                TICK_SIZE,
                Anchor::Start,
            ));
        }
        group
    }
}

fn swatch(x: f32, y: f32, height: f32) -> Rectangle {
    Rectangle::new()
        .set("x", tenths(x))
        .set("y", tenths(y))
        .set("width", Legend::BAR)
        .set("height", tenths(height))
        .set("stroke", "#999999")
        .set("stroke-width", 0.5)
}

/// A value in a cell or on a scale: two decimals, or powers of ten where those would not do.
pub(super) fn number(value: f32) -> String {
    if value.abs() < 1000.0 { format!("{value:.2}") } else { format!("{value:.1e}") }
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

    /// Labels for cells of `side` pixels, each at most `limit` pixels long. Where they would touch, only every 2nd,
    /// 5th, 10th … is shown, with its position before it.
    pub(super) fn new(subject: &Subject, side: f32, limit: f32) -> Self {
        let size = (side * 0.75).clamp(10.0, 13.0);
        // Turned labels are closest to each other at a right angle to their direction.
        let room = side * Self::TURN.to_radians().sin();
        let step = thinned(size * 1.1 / room);
        let Subject { labels, ruler, .. } = subject;
        let shown: Vec<(usize, String)> = (0..labels.len())
            .step_by(step)
            .map(|i| {
                let label = if step == 1 { labels[i].clone() } else { format!("{i} · {}", labels[i]) };
                (i, ruler.fit(&label, size, limit).into_owned())
            })
            .collect();
        let longest = shown.iter().map(|(_, label)| ruler.width(label, size)).fold(0.0, f32::max);
        Self { shown, size, longest }
    }

    /// Whether they can stand side by side under cells of `side` pixels without being turned.
    fn upright(&self, side: f32) -> bool {
        self.longest <= side - 6.0
    }

    /// How far they reach below a plot whose cells are `side` pixels wide.
    pub(super) fn depth(&self, side: f32) -> f32 {
        let (sin, cos) = Self::TURN.to_radians().sin_cos();
        if self.upright(side) { self.size } else { self.longest * sin + self.size * cos }
    }

    /// Draws them left of a plot, held at `x`, the first row beginning at `top`.
    pub(super) fn down(&self, x: f32, top: f32, side: f32) -> Group {
        self.shown.iter().fold(Group::new(), |group, (i, label)| {
            group.add(text(label, x, top + side * (*i as f32 + 0.5), self.size, Anchor::End))
        })
    }

    /// Draws them below a plot, held at `y`, the first column beginning at `left`.
    pub(super) fn across(&self, left: f32, y: f32, side: f32) -> Group {
        self.shown.iter().fold(Group::new(), |group, (i, label)| {
            let middle = left + side * (*i as f32 + 0.5);
            group.add(if self.upright(side) {
                text(label, middle, y + self.size / 2.0, self.size, Anchor::Middle)
            } else {
                turned(label, middle, y + self.size * 0.25, -Self::TURN, self.size, Anchor::End)
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

/// How far the title below a plot of width `width` reaches over it on either side.
pub(super) fn overhang(ruler: &Ruler, width: f32) -> f32 {
    (ruler.width(KEYS, AXIS_SIZE) - width).max(0.0) / 2.0
}

/// The titles of both axes: that of the keys below the plot, ending at `bottom`, that of the queries at the left margin.
pub(super) fn axis_titles(ruler: &Ruler, plot: Plot, bottom: f32) -> Group {
    let half = ruler.width(QUERIES, AXIS_SIZE) / 2.0;
    // Centred on the plot, but never above the page.
    let middle = (plot.top + plot.height / 2.0).max(half + MARGIN);
    Group::new()
        .add(text(KEYS, plot.left + plot.width / 2.0, bottom - AXIS_SIZE / 2.0, AXIS_SIZE, Anchor::Middle))
        .add(turned(QUERIES, MARGIN + AXIS_SIZE / 2.0, middle, -90.0, AXIS_SIZE, Anchor::Middle))
}

/// Where the cells of a picture are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plot {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) width: f32,
    pub(super) height: f32,
}
