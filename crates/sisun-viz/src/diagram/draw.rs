//! A column under construction.

use super::layout::{Column, DETAIL, FIRST, Go, LINE, NAME, Role, Shape, WIDTH};
use super::parts::Part;
use sisun_infer::Language;
use sisun_model::thousands;

/// Adds shapes from the top down.
pub(super) struct Pen {
    column: Column,
    /// Where the next shape begins.
    pub(super) y: f32,
    language: Language,
}

impl Pen {
    pub(super) fn new(language: Language) -> Self {
        Self {
            column: Column {
                width: WIDTH,
                ..Column::default()
            },
            y: 0.0,
            language,
        }
    }

    /// Return a text in the language of the diagram.
    pub(super) fn say(&self, english: &str, korean: &str) -> String {
        match self.language {
            Language::English => english.to_owned(),
            Language::Korean => korean.to_owned(),
        }
    }

    /// Return the number of parameters of a part in words.
    pub(super) fn count(&self, parameters: u64) -> String {
        match (parameters, self.language) {
            (0, Language::English) => "no parameters".to_owned(),
            (0, Language::Korean) => "파라미터 없음".to_owned(),
            (n, _) => thousands(n),
        }
    }

    pub(super) fn push(&mut self, shape: Shape) {
        self.column.shapes.push(shape);
    }

    pub(super) fn text(
        &mut self,
        (x, y): (f32, f32),
        anchor: &'static str,
        strong: bool,
        text: String,
    ) {
        let size = if strong { NAME } else { DETAIL };
        self.push(Shape::Text {
            x,
            y,
            size,
            anchor,
            text,
            strong,
        });
    }

    pub(super) fn line(&mut self, points: &[(f32, f32)], arrow: bool) {
        self.push(Shape::Line {
            points: points.iter().flat_map(|&(x, y)| [x, y]).collect(),
            arrow,
        });
    }

    /// Draw an arrow down from the last shape.
    pub(super) fn arrow(&mut self, x: f32, length: f32) {
        let y = self.y;
        self.line(&[(x, y), (x, y + length)], true);
        self.y = y + length;
    }

    /// Draw a box with its name, its parameters, and lines of details. Return the height of its head.
    pub(super) fn part(
        &mut self,
        (left, width): (f32, f32),
        role: Role,
        go: Option<Go>,
        name: String,
        parameters: Option<u64>,
        details: &[String],
    ) {
        let height = box_height(details.len());
        let top = self.y;
        self.push(Shape::Box {
            x: left,
            y: top,
            width,
            height,
            role,
            go,
        });
        self.lines((left, width), name, parameters, details);
        self.y = top + height;
    }

    /// Write a name, parameters and details at the top of a box.
    pub(super) fn lines(
        &mut self,
        (left, width): (f32, f32),
        name: String,
        parameters: Option<u64>,
        details: &[String],
    ) {
        let top = self.y;
        let first = top + FIRST / 2.0 + 1.0;
        self.text((left + 10.0, first), "start", true, name);
        if let Some(parameters) = parameters {
            let count = self.count(parameters);
            self.text((left + width - 10.0, first), "end", false, count);
        }
        for (number, detail) in details.iter().enumerate() {
            let y = top + FIRST + (number as f32 + 0.3) * LINE;
            self.text((left + 10.0, y), "start", false, detail.clone());
        }
    }

    pub(super) fn finish(mut self) -> Column {
        self.column.height = self.y.ceil() + 2.0;
        self.column
    }
}

/// Return the height of a box with this many lines of details.
pub(super) fn box_height(details: usize) -> f32 {
    FIRST + details as f32 * LINE + if details == 0 { 2.0 } else { 4.0 }
}

/// Return the shapes of a part's matrices, as `q 64 × 64`.
pub(super) fn shapes(part: &Part) -> Vec<String> {
    let matrices = part.matrices.iter();
    matrices
        .map(|&(name, rows, columns)| {
            let size = |n: usize| thousands(n as u64);
            format!("{name} {} × {}", size(rows), size(columns))
        })
        .collect()
}
