//! Planes of points side by side, one for every two columns of a sheet.

use super::draw::{Anchor, frame, tenths, text};
use super::label;
use super::ruler::Ruler;
use super::sheet_page::{MARGIN, TOP, titled};
use crate::sheet::Sheet;
use svg::Document;
use svg::node::element::{Circle, Group};

const SIDE: f32 = 220.0;
const NAME: f32 = 18.0;
const GAP: f32 = 14.0;
/// Space around the points of a plane.
const INNER: f32 = 26.0;
const LABEL: f32 = 12.0;
/// Planes in a row.
const ACROSS: usize = 4;
/// The palette of Okabe and Ito (2008) without its yellow; a colour for each point.
const COLOURS: [&str; 7] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#222222",
];

/// Draw the planes of a sheet. All have the same scale, so that distances can be compared.
pub(super) fn svg(sheet: &Sheet) -> Document {
    let ruler = Ruler::new(None);
    let planes = sheet.columns.len() / 2;
    let across = planes.clamp(1, ACROSS);
    let down = planes.div_ceil(across);
    let key = TOP + down as f32 * (SIDE + NAME + GAP);
    let width = 2.0 * MARGIN + across as f32 * (SIDE + GAP) - GAP;
    let height = key + sheet.rows.len() as f32 * (LABEL + 6.0) + MARGIN;
    let finite = sheet.values.iter().filter(|x| x.is_finite());
    let limit = finite.fold(0.0f32, |most, x| most.max(x.abs()));
    let page = titled(sheet, &ruler, width, height);
    let page = (0..planes).fold(page, |page, plane| {
        let left = MARGIN + (plane % across) as f32 * (SIDE + GAP);
        let top = TOP + (plane / across) as f32 * (SIDE + NAME + GAP);
        page.add(plane_at(sheet, &ruler, plane, limit, (left, top)))
    });
    let rows = sheet.rows.iter().enumerate();
    rows.fold(page, |page, (row, name)| {
        let y = key + (row as f32 + 0.5) * (LABEL + 6.0);
        let name = label::drawable(name);
        let name = format!("{} {name}", row + 1);
        let name = ruler.fit(&name, LABEL, width - 3.0 * MARGIN).into_owned();
        page.add(point(row, MARGIN + 5.0, y)).add(text(
            &ruler,
            &name,
            MARGIN + 16.0,
            y,
            LABEL,
            Anchor::Start,
        ))
    })
}

fn plane_at(
    sheet: &Sheet,
    ruler: &Ruler<'_>,
    plane: usize,
    limit: f32,
    (left, top): (f32, f32),
) -> Group {
    let name = label::drawable(&sheet.columns[2 * plane]);
    let name = ruler.fit(&name, LABEL, SIDE);
    let top = top + NAME;
    let group = Group::new()
        .add(text(
            ruler,
            &name,
            left,
            top - NAME / 2.0,
            LABEL,
            Anchor::Start,
        ))
        .add(frame(left, top, SIDE, SIDE));
    let half = SIDE / 2.0;
    let along = |value: f32| match limit > 0.0 && value.is_finite() {
        true => value / limit * (half - INNER),
        false => 0.0,
    };
    let places: Vec<(f32, f32)> = (0..sheet.rows.len())
        .map(|row| {
            let x = left + half + along(sheet.at(row, 2 * plane));
            (x, top + half - along(sheet.at(row, 2 * plane + 1)))
        })
        .collect();
    let group = places
        .iter()
        .enumerate()
        .fold(group, |group, (row, &(x, y))| group.add(point(row, x, y)));
    let names = names(&places).into_iter();
    names.fold(group, |group, ((x, y), name)| {
        group.add(text(ruler, &name, x + 6.0, y - 6.0, LABEL, Anchor::Start))
    })
}

/// Return the numbers of the points at each place; those of points that cover each other are joined.
fn names(places: &[(f32, f32)]) -> Vec<((f32, f32), String)> {
    let mut names: Vec<((f32, f32), String)> = Vec::new();
    for (row, &(x, y)) in places.iter().enumerate() {
        let covered = |((a, b), _): &&mut ((f32, f32), String)| (a - x).hypot(b - y) < 4.0;
        let number = (row + 1).to_string();
        match names.iter_mut().find(covered) {
            Some((_, name)) => *name += &format!(", {number}"),
            None => names.push(((x, y), number)),
        }
    }
    names
}

fn point(row: usize, x: f32, y: f32) -> Circle {
    Circle::new()
        .set("cx", tenths(x))
        .set("cy", tenths(y))
        .set("r", 4)
        .set("fill", COLOURS[row % COLOURS.len()])
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn points_that_cover_each_other_share_a_name() {
        let found = names(&[(0.0, 0.0), (9.0, 0.0), (1.0, 1.0)]);
        assert_eq!(
            found,
            [
                ((0.0, 0.0), "1, 3".to_owned()),
                ((9.0, 0.0), "2".to_owned())
            ]
        );
    }
}
