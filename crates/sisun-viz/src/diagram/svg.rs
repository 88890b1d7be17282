//! A diagram as an SVG document.

use super::layout::{Column, Drawing, Role, Shape};
use crate::maps::PlainText;
use svg::Document;
use svg::node::element::{Circle, Group, Polyline, Rectangle, Title};

const MARGIN: f32 = 20.0;
const BETWEEN: f32 = 48.0;
const HEADING: f32 = 44.0;
const LINE: &str = "#8a8a90";

/// Draw a diagram with a title, its columns side by side.
pub fn diagram_svg(drawing: &Drawing, title: &str) -> String {
    let texts = PlainText::new();
    let columns = &drawing.columns;
    let inner: f32 = columns.iter().map(|column| column.width).sum();
    let inner = inner + BETWEEN * columns.len().saturating_sub(1) as f32;
    let height = columns
        .iter()
        .map(|column| column.height)
        .fold(0.0, f32::max);
    let (width, height) = (inner + 2.0 * MARGIN, height + HEADING + 2.0 * MARGIN);
    let shown = texts.fitted(title, 18.0, inner);
    let page = texts
        .page(Document::new(), width, height)
        .add(Title::new(title))
        .add(
            Rectangle::new()
                .set("width", width)
                .set("height", height)
                .set("fill", "#ffffff"),
        )
        .add(texts.line(&shown, (MARGIN, MARGIN + 10.0), 18.0, "start"));
    let mut left = MARGIN;
    let page = columns.iter().fold(page, |page, column| {
        let at = format!("translate({left} {})", MARGIN + HEADING);
        left += column.width + BETWEEN;
        page.add(drawn(&texts, column).set("transform", at))
    });
    page.to_string()
}

fn drawn(texts: &PlainText, column: &Column) -> Group {
    let shapes = column.shapes.iter();
    shapes.fold(Group::new(), |group, shape| match shape {
        Shape::Box {
            x,
            y,
            width,
            height,
            role,
            ..
        } => group.add(
            Rectangle::new()
                .set("x", *x)
                .set("y", *y)
                .set("width", *width)
                .set("height", *height)
                .set("rx", if *height < 10.0 { 1 } else { 5 })
                .set("fill", fill(*role))
                .set("stroke", edge(*role)),
        ),
        Shape::Text {
            x,
            y,
            size,
            anchor,
            text,
            strong,
        } => {
            let line = texts.line(text, (*x, *y), *size, anchor);
            group.add(match strong {
                true => line.set("font-weight", 600),
                false => line.set("fill", "#4a4a50"),
            })
        }
        Shape::Line { points, arrow } => {
            let both = points
                .chunks_exact(2)
                .map(|at| format!("{},{}", at[0], at[1]));
            let line = Polyline::new()
                .set("points", both.collect::<Vec<_>>().join(" "))
                .set("fill", "none")
                .set("stroke", LINE)
                .set("stroke-width", 1.5);
            let group = group.add(line);
            match arrow {
                true => group.add(arrowhead(points)),
                false => group,
            }
        }
        Shape::Sum { x, y } => group
            .add(
                Circle::new()
                    .set("cx", *x)
                    .set("cy", *y)
                    .set("r", 8)
                    .set("fill", "#ffffff")
                    .set("stroke", LINE)
                    .set("stroke-width", 1.5),
            )
            .add(stroke(&[(x - 4.0, *y), (x + 4.0, *y)]))
            .add(stroke(&[(*x, y - 4.0), (*x, y + 4.0)])),
    })
}

fn stroke(points: &[(f32, f32)]) -> Polyline {
    let points = points.iter().map(|(x, y)| format!("{x},{y}"));
    Polyline::new()
        .set("points", points.collect::<Vec<_>>().join(" "))
        .set("fill", "none")
        .set("stroke", LINE)
        .set("stroke-width", 1.5)
}

/// Draw the head of an arrow at the end of a line.
fn arrowhead(points: &[f32]) -> Polyline {
    let [.., x0, y0, x1, y1] = points[..] else {
        return stroke(&[]);
    };
    let length = f32::hypot(x1 - x0, y1 - y0).max(f32::MIN_POSITIVE);
    let (dx, dy) = ((x1 - x0) / length * 5.0, (y1 - y0) / length * 5.0);
    stroke(&[
        (x1 - dx - 0.7 * dy, y1 - dy + 0.7 * dx),
        (x1, y1),
        (x1 - dx + 0.7 * dy, y1 - dy - 0.7 * dx),
    ])
}

fn fill(role: Role) -> &'static str {
    match role {
        Role::Embedding => "#e9eefb",
        Role::Position => "#fdf1de",
        Role::Norm => "#f1f1f3",
        Role::Attention => "#e3f3ee",
        Role::Ffn => "#fbeae2",
        Role::Block => "#eef1f6",
        Role::Head => "#ffffff",
    }
}

fn edge(role: Role) -> &'static str {
    match role {
        Role::Embedding => "#8aa0d8",
        Role::Position => "#d9a441",
        Role::Norm => "#b9b9c0",
        Role::Attention => "#4fae90",
        Role::Ffn => "#dd8a62",
        Role::Block => "#9aa7bd",
        Role::Head => "#4fae90",
    }
}
