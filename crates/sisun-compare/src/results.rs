//! The results of one cell.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The result of a cell that was trained and evaluated. It is determined by the cell: the same cell
/// gives the same bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellResult {
    /// Name of the track.
    pub track: String,
    /// Name of the variant.
    pub variant: String,
    /// Seed of its weights and data.
    pub seed: u64,
    /// Number of trained parameters.
    pub parameters: u64,
    /// Outcome of training.
    pub outcome: CellOutcome,
    /// Training loss over time.
    pub curve: Vec<CurvePoint>,
    /// All measurements after training; empty if it diverged.
    pub measures: Vec<Measure>,
    /// Attention distance of each head.
    pub heads: Vec<HeadDistance>,
    /// A sample of generated text (language and pairs only).
    pub sample: Option<String>,
}

/// The outcome of training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum CellOutcome {
    /// All steps were taken.
    Trained,
    /// The loss, the gradient or the weights were no longer finite.
    Diverged {
        /// The step at which that was detected.
        step: u64,
    },
}

/// The mean training loss between the previous point and this step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Steps taken.
    pub step: u64,
    /// Nats per token, over the tokens that count in the loss; each step has the same weight.
    pub loss: f64,
}

/// One measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// The measure.
    pub name: MeasureName,
    /// Length or position of the measurement, in the track's unit.
    pub at: usize,
    /// The value; `None` if the variant cannot be measured there.
    pub value: Option<f64>,
    /// The reason for a missing value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeasureName {
    /// Fraction of a task's examples of a length, or of the pairs of a group by length, for which
    /// greedy decoding writes the whole answer. A group is named by its longest source.
    ExactMatch,
    /// Alignment error rate (Och and Ney 2003) in a group of pairs, of the head of attention to the
    /// source that has the lowest on all pairs.
    AlignmentErrorRate,
    /// Mean weight of that head on the true source tokens.
    AttentionMass,
    /// Alignment error rate of the mean of the weights of all heads in the layer of that head.
    AlignmentErrorRateMeanOfHeads,
    /// Alignment error rate on all pairs of the best single head, chosen on one half of the pairs
    /// and judged on the other, and the reverse.
    AlignmentErrorRateOneHead,
    /// The same with a head chosen anew for each place of the target.
    AlignmentErrorRateHeadForEachPlace,
    /// Bits per byte on held-out text in non-overlapping windows of a length.
    BitsPerByte,
    /// The same in overlapping windows, each evaluated on its last tokens alone, so that all have a
    /// long past.
    BitsPerByteSliding,
    /// Bits per byte in non-overlapping windows, with RoPE's frequencies divided by the factor
    /// (position interpolation).
    BitsPerByteLinear,
    /// The same with a larger base (NTK-aware).
    BitsPerByteNtk,
    /// The same with YaRN.
    BitsPerByteYarn,
    /// Nats per token at positions from this one on, in windows of the longest tested length.
    LossAtPosition,
    /// Nats per token at a few positions, with the whole window visible to the model.
    LossWholeWindow,
    /// The same tokens with everything after them cut off, as in generation.
    LossPastOnly,
}

impl MeasureName {
    /// Return true if higher is better.
    pub fn higher_is_better(self) -> bool {
        matches!(self, MeasureName::ExactMatch | MeasureName::AttentionMass)
    }
}

impl fmt::Display for MeasureName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MeasureName::ExactMatch => "exact_match",
            MeasureName::AlignmentErrorRate => "alignment_error_rate",
            MeasureName::AttentionMass => "attention_mass",
            MeasureName::AlignmentErrorRateMeanOfHeads => "alignment_error_rate_mean_of_heads",
            MeasureName::AlignmentErrorRateOneHead => "alignment_error_rate_one_head",
            MeasureName::AlignmentErrorRateHeadForEachPlace => {
                "alignment_error_rate_head_for_each_place"
            }
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

/// Mean attention distance of a head: `Σ pattern[q, k]·|q − k|`, averaged over queries.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeadDistance {
    /// Index of the layer, from 0.
    pub layer: usize,
    /// Index of the head, from 0.
    pub head: usize,
    /// Distance in tokens.
    pub distance: f64,
}

/// Duration of a cell. Stored separately from the result, which is the same on every similar
/// machine.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Median milliseconds of a training step.
    pub step_ms: f64,
    /// Seconds of training.
    pub train_s: f64,
    /// Seconds of training and evaluation.
    pub total_s: f64,
}
