//! The steps, each with its shapes, sentences on its meaning, and a table.

use super::computation::Computation;
use super::keys::{Keys, unmasked};
use super::numbers::{TERMS, number, products, weight};
use super::page::{ExplainPage, WIDTH};
use super::rows::Row;
use super::stream;
use super::table::Table;
use super::text::columns;
use sisun_viz::worked::WorkedStep;
/// Width of the bar of a weight of 1, on a page of full width.
const BAR: usize = 24;

/// Write all steps. `after` writes what follows the table of a step.
pub(super) fn all(
    page: &mut ExplainPage,
    found: &Computation<'_>,
    steps: &[WorkedStep],
    mut after: impl FnMut(&mut ExplainPage, &WorkedStep),
) {
    let writer = Steps {
        found,
        keys: Keys::new(found, page.full),
    };
    for step in steps {
        page.heading(&step.title, &step.shape);
        for sentence in &step.sentences {
            page.sentences(sentence);
        }
        match step.id {
            "similarity" => writer.similarity(page),
            "scale" => writer.scale(page),
            "bias" => writer.bias(page),
            "mask" => writer.mask(page),
            "softmax" => writer.softmax(page),
            "weighted-sum" => writer.weighted_sum(page),
            id => {
                if let Some(model) = found.model {
                    stream::write(page, model, id);
                }
            }
        }
        after(page, step);
        page.gap();
    }
}

struct Steps<'a> {
    found: &'a Computation<'a>,
    keys: Keys<'a>,
}

impl<'a> Steps<'a> {
    fn similarity(&self, page: &mut ExplainPage) {
        let d = self.found.q.len();
        let is_passed =
            |row: &Row| row.keys().len() > 1 && !self.found.keys[row.keys().start].steps.hidden;
        if self.keys.rows.iter().any(is_passed) {
            page.sentences(page.say(
                "Of the keys those with the largest weights are shown; ⋮ stands for the others (--full shows all).",
                "가중치가 큰 키만 보이고 나머지는 ⋮로 줄였습니다(--full을 쓰면 모두 보입니다).",
            ));
        }
        let q = format!("q (1 × {d})");
        page.table(&Table::default().vectors(&q, vec![Some(&self.found.q)]));
        let dots = self.keys.column(|key| key.steps.dot);
        let title = format!("k (1 × {d})");
        let table = self
            .keys
            .table(page)
            .vectors(&title, self.keys.vectors(|key| &key.k))
            .numbers("q · k", dots.clone());
        page.table(&table);
        let example = |terms| {
            let terms = products(&self.found.q, &self.found.keys[self.keys.top].k, terms);
            self.keys
                .of_heaviest(&format!("q · k = {terms} = {}", self.keys.of_top(&dots)))
        };
        let fitting = (1..=TERMS)
            .rev()
            .find(|&terms| columns(&example(terms)) <= page.room());
        page.example(&example(fitting.unwrap_or(1)));
    }

    fn scale(&self, page: &mut ExplainPage) {
        let Some(divisor) = self.found.divisor else {
            return;
        };
        let root = number(divisor, 3);
        let (dots, scaled) = (
            self.keys.column(|key| key.steps.dot),
            self.keys.column(|key| key.steps.scaled),
        );
        let example = format!(
            "{} ÷ {root} = {}",
            self.keys.of_top(&dots),
            self.keys.of_top(&scaled)
        );
        let title = format!("q · k ÷ {root}");
        page.table(
            &self
                .keys
                .table(page)
                .numbers("q · k", dots)
                .numbers(&title, scaled),
        );
        page.example(&self.keys.of_heaviest(&example));
    }

    fn bias(&self, page: &mut ExplainPage) {
        let query = self.found.query;
        let distances = self.keys.cells(|key| {
            if key <= query {
                (query - key).to_string()
            } else {
                format!("-{}", key - query)
            }
        });
        let (scaled, bias) = (
            self.keys.column(|key| key.steps.scaled),
            self.keys.column(|key| key.steps.bias.unwrap_or(0.0)),
        );
        let sums = self.keys.column(unmasked);
        let example = format!(
            "{} + ({}) = {}",
            self.keys.of_top(&scaled),
            self.keys.of_top(&bias),
            self.keys.of_top(&sums)
        );
        let table = self
            .keys
            .table(page)
            .numbers(&page.word("distance"), distances)
            .numbers(&page.word("scaled-scores"), scaled)
            .numbers(&page.word("bias"), bias)
            .numbers(&page.word("sum-score"), sums);
        page.table(&table);
        page.example(&self.keys.of_heaviest(&example));
    }

    fn mask(&self, page: &mut ExplainPage) {
        let (visible, hidden) = (page.word("visible"), page.word("hidden"));
        let states = self.keys.rows.iter().map(|row| {
            let hides = self.found.keys[row.keys().start].steps.hidden;
            if hides { &hidden } else { &visible }.clone()
        });
        // The score before an edit, which replaces it after the mask.
        let table = self
            .keys
            .table(page)
            .numbers(&page.word("score"), self.keys.column(unmasked))
            .text("", states.collect())
            .numbers(&page.word("masked"), self.keys.masked());
        page.table(&table);
    }

    fn softmax(&self, page: &mut ExplainPage) {
        let found = self.found;
        let mut scores = self.keys.scores();
        let (mut exps, mut weights) = (
            self.keys.sums(|key| key.steps.exp),
            self.keys.sums(|key| key.steps.weight),
        );
        let (mut model, mut bars) = (
            self.keys.sums(|key| key.pattern),
            self.keys.bars(BAR.saturating_sub(WIDTH - page.width)),
        );
        let example = format!(
            "{} ÷ {} = {}",
            self.keys.of_top(&exps),
            weight(found.exp_sum),
            self.keys.of_top(&weights)
        );
        scores.push(String::new());
        exps.push(weight(found.exp_sum));
        weights.push(weight(found.keys.iter().map(|key| key.steps.weight).sum()));
        model.push(weight(found.keys.iter().map(|key| key.pattern).sum()));
        bars.push(String::new());
        let mut table = self
            .keys
            .table_with_total(page, &self.keys.rows, "Σ")
            .numbers(&page.word("score"), scores)
            .numbers(&page.word("exp"), exps)
            .numbers(&page.word("weight"), weights);
        if found.model.is_some() {
            table = table.numbers(&page.word("model"), model);
        }
        page.table(&table.text("", bars));
        let is_edited = found
            .model
            .is_some_and(|model| model.edited.contains(&sisun_model::Activation::Pattern));
        if !is_edited {
            page.example(&self.keys.of_heaviest(&example));
        }
    }

    fn weighted_sum(&self, page: &mut ExplainPage) {
        let found = self.found;
        let d = found.z.len();
        // Omit hidden keys.
        let is_seen = |row: &&Row| !found.keys[row.keys().start].steps.hidden;
        let rows: Vec<Row> = self.keys.rows.iter().filter(is_seen).cloned().collect();
        let sums: Vec<Vec<f64>> = rows.iter().map(|row| self.keys.weighted(row)).collect();
        let mut weights: Vec<String> = rows
            .iter()
            .map(|row| weight(self.keys.sum(row, |key| key.steps.weight)))
            .collect();
        weights.push(weight(found.keys.iter().map(|key| key.steps.weight).sum()));
        let value = |row: &Row| match row {
            Row::Key(key) => Some(&found.keys[*key].v[..]),
            Row::Gap(_) => None,
        };
        let titles = [
            format!("v (1 × {d})"),
            format!("{} (1 × {d})", page.word("weighted")),
        ];
        let table = self
            .keys
            .table_with_total(page, &rows, "Σ = z")
            .numbers(&page.word("weight"), weights)
            .vectors(&titles[0], rows.iter().map(value).chain([None]).collect())
            .vectors(
                &titles[1],
                sums.iter()
                    .map(|sum| Some(&sum[..]))
                    .chain([Some(&found.z[..])])
                    .collect(),
            );
        page.table(&table);
        let title = format!("z (1 × {d})");
        let Some(model) = found.model else {
            let whole = Table::default().vectors(&title, vec![Some(&found.z)]);
            return page.table(&whole);
        };
        let names = vec![page.word("worked"), page.word("models")];
        page.table(
            &Table::default()
                .text("", names)
                .vectors(&title, vec![Some(&found.z), Some(&model.model_z)]),
        );
    }
}
