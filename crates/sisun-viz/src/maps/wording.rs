//! The words in pictures, in English and Korean.

use sisun_infer::{AttentionPart, Language};

use super::label;

/// Titles of the axes of a picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct AxisTitles {
    pub(super) queries: &'static str,
    pub(super) keys: &'static str,
}

/// What the values of a picture are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantity {
    Weight,
    /// Weights times the norms of the vectors that the keys contribute.
    ValueWeighted,
    Score,
    /// Weights of one model less those of another.
    Difference,
}

/// The words of one language.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wording(pub(super) Language);

impl Wording {
    fn pick<'t>(self, english: &'t str, korean: &'t str) -> &'t str {
        match self.0 {
            Language::English => english,
            Language::Korean => korean,
        }
    }

    /// Return the name of a value, for the colour bar.
    pub(super) fn quantity(self, quantity: Quantity) -> &'static str {
        match quantity {
            Quantity::Weight => self.pick("Attention weight", "어텐션 가중치"),
            Quantity::ValueWeighted => {
                self.pick("Weight times norm of the value", "가중치 × 밸류의 크기")
            }
            Quantity::Score => self.pick("Attention score", "어텐션 점수"),
            Quantity::Difference => self.pick("Difference of weights", "가중치의 차이"),
        }
    }

    /// Return the title of the picture of all heads.
    pub(super) fn all_heads(self, quantity: Quantity) -> &'static str {
        match quantity {
            Quantity::Weight => self.pick("Attention weights", "어텐션 가중치"),
            Quantity::ValueWeighted => {
                self.pick("Attention weighted by values", "밸류를 반영한 어텐션")
            }
            Quantity::Score => self.pick("Attention scores", "어텐션 점수"),
            Quantity::Difference => {
                self.pick("Differences of attention weights", "어텐션 가중치의 차이")
            }
        }
    }

    pub(super) fn layer(self, layer: usize) -> String {
        format!("{} {layer}", self.pick("layer", "레이어"))
    }

    pub(super) fn head(self, head: usize) -> String {
        format!("{} {head}", self.pick("head", "헤드"))
    }

    pub(super) fn hidden(self) -> &'static str {
        self.pick("hidden", "가려짐")
    }

    /// Return the note beside the colour bar of a square-root scale.
    pub(super) fn square_root(self) -> &'static str {
        self.pick(" (square-root scale)", "(제곱근 눈금)")
    }

    /// Return the beginning of titles.
    pub(super) fn part(self, part: &AttentionPart) -> &'static str {
        match part {
            AttentionPart::Only => "",
            AttentionPart::Encoder => self.pick("Encoder · ", "인코더 · "),
            AttentionPart::Decoder => self.pick("Decoder · ", "디코더 · "),
            AttentionPart::Cross(_) => self.pick("Cross-attention · ", "교차 어텐션 · "),
        }
    }

    /// Return the end of titles of an edited model; nothing without edits.
    pub(super) fn edits(self, written: &[String]) -> String {
        if written.is_empty() {
            return String::new();
        }
        let written = written.join("; ");
        let written = label::drawable(&written);
        match self.0 {
            Language::English => format!(" after {written}"),
            Language::Korean => format!(" (수정: {written})"),
        }
    }

    pub(super) fn axes(self, part: &AttentionPart) -> AxisTitles {
        let (queries, keys) = match part {
            AttentionPart::Only => (
                self.pick("Query (attending)", "쿼리(보는 쪽)"),
                self.pick("Key (attended to)", "키(보이는 쪽)"),
            ),
            AttentionPart::Encoder => (
                self.pick("Source (attending)", "입력(보는 쪽)"),
                self.pick("Source (attended to)", "입력(보이는 쪽)"),
            ),
            AttentionPart::Decoder => (
                self.pick("Target so far (attending)", "앞선 출력(보는 쪽)"),
                self.pick("Target so far (attended to)", "앞선 출력(보이는 쪽)"),
            ),
            AttentionPart::Cross(_) => (
                self.pick("Target (attending)", "출력(보는 쪽)"),
                self.pick("Source (attended to)", "입력(보이는 쪽)"),
            ),
        };
        AxisTitles { queries, keys }
    }
}
