//! The attention of a target token to the source, explained.

use super::numbers::{column, weight};
use super::page::ExplainPage;
use super::table::Table;
use super::text::label;
use super::tone::Tone;
use sisun_infer::{PairExplanation, Scoring};

/// Number of keys that are shown unless all are asked for.
const MOST: usize = 12;

/// Write the whole explanation.
pub(super) fn write(page: &mut ExplainPage, found: &PairExplanation) {
    beginning(page, found);
    scores(page, found);
    output(page, found);
    roles(page, found);
    let difference = found.difference;
    page.sentences(&page.say(
        format!("The model's own weights differ by at most {difference:.1e} (it computes in float32)."),
        format!("모델이 직접 계산한 가중치와의 차이는 최대 {difference:.1e}입니다 (모델은 float32로 계산합니다)."),
    ));
}

fn beginning(page: &mut ExplainPage, found: &PairExplanation) {
    let written = label(&found.target_tokens[found.written].text);
    let (layer, head) = (found.layer, found.head);
    let place = match found.scoring {
        Scoring::Scaled => page.say(
            format!(": layer {layer}, head {head}"),
            format!(": 레이어 {layer}, 헤드 {head}"),
        ),
        _ => String::new(),
    };
    page.heading(
        &page.say(
            format!("Where the decoder looks to write “{written}”{place}"),
            format!("디코더는 “{written}”를 쓸 때 어디를 볼까요{place}"),
        ),
        "",
    );
    page.line(&found.model, Tone::Faint);
    page.gap();
    page.line(
        &format!("{} → {}", found.source, found.target),
        Tone::Strong,
    );
    page.gap();
    let before = label(&found.before);
    page.sentences(&page.say(
        format!("The decoder has read “{before}” and asks the source what to write next. Its state is the query; each token of the source has a key, to be compared with it, and a value, to be handed over. Nothing is hidden: the whole source may be looked at."),
        format!("디코더는 “{before}”까지 읽고 다음에 쓸 것을 입력 문장에 묻습니다. 디코더의 상태가 쿼리(query)이고, 입력의 토큰마다 비교할 키(key)와 건네줄 밸류(value)가 있습니다. 가리는 것 없이 입력 전체를 볼 수 있습니다."),
    ));
    page.gap();
}

/// Return the formula of a score.
fn formula(scoring: Scoring) -> &'static str {
    match scoring {
        Scoring::Dot => "score = s · h",
        Scoring::General => "score = (W s) · h",
        Scoring::Additive => "score = v · tanh(W s + U h)",
        Scoring::Scaled => "score = q · k / √d",
    }
}

fn scores(page: &mut ExplainPage, found: &PairExplanation) {
    let (n, d) = (found.keys.len(), found.q.len());
    page.heading(
        page.say("1. Scores and weights", "1. 점수와 가중치"),
        &format!("q (1 × {d})   K ({n} × {d})"),
    );
    let told = match found.scoring {
        Scoring::Dot | Scoring::General => page.say(
            "A score is large where query and key point the same way (Luong et al. 2015, equation 8).",
            "쿼리와 키의 방향이 같을수록 점수가 큽니다 (Luong et al. 2015, 식 8).",
        ),
        Scoring::Additive => page.say(
            "Here q stands for W s and each k for U h: the decoder's state s and the encoder's states h, mapped to the same space. A small network compares query and key (Bahdanau et al. 2015, equation 6): q and k are added, squashed, and weighed by v.",
            "여기서 q는 W s, k는 U h입니다. 디코더의 상태 s와 인코더의 상태 h를 같은 공간으로 보낸 것입니다. 작은 신경망이 둘을 비교합니다 (Bahdanau et al. 2015, 식 6). q와 k를 더하고, tanh를 거쳐 v로 가중합합니다.",
        ),
        Scoring::Scaled => page.say(
            "A score is the dot product of query and key, divided by √d so that it does not grow with the width (Vaswani et al. 2017).",
            "점수는 쿼리와 키의 내적을 √d로 나눈 것입니다. 폭이 커져도 점수가 커지지 않게 합니다 (Vaswani et al. 2017).",
        ),
    };
    page.line(formula(found.scoring), Tone::Plain);
    page.sentences(told);
    page.sentences(page.say(
        "The softmax turns the scores into weights between 0 and 1 that add up to 1.",
        "softmax는 점수를 0과 1 사이, 합이 1인 가중치로 바꿉니다.",
    ));
    let shown = shown(page, found);
    let keys = || shown.iter().map(|at| &found.keys[*at]);
    let k = format!("k (1 × {d})");
    let table = Table::default()
        .numbers("#", shown.iter().map(usize::to_string).collect())
        .text(
            page.say("source token", "입력 토큰"),
            keys().map(|key| label(&key.label)).collect(),
        )
        .numbers(
            page.say("score", "점수"),
            column(&keys().map(|key| key.score).collect::<Vec<_>>()),
        )
        .numbers(
            page.say("weight", "가중치"),
            keys().map(|key| weight(key.weight)).collect(),
        )
        .vectors(&k, keys().map(|key| Some(&*key.k)).collect());
    page.table(&table);
    let left_out = n - shown.len();
    if left_out > 0 {
        page.sentences(&page.say(
            format!("The {} keys with the largest weights are shown, {left_out} others are not (--full shows all).", shown.len()),
            format!("가중치가 큰 키 {}개만 보이고 나머지 {left_out}개는 생략했습니다(--full을 쓰면 모두 보입니다).", shown.len()),
        ));
    }
}

/// Return the keys to show: all, or those with the largest weights, in the order of the source.
fn shown(page: &ExplainPage, found: &PairExplanation) -> Vec<usize> {
    let most = if page.full { found.keys.len() } else { MOST };
    let mut shown: Vec<usize> = found.heaviest().into_iter().take(most).collect();
    shown.sort_unstable();
    shown
}

fn output(page: &mut ExplainPage, found: &PairExplanation) {
    let (n, d) = (found.keys.len(), found.output.len());
    page.heading(
        page.say("2. The attention output", "2. 어텐션 출력 (context vector)"),
        &format!("(1 × {n}) × ({n} × {d}) = (1 × {d})"),
    );
    page.sentences(page.say(
        "The values are added up by their weights. The result is a summary of the source for this one token; at the next token it is computed anew.",
        "밸류를 가중치만큼 더합니다. 결과는 지금 쓰는 토큰만을 위한 입력 문장의 요약이고, 다음 토큰에서는 새로 계산합니다.",
    ));
    let title = format!("Σ α v (1 × {d})");
    page.table(&Table::default().vectors(&title, vec![Some(&found.output)]));
}

/// Write the table of the five roles, with the model's own numbers.
fn roles(page: &mut ExplainPage, found: &PairExplanation) {
    page.heading(page.say("Summary", "정리"), "");
    let heaviest = found.heaviest();
    let most = heaviest.first().map(|at| &found.keys[*at]);
    let distribution: Vec<String> = heaviest
        .iter()
        .take(2)
        .map(|at| {
            let key = &found.keys[*at];
            format!("{} {}", label(&key.label), weight(key.weight))
        })
        .collect();
    let first = |vector: &[f64]| {
        let numbers: Vec<String> = vector.iter().take(2).map(|x| format!("{x:.2}")).collect();
        format!("[{}, …]", numbers.join(", "))
    };
    let is_transformer = found.scoring == Scoring::Scaled;
    let rows = [
        (
            page.say("Query q", "Query q"),
            match found.scoring {
                Scoring::Dot => page.say(
                    "what the decoder needs now: its state",
                    "디코더의 현재 hidden state: “지금 어떤 정보가 필요하지?”",
                ),
                _ => page.say(
                    "what the decoder needs now: its state, times a matrix",
                    "디코더의 현재 hidden state에 행렬을 곱한 것: “지금 어떤 정보가 필요하지?”",
                ),
            },
            first(&found.q),
        ),
        (
            page.say("Keys k", "Keys k"),
            match found.scoring {
                Scoring::Dot | Scoring::General => page.say(
                    "what each source token is: the encoder's states",
                    "인코더의 각 hidden state: 입력 토큰의 “정체성”",
                ),
                Scoring::Additive | Scoring::Scaled => page.say(
                    "what each source token is: the encoder's states, times a matrix",
                    "인코더의 각 hidden state에 행렬을 곱한 것: 입력 토큰의 “정체성”",
                ),
            },
            most.map_or_else(String::new, |key| {
                format!("{} {}", label(&key.label), first(&key.k))
            }),
        ),
        (
            page.say("Values v", "Values v"),
            match is_transformer {
                true => page.say(
                    "what each source token hands over",
                    "입력 토큰이 건네줄 정보",
                ),
                false => page.say(
                    "what each hands over: the encoder's states",
                    "입력 토큰의 실제 정보: 인코더의 hidden state 그대로",
                ),
            },
            most.map_or_else(String::new, |key| {
                format!("{} {}", label(&key.label), first(&key.v))
            }),
        ),
        (
            page.say("Attention distribution α", "Attention distribution α"),
            page.say(
                "softmax of the scores, adds up to 1",
                "점수의 softmax, 총합 1",
            ),
            distribution.join("  "),
        ),
        (
            page.say("Attention output", "Attention output"),
            page.say(
                "Σ α v, the mean of the values by weight",
                "Σ α v, 밸류의 가중 평균",
            ),
            first(&found.output),
        ),
    ];
    let table = Table::default()
        .text(
            "",
            rows.iter().map(|(name, ..)| (*name).to_owned()).collect(),
        )
        .text(
            page.say("here", "여기서는"),
            rows.iter().map(|(_, is, _)| (*is).to_owned()).collect(),
        )
        .text(
            page.say("numbers", "숫자"),
            rows.iter().map(|(.., numbers)| numbers.clone()).collect(),
        );
    page.table(&table);
}
