//! A sheet of numbers as a picture.

use super::colour::{INK, Rgb, ink_on, signed};
use super::draw::{Anchor, frame, tenths, text, turned};
use super::resolution::{MOST_PIXELS, magnification, pixels};
use super::ruler::Ruler;
use super::{Colours, MapsError, encode, font, label, lines, planes, points};
use crate::sheet::{Sheet, SheetForm, SheetScale};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use svg::Document;
use svg::node::element::{Description, Group, Image, Rectangle, Title};

const MARGIN: f32 = 16.0;
const TITLE: f32 = 16.0;
const LABEL: f32 = 12.0;
/// Longest label of a row or column, and longest text of a cell, in pixels.
const LONGEST: f32 = 150.0;
const LONGEST_TEXT: f32 = 78.0;
/// Height of cells with text, and height and width of the smallest ones.
const HEIGHT: f32 = 20.0;
const SMALLEST: f32 = 4.0;
/// Width that cells with text may take in all; more of them are drawn without.
const ROOM: f32 = 4000.0;
/// Cells that are drawn one by one at most.
const MOST_RECTANGLES: usize = 20_000;
/// Steps and width of the colour bar.
const STEPS: usize = 60;
const BAR: f32 = 180.0;

/// Colour of cells without a value.
const NONE: Rgb = Rgb([0xff, 0xff, 0xff]);

/// Draw a sheet as an SVG document: a row of cells for each row, with the text or number of each
/// where there is room; or its points or lines.
///
/// # Errors
/// [`MapsError::TooBig`] if the picture would have too many pixels.
pub fn sheet_svg(sheet: &Sheet) -> Result<String, MapsError> {
    match sheet.form {
        SheetForm::Cells => {}
        SheetForm::Points => return Ok(points::svg(sheet).to_string()),
        SheetForm::Lines | SheetForm::Band => return Ok(lines::svg(sheet).to_string()),
        SheetForm::Planes => return Ok(planes::svg(sheet).to_string()),
    }
    let layout = Layout::of(sheet);
    let (width, height) = (layout.width as u64, layout.height as u64);
    if pixels(width, height, magnification(width, height)) > MOST_PIXELS {
        return Err(MapsError::TooBig {
            picture: sheet.name.into(),
            width,
            height,
            limit: MOST_PIXELS,
        });
    }
    Ok(layout.draw().to_string())
}

/// Sizes and labels of a picture.
struct Layout<'s> {
    sheet: &'s Sheet,
    ruler: Ruler<'static>,
    rows: Vec<String>,
    columns: Vec<String>,
    texts: Vec<String>,
    /// Width and height of a cell.
    cell: (f32, f32),
    has_texts: bool,
    left: f32,
    top: f32,
    width: f32,
    height: f32,
    table: [[u8; 3]; 256],
}

impl<'s> Layout<'s> {
    fn of(sheet: &'s Sheet) -> Self {
        let ruler = Ruler::new(None);
        let drawn = |labels: &[String]| -> Vec<String> {
            let fit = |one: &String| {
                ruler
                    .fit(&label::drawable(one), LABEL, LONGEST)
                    .into_owned()
            };
            labels.iter().map(fit).collect()
        };
        let widest = |labels: &[String]| {
            let widths = labels.iter().map(|one| ruler.width(one, LABEL));
            widths.fold(0.0, f32::max)
        };
        let number = |value: &f32| match value.is_finite() {
            true => format!("{value:.2}"),
            false => String::new(),
        };
        let texts: Vec<String> = match &sheet.texts {
            Some(texts) => texts
                .iter()
                .map(|one| {
                    ruler
                        .fit(&label::drawable(one), LABEL, LONGEST_TEXT)
                        .into_owned()
                })
                .collect(),
            None => sheet.values.iter().map(number).collect(),
        };
        let (rows, columns) = (drawn(&sheet.rows), drawn(&sheet.columns));
        let across = sheet.columns.len() as f32;
        let wide = (widest(&texts) + 10.0).max(HEIGHT);
        let has_texts = wide * across <= ROOM && sheet.values.len() <= MOST_RECTANGLES;
        let cell = match has_texts {
            true => (wide, HEIGHT),
            false => {
                let side = (ROOM / across).clamp(SMALLEST, HEIGHT);
                (side, side.max(LABEL.min(side)))
            }
        };
        let left = MARGIN + widest(&rows) + 8.0;
        let top = 2.0 * MARGIN + TITLE + LABEL + 14.0 + depth(&columns, &ruler, cell.0);
        let titles = [(&sheet.title, TITLE), (&sheet.below, LABEL)];
        let titles = titles.map(|(one, size)| ruler.width(&label::drawable(one), size));
        let width = (left + across * cell.0).max(MARGIN + titles[0].max(titles[1]));
        let height = top + sheet.rows.len() as f32 * cell.1 + 52.0;
        Self {
            sheet,
            rows,
            columns,
            texts,
            cell,
            has_texts,
            left,
            top,
            width: (width.max(left + BAR + 60.0) + MARGIN).ceil(),
            height: (height + MARGIN).ceil(),
            table: Colours::default().table(),
            ruler,
        }
    }

    fn draw(&self) -> Document {
        let (sheet, ruler) = (self.sheet, &self.ruler);
        let title = label::drawable(&sheet.title);
        let below = label::drawable(&sheet.below);
        let page = Document::new()
            .set("width", self.width)
            .set("height", self.height)
            .set("viewBox", (0, 0, self.width, self.height))
            .set("role", "img")
            .set("fill", INK.to_string());
        let back = Rectangle::new()
            .set("width", self.width)
            .set("height", self.height)
            .set("fill", "#ffffff");
        let first = MARGIN + TITLE / 2.0;
        let second = first + TITLE + 4.0;
        font::named(page, None)
            .add(Title::new(&*title))
            .add(Description::new().add(svg::node::Text::new(&*below)))
            .add(back)
            .add(text(ruler, &title, MARGIN, first, TITLE, Anchor::Start))
            .add(text(ruler, &below, MARGIN, second, LABEL, Anchor::Start))
            .add(self.labels())
            .add(self.cells())
            .add(frame(
                self.left,
                self.top,
                sheet.columns.len() as f32 * self.cell.0,
                sheet.rows.len() as f32 * self.cell.1,
            ))
            .add(self.bar())
    }

    fn labels(&self) -> Group {
        let (width, height) = self.cell;
        let (ruler, mut group) = (&self.ruler, Group::new());
        let fits = |size: f32| size >= LABEL - 2.0;
        for (row, label) in self.rows.iter().enumerate().filter(|_| fits(height)) {
            let y = self.top + (row as f32 + 0.5) * height;
            group = group.add(text(ruler, label, self.left - 6.0, y, LABEL, Anchor::End));
        }
        let is_flat = depth(&self.columns, ruler, width) == LABEL;
        for (column, label) in self.columns.iter().enumerate().filter(|_| fits(width)) {
            let x = self.left + (column as f32 + 0.5) * width;
            group = group.add(match is_flat {
                true => text(ruler, label, x, self.top - 10.0, LABEL, Anchor::Middle),
                false => turned(
                    ruler,
                    label,
                    (x, self.top - 6.0),
                    -90.0,
                    LABEL,
                    Anchor::Start,
                ),
            });
        }
        group
    }

    fn cells(&self) -> Group {
        if self.sheet.values.len() > MOST_RECTANGLES {
            return Group::new().add(self.image());
        }
        let (width, height) = self.cell;
        let (ruler, mut group) = (&self.ruler, Group::new());
        for row in 0..self.rows.len() {
            for column in 0..self.columns.len() {
                let value = self.sheet.at(row, column);
                let colour = self.colour(value);
                let x = self.left + column as f32 * width;
                let y = self.top + row as f32 * height;
                group = group.add(
                    Rectangle::new()
                        .set("x", tenths(x))
                        .set("y", tenths(y))
                        .set("width", tenths(width))
                        .set("height", tenths(height))
                        .set("fill", colour.to_string()),
                );
                let own = &self.texts[row * self.columns.len() + column];
                if self.has_texts && !own.is_empty() {
                    let middle = (x + width / 2.0, y + height / 2.0);
                    let own = text(ruler, own, middle.0, middle.1, LABEL, Anchor::Middle);
                    group = group.add(own.set("fill", ink_on(colour).to_string()));
                }
            }
        }
        group
    }

    /// Draw the cells as one image with a pixel for each, which keeps large files small.
    fn image(&self) -> Image {
        let (rows, columns) = (self.sheet.rows.len(), self.sheet.columns.len());
        let colours = self.sheet.values.iter().map(|&value| self.colour(value));
        let pixels: Vec<u8> = colours.flat_map(|Rgb(bytes)| bytes).collect();
        let png = encode::png(columns as u32, rows as u32, &pixels, &[]);
        Image::new()
            .set("x", tenths(self.left))
            .set("y", tenths(self.top))
            .set("width", tenths(columns as f32 * self.cell.0))
            .set("height", tenths(rows as f32 * self.cell.1))
            .set("preserveAspectRatio", "none")
            // The attribute is not part of SVG 1.1, so renderers ignore it; use a style.
            .set("style", "image-rendering:pixelated")
            .set(
                "href",
                format!("data:image/png;base64,{}", STANDARD.encode(png)),
            )
    }

    /// Draw the colours of the scale, with the values at its ends.
    fn bar(&self) -> Group {
        let (low, high) = match self.sheet.scale {
            SheetScale::Share => (0.0, 1.0),
            SheetScale::Signed { limit } => (-limit, limit),
        };
        let y = self.top + self.rows.len() as f32 * self.cell.1 + 16.0;
        let width = BAR / STEPS as f32;
        let step = |i: usize| {
            let share = i as f32 / (STEPS - 1) as f32;
            Rectangle::new()
                .set("x", tenths(self.left + i as f32 * width))
                .set("y", tenths(y))
                .set("width", tenths(width + 0.3))
                .set("height", 10)
                .set("fill", self.colour(low + share * (high - low)).to_string())
        };
        let group = (0..STEPS).fold(Group::new(), |group, i| group.add(step(i)));
        [(0.0, low), (1.0, high)]
            .into_iter()
            .fold(group, |group, (share, value)| {
                let x = self.left + share * BAR;
                let value = format!("{value:.2}");
                let at = y + 20.0;
                group.add(text(&self.ruler, &value, x, at, LABEL, Anchor::Middle))
            })
    }

    fn colour(&self, value: f32) -> Rgb {
        match self.sheet.scale {
            _ if !value.is_finite() => NONE,
            SheetScale::Share => {
                let entry = (value.clamp(0.0, 1.0) * 256.0) as usize;
                Rgb(self.table[entry.min(255)])
            }
            SheetScale::Signed { limit } => signed(value / limit.max(f32::MIN_POSITIVE)),
        }
    }
}

/// Return the height of the labels above the columns: of one line if all fit, else of the longest,
/// which is turned.
fn depth(labels: &[String], ruler: &Ruler<'_>, width: f32) -> f32 {
    let widths = labels.iter().map(|label| ruler.width(label, LABEL));
    let longest = widths.fold(0.0, f32::max);
    if longest <= width - 4.0 {
        LABEL
    } else {
        longest
    }
}
