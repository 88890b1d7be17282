//! The steps of matrices that a user gives.

use super::context::{StepContext, fixed};
use super::words::word;
use sisun_data::make_visible;
use sisun_infer::{Deviation, Language, OwnExplanation, OwnScale};
use std::collections::BTreeMap;

impl StepContext {
    /// Return the context of the steps of given matrices.
    pub fn of_own(
        found: &OwnExplanation,
        label: impl Fn(&str) -> String,
        language: Language,
    ) -> Self {
        let mut context = Self::default();
        let (d, dv) = (found.q[0].len(), found.v[0].len());
        let steps = &found.rows[found.query];
        context.set("products", found.given.x.is_some());
        context.set("own-widths", dv != d);
        context.set("masked", steps.keys.iter().any(|key| key.hidden));
        let is_scaled = !matches!(found.given.scale, OwnScale::Root(false));
        context.set_scale(is_scaled, d, found.divisor, language);
        let width = found.given.x.as_ref().map_or(0, |x| x[0].len());
        context.put_all([
            ("n", found.tokens.len().to_string()),
            ("d", d.to_string()),
            ("dv", dv.to_string()),
            ("D", width.to_string()),
            ("input", "X".to_owned()),
            ("query", label(&found.tokens[found.query])),
            ("top", fixed(steps.max_score, 3)),
        ]);
        context
    }
}

/// Return what a note prints wrong, and remarks on it, as sentences by the name of the step. Without
/// `all`, the numbers of other rows than the query's are only counted.
pub fn printed_sentences(
    found: &OwnExplanation,
    all: bool,
    language: Language,
) -> BTreeMap<String, Vec<String>> {
    let mut sentences: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut others: BTreeMap<&str, usize> = BTreeMap::new();
    if !found.given.printed.exp.is_empty() {
        let told = word("printed-exp", &[], language);
        sentences
            .entry("softmax".to_owned())
            .or_default()
            .push(told);
    }
    let mut rows: Vec<Vec<&Deviation>> = Vec::new();
    for wrong in &found.deviations {
        let is_shown = all || wrong.row == found.query || wrong.table == "sum";
        match rows.last_mut() {
            _ if !is_shown => *others.entry(wrong.step).or_default() += 1,
            Some(row) if (row[0].table, row[0].row) == (wrong.table, wrong.row) => row.push(wrong),
            _ => rows.push(vec![wrong]),
        }
    }
    for row in rows {
        let first = row[0];
        let told = word(
            match first.table {
                "sum" => "printed-sum",
                _ => "printed",
            },
            &[
                ("table", name(first.table)),
                ("token", &found.tokens[first.row]),
                (
                    "number",
                    &joined(&row, |wrong| (wrong.column + 1).to_string()),
                ),
                ("printed", &list(&row, |wrong| wrong.printed.clone())),
                ("right", &list(&row, Deviation::corrected)),
            ],
            language,
        );
        sentences
            .entry(first.step.to_owned())
            .or_default()
            .push(told);
    }
    for (step, count) in others {
        let told = word("printed-more", &[("count", &count.to_string())], language);
        sentences.entry(step.to_owned()).or_default().push(told);
    }
    for remark in &found.given.remarks {
        let told = match language {
            Language::English => &remark.en,
            Language::Korean => &remark.ko,
        };
        let of_step = sentences.entry(remark.step.clone()).or_default();
        of_step.push(make_visible(told));
    }
    sentences
}

fn name(table: &str) -> &str {
    match table {
        "Q" => "q",
        "K" => "k",
        "V" => "v",
        "scores" => "q · Kᵀ",
        "scaled" => "q · Kᵀ ÷ √d",
        "weights" => "softmax",
        other => other,
    }
}

fn joined(row: &[&Deviation], text: impl Fn(&Deviation) -> String) -> String {
    let texts: Vec<String> = row.iter().map(|wrong| text(wrong)).collect();
    texts.join(", ")
}

/// Join several numbers in brackets.
fn list(row: &[&Deviation], text: impl Fn(&Deviation) -> String) -> String {
    match row {
        [one] => text(one),
        several => format!("[{}]", joined(several, text)),
    }
}
