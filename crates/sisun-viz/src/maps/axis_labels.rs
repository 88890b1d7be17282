//! Token labels along an axis.

use svg::node::element::Group;

use super::draw::{Anchor, text, turned};
use super::ruler::Ruler;
use super::subject::Subject;

/// Labels of one axis.
pub(super) struct Labels {
    /// Labelled tokens: index and label.
    pub(super) shown: Vec<(usize, String)>,
    /// Font size in pixels.
    pub(super) size: f32,
    /// Width of the longest label in pixels.
    pub(super) longest: f32,
}

impl Labels {
    /// Largest rotation of horizontal-axis labels, in degrees.
    pub(super) const TURN: f32 = 60.0;

    /// Create labels for cells of `side` pixels, each at most `limit` pixels long. If they would
    /// overlap, only every 2nd, 5th, 10th … is shown, prefixed with its position.
    pub(super) fn new(subject: &Subject<'_>, labels: &[String], side: f32, limit: f32) -> Self {
        let size = subject.sizes.label(side);
        let step = thinned(Self::pitch(size) / side);
        let ruler = &subject.ruler;
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

    /// Return the minimum distance between labels of a font size.
    pub(super) fn pitch(size: f32) -> f32 {
        // Rotated labels are closest at a right angle to their direction.
        size * 1.1 / Self::TURN.to_radians().sin()
    }

    /// Return true if the labels fit side by side under cells of `side` pixels without rotation.
    fn upright(&self, side: f32) -> bool {
        self.longest <= side - 6.0
    }

    /// Return the height of the labels below a plot with cells `side` pixels wide.
    pub(super) fn depth(&self, side: f32) -> f32 {
        let (sin, cos) = Self::TURN.to_radians().sin_cos();
        if self.upright(side) {
            self.size
        } else {
            self.longest * sin + self.size * cos
        }
    }

    /// Draw the labels left of a plot, right-aligned at `x`, with the first row at `top`.
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

    /// Draw the labels below a plot, aligned at `y`, with the first column at `left`.
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

/// Return the first of 1, 2, 5, 10, 20, 50 … that is at least `least`.
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
