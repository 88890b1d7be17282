//! The rows of a sheet as lines, or as a line with its bands.

use super::draw::{Anchor, frame, tenths, text};
use super::label;
use super::ruler::Ruler;
use super::sheet_page::{MARGIN, TOP, titled};
use crate::sheet::{Sheet, SheetForm};
use svg::Document;
use svg::node::element::{Group, Polygon, Polyline};

const WIDTH: f32 = 760.0;
const HEIGHT: f32 = 380.0;
const LABEL: f32 = 12.0;
/// Room for the numbers of the vertical axis, and for the names of the lines.
const LEFT: f32 = 64.0;
const NAMES: f32 = 150.0;
const BELOW: f32 = 44.0;
/// Number of names at most.
const MOST_NAMES: usize = 26;
/// The palette of Okabe and Ito (2008) without its yellow.
const COLOURS: [&str; 7] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#222222",
];

/// Draw the rows of a sheet over its columns.
pub(super) fn svg(sheet: &Sheet) -> Document {
    let ruler = Ruler::new(None);
    let (left, top) = (LEFT, TOP);
    let finite = sheet.values.iter().copied().filter(|x| x.is_finite());
    let (low, high) = finite.fold((0.0f32, 0.0f32), |(low, high), x| (low.min(x), high.max(x)));
    let size = if high > low { high - low } else { 1.0 };
    let last = (sheet.columns.len().max(2) - 1) as f32;
    let x = |column: usize| left + column as f32 / last * WIDTH;
    let y = |value: f32| top + HEIGHT * (1.0 - (value - low) / size);
    let places = |row: usize| {
        let columns = (0..sheet.columns.len()).filter(move |&at| sheet.at(row, at).is_finite());
        columns.map(move |column| (x(column), y(sheet.at(row, column))))
    };
    let mut page = titled(
        sheet,
        &ruler,
        LEFT + WIDTH + NAMES + MARGIN,
        top + HEIGHT + BELOW,
    )
    .add(frame(left, top, WIDTH, HEIGHT));
    for tick in ticks(low, low + size) {
        let at = y(tick);
        let grid = Polyline::new()
            .set(
                "points",
                written([(left, at), (left + WIDTH, at)].into_iter()),
            )
            .set("stroke", "#e6e6e6");
        let number = format!("{tick}");
        page = page
            .add(grid)
            .add(text(&ruler, &number, left - 6.0, at, LABEL, Anchor::End));
    }
    let every = sheet.columns.len().div_ceil(12).max(1);
    for (column, name) in sheet.columns.iter().enumerate().step_by(every) {
        let name = label::drawable(name);
        let at = top + HEIGHT + 12.0;
        page = page.add(text(&ruler, &name, x(column), at, LABEL, Anchor::Middle));
    }
    if sheet.form == SheetForm::Band {
        // The wide band first, then the narrow one on it.
        for (low, high, opacity) in [(3, 4, 0.12), (1, 2, 0.22)] {
            let back: Vec<_> = places(high).collect();
            let area = places(low).chain(back.into_iter().rev());
            page = page.add(
                Polygon::new()
                    .set("points", written(area))
                    .set("fill", COLOURS[0])
                    .set("fill-opacity", opacity),
            );
        }
        return page.add(line(places(0), COLOURS[0]));
    }
    let mut names: Vec<(f32, usize)> = Vec::new();
    for row in 0..sheet.rows.len() {
        page = page.add(line(places(row), COLOURS[row % COLOURS.len()]));
        names.extend(places(row).next_back().map(|(_, end)| (end, row)));
    }
    page.add(labels(&ruler, sheet, names))
}

fn line(places: impl Iterator<Item = (f32, f32)>, colour: &str) -> Polyline {
    Polyline::new()
        .set("points", written(places))
        .set("fill", "none")
        .set("stroke", colour)
        .set("stroke-width", 2)
}

fn written(places: impl Iterator<Item = (f32, f32)>) -> String {
    let places = places.map(|(x, y)| format!("{},{}", tenths(x), tenths(y)));
    places.collect::<Vec<_>>().join(" ")
}

/// Write the names of the lines beside their ends, one below the other.
fn labels(ruler: &Ruler<'_>, sheet: &Sheet, mut names: Vec<(f32, usize)>) -> Group {
    names.sort_by(|a, b| a.0.total_cmp(&b.0));
    let every = names.len().div_ceil(MOST_NAMES).max(1);
    let step = LABEL + 2.0;
    let mut at = f32::NEG_INFINITY;
    let mut placed: Vec<(f32, usize)> = Vec::new();
    for (end, row) in names.into_iter().step_by(every) {
        at = end.max(at + step);
        placed.push((at, row));
    }
    // Those that ran over the bottom move up, and push others.
    let mut limit = TOP + HEIGHT;
    for (at, _) in placed.iter_mut().rev() {
        *at = at.min(limit);
        limit = *at - step;
    }
    placed.into_iter().fold(Group::new(), |group, (at, row)| {
        let name = label::drawable(&sheet.rows[row]);
        let name = ruler.fit(&name, LABEL, NAMES);
        let x = LEFT + WIDTH + 8.0;
        let name = text(ruler, &name, x, at, LABEL, Anchor::Start);
        group.add(name.set("fill", COLOURS[row % COLOURS.len()]))
    })
}

/// Return round numbers between two, about six.
fn ticks(low: f32, high: f32) -> Vec<f32> {
    let rough = f64::from(high - low) / 6.0;
    let unit = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|nice| nice * unit)
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(10.0 * unit);
    let (first, last) = (f64::from(low) / step, f64::from(high) / step);
    let decimals = (-step.log10().floor()).clamp(0.0, 9.0);
    let round = |at: f64| (at * 10f64.powf(decimals)).round() / 10f64.powf(decimals);
    // Adding 0 turns −0 into 0.
    (first.ceil() as i64..=last.floor() as i64)
        .map(|i| (round(i as f64 * step) + 0.0) as f32)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::ticks;

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(ticks(0.0, 1.0), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        assert_eq!(ticks(-0.5, 1.0), [-0.5, 0.0, 0.5, 1.0]);
        assert_eq!(ticks(-63.0, 0.0), [-60.0, -40.0, -20.0, 0.0]);
    }
}
