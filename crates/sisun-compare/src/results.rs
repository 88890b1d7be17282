//! What one cell leaves.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A cell that was trained and judged. All of it follows from the cell: the same cell gives the
/// same bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellResult {
    /// Name of the track.
    pub track: String,
    /// Name of the variant.
    pub variant: String,
    /// Seed of its weights and data.
    pub seed: u64,
    /// Learned numbers.
    pub parameters: u64,
    /// Whether training ended well.
    pub outcome: CellOutcome,
    /// Training loss over time.
    pub curve: Vec<CurvePoint>,
    /// Everything measured after training; empty if it diverged.
    pub measures: Vec<Measure>,
    /// How far each head looks.
    pub heads: Vec<HeadDistance>,
    /// What the model writes by itself (language only).
    pub sample: Option<String>,
}

/// How training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum CellOutcome {
    /// All steps were taken.
    Trained,
    /// The loss, the gradient or the weights became no numbers.
    Diverged {
        /// The step at which it was seen.
        step: u64,
    },
}

/// The mean training loss up to a step, since the point before.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Steps taken.
    pub step: u64,
    /// Nats per token that the loss is taken on; each step, which has such tokens always, counts
    /// alike.
    pub loss: f64,
}

/// One number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// What was measured.
    pub name: MeasureName,
    /// At which length, or position, in the track's unit.
    pub at: usize,
    /// The number; `None` where the variant cannot be measured there.
    pub value: Option<f64>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeasureName {
    /// Share of a task's examples of a length whose whole answer the model writes, greedily.
    ExactMatch,
    /// Bits per byte on held-out text in windows of a length that do not overlap.
    BitsPerByte,
    /// The same in overlapping windows, each judged on its last tokens alone, so that all have a
    /// long past.
    BitsPerByteSliding,
    /// Bits per byte, not overlapping, with RoPE's frequencies divided by the factor (position
    /// interpolation).
    BitsPerByteLinear,
    /// The same with a larger base (NTK-aware).
    BitsPerByteNtk,
    /// The same with YaRN.
    BitsPerByteYarn,
    /// Nats per token at positions from this one on, in windows of the longest tested length.
    LossAtPosition,
    /// Nats per token at a few positions, the whole window given to the model.
    LossWholeWindow,
    /// The same tokens with everything after them cut off, as in writing.
    LossPastOnly,
}

impl MeasureName {
    /// Whether more is better.
    pub fn higher_is_better(self) -> bool {
        self == MeasureName::ExactMatch
    }
}

impl fmt::Display for MeasureName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MeasureName::ExactMatch => "exact_match",
            MeasureName::BitsPerByte => "bits_per_byte",
            MeasureName::BitsPerByteSliding => "bits_per_byte_sliding",
            MeasureName::BitsPerByteLinear => "bits_per_byte_linear",
            MeasureName::BitsPerByteNtk => "bits_per_byte_ntk",
            MeasureName::BitsPerByteYarn => "bits_per_byte_yarn",
            MeasureName::LossAtPosition => "loss_at_position",
            MeasureName::LossWholeWindow => "loss_whole_window",
            MeasureName::LossPastOnly => "loss_past_only",
        })
    }
}

/// Mean distance that a head looks back: `Σ pattern[q, k]·|q − k|`, averaged over queries.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeadDistance {
    /// From 0.
    pub layer: usize,
    /// From 0.
    pub head: usize,
    /// Tokens.
    pub distance: f64,
}

/// How long a cell took. Kept apart from the result, which is the same on every machine like this
/// one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Median milliseconds of a training step.
    pub step_ms: f64,
    /// Seconds of training.
    pub train_s: f64,
    /// Seconds of training and judging.
    pub total_s: f64,
}
