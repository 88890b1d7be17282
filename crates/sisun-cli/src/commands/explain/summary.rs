//! The text before and after the steps.

use super::numbers::weight;
use super::page::ExplainPage;
use super::steps::divides;
use super::table::Table;
use super::text::{excerpt, label};
use super::tone::Tone;
use sisun_config::Position;
use sisun_infer::Explanation;

/// Number of keys with the largest weights to list.
const MOST: usize = 3;

/// Write the introduction: the query, the visible keys, and q.
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
    if found.n_kv_heads < found.n_heads {
        let each = found.n_heads / found.n_kv_heads;
        let (kv, of) = (found.kv_head, found.n_kv_heads);
        let (first, last) = (kv * each, (kv + 1) * each - 1);
        page.sentences(&page.say(
            format!(
                "Heads {first} to {last} share keys and values: those of key/value head {kv} (of {of}, counted from 0)."
            ),
            format!(
                "헤드 {first}번부터 {last}번까지는 같은 키와 밸류를 씁니다(키·밸류 헤드 {of}개 가운데 {kv}번, 0번부터 셈)."
            ),
        ));
    }
    page.gap();

    page.heading(
        page.say("q, K, V", "q, K, V"),
        &format!("q (1 × {d})   K ({n} × {d})   V ({n} × {d})"),
    );
    page.sentences(&page.say(
        format!("q is what “{name}” looks for, a key k what a token offers, a value v what it has to give."),
        format!("q는 “{name}” 토큰이 찾는 것, 키 k는 각 토큰이 내세우는 특징, 밸류 v는 각 토큰이 건네줄 정보입니다."),
    ));
    page.sentences(position(page, found.position));
    let title = format!("q (1 × {d})");
    page.table(&Table::default().vectors(&title, vec![Some(&found.q)]));
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

/// Where the position of a token comes in.
fn position(page: &ExplainPage, position: Position) -> &'static str {
    match position {
        Position::Rope { .. } => page.say(
            "RoPE has already turned q and k by the positions of their tokens.",
            "q와 k는 토큰의 위치만큼 이미 회전되어 있습니다(RoPE).",
        ),
        Position::Learned | Position::Sinusoidal => page.say(
            "Positions were added to the embeddings, so q, k and v already know them.",
            "위치는 임베딩에 더해졌으므로 q, k, v에 이미 들어 있습니다.",
        ),
        Position::Alibi | Position::T5Bias { .. } => page.say(
            "Positions come in at step 3.",
            "위치는 3단계에서 점수에 더해집니다.",
        ),
        Position::None => page.say(
            "Nothing tells this model where a token stands.",
            "이 모델에는 위치 정보가 따로 없습니다.",
        ),
    }
}

/// Write all steps with their shapes, the tokens with the largest weights, and the difference from
/// the model.
pub(super) fn end(page: &mut ExplainPage, found: &Explanation) {
    let (n, d) = (found.keys.len(), found.d_head);
    let row = format!("(1 × {n})");
    let product = format!("(1 × {d}) × ({d} × {n}) = {row}");
    let scaled = page.say("scaled scores", "스케일 조정");
    let scaled = if divides(found) {
        scaled
    } else {
        page.say("left out by this model", "이 모델은 생략")
    };
    let mut steps = vec![
        (
            "q · Kᵀ".to_owned(),
            product,
            page.say("similarity", "유사도 점수"),
        ),
        (format!("÷ √{d}"), row.clone(), scaled),
    ];
    if found.keys[0].steps.bias.is_some() {
        steps.push((
            page.say("+ bias", "+ 편향").to_owned(),
            row.clone(),
            page.say("position", "위치 반영"),
        ));
    }
    if found.keys.iter().any(|key| key.steps.hidden) {
        steps.push((
            page.say("mask", "마스크").to_owned(),
            row.clone(),
            page.say("-∞ where hidden", "가려진 토큰은 -∞"),
        ));
    }
    steps.push((
        "softmax".to_owned(),
        row.clone(),
        page.say("weights, together 1", "가중치 (합은 1)"),
    ));
    let sum = format!("{row} × ({n} × {d}) = (1 × {d})");
    steps.push((
        page.say("weights × V", "가중치 × V").to_owned(),
        sum,
        page.say("z, the context vector", "z (context vector)"),
    ));
    page.heading(
        page.say("All steps, with shapes", "전체 과정 요약 (shape 포함)"),
        "",
    );
    let numbers = (1..=steps.len()).map(|number| number.to_string()).collect();
    let meanings = steps
        .iter()
        .map(|(_, _, meaning)| (*meaning).to_owned())
        .collect();
    let (operations, shapes): (Vec<_>, Vec<_>) = steps
        .into_iter()
        .map(|(operation, shape, _)| (operation, shape))
        .unzip();
    let table = Table::default()
        .numbers("#", numbers)
        .text(page.say("operation", "연산"), operations)
        .text("shape", shapes)
        .text(page.say("gives", "결과"), meanings);
    page.table(&table);

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
    let (pattern, z) = (found.differences.pattern, found.differences.z);
    page.sentences(&page.say(
        format!("The model's own numbers differ by at most {pattern:.1e} in the weights and {z:.1e} in z (it computes in float32)."),
        format!("모델이 직접 계산한 값과의 차이: 가중치는 최대 {pattern:.1e}, z는 최대 {z:.1e} (모델은 float32로 계산합니다)."),
    ));
}
