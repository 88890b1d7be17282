//! The text before and after the steps.

use super::computation::Computation;
use super::numbers::weight;
use super::page::ExplainPage;
use super::table::Table;
use super::text::{excerpt, label};
use super::tone::Tone;
use sisun_infer::Explanation;
use sisun_viz::worked::WorkedStep;

/// Number of keys with the largest weights to list.
const MOST: usize = 3;

/// Write the introduction: the query, the visible keys, and edits.
pub(super) fn beginning(page: &mut ExplainPage, found: &Explanation) {
    let (name, n, d) = (label(&found.query_label), found.tokens.len(), found.d_head);
    let Explanation {
        layer, head, query, ..
    } = *found;
    page.heading(
        &page.say(
            format!("Where “{name}” looks: layer {layer}, head {head}"),
            format!("“{name}” 토큰은 어디를 볼까요: 레이어 {layer}, 헤드 {head}"),
        ),
        "",
    );
    let model = &found.model;
    page.line(
        &page.say(
            format!(
                "{model} · {n} tokens · d_head {d} · positions: {}",
                found.position.name()
            ),
            format!(
                "{model} · 토큰 {n}개 · d_head {d} · 위치 인코딩: {}",
                found.position.name()
            ),
        ),
        Tone::Faint,
    );
    page.gap();
    let token = &found.tokens[query];
    page.line(
        &excerpt(&found.text, token.start, token.end, page.room()),
        Tone::Strong,
    );
    page.gap();
    page.sentences(&seen(page, found, &name));
    if !found.edits.is_empty() {
        let edits = found.edits.join("; ");
        page.sentences(&page.say(
            format!("Edited ({edits}): all numbers below are those of the edited model."),
            format!("편집됨({edits}): 아래 수는 모두 편집한 모델의 값입니다."),
        ));
    }
    page.gap();
}

/// Describe the tokens visible to the query.
fn seen(page: &ExplainPage, found: &Explanation, name: &str) -> String {
    let (query, last) = (found.query, found.tokens.len() - 1);
    if !found.causal {
        return page.say(
            format!("“{name}” is token {query}. This model hides nothing: a token sees those before and after it."),
            format!("“{name}” 토큰은 {query}번입니다. 이 모델은 아무것도 가리지 않아서 앞뒤 토큰을 모두 볼 수 있습니다."),
        );
    }
    let after = last - query;
    match (query, after) {
        (_, 0) => page.say(
            format!("“{name}” is token {query}, the last: it may look at all tokens, and at itself."),
            format!("“{name}” 토큰은 {query}번으로 마지막입니다. 자신을 포함해 모든 토큰을 볼 수 있습니다."),
        ),
        (0, _) => page.say(
            format!("“{name}” is token 0, the first: it may look only at itself; the {after} after it are hidden."),
            format!("“{name}” 토큰은 0번으로 처음입니다. 자신만 볼 수 있고, 뒤에 오는 {after}개는 가려집니다."),
        ),
        _ => page.say(
            format!("“{name}” is token {query}. It may look at tokens 0 to {query}; the {after} after it are hidden."),
            format!("“{name}” 토큰은 {query}번입니다. 0번부터 {query}번까지 볼 수 있고, 뒤에 오는 {after}개는 가려집니다."),
        ),
    }
}

/// Write all steps with their shapes.
pub(super) fn overview(page: &mut ExplainPage, steps: &[WorkedStep]) {
    page.heading(&page.word("summary"), "");
    let of = |of: fn(&WorkedStep) -> String| steps.iter().map(of).collect();
    let table = Table::default()
        .numbers("#", of(|step| step.number.to_string()))
        .text(&page.word("operation"), of(|step| step.operation.clone()))
        .text("shape", of(|step| step.shape.clone()))
        .text(&page.word("gives"), of(|step| step.gives.clone()));
    page.table(&table);
}

/// Write the tokens with the largest weights.
pub(super) fn most(page: &mut ExplainPage, found: &Computation<'_>) {
    let name = label(&found.query_label);
    page.heading(
        &page.say(
            format!("“{name}” looks most at"),
            format!("“{name}” 토큰이 가장 많이 보는 토큰"),
        ),
        "",
    );
    let most: Vec<usize> = found.heaviest().into_iter().take(MOST).collect();
    let itself = |key: usize| {
        if key == found.query {
            page.say("itself", "자기 자신")
        } else {
            ""
        }
    };
    let table = Table::default()
        .numbers("#", most.iter().map(usize::to_string).collect())
        .text(
            page.say("token", "토큰"),
            most.iter()
                .map(|&key| label(&found.keys[key].label))
                .collect(),
        )
        .numbers(
            page.say("weight", "가중치"),
            most.iter()
                .map(|&key| weight(found.keys[key].steps.weight))
                .collect(),
        )
        .text("", most.iter().map(|&key| itself(key).to_owned()).collect());
    page.table(&table);
}

/// Write the difference from the model.
pub(super) fn agreement(page: &mut ExplainPage, found: &Explanation) {
    let (pattern, z) = (found.differences.pattern, found.differences.z);
    page.sentences(&page.say(
        format!("The model's own numbers differ by at most {pattern:.1e} in the weights and {z:.1e} in z (it computes in float32)."),
        format!("모델이 직접 계산한 값과의 차이: 가중치는 최대 {pattern:.1e}, z는 최대 {z:.1e} (모델은 float32로 계산합니다)."),
    ));
}
