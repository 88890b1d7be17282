//! The picture of one head.

use std::sync::Arc;

use svg::Document;
use svg::node::element::Group;

use super::axis_labels::Labels;
use super::cells::{MOST_RECTANGLES, Patch};
use super::colour::ink_on;
use super::draw::{self, Anchor, Plot};
use super::legend::Legend;
use super::sizes::Sizes;
use super::subject::{Panel, Subject};
use super::{MapsError, PictureOptions, Values};

/// Target side of the plot in pixels.
const PLOT: usize = 880;
/// Maximum automatic side of a cell.
const LARGEST_CELL: usize = 48;
/// Minimum side of cells with values, at the usual font size.
const VALUES_FROM: f32 = 36.0;
/// Maximum length of a label in pixels; longer labels end in `…`. This and the gap are for the
/// usual font size.
const LONGEST_LABEL: f32 = 150.0;
/// Gap between the parts around the plot, and around a value in its cell.
const GAP: f32 = 8.0;

/// The heatmap of one head: queries as rows, keys as columns.
pub(super) struct Heatmap<'a> {
    /// File name without extension.
    pub(super) name: String,
    title: String,
    subject: Arc<Subject<'a>>,
    panel: Panel<'a>,
    rows: Labels,
    columns: Labels,
    side: usize,
    /// True if the values are written in the cells.
    values: bool,
    gap: f32,
    plot: Plot,
    legend_at: f32,
    width: usize,
    height: usize,
}

impl<'a> Heatmap<'a> {
    /// # Errors
    /// [`MapsError::CellTooSmall`] if values are requested but do not fit into cells of the
    /// requested side.
    pub(super) fn new(
        subject: Arc<Subject<'a>>,
        panel: Panel<'a>,
        options: &PictureOptions,
    ) -> Result<Self, MapsError> {
        let (n_rows, n_columns) = (panel.cells.rows, panel.cells.columns);
        let side = side(&subject, n_rows.max(n_columns), options)?;
        let values = match options.values {
            Values::Always => true,
            Values::Auto => {
                n_rows * n_columns <= MOST_RECTANGLES && values_fit(&subject, &panel, side)
            }
            Values::Never => false,
        };
        let Sizes {
            title: title_size,
            axis,
            margin,
            scale,
            ..
        } = subject.sizes;
        let gap = GAP * scale;
        let labels = |of| Labels::new(&subject, of, side as f32, LONGEST_LABEL * scale);
        let (rows, columns) = (labels(&subject.rows), labels(&subject.columns));
        let (across, down) = ((n_columns * side) as f32, (n_rows * side) as f32);
        let Panel { layer, head, .. } = panel;
        let title = format!(
            "{}layer {layer} · head {head}{}",
            subject.part, subject.edits
        );
        let overhang = draw::overhang(&subject, &title, across);
        let plot = Plot {
            left: (margin + axis + gap + overhang.max(rows.longest + gap)).ceil(),
            top: (margin + title_size + 1.5 * gap).ceil(),
            width: across,
            height: down,
        };
        let legend = Legend::new(&subject, panel.cells.any_hidden());
        let below = down + gap + columns.depth(side as f32) + 1.5 * gap + axis;
        let legend_at = (plot.left + across + gap + overhang.max(2.0 * gap)).ceil();
        let width = (legend_at + legend.width() + margin).ceil() as usize;
        let height = (plot.top + below.max(legend.height(down)) + margin).ceil() as usize;
        let name = subject.file_name(&format!("layer{layer}-head{head}"));
        Ok(Self {
            name,
            title,
            subject,
            panel,
            rows,
            columns,
            side,
            values,
            gap,
            plot,
            legend_at,
            width,
            height,
        })
    }

    /// Return width and height in pixels.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Draw the picture without its [`Heatmap::patches`].
    pub(super) fn draw(&self) -> Document {
        let Plot {
            left,
            top,
            width,
            height,
        } = self.plot;
        let Sizes {
            title: title_size,
            axis,
            margin,
            ..
        } = self.subject.sizes;
        let (ruler, side) = (&self.subject.ruler, self.side as f32);
        let middle = left + width / 2.0;
        let keys_at = top + height + self.gap;
        let bottom = keys_at + self.columns.depth(side) + 1.5 * self.gap + axis;
        let legend = Legend::new(&self.subject, self.panel.cells.any_hidden());
        let page = draw::page(self.width, self.height, &self.title, &self.subject)
            .add(draw::text(
                ruler,
                &self.title,
                middle,
                margin + title_size / 2.0,
                title_size,
                Anchor::Middle,
            ))
            .add(self.rows.down(ruler, left - self.gap, top, side))
            .add(self.columns.across(ruler, left, keys_at, side))
            .add(draw::axis_titles(&self.subject, self.plot, bottom))
            .add(legend.draw(self.legend_at, top, height));
        if self.is_patch() {
            return page.add(draw::frame(left, top, width, height));
        }
        let page = page.add(
            self.panel
                .cells
                .rectangles(left as usize, top as usize, self.side),
        );
        let page = match self.subject.links {
            [] => page,
            links => page.add(draw::outlines(links, left, top, side)),
        };
        if self.values {
            page.add(self.values())
        } else {
            page
        }
    }

    /// Return the cells, if they are too many for rectangles. Cells with values are always
    /// rectangles.
    pub(super) fn patches(&self) -> Vec<Patch<'_>> {
        let patch = || Patch {
            cells: &self.panel.cells,
            left: self.plot.left as usize,
            top: self.plot.top as usize,
            side: self.side,
        };
        self.is_patch().then(patch).into_iter().collect()
    }

    fn is_patch(&self) -> bool {
        self.panel.cells.rows * self.panel.cells.columns > MOST_RECTANGLES && !self.values
    }

    /// Draw the value of each visible cell, in a colour that is readable on it.
    fn values(&self) -> Group {
        let (
            cells,
            Subject {
                ruler,
                sizes: Sizes { value: size, .. },
                ..
            },
        ) = (&self.panel.cells, &*self.subject);
        let centre = |start: f32, i: usize| start + self.side as f32 * (i as f32 + 0.5) - 0.5;
        cells
            .all_visible()
            .fold(Group::new(), |group, (query, key, value)| {
                let (x, y) = (centre(self.plot.left, key), centre(self.plot.top, query));
                let value = draw::text(ruler, &draw::number(value), x, y, *size, Anchor::Middle);
                group.add(value.set("fill", ink_on(cells.colour_at(query, key)).to_string()))
            })
    }
}

/// Return the side of a cell in pixels: as requested, or as large as `n` tokens and the values
/// allow.
fn side(subject: &Subject<'_>, n: usize, options: &PictureOptions) -> Result<usize, MapsError> {
    let least = if options.values == Values::Always {
        side_for_values(subject)
    } else {
        1
    };
    match options.cell.map(|side| side.get() as usize) {
        Some(given) if given < least => Err(MapsError::CellTooSmall { given, least }),
        Some(given) => Ok(given),
        None => Ok((PLOT / n).clamp(1, LARGEST_CELL).max(least)),
    }
}

/// Return the side of a cell that fits any value of the scale, the same for all heads so that they
/// are comparable.
fn side_for_values(subject: &Subject<'_>) -> usize {
    let Sizes {
        value: size, scale, ..
    } = subject.sizes;
    let width = |text: &str| subject.ruler.width(text, size);
    let digit = ('0'..='9')
        .map(String::from)
        .max_by(|a, b| width(a).total_cmp(&width(b)))
        .unwrap_or_default();
    let (low, high) = subject.paint.scale.ends();
    // The longest numbers are at the ends of the scale, or just below the switch to scientific
    // notation.
    let longest = [low, high, low.max(-999.999), high.min(999.999)];
    let widths = longest
        .map(|value| width(&draw::number(value).replace(|c: char| c.is_ascii_digit(), &digit)));
    (widths.into_iter().fold(0.0, f32::max) + GAP * scale).ceil() as usize
}

/// Return true if every value fits into its cell.
fn values_fit(subject: &Subject<'_>, panel: &Panel<'_>, side: usize) -> bool {
    let Sizes {
        value: size, scale, ..
    } = subject.sizes;
    let side = side as f32;
    let width = |value| subject.ruler.width(&draw::number(value), size);
    side >= VALUES_FROM * scale
        && panel
            .cells
            .all_visible()
            .all(|(_, _, value)| width(value) <= side - GAP * scale)
}
