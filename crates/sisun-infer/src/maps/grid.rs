//! The picture of all heads: layers down, heads across.

use std::collections::BTreeSet;
use std::sync::Arc;

use svg::Document;

use super::cells::MOST_RECTANGLES;
use super::draw::{self, AXIS_SIZE, Anchor, Labels, Legend, MARGIN, Plot, TICK_SIZE, TITLE_SIZE};
use super::heatmap::frame;
use super::picture::{Panel, Subject};

/// Width in pixels that all heads together aim at.
const GRID: usize = 1200;
/// The smallest and the largest panel aimed at; the smallest has room for `layer 99`
/// even when it comes out a third smaller.
const SMALLEST_PANEL: usize = 64;
const LARGEST_PANEL: usize = 240;
/// The smallest cells that are labelled.
const LABELS_FROM: usize = 12;
/// The longest label in pixels; longer ones end in `…`.
const LONGEST_LABEL: f32 = 80.0;
/// Space between panels, and between the parts around them.
const GAP: usize = 10;

/// All heads of all layers as small multiples with one scale.
pub(super) struct Grid<'a> {
    /// File name without extension.
    pub(super) name: String,
    subject: Arc<Subject>,
    panels: Vec<Panel<'a>>,
    layers: Vec<usize>,
    heads: Vec<usize>,
    /// Side of a cell in pixels, and how many cells share one.
    side: usize,
    pool: usize,
    /// Side of a panel in pixels.
    panel: usize,
    /// Absent where the cells are too small for them.
    labels: Option<Labels>,
    plot: Plot,
    width: usize,
    height: usize,
}

impl<'a> Grid<'a> {
    /// Lays out panels of `n` tokens.
    pub(super) fn new(subject: Arc<Subject>, panels: Vec<Panel<'a>>, n: usize) -> Self {
        let layers = distinct(panels.iter().map(|panel| panel.layer));
        let heads = distinct(panels.iter().map(|panel| panel.head));
        let target = (GRID / heads.len()).clamp(SMALLEST_PANEL, LARGEST_PANEL);
        // Whole pixels for each cell, or whole cells for each pixel.
        let nearest = |a: usize, b: usize| ((a as f32 / b as f32).round() as usize).max(1);
        let (side, pool) = (nearest(target, n), nearest(n, target));
        let panel = n.div_ceil(pool) * side;
        let labels = (side >= LABELS_FROM).then(|| Labels::new(&subject, side as f32, LONGEST_LABEL));

        let gap = GAP as f32;
        let (left_of, below) =
            labels.as_ref().map_or((0.0, 0.0), |labels| (labels.longest + gap, labels.depth(side as f32) + gap));
        let plot = Plot {
            left: (MARGIN + AXIS_SIZE + gap + left_of).ceil(),
            top: (MARGIN + TITLE_SIZE + 1.5 * gap + TICK_SIZE + gap).ceil(),
            width: (heads.len() * (panel + GAP) - GAP) as f32,
            height: (layers.len() * (panel + GAP) - GAP) as f32,
        };
        let legend = Legend::new(&subject, true);
        let right_of = gap + TICK_SIZE + 2.0 * gap + legend.width() + MARGIN;
        let below = (plot.height + below + gap + AXIS_SIZE).max(legend.height(plot.height)) + MARGIN;
        let name = subject.file_name("heads");
        let (width, height) = (plot.left + plot.width + right_of, plot.top + below);
        let (width, height) = (width.ceil() as usize, height.ceil() as usize);
        Self { name, subject, panels, layers, heads, side, pool, panel, labels, plot, width, height }
    }

    /// Width and height in pixels.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    pub(super) fn draw(&self) -> Document {
        let Plot { left, top, width, height } = self.plot;
        let (gap, panel) = (GAP as f32, self.panel as f32);
        let title = format!("{}s", self.subject.quantity);
        let any_hidden = self.panels.iter().any(|panel| panel.cells.any_hidden());
        let legend = Legend::new(&self.subject, any_hidden);
        let mut page = draw::page(self.width, self.height, &title, &self.subject.source)
            .add(draw::text(&title, left + width / 2.0, MARGIN + TITLE_SIZE / 2.0, TITLE_SIZE, Anchor::Middle))
            .add(legend.draw(left + width + 3.0 * gap + TICK_SIZE, top, height));
        let mut bottom = top + height + gap + AXIS_SIZE;
        if let Some(labels) = &self.labels {
            bottom += labels.depth(self.side as f32) + gap;
        }
        page = page.add(draw::axis_titles(&self.subject.ruler, self.plot, bottom));

        for (column, head) in self.heads.iter().enumerate() {
            let x = left + (column * (self.panel + GAP)) as f32;
            let strip = format!("head {head}");
            page = page.add(draw::text(&strip, x + panel / 2.0, top - gap, TICK_SIZE, Anchor::Middle));
            if let Some(labels) = &self.labels {
                page = page.add(labels.across(x, top + height + gap, self.side as f32));
            }
        }
        for (row, layer) in self.layers.iter().enumerate() {
            let y = top + (row * (self.panel + GAP)) as f32;
            let (x, strip) = (left + width + gap + TICK_SIZE / 2.0, format!("layer {layer}"));
            page = page.add(draw::turned(&strip, x, y + panel / 2.0, 90.0, TICK_SIZE, Anchor::Middle));
            if let Some(labels) = &self.labels {
                page = page.add(labels.down(left - gap, y, self.side as f32));
            }
        }
        self.panels.iter().fold(page, |page, panel| self.add_panel(page, panel))
    }

    fn add_panel(&self, page: Document, panel: &Panel<'_>) -> Document {
        let place = |of: &[usize], number| {
            of.binary_search(&number).expect("the layers and heads of all panels are listed") * (self.panel + GAP)
        };
        let x = self.plot.left as usize + place(&self.heads, panel.head);
        let y = self.plot.top as usize + place(&self.layers, panel.layer);
        let cells = &panel.cells;
        let page = if self.panels.len() * cells.n * cells.n > MOST_RECTANGLES {
            page.add(cells.image(x, y, self.side, self.pool))
        } else {
            page.add(cells.rectangles(x, y, self.side))
        };
        page.add(frame(x as f32, y as f32, self.panel as f32))
    }
}

fn distinct(numbers: impl Iterator<Item = usize>) -> Vec<usize> {
    numbers.collect::<BTreeSet<usize>>().into_iter().collect()
}
