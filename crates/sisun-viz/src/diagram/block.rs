//! The column of one block.

use super::draw::{Pen, box_height, shapes};
use super::layout::{Column, DETAIL, FIRST, Go, LINE, Role, Shape, WIDTH};
use super::parts::{BlockParts, Part};
use super::whole::norm_name;
use sisun_config::{Ffn, ModelConfig, NormPlacement, Position};
use sisun_infer::Language;
use sisun_model::thousands;

/// The residual stream, and the left edge of the boxes beside it.
const STREAM: f32 = 14.0;
const LEFT: f32 = 46.0;
/// Width of the boxes, and their middle.
const BOX: f32 = WIDTH - LEFT;
const MIDDLE: f32 = LEFT + BOX / 2.0;
const GAP: f32 = 12.0;
/// Side of the square of a head, and heads in a row.
const HEAD: f32 = 24.0;
const ACROSS: usize = 12;

pub(super) fn column(config: &ModelConfig, parts: &BlockParts, language: Language) -> Column {
    let mut pen = Pen::new(language);
    pen.y = 9.0;
    let count = thousands(parts.parameters());
    let name = pen.say("One block", "블록 하나");
    let count = match language {
        Language::English => format!("{count} parameters"),
        Language::Korean => format!("파라미터 {count}개"),
    };
    pen.text((LEFT, pen.y), "start", true, name);
    pen.text((WIDTH - 10.0, pen.y), "end", false, count);
    pen.y += 12.0;
    let halves = [
        (Half::Attention, Some(&parts.norm_attn)),
        (Half::Ffn, parts.norm_ffn.as_ref()),
    ];
    let halves: Vec<_> = halves
        .into_iter()
        .filter_map(|(half, norm)| Some((half, norm?)))
        .collect();
    if config.parallel_residual {
        parallel(&mut pen, config, parts, &halves);
    } else {
        for (half, norm) in halves {
            one_half(&mut pen, config, parts, half, norm);
        }
    }
    let (end, x) = (pen.y + GAP, if config.residual { STREAM } else { MIDDLE });
    pen.line(&[(x, pen.y), (x, end)], true);
    pen.y = end + 10.0;
    let next = pen.say("to the next block", "다음 블록으로");
    pen.text((LEFT, pen.y), "start", false, next);
    pen.y += 8.0;
    pen.finish()
}

/// One of the two halves of a block.
#[derive(Clone, Copy)]
enum Half {
    Attention,
    Ffn,
}

/// Draw `x + f(norm(x))`, or `norm(x + f(x))`; without residual connections without the sum.
fn one_half(pen: &mut Pen, config: &ModelConfig, parts: &BlockParts, half: Half, norm: &Part) {
    let top = pen.y;
    let is_pre = config.norm_placement == NormPlacement::Pre;
    enter(pen, config, top);
    if is_pre {
        norm_box(pen, config, norm);
        pen.arrow(MIDDLE, GAP);
    }
    half_box(pen, config, parts, half);
    leave(pen, config, top);
    if !is_pre {
        // The norm takes the sum, so it stands in the stream.
        if config.residual {
            let y = pen.y + GAP / 2.0;
            pen.line(
                &[(STREAM, pen.y), (STREAM, y), (MIDDLE, y), (MIDDLE, y + GAP)],
                true,
            );
            pen.y = y + GAP;
            norm_box(pen, config, norm);
            let y = pen.y + GAP / 2.0;
            pen.line(&[(MIDDLE, pen.y), (MIDDLE, y), (STREAM, y)], false);
            pen.y = y;
        } else {
            norm_box(pen, config, norm);
        }
    }
}

/// Draw both halves reading the same stream, `x + attn(norm x) + ffn(norm x)`.
fn parallel(pen: &mut Pen, config: &ModelConfig, parts: &BlockParts, halves: &[(Half, &Part)]) {
    let top = pen.y;
    // Both read the stream above the first sum: a line of its own leads there.
    let reads = STREAM + 14.0;
    let mut begins = Vec::new();
    let mut sums = Vec::new();
    for &(half, norm) in halves {
        let from = pen.y + GAP / 2.0;
        begins.push(from);
        pen.y = from;
        pen.line(&[(reads, from), (MIDDLE, from), (MIDDLE, from + GAP)], true);
        pen.y = from + GAP;
        norm_box(pen, config, norm);
        pen.arrow(MIDDLE, GAP);
        half_box(pen, config, parts, half);
        let y = pen.y + GAP;
        pen.line(&[(MIDDLE, pen.y), (MIDDLE, y), (STREAM + 8.0, y)], true);
        sums.push(y);
        pen.y = y + 8.0;
    }
    let branch = top + GAP / 2.0;
    pen.line(&[(STREAM, branch), (reads, branch)], false);
    if let (Some(&first), Some(&last)) = (begins.first(), begins.last()) {
        pen.line(&[(reads, first), (reads, last)], false);
    }
    stream(pen, top, &sums);
}

/// Draw the way from the stream into the first box of a half.
fn enter(pen: &mut Pen, config: &ModelConfig, top: f32) {
    let y = top + GAP / 2.0;
    let points = [(STREAM, y), (MIDDLE, y), (MIDDLE, y + GAP)];
    match config.residual {
        true => pen.line(&points, true),
        false => pen.line(&[(MIDDLE, top), (MIDDLE, y + GAP)], true),
    }
    pen.y = y + GAP;
}

/// Draw the way from the last box of a half into the sum.
fn leave(pen: &mut Pen, config: &ModelConfig, top: f32) {
    if !config.residual {
        return;
    }
    let y = pen.y + GAP;
    pen.line(&[(MIDDLE, pen.y), (MIDDLE, y), (STREAM + 8.0, y)], true);
    pen.y = y + 8.0;
    stream(pen, top, &[y]);
}

/// Draw the residual stream from `top` to the end, through sums.
fn stream(pen: &mut Pen, top: f32, sums: &[f32]) {
    let mut from = top;
    for &y in sums {
        pen.line(&[(STREAM, from), (STREAM, y - 8.0)], true);
        pen.push(Shape::Sum { x: STREAM, y });
        from = y + 8.0;
    }
}

fn norm_box(pen: &mut Pen, config: &ModelConfig, norm: &Part) {
    let name = norm_name(pen, config.norm, false);
    pen.part(
        (LEFT, BOX),
        Role::Norm,
        None,
        name,
        Some(norm.parameters()),
        &[],
    );
}

fn half_box(pen: &mut Pen, config: &ModelConfig, parts: &BlockParts, half: Half) {
    match (half, &parts.ffn) {
        (Half::Attention, _) => attention(pen, config, &parts.attention),
        (Half::Ffn, Some(ffn)) => {
            let name = pen.say("Feed-forward network", "피드포워드 네트워크");
            let shapes = shapes(ffn);
            let mut details: Vec<String> = shapes.chunks(2).map(|two| two.join(", ")).collect();
            details.push(activation(pen, config.ffn));
            let parameters = Some(ffn.parameters());
            pen.part((LEFT, BOX), Role::Ffn, None, name, parameters, &details);
        }
        (Half::Ffn, None) => {}
    }
}

fn activation(pen: &Pen, ffn: Ffn) -> String {
    match ffn {
        Ffn::Gelu => "GELU".to_owned(),
        Ffn::GeluTanh => "GELU (tanh)".to_owned(),
        Ffn::Relu => "ReLU".to_owned(),
        Ffn::ReluSquared => "ReLU²".to_owned(),
        Ffn::Swiglu => pen.say(
            "gated: down(SiLU(gate x) ⊙ up x)",
            "게이트: down(SiLU(gate x) ⊙ up x)",
        ),
        Ffn::None => String::new(),
    }
}

/// Draw attention with a square for each head.
fn attention(pen: &mut Pen, config: &ModelConfig, part: &Part) {
    let heads = config.n_heads;
    let [q, k, v, o] = &shapes(part)[..] else {
        unreachable!("attention has four matrices");
    };
    let mut details = vec![format!("{q}, {k}"), format!("{v}, {o}")];
    if config.qk_norm {
        details.push(pen.say("RMS norm of each query and key", "쿼리와 키마다 RMS 정규화"));
    }
    details.extend(by_position(pen, config.position));
    let scale = match config.scaled_scores {
        true => format!("q·k / √{}", config.d_head()),
        false => "q·k".to_owned(),
    };
    let sees = match config.causal {
        true => pen.say("sees earlier tokens only", "앞의 토큰만 봅니다"),
        false => pen.say("sees both sides", "앞뒤를 모두 봅니다"),
    };
    details.push(format!("{scale} · {sees}"));
    let kv = config.kv_heads();
    details.push(match kv == heads {
        true => pen.say(
            &format!("{heads} heads of {} dimensions", config.d_head()),
            &format!("헤드 {heads}개, 각 {}차원", config.d_head()),
        ),
        false => pen.say(
            &format!(
                "{heads} heads of {} dimensions, {kv} of keys and values",
                config.d_head()
            ),
            &format!(
                "헤드 {heads}개(각 {}차원), 키와 밸류는 {kv}개",
                config.d_head()
            ),
        ),
    });
    // Heads that share keys stand together.
    let rows = heads.div_ceil(ACROSS);
    let height = box_height(details.len()) + rows as f32 * (HEAD + 2.0) + 6.0;
    let top = pen.y;
    pen.push(Shape::Box {
        x: LEFT,
        y: top,
        width: BOX,
        height,
        role: Role::Attention,
        go: None,
    });
    let name = pen.say("Attention", "어텐션");
    pen.lines((LEFT, BOX), name, Some(part.parameters()), &details);
    let first = top + FIRST + details.len() as f32 * LINE + 4.0;
    for head in 0..heads {
        let x = LEFT + 10.0 + (head % ACROSS) as f32 * (HEAD + 0.5);
        let y = first + (head / ACROSS) as f32 * (HEAD + 2.0);
        pen.push(Shape::Box {
            x,
            y,
            width: HEAD - 2.0,
            height: HEAD - 2.0,
            role: Role::Head,
            go: Some(Go::Head(head)),
        });
        let middle = HEAD / 2.0 - 1.0;
        pen.push(Shape::Text {
            x: x + middle,
            y: y + middle,
            size: DETAIL - 1.0,
            anchor: "middle",
            text: head.to_string(),
            strong: false,
        });
    }
    pen.y = top + height;
}

/// Say what the position encoding does within attention.
fn by_position(pen: &Pen, position: Position) -> Option<String> {
    match position {
        Position::Rope { scaling, .. } => Some(match scaling {
            None => pen.say(
                "q and k rotated by position (RoPE)",
                "q와 k를 위치만큼 회전(RoPE)",
            ),
            Some(_) => pen.say(
                "q and k rotated by position (RoPE, scaled)",
                "q와 k를 위치만큼 회전(RoPE, 스케일 조정)",
            ),
        }),
        Position::Alibi => Some(pen.say(
            "− slope · distance added to scores (ALiBi)",
            "점수에 −기울기·거리를 더함(ALiBi)",
        )),
        Position::T5Bias { .. } => Some(pen.say(
            "bias by offset added to scores (T5)",
            "점수에 거리별 편향을 더함(T5)",
        )),
        Position::None | Position::Learned | Position::Sinusoidal => None,
    }
}
