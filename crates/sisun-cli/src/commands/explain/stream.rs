//! The steps before and after attention: vectors of the residual stream.

use super::example;
use super::numbers::{column, number};
use super::page::ExplainPage;
use super::table::Table;
use super::text::label;
use super::tone::Tone;
use sisun_config::NormPlacement;
use sisun_infer::Explanation;
use sisun_infer::explain::{Rotation, StreamPoint, StreamSource};
use sisun_viz::worked::percent;

/// Most points of the stream that are all shown.
const FEW: usize = 20;

/// Write the table of a step.
pub(super) fn write(page: &mut ExplainPage, found: &Explanation, id: &str) {
    let stream = &found.stream;
    let names = Names::of(found);
    match id {
        "embedding" => vectors(page, &[("x", &stream.embedding)]),
        "position" => {
            let p = stream.position.as_deref().unwrap_or_default();
            vectors(
                page,
                &[
                    ("x", &stream.embedding),
                    ("p", p),
                    ("x̃ = x + p", &stream.positioned),
                ],
            );
        }
        "stream" => vectors(
            page,
            &[(names.x, &stream.positioned), ("h", &stream.before)],
        ),
        "norm" => {
            let normed = stream.normed.as_deref().unwrap_or_default();
            vectors(page, &[(names.h, &stream.before), ("x̂", normed)]);
        }
        "qkv" => projections(page, found, &names),
        "qk-norm" => {
            let products = &stream.products;
            let (q, k) = before_position(found);
            let (q_before, q_after) = names.before_and_after("q");
            let (k_before, k_after) = names.before_and_after("k");
            vectors(
                page,
                &[
                    (&q_before, &products.q),
                    (&q_after, &q),
                    (&k_before, &products.k),
                    (&k_after, &k),
                ],
            );
        }
        "rotation" => {
            if let Some(rotation) = &stream.rotation {
                rotated(page, found, rotation);
            }
        }
        "output" => {
            let share = page.word_with("share", &[("head", &found.head.to_string())]);
            vectors(page, &[("z", &found.z), (&share, &stream.share)]);
            example::product(
                page,
                (
                    "z · W_O[:, 0]",
                    stream.share.first().copied().unwrap_or(0.0),
                ),
                &found.z,
                &stream.output_column,
                false,
            );
        }
        "residual" => {
            let share = page.word_with("share", &[("head", &found.head.to_string())]);
            let all = page.word("all-heads");
            vectors(
                page,
                &[
                    (names.h, &stream.before),
                    (&share, &stream.share),
                    (&all, &stream.attention),
                    ("h′", &stream.after_attention),
                ],
            );
        }
        "ffn" => {
            let f = stream.feed_forward.as_deref().unwrap_or_default();
            vectors(
                page,
                &[
                    ("h′", &stream.after_attention),
                    ("f", f),
                    ("h″", &stream.after),
                ],
            );
        }
        "next" => points(page, found),
        _ => {}
    }
}

/// Names of vectors that depend on the layer and the variant.
struct Names {
    x: &'static str,
    h: &'static str,
    input: &'static str,
}

impl Names {
    fn of(found: &Explanation) -> Self {
        let x = if found.stream.position.is_some() {
            "x̃"
        } else {
            "x"
        };
        let h = if found.layer > 0 { "h" } else { x };
        let input = match found.form.norm_placement {
            NormPlacement::Pre => "x̂",
            NormPlacement::Post => h,
        };
        Self { x, h, input }
    }

    fn before_and_after(&self, name: &str) -> (String, String) {
        (
            format!("{name} = {} · W", self.input),
            format!("norm({name})"),
        )
    }
}

/// Write vectors below one another, each with its length.
fn vectors(page: &mut ExplainPage, rows: &[(&str, &[f64])]) {
    let width = rows.first().map_or(0, |(_, vector)| vector.len());
    let lengths: Vec<f64> = rows.iter().map(|(_, vector)| length(vector)).collect();
    let is_even = rows.iter().all(|(_, vector)| vector.len() == width);
    let title = match is_even {
        true => format!("{} (1 × {width})", page.word("vector")),
        false => page.word("vector"),
    };
    let table = Table::default()
        .text(
            "",
            rows.iter().map(|(name, _)| (*name).to_owned()).collect(),
        )
        .numbers(&page.word("length"), column(&lengths))
        .vectors(
            &title,
            rows.iter().map(|(_, vector)| Some(*vector)).collect(),
        );
    page.table(&table);
}

fn length(vector: &[f64]) -> f64 {
    vector.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// Write the products with W_Q, W_K and W_V, each with its first number written out.
fn projections(page: &mut ExplainPage, found: &Explanation, names: &Names) {
    let (stream, products) = (&found.stream, &found.stream.products);
    let input = stream.normed.as_ref().unwrap_or(&stream.before);
    vectors(
        page,
        &[
            (names.input, input),
            ("q", &products.q),
            ("k", &products.k),
            ("v", &products.v),
        ],
    );
    for (name, product, column) in [
        ("W_Q", &products.q, &products.q_column),
        ("W_K", &products.k, &products.k_column),
        ("W_V", &products.v, &products.v_column),
    ] {
        let name = format!("{} · {name}[:, 0]", names.input);
        let result = product.first().copied().unwrap_or(0.0);
        example::product(
            page,
            (&name, result),
            input,
            column,
            found.form.attention_bias,
        );
    }
}

/// Return q and the query's own k before their position, after their norm.
fn before_position(found: &Explanation) -> (Vec<f64>, Vec<f64>) {
    let own = &found.keys[found.query].k;
    match &found.stream.rotation {
        None => (found.q.clone(), own.clone()),
        Some(rotation) => (rotation.q.clone(), rotation.turned_back(own, found.query)),
    }
}

fn rotated(page: &mut ExplainPage, found: &Explanation, rotation: &Rotation) {
    let key = &found.keys[rotation.key];
    let name = label(&key.label);
    let (before, after) = (page.word("before"), page.word("after"));
    let rows = [
        (format!("q {before}"), &rotation.q[..]),
        (format!("q {after}"), &found.q),
        (format!("k “{name}” {before}"), &rotation.k),
        (format!("k “{name}” {after}"), &key.k),
    ];
    vectors(
        page,
        &rows
            .each_ref()
            .map(|(name, vector)| (name.as_str(), *vector)),
    );
    let half = rotation.radians.len();
    let pair = |vector: &[f64]| format!("({}, {})", number(vector[0], 3), number(vector[half], 3));
    let angle = rotation.radians[0] * found.query as f64;
    page.example(&format!(
        "q[0], q[{half}]:  {} ↻ {} = {}",
        pair(&rotation.q),
        number(angle, 4),
        pair(&found.q)
    ));
    let of =
        |of: fn(&sisun_infer::explain::Moved) -> String| rotation.proof.iter().map(of).collect();
    let dots: Vec<f64> = rotation.proof.iter().map(|moved| moved.dot).collect();
    let table = Table::default()
        .numbers(&page.word("query-at"), of(|moved| moved.query.to_string()))
        .numbers(&page.word("key-at"), of(|moved| moved.key.to_string()))
        .numbers("i − j", of(|moved| offset(moved.query, moved.key)))
        .numbers("q · k", column(&dots));
    page.table(&table);
}

fn offset(query: usize, key: usize) -> String {
    match query.checked_sub(key) {
        Some(distance) => distance.to_string(),
        None => format!("-{}", key - query),
    }
}

/// Write the probability of the next token at each point of the stream.
fn points(page: &mut ExplainPage, found: &Explanation) {
    let next = &found.stream.next;
    let is_shown = |at: usize, point: &StreamPoint| {
        let is_here = match point.part {
            StreamSource::Attention(layer) | StreamSource::FeedForward(layer) => {
                layer == found.layer
            }
            StreamSource::Embedding | StreamSource::Position => true,
        };
        page.full || next.points.len() <= FEW || is_here || at + 2 >= next.points.len()
    };
    let mut rows: Vec<(String, String, String, Tone)> = Vec::new();
    let mut before: Option<f64> = None;
    let mut at = 0;
    while at < next.points.len() {
        // Points that are not shown have one row together.
        let hidden = next.points[at..]
            .iter()
            .enumerate()
            .take_while(|(i, point)| !is_shown(at + i, point))
            .count();
        let point = &next.points[at + hidden.saturating_sub(1)];
        let name = point.part.to_string();
        let (part, layer) = name.split_once(' ').unwrap_or((&name, ""));
        let (name, tone) = match point.part {
            _ if hidden > 0 => ("⋮".to_owned(), Tone::Faint),
            StreamSource::Attention(this) if this == found.layer => (
                page.word_with("part-attn_out", &[("layer", layer)]),
                Tone::Strong,
            ),
            _ => (
                page.word_with(&format!("part-{part}"), &[("layer", layer)]),
                Tone::Plain,
            ),
        };
        let added = before.map_or_else(String::new, |before| signed(point.probability - before));
        rows.push((name, percent(point.probability), added, tone));
        before = Some(point.probability);
        at += hidden.max(1);
    }
    let name = label(&next.label());
    let table = Table::default()
        .text(
            &page.word("part"),
            rows.iter().map(|row| row.0.clone()).collect(),
        )
        .numbers(
            &page.word_with("probability", &[("next", &name)]),
            rows.iter().map(|row| row.1.clone()).collect(),
        )
        .numbers(
            &page.word("change"),
            rows.iter().map(|row| row.2.clone()).collect(),
        )
        .tones(rows.iter().map(|row| row.3).collect());
    page.table(&table);
}

/// Format a change of a probability in percentage points.
fn signed(change: f64) -> String {
    let text = number(100.0 * change, 2);
    match text.starts_with('-') || text == "0.00" {
        true => text,
        false => format!("+{text}"),
    }
}
