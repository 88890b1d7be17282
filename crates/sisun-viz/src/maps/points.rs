//! Points with labels as a picture.

use super::colour::INK;
use super::draw::{Anchor, frame, tenths, text};
use super::ruler::Ruler;
use super::{font, label};
use crate::sheet::Sheet;
use svg::Document;
use svg::node::element::{Circle, Description, Group, Polyline, Rectangle, Title};

const MARGIN: f32 = 16.0;
const TITLE: f32 = 16.0;
const LABEL: f32 = 11.0;
/// Width and height of the area of the points.
const WIDTH: f32 = 900.0;
const HEIGHT: f32 = 640.0;
/// Space around the points, within the area.
const INNER: f32 = 20.0;
const RADIUS: f32 = 2.0;
/// Most points that are drawn; of more, evenly spaced ones.
const POINTS: usize = 4000;
/// Most labels that are written.
const LABELS: usize = 500;
const COLOUR: &str = "#0072b2";

/// Draw the points of a sheet. Labels are written from the edge inwards where they cover no other.
pub(super) fn svg(sheet: &Sheet) -> Document {
    let ruler = Ruler::new(None);
    let (left, top) = (MARGIN, 2.0 * MARGIN + TITLE + LABEL + 8.0);
    let (width, height) = (WIDTH + 2.0 * MARGIN, top + HEIGHT + MARGIN);
    let title = label::drawable(&sheet.title);
    let shown: Vec<usize> = match sheet.rows.len() {
        n if n <= POINTS => (0..n).collect(),
        n => (0..POINTS).map(|i| i * n / POINTS).collect(),
    };
    let below = match shown.len() == sheet.rows.len() {
        true => sheet.below.clone(),
        false => format!(
            "{} ({} of {} points, evenly chosen)",
            sheet.below,
            shown.len(),
            sheet.rows.len()
        ),
    };
    let below = label::drawable(&below);
    let along = |column: usize| {
        let values = shown.iter().map(|&row| sheet.at(row, column));
        spread(values.collect())
    };
    let x = along(0).into_iter();
    let x = x.map(|share| left + INNER + share * (WIDTH - 2.0 * INNER));
    let y = along(1).into_iter();
    let y = y.map(|share| top + HEIGHT - INNER - share * (HEIGHT - 2.0 * INNER));
    let places: Vec<(f32, f32)> = x.zip(y).collect();

    let page = Document::new()
        .set("width", width)
        .set("height", height)
        .set("viewBox", (0, 0, width, height))
        .set("role", "img")
        .set("fill", INK.to_string());
    let back = Rectangle::new()
        .set("width", width)
        .set("height", height)
        .set("fill", "#ffffff");
    let first = MARGIN + TITLE / 2.0;
    let page = font::named(page, None)
        .add(Title::new(&*title))
        .add(Description::new().add(svg::node::Text::new(&*below)))
        .add(back)
        .add(text(&ruler, &title, MARGIN, first, TITLE, Anchor::Start))
        .add(text(
            &ruler,
            &below,
            MARGIN,
            first + TITLE + 4.0,
            LABEL + 1.0,
            Anchor::Start,
        ))
        .add(frame(left, top, WIDTH, HEIGHT));
    let page = match sheet.name {
        // Positions follow each other.
        "positions" => page.add(path(&places)),
        _ => page,
    };
    let points = places
        .iter()
        .fold(Group::new().set("fill", COLOUR), |group, &(x, y)| {
            let point = Circle::new().set("cx", tenths(x)).set("cy", tenths(y));
            group.add(point.set("r", RADIUS))
        });
    let labels: Vec<&str> = shown.iter().map(|&row| sheet.rows[row].as_str()).collect();
    page.add(points)
        .add(written(&ruler, &labels, &places, left + WIDTH, (left, top)))
}

fn path(places: &[(f32, f32)]) -> Polyline {
    let points: Vec<String> = places
        .iter()
        .map(|&(x, y)| format!("{},{}", tenths(x), tenths(y)))
        .collect();
    Polyline::new()
        .set("points", points.join(" "))
        .set("fill", "none")
        .set("stroke", "#bbbbbb")
}

/// Write the labels that have room.
fn written(
    ruler: &Ruler<'_>,
    labels: &[&str],
    places: &[(f32, f32)],
    right: f32,
    (left, top): (f32, f32),
) -> Group {
    let centre = (left + WIDTH / 2.0, top + HEIGHT / 2.0);
    let distance = |&at: &usize| (places[at].0 - centre.0).hypot(places[at].1 - centre.1);
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|a, b| distance(b).total_cmp(&distance(a)).then(a.cmp(b)));
    let mut taken: Vec<(f32, f32, f32)> = Vec::new();
    let mut group = Group::new();
    for at in order {
        if taken.len() == LABELS {
            break;
        }
        let (x, y) = places[at];
        let own = label::drawable(labels[at]);
        let own = ruler.fit(&own, LABEL, 120.0);
        let width = ruler.width(&own, LABEL);
        let x = (x + 4.0).min(right - width - 2.0);
        let covers = |&(from, to, other): &(f32, f32, f32)| {
            x < to && from < x + width && (other - y).abs() < LABEL + 1.0
        };
        if taken.iter().any(covers) {
            continue;
        }
        taken.push((x, x + width, y));
        group = group.add(text(ruler, &own, x, y, LABEL, Anchor::Start));
    }
    group
}

/// Return the positions of values between the smallest, 0, and the largest, 1.
fn spread(values: Vec<f32>) -> Vec<f32> {
    let finite = values.iter().copied().filter(|x| x.is_finite());
    let (low, high) = finite.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), x| {
        (low.min(x), high.max(x))
    });
    let size = high - low;
    let share = |x: f32| match size > 0.0 && x.is_finite() {
        true => (x - low) / size,
        false => 0.5,
    };
    values.into_iter().map(share).collect()
}
