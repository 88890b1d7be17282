//! Position encodings in numbers: the vectors that are added, the angles of rotations, the biases of
//! scores, and how each depends on the offset of two positions.

mod describe;
mod rotation;
mod similarity;

pub use similarity::OffsetSimilarity;

use serde::Serialize;
use std::fmt;

/// The position encodings of a model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PositionMap {
    /// Description of the model.
    pub model: String,
    /// The only stack of a language model; the encoder and the decoder of a sequence-to-sequence
    /// model.
    pub stacks: Vec<StackPositions>,
}

/// One of the two stacks of a sequence-to-sequence model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StackPart {
    /// Reads the source.
    Encoder,
    /// Writes the target.
    Decoder,
}

impl fmt::Display for StackPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encoder => "encoder",
            Self::Decoder => "decoder",
        })
    }
}

/// The position encoding of one stack of blocks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StackPositions {
    /// The stack; `None` in a language model.
    pub part: Option<StackPart>,
    /// Name of the variant, as in a configuration.
    pub kind: &'static str,
    /// True if later tokens are hidden.
    pub causal: bool,
    /// Number of positions that are described.
    pub positions: usize,
    /// The numbers of the variant.
    pub numbers: PositionNumbers,
}

/// The numbers of a position encoding.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "mechanism", rename_all = "snake_case")]
pub enum PositionNumbers {
    /// There are none.
    Nothing {
        /// The reason.
        reason: String,
    },
    /// Vectors that are added to the embeddings: sinusoidal (Vaswani et al. 2017, §3.5) and learned
    /// positions.
    Added {
        /// Number of dimensions of a vector.
        width: usize,
        /// Factor on the sines and cosines; `None` for a learned table.
        scale: Option<f64>,
        /// The vectors, `[position, width]`.
        table: Vec<f32>,
        /// Cosine of the angle between the vectors of two positions, over all pairs of an offset.
        cosine: OffsetSimilarity,
        /// Inner product of the vectors of two positions, over all pairs of an offset.
        dot: OffsetSimilarity,
    },
    /// Rotations of queries and keys (Su et al. 2021, equation 15).
    Rotated {
        /// Number of dimensions of a head.
        d_head: usize,
        /// Number of them that are rotated, from the first on; pair `i` is dimensions `i` and `i +
        /// rotary_dims / 2`.
        rotary_dims: usize,
        /// Radians per position of each pair.
        radians: Vec<f64>,
        /// Kind of the scaling for longer contexts, as in a configuration.
        scaling: Option<&'static str>,
        /// Radians per position without the scaling; `None` if there is none.
        unscaled: Option<Vec<f64>>,
        /// Factor on cosines and sines; 1 except with YaRN.
        magnitude: f64,
        /// `cos(offset · radians)` over the pairs: the inner product of a vector whose pairs are
        /// equally long with itself, rotated by an offset, over that at offset 0.
        cosine: OffsetSimilarity,
        /// Mean of `|S_j|`, `S_j = Σ_{i<j} e^{i·offset·radians_i}`, over the pairs and their number:
        /// the bound of §3.4.3 of Su et al. 2021 on what depends on the offset, which falls with it.
        bound: Vec<f64>,
    },
    /// Biases that are added to the scaled scores: ALiBi (Press et al. 2022, §3) and T5 (Raffel et
    /// al. 2020, §2.1).
    Biased {
        /// Number of heads.
        heads: usize,
        /// `query − key`; with a causal mask from 0 on.
        offsets: Vec<i64>,
        /// The bias, `[head, offset]`.
        bias: Vec<f32>,
        /// Slope of each head; `None` for learned biases.
        slopes: Option<Vec<f64>>,
        /// Bucket of each offset; `None` for slopes.
        buckets: Option<Vec<usize>>,
    },
}

impl PositionMap {
    /// Return the reason if no stack has any numbers.
    pub fn nothing(&self) -> Option<&str> {
        let reasons = self.stacks.iter().map(|stack| match &stack.numbers {
            PositionNumbers::Nothing { reason } => Some(reason.as_str()),
            _ => None,
        });
        reasons.collect::<Option<Vec<_>>>()?.first().copied()
    }
}
