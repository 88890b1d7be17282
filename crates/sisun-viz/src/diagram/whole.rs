//! The column of the whole model.

use super::draw::Pen;
use super::layout::{Column, Go, LINE, Role, Shape, WIDTH};
use super::parts::ModelParts;
use sisun_config::{ModelConfig, Norm, Position};
use sisun_infer::Language;
use sisun_model::thousands;

/// Height of all blocks together, and of one at most and at least.
const BLOCKS: f32 = 210.0;
const MOST: f32 = 30.0;
const LEAST: f32 = 3.0;
/// Height from which a block has its name in it.
const NAMED_FROM: f32 = 15.0;
/// Width of the blocks; beside them their parameters.
const BLOCK: f32 = 190.0;
const GAP: f32 = 14.0;

pub(super) fn column(config: &ModelConfig, parts: &ModelParts, language: Language) -> Column {
    let mut pen = Pen::new(language);
    let whole = (0.0, WIDTH);
    let middle = WIDTH / 2.0;
    let size = |n: usize| thousands(n as u64);
    let (d, vocab) = (size(config.d_model), config.vocab_size.map(size));
    let vocab = vocab.unwrap_or_else(|| "?".to_owned());
    pen.y = 9.0;
    let tokens = pen.say(
        "token ids, one for each position",
        "토큰 번호(위치마다 하나)",
    );
    pen.text((middle, pen.y), "middle", false, tokens);
    pen.y += 9.0;
    pen.arrow(middle, GAP);
    let name = pen.say("Token embedding", "토큰 임베딩");
    let shape = match language {
        Language::English => format!("{vocab} tokens × {d} dimensions"),
        Language::Korean => format!("토큰 {vocab}개 × {d}차원"),
    };
    let parameters = parts.embedding.parameters();
    pen.part(
        whole,
        Role::Embedding,
        None,
        name,
        Some(parameters),
        &[shape],
    );
    positions(&mut pen, config, parts);
    pen.arrow(middle, GAP);
    blocks(&mut pen, config, parts);
    pen.arrow(middle, GAP);
    if let Some(norm) = &parts.norm_final {
        let name = norm_name(&pen, config.norm, true);
        pen.part(whole, Role::Norm, None, name, Some(norm.parameters()), &[]);
        pen.arrow(middle, GAP);
    }
    let name = pen.say("Output head", "출력 헤드");
    let shape = match (config.tied_head, language) {
        (true, Language::English) => "the embedding, transposed".to_owned(),
        (true, Language::Korean) => "임베딩을 전치하여 함께 씁니다".to_owned(),
        (false, Language::English) => format!("{d} dimensions × {vocab} tokens"),
        (false, Language::Korean) => format!("{d}차원 × 토큰 {vocab}개"),
    };
    let parameters = parts.head.parameters();
    pen.part(
        whole,
        Role::Embedding,
        None,
        name,
        Some(parameters),
        &[shape],
    );
    pen.arrow(middle, GAP);
    pen.y += 9.0;
    let logits = match language {
        Language::English => format!("logits, {vocab} for each position"),
        Language::Korean => format!("로짓(위치마다 {vocab}개)"),
    };
    pen.text((middle, pen.y), "middle", false, logits);
    pen.y += 26.0;
    let total = thousands(parts.parameters());
    let total = match language {
        Language::English => format!("{total} parameters in all"),
        Language::Korean => format!("전체 파라미터 {total}개"),
    };
    pen.text((middle, pen.y), "middle", true, total);
    pen.y += 10.0;
    pen.finish()
}

/// Draw what is added to the embeddings for positions, or shared by all blocks.
fn positions(pen: &mut Pen, config: &ModelConfig, parts: &ModelParts) {
    let size = |n: usize| thousands(n as u64);
    let d = size(config.d_model);
    let (name, shape) = match config.position {
        Position::Learned => (
            pen.say("Learned positions, added", "학습된 위치 임베딩(더함)"),
            pen.say(
                &format!("{} positions × {d} dimensions", size(config.context_len)),
                &format!("위치 {}개 × {d}차원", size(config.context_len)),
            ),
        ),
        Position::Sinusoidal => (
            pen.say(
                "Sinusoidal positions, added",
                "사인·코사인 위치 인코딩(더함)",
            ),
            pen.say(
                &format!("{d} fixed sines and cosines a position"),
                &format!("위치마다 고정된 사인·코사인 {d}개"),
            ),
        ),
        Position::T5Bias { buckets, .. } => (
            pen.say("Biases of the scores (T5)", "점수의 편향(T5)"),
            pen.say(
                &format!(
                    "{buckets} buckets × {} heads, shared by all blocks",
                    config.n_heads
                ),
                &format!(
                    "구간 {buckets}개 × 헤드 {}개, 모든 블록이 공유",
                    config.n_heads
                ),
            ),
        ),
        Position::None | Position::Rope { .. } | Position::Alibi => return,
    };
    pen.y += 4.0;
    let parameters = parts.position.parameters();
    let go = Some(Go::Positions);
    pen.part(
        (0.0, WIDTH),
        Role::Position,
        go,
        name,
        Some(parameters),
        &[shape],
    );
}

/// Draw the blocks, a bar for each.
fn blocks(pen: &mut Pen, config: &ModelConfig, parts: &ModelParts) {
    let n = config.n_layers;
    let each = (BLOCKS / n as f32).clamp(LEAST, MOST);
    let gap = if each > 6.0 { 2.0 } else { 1.0 };
    let (left, top) = ((WIDTH - BLOCK) / 2.0, pen.y);
    for layer in 0..n {
        let y = top + layer as f32 * each;
        pen.push(Shape::Box {
            x: left,
            y,
            width: BLOCK,
            height: each - gap,
            role: Role::Block,
            go: Some(Go::Layer(layer)),
        });
        if each >= NAMED_FROM {
            let name = pen.say(&format!("layer {layer}"), &format!("레이어 {layer}"));
            let middle = (WIDTH / 2.0, y + (each - gap) / 2.0);
            pen.text(middle, "middle", false, name);
        }
    }
    let beside = left + BLOCK + 10.0;
    let centre = top + n as f32 * each / 2.0;
    let parameters = parts.block.parameters();
    let count = pen.say(&format!("× {n}"), &format!("× {n}"));
    pen.text((beside, centre - LINE / 2.0), "start", true, count);
    let share = thousands(parameters);
    let share = pen.say(&share, &share);
    pen.text((beside, centre + LINE / 2.0), "start", false, share);
    pen.y = top + n as f32 * each;
}

/// Return the name of a norm.
pub(super) fn norm_name(pen: &Pen, norm: Norm, is_final: bool) -> String {
    match (norm, is_final) {
        (Norm::Layer, true) => pen.say("Final layer norm", "마지막 레이어 정규화"),
        (Norm::Rms, true) => pen.say("Final RMS norm", "마지막 RMS 정규화"),
        (Norm::Layer, false) => pen.say("Layer norm", "레이어 정규화"),
        (Norm::Rms, false) => pen.say("RMS norm", "RMS 정규화"),
    }
}
