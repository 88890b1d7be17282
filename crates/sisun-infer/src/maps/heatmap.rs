//! The picture of one head.

use std::sync::Arc;

use svg::Document;
use svg::node::element::{Group, Rectangle};

use super::PictureOptions;
use super::cells::MOST_RECTANGLES;
use super::colour::ink_on;
use super::draw::{self, AXIS_SIZE, Anchor, Labels, Legend, MARGIN, Plot, TITLE_SIZE};
use super::picture::{Panel, Subject};

/// Side in pixels that all cells together aim at.
const PLOT: usize = 880;
/// The largest cell that is chosen.
const LARGEST_CELL: usize = 48;
/// Cells of at least this side have their value written in them.
const VALUES_FROM: usize = 36;
/// Size of the values in the cells.
const VALUE_SIZE: f32 = 12.0;
/// The longest label in pixels; longer ones end in `…`.
const LONGEST_LABEL: f32 = 150.0;
/// Space between the parts around the plot.
const GAP: f32 = 8.0;

/// One head: queries down, keys across.
pub(super) struct Heatmap<'a> {
    /// File name without extension.
    pub(super) name: String,
    title: String,
    subject: Arc<Subject>,
    panel: Panel<'a>,
    labels: Labels,
    side: usize,
    plot: Plot,
    legend_at: f32,
    width: usize,
    height: usize,
}

impl<'a> Heatmap<'a> {
    pub(super) fn new(subject: Arc<Subject>, panel: Panel<'a>, options: &PictureOptions) -> Self {
        let n = panel.cells.n;
        let side = options.cell.map_or((PLOT / n).clamp(1, LARGEST_CELL), |side| side.get() as usize);
        let labels = Labels::new(&subject, side as f32, LONGEST_LABEL);
        let length = (n * side) as f32;
        let overhang = draw::overhang(&subject.ruler, length);
        let plot = Plot {
            left: (MARGIN + AXIS_SIZE + GAP + overhang.max(labels.longest + GAP)).ceil(),
            top: (MARGIN + TITLE_SIZE + 1.5 * GAP).ceil(),
            width: length,
            height: length,
        };
        let legend = Legend::new(&subject, panel.cells.any_hidden());
        let below = length + GAP + labels.depth(side as f32) + 1.5 * GAP + AXIS_SIZE;
        let legend_at = (plot.left + length + GAP + overhang.max(2.0 * GAP)).ceil();
        let width = (legend_at + legend.width() + MARGIN).ceil() as usize;
        let height = (plot.top + below.max(legend.height(length)) + MARGIN).ceil() as usize;
        let Panel { layer, head, .. } = panel;
        let name = subject.file_name(&format!("layer{layer}-head{head}"));
        let title = format!("layer {layer} · head {head}");
        Self { name, title, subject, panel, labels, side, plot, legend_at, width, height }
    }

    /// Width and height in pixels.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    pub(super) fn draw(&self) -> Document {
        let Plot { left, top, width: length, .. } = self.plot;
        let side = self.side as f32;
        let middle = left + length / 2.0;
        let keys_at = top + length + GAP;
        let bottom = keys_at + self.labels.depth(side) + 1.5 * GAP + AXIS_SIZE;
        let legend = Legend::new(&self.subject, self.panel.cells.any_hidden());
        let page = draw::page(self.width, self.height, &self.title, &self.subject.source)
            .add(draw::text(&self.title, middle, MARGIN + TITLE_SIZE / 2.0, TITLE_SIZE, Anchor::Middle))
            .add(self.labels.down(left - GAP, top, side))
            .add(self.labels.across(left, keys_at, side))
            .add(draw::axis_titles(&self.subject.ruler, self.plot, bottom))
            .add(legend.draw(self.legend_at, top, length));
        self.add_cells(page)
    }

    fn add_cells(&self, page: Document) -> Document {
        let Plot { left, top, width: length, .. } = self.plot;
        let (x, y, cells) = (left as usize, top as usize, &self.panel.cells);
        if cells.n * cells.n > MOST_RECTANGLES {
            return page.add(cells.image(x, y, self.side, 1)).add(frame(left, top, length));
        }
        let page = page.add(cells.rectangles(x, y, self.side));
        if self.values_fit() { page.add(self.values()) } else { page }
    }

    /// Whether every value can be written in its cell.
    fn values_fit(&self) -> bool {
        let Self { panel: Panel { cells, .. }, subject, side, .. } = self;
        let room = *side as f32 - GAP;
        let width = |value| subject.ruler.width(&draw::number(value), VALUE_SIZE);
        *side >= VALUES_FROM && cells.all_visible().all(|(_, _, value)| width(value) <= room)
    }

    /// The value of each visible cell, in the ink that its colour leaves readable.
    fn values(&self) -> Group {
        let cells = &self.panel.cells;
        let centre = |start: f32, i: usize| start + self.side as f32 * (i as f32 + 0.5) - 0.5;
        cells.all_visible().fold(Group::new(), |group, (query, key, value)| {
            let (x, y) = (centre(self.plot.left, key), centre(self.plot.top, query));
            let value = draw::text(&draw::number(value), x, y, VALUE_SIZE, Anchor::Middle);
            group.add(value.set("fill", ink_on(cells.colour_at(query, key)).to_string()))
        })
    }
}

/// A thin line around cells that have no gaps, so that light ones at the edge do not fade into the page.
pub(super) fn frame(left: f32, top: f32, length: f32) -> Rectangle {
    Rectangle::new()
        .set("x", left - 0.5)
        .set("y", top - 0.5)
        .set("width", length + 1.0)
        .set("height", length + 1.0)
        .set("fill", "none")
        .set("stroke", "#bbbbbb")
}
