//! The picture of all heads: layers as rows, heads as columns.

use std::collections::BTreeSet;
use std::sync::Arc;

use rayon::prelude::*;
use svg::Document;

use super::about::About;
use super::axis_labels::Labels;
use super::cells::{Cells, MOST_RECTANGLES, Patch};
use super::draw::{self, Anchor, Plot};
use super::legend::Legend;
use super::sizes::Sizes;
use super::subject::{Panel, Subject};

/// Target width of the grid in pixels.
const GRID: usize = 1200;
/// Smallest and largest target size of a panel, unless the number of a layer or head needs more.
const SMALLEST_PANEL: usize = 64;
const LARGEST_PANEL: usize = 240;
/// Minimum side of cells with labels.
const LABELS_FROM: usize = 12;
/// Side of cells that each have a label, for which panels grow where the grid has room.
const LABELLED: usize = 15;
/// Minimum side of cells whose outlines show the true alignment.
const OUTLINES_FROM: usize = 4;
/// Maximum length of a label in pixels at the usual font size; longer labels end in `…`.
const LONGEST_LABEL: f32 = 80.0;
/// Minimum gap between panels, and between the surrounding parts at the usual font size.
const GAP: usize = 10;

/// All heads of all layers as small multiples on a common scale.
pub(super) struct Grid<'a> {
    /// File name without extension.
    pub(super) name: String,
    title: String,
    subject: Arc<Subject<'a>>,
    panels: Vec<Thumbnail>,
    layers: Vec<usize>,
    heads: Vec<usize>,
    /// True if the panels have too many cells for rectangles.
    is_patchwork: bool,
    /// Side of a cell in pixels.
    side: usize,
    /// Width and height of a panel, and distances between panels, in pixels.
    panel: (usize, usize),
    stride: (usize, usize),
    /// Labels of rows and columns; `None` if the cells are too small.
    labels: Option<(Labels, Labels)>,
    gap: f32,
    plot: Plot,
    legend_at: f32,
    width: usize,
    height: usize,
}

/// A small panel of one head.
struct Thumbnail {
    row: usize,
    column: usize,
    /// Cells, reduced to about the number of available pixels.
    cells: Cells<'static>,
}

impl<'a> Grid<'a> {
    /// Lay out the panels of all heads.
    pub(super) fn new(subject: Arc<Subject<'a>>, panels: &[Panel<'_>]) -> Self {
        let (n_rows, n_columns) = (subject.rows.len(), subject.columns.len());
        let n = n_rows.max(n_columns);
        let layers = distinct(panels.iter().map(|panel| panel.layer));
        let heads = distinct(panels.iter().map(|panel| panel.head));
        let Sizes {
            axis,
            tick,
            margin,
            scale,
            ..
        } = subject.sizes;
        let wording = subject.wording;
        let heads_named = heads.iter().map(|&head| wording.head(head));
        let layers_named = layers.iter().map(|&layer| wording.layer(layer));
        let strips = heads_named.chain(layers_named);
        let longest = strips.map(|strip| subject.ruler.width(&strip, tick));
        // A panel may be a third smaller than its target.
        let room = longest.fold(0.0, f32::max) * 1.5;
        let target = (GRID / heads.len())
            .clamp(SMALLEST_PANEL, LARGEST_PANEL)
            .max(room.ceil() as usize)
            .max((n * LABELLED).min(GRID / heads.len().max(layers.len())));
        // Whole pixels per cell, or whole cells per pixel.
        let nearest = |a: usize, b: usize| ((a as f32 / b as f32).round() as usize).max(1);
        let (side, pool) = (nearest(target, n), nearest(n, target));
        let panel = (
            n_columns.div_ceil(pool) * side,
            n_rows.div_ceil(pool) * side,
        );
        let gap = GAP as f32 * scale;
        let labels = (side >= LABELS_FROM).then(|| {
            let of = |labels| Labels::new(&subject, labels, side as f32, LONGEST_LABEL * scale);
            (of(&subject.rows), of(&subject.columns))
        });
        // The last label of a panel must not overlap the first of the next.
        let apart = labels
            .as_ref()
            .map_or(0.0, |(labels, _)| Labels::pitch(labels.size) - side as f32);
        let between = GAP.max(apart.ceil() as usize);
        let stride = (panel.0 + between, panel.1 + between);

        let (left_of, below) = labels.as_ref().map_or((0.0, 0.0), |(rows, columns)| {
            (rows.longest + gap, columns.depth(side as f32) + gap)
        });
        let title = format!(
            "{}{}{}",
            subject.part,
            wording.all_heads(subject.quantity),
            subject.edits
        );
        let across = ((heads.len() - 1) * stride.0 + panel.0) as f32;
        let down = ((layers.len() - 1) * stride.1 + panel.1) as f32;
        let overhang = draw::overhang(&subject, &title, across);
        let plot = Plot {
            left: (margin + axis + gap + left_of.max(overhang)).ceil(),
            top: (margin + draw::titles_height(&subject.sizes) + 1.5 * gap + tick + gap).ceil(),
            width: across,
            height: down,
        };
        let legend = Legend::new(&subject, true);
        // The layer numbers are between the grid and the legend.
        let legend_at = plot.left + plot.width + gap + overhang.max(tick + 2.0 * gap);
        let below = (plot.height + below + gap + axis).max(legend.height(plot.height)) + margin;
        let name = subject.file_name("heads");
        let (width, height) = (legend_at + legend.width() + margin, plot.top + below);
        let (width, height) = (width.ceil() as usize, height.ceil() as usize);
        let is_patchwork = panels.len() * n_rows * n_columns > MOST_RECTANGLES;
        let place = |of: &[usize], number| {
            of.binary_search(&number)
                .expect("the layers and heads of all panels are listed above")
        };
        let panels = panels
            .par_iter()
            .map(|Panel { layer, head, cells }| Thumbnail {
                row: place(&layers, *layer),
                column: place(&heads, *head),
                cells: cells.pooled(pool),
            })
            .collect();
        Self {
            name,
            title,
            subject,
            panels,
            layers,
            heads,
            is_patchwork,
            side,
            panel,
            stride,
            labels,
            gap,
            plot,
            legend_at,
            width,
            height,
        }
    }

    /// Return width and height in pixels.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Return the metadata.
    pub(super) fn about(&self) -> About {
        self.subject.about(&self.title, None)
    }

    /// Draw the picture without its [`Grid::patches`].
    pub(super) fn draw(&self) -> Document {
        let Plot {
            left,
            top,
            width,
            height,
        } = self.plot;
        let Sizes { axis, tick, .. } = self.subject.sizes;
        let wording = self.subject.wording;
        let (gap, ruler) = (self.gap, &self.subject.ruler);
        let (panel_width, panel_height) = (self.panel.0 as f32, self.panel.1 as f32);
        let any_hidden = self.panels.iter().any(|panel| panel.cells.any_hidden());
        let legend = Legend::new(&self.subject, any_hidden);
        let page = draw::page(
            self.width,
            self.height,
            &self.title,
            &self.about(),
            &self.subject,
        );
        let mut page = page
            .add(draw::titles(
                &self.subject,
                &self.title,
                left + width / 2.0,
                self.width as f32,
            ))
            .add(legend.draw(self.legend_at, top, height));
        let mut bottom = top + height + gap + axis;
        if let Some((_, columns)) = &self.labels {
            bottom += columns.depth(self.side as f32) + gap;
        }
        page = page.add(draw::axis_titles(&self.subject, self.plot, bottom));

        for (column, head) in self.heads.iter().enumerate() {
            let x = left + (column * self.stride.0) as f32;
            let strip = wording.head(*head);
            page = page.add(draw::text(
                ruler,
                &strip,
                x + panel_width / 2.0,
                top - gap,
                tick,
                Anchor::Middle,
            ));
            if let Some((_, labels)) = &self.labels {
                page = page.add(labels.across(ruler, x, top + height + gap, self.side as f32));
            }
        }
        for (row, layer) in self.layers.iter().enumerate() {
            let y = top + (row * self.stride.1) as f32;
            let (x, strip) = (left + width + gap + tick / 2.0, wording.layer(*layer));
            page = page.add(draw::turned(
                ruler,
                &strip,
                (x, y + panel_height / 2.0),
                90.0,
                tick,
                Anchor::Middle,
            ));
            if let Some((labels, _)) = &self.labels {
                page = page.add(labels.down(ruler, left - gap, y, self.side as f32));
            }
        }
        self.panels.iter().fold(page, |page, thumbnail| {
            let (x, y) = self.corner(thumbnail);
            let page = if self.is_patchwork {
                page
            } else {
                page.add(thumbnail.cells.rectangles(x, y, self.side))
            };
            let page = page.add(draw::frame(x as f32, y as f32, panel_width, panel_height));
            match self.subject.links {
                links if !links.is_empty() && self.side >= OUTLINES_FROM => {
                    page.add(draw::outlines(links, x as f32, y as f32, self.side as f32))
                }
                _ => page,
            }
        })
    }

    /// Return the cells of the panels, if they are too many for rectangles.
    pub(super) fn patches(&self) -> Vec<Patch<'_>> {
        let patch = |thumbnail| {
            let (left, top) = self.corner(thumbnail);
            Patch {
                cells: &thumbnail.cells,
                left,
                top,
                side: self.side,
            }
        };
        if self.is_patchwork {
            self.panels.iter().map(patch).collect()
        } else {
            Vec::new()
        }
    }

    /// Return the upper left corner of a panel in pixels.
    fn corner(&self, thumbnail: &Thumbnail) -> (usize, usize) {
        (
            self.plot.left as usize + thumbnail.column * self.stride.0,
            self.plot.top as usize + thumbnail.row * self.stride.1,
        )
    }
}

fn distinct(numbers: impl Iterator<Item = usize>) -> Vec<usize> {
    numbers.collect::<BTreeSet<usize>>().into_iter().collect()
}
