//! The legend of a picture: the colour bar and the swatch of hidden cells.

use svg::node::element::{Definitions, Group, LinearGradient, Rectangle, Stop};

use super::colour::{HIDDEN, Scale};
use super::draw::{Anchor, number, tenths, text, turned};
use super::sizes::Sizes;
use super::subject::Subject;

/// The colour bar with its numbers and title, and the swatch of hidden cells.
pub(super) struct Legend<'a> {
    subject: &'a Subject<'a>,
    any_hidden: bool,
    /// Width of the colour bar, and gap between the parts.
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

    /// Return the width in pixels.
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
        bar.max(self.bar + self.gap + ruler.width(self.subject.wording.hidden(), *tick))
    }

    /// Return the height in pixels beside a plot of height `plot`.
    pub(super) fn height(&self, plot: f32) -> f32 {
        let swatch = if self.any_hidden {
            self.gap * 2.0 + self.bar
        } else {
            0.0
        };
        self.bar_height(plot) + swatch
    }

    /// Return the height of the bar: that of the plot, or more if its title is longer.
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
            self.subject.wording.square_root()
        } else {
            ""
        };
        let Subject {
            wording, quantity, ..
        } = self.subject;
        format!("{}{note}", wording.quantity(*quantity))
    }

    /// Draw the legend with its top left corner at `x`, `y`, beside a plot of height `plot`.
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
                    self.subject.wording.hidden(),
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
