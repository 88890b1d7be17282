//! The steps, each with its shapes, a sentence on its meaning, and a table.

use super::keys::{Keys, unmasked};
use super::numbers::{number, products, weight};
use super::page::{ExplainPage, WIDTH};
use super::rows::Row;
use super::table::Table;
use super::text::columns;
use sisun_config::Position;
use sisun_infer::Explanation;

/// Width of the bar of a weight of 1, on a page of full width.
const BAR: usize = 24;
/// Number of terms of a dot product that are written out.
const TERMS: usize = 4;

/// Write all steps.
pub(super) fn all(page: &mut ExplainPage, found: &Explanation) {
    let mut steps = Steps {
        found,
        keys: Keys::new(found, page.full),
        number: 0,
    };
    steps.similarity(page);
    steps.scale(page);
    if found.keys[0].steps.bias.is_some() {
        steps.bias(page);
    }
    if found.keys.iter().any(|key| key.steps.hidden) {
        steps.mask(page);
    }
    steps.softmax(page);
    steps.weighted_sum(page);
}

struct Steps<'a> {
    found: &'a Explanation,
    keys: Keys<'a>,
    /// Number of the previous step.
    number: usize,
}

impl<'a> Steps<'a> {
    fn similarity(&mut self, page: &mut ExplainPage) {
        let (n, d) = (self.found.keys.len(), self.found.d_head);
        let shapes = format!("(1 × {d}) × ({d} × {n}) = (1 × {n})");
        self.heading(
            page,
            ["similarity (q · Kᵀ)", "유사도 계산 (q · Kᵀ)"],
            &shapes,
        );
        page.sentences(page.say(
            "q and each key k are multiplied number by number and added up: the more alike they are, the higher the score.",
            "쿼리 q와 각 키 k를 자리끼리 곱해서 더합니다(내적). 둘이 비슷할수록 점수가 높습니다.",
        ));
        let is_passed =
            |row: &Row| row.keys().len() > 1 && !self.found.keys[row.keys().start].steps.hidden;
        if self.keys.rows.iter().any(is_passed) {
            page.sentences(page.say(
                "Of the keys those with the largest weights are shown; ⋮ stands for the others (--full shows all).",
                "가중치가 큰 키만 보이고 나머지는 ⋮로 줄였습니다(--full을 쓰면 모두 보입니다).",
            ));
        }
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

    fn scale(&mut self, page: &mut ExplainPage) {
        let (n, d) = (self.found.keys.len(), self.found.d_head);
        self.heading(
            page,
            ["scaling (÷ √d_head)", "스케일 조정 (÷ √d_head)"],
            &format!("(1 × {n}) ÷ √{d} = (1 × {n})"),
        );
        if !divides(self.found) {
            page.sentences(page.say(
                "This model does not divide its scores: they stay as they are.",
                "이 모델은 점수를 나누지 않고 그대로 씁니다.",
            ));
            page.gap();
            return;
        }
        let root = number(1.0 / self.found.scale, 3);
        page.sentences(&page.say(
            format!(
                "Divided by √d_head = √{d} = {root}: the more numbers a vector has, the larger scores become, and the softmax \
                 would end up with a single token."
            ),
            format!(
                "점수를 √d_head = √{d} = {root} 값으로 나눕니다. 나누지 않으면 차원이 클수록 점수가 커져서 softmax가 한 토큰에만 \
                 쏠립니다."
            ),
        ));
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

    fn bias(&mut self, page: &mut ExplainPage) {
        let n = self.found.keys.len();
        let shapes = format!("(1 × {n}) + (1 × {n}) = (1 × {n})");
        self.heading(page, ["position (+ bias)", "위치 반영 (+ 편향)"], &shapes);
        let sentence = match (self.found.position, self.keys.slope()) {
            (Position::Alibi, Some(slope)) => page.say(
                format!("ALiBi takes away {slope} for every token of distance, so that near tokens count for more."),
                format!("ALiBi: 쿼리에서 한 토큰 멀어질 때마다 점수에서 {slope}씩 뺍니다. 가까운 토큰일수록 유리합니다."),
            ),
            _ => page.say(
                "For each distance from the query its own number is added.".to_owned(),
                "쿼리와의 거리마다 정해진 값을 점수에 더합니다.".to_owned(),
            ),
        };
        page.sentences(&sentence);
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
            .numbers(page.say("query − key", "거리 (쿼리 − 키)"), distances)
            .numbers(page.say("scaled", "나눈 점수"), scaled)
            .numbers(page.say("+ bias", "+ 편향"), bias)
            .numbers(page.say("= score", "= 점수"), sums);
        page.table(&table);
        page.example(&self.keys.of_heaviest(&example));
    }

    fn mask(&mut self, page: &mut ExplainPage) {
        let n = self.found.keys.len();
        self.heading(
            page,
            ["mask (later tokens)", "마스크 (뒤에 오는 토큰 가리기)"],
            &format!("(1 × {n})"),
        );
        page.sentences(page.say(
            "A token must not see what comes after it: a score of -∞ becomes a weight of 0.",
            "뒤에 오는 토큰은 아직 볼 수 없습니다. 점수를 -∞로 바꾸면 가중치가 0이 됩니다.",
        ));
        let (visible, hidden) = page.say(("visible", "hidden"), ("보임", "가려짐"));
        let states = self.keys.rows.iter().map(|row| {
            let hides = self.found.keys[row.keys().start].steps.hidden;
            if hides { hidden } else { visible }.to_owned()
        });
        let table = self
            .keys
            .table(page)
            .numbers(page.say("score", "점수"), self.keys.column(unmasked))
            .text("", states.collect())
            .numbers(page.say("masked", "가린 뒤"), self.keys.scores());
        page.table(&table);
    }

    fn softmax(&mut self, page: &mut ExplainPage) {
        let (n, found) = (self.found.keys.len(), self.found);
        self.heading(
            page,
            ["softmax", "softmax 적용"],
            &format!("softmax((1 × {n})) = (1 × {n})"),
        );
        let top = number(found.max_score, 3);
        page.sentences(&page.say(
            format!(
                "Scores become weights: positive, and together 1. The highest score, {top}, is subtracted first; that changes \
                 no weight and keeps exp from overflowing."
            ),
            format!(
                "점수를 모두 더하면 1이 되는 가중치로 바꿉니다. 가장 높은 점수({top})를 먼저 빼도 가중치는 그대로이고, exp가 \
                 넘치지 않습니다."
            ),
        ));
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
        let table = self
            .keys
            .table_with_total(page, &self.keys.rows, "Σ")
            .numbers(page.say("score", "점수"), scores)
            .numbers(page.say("exp(score − max)", "exp(점수 − 최댓값)"), exps)
            .numbers(page.say("weight", "가중치"), weights)
            .numbers(page.say("model's", "모델의 값"), model)
            .text("", bars);
        page.table(&table);
        page.example(&self.keys.of_heaviest(&example));
    }

    fn weighted_sum(&mut self, page: &mut ExplainPage) {
        let (n, d, found) = (self.found.keys.len(), self.found.d_head, self.found);
        let shapes = format!("(1 × {n}) × ({n} × {d}) = (1 × {d})");
        self.heading(
            page,
            ["weighted sum (weights × V)", "가중합 계산 (가중치 × V)"],
            &shapes,
        );
        page.sentences(page.say(
            "Each value counts as much as its weight says. The sum z is what the token takes from the others: its context \
             vector.",
            "각 토큰의 밸류 v에 가중치를 곱해서 모두 더합니다. 그 합 z가 문맥을 담은 벡터(context vector)입니다.",
        ));
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
            page.say(
                format!("weight × v (1 × {d})"),
                format!("가중치 × v (1 × {d})"),
            ),
        ];
        let table = self
            .keys
            .table_with_total(page, &rows, "Σ = z")
            .numbers(page.say("weight", "가중치"), weights)
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
        let names = page
            .say(["worked out", "the model's"], ["계산한 값", "모델의 값"])
            .map(str::to_owned)
            .to_vec();
        page.table(
            &Table::default()
                .text("", names)
                .vectors(&title, vec![Some(&found.z), Some(&found.model_z)]),
        );
    }

    fn heading(&mut self, page: &mut ExplainPage, [english, korean]: [&str; 2], shapes: &str) {
        self.number += 1;
        let number = self.number;
        page.heading(
            &page.say(
                format!("Step {number}: {english}"),
                format!("{number}단계: {korean}"),
            ),
            shapes,
        );
    }
}

/// Return true if the model divides its scores by √d_head.
pub(super) fn divides(found: &Explanation) -> bool {
    found.scale != 1.0 || found.d_head == 1
}
