//! The tokens along an axis.

use svg::node::element::Group;

use super::draw::{Anchor, text, turned};
use super::ruler::Ruler;
use super::subject::Subject;

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
