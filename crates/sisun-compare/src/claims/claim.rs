//! A claim and its verdict.

use serde::Serialize;

/// A published direction.
#[derive(Clone, Debug, Serialize)]
pub struct Claim {
    /// The claim as a sentence.
    pub statement: &'static str,
    /// Authors and place of the publication.
    pub source: &'static str,
    /// The published numbers.
    pub published: &'static str,
    /// The rule by which it is judged.
    #[serde(skip)]
    pub(super) rule: Rule,
}

/// The subject of a claim. Lengths are relative to the lengths of training.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// On a task, the first variant's exact match beyond the training lengths is above the
    /// second's.
    Generalises {
        task: &'static str,
        better: &'static str,
        worse: &'static str,
    },
    /// On a task, the variant's exact match at this many letters beyond the training lengths is at
    /// most this.
    FallsTo {
        task: &'static str,
        variant: &'static str,
        beyond: usize,
        limit: f64,
    },
    /// On a task, the variant's exact match at the longest trained length is at most this.
    Fails {
        task: &'static str,
        variant: &'static str,
        limit: f64,
    },
    /// On a text, the variant's loss is lower when the tokens after the position are visible.
    Leaks { variant: &'static str },
    /// On a text at this multiple of the trained context, the first variant's bits per byte are
    /// below the second's.
    Predicts {
        factor: f64,
        better: &'static str,
        worse: &'static str,
    },
    /// On a text, at a trained context of this many tokens, the first variant's bits per byte are
    /// below the second's.
    PredictsTrainedOn {
        context_len: usize,
        better: &'static str,
        worse: &'static str,
    },
    /// On a text, the variant's bits per byte at this multiple of the trained context are above
    /// those at the trained one.
    Worsens { factor: f64, variant: &'static str },
    /// On a text, the variant's bits per byte at this multiple of the trained context are below
    /// those at the trained one.
    Improves { factor: f64, variant: &'static str },
    /// On pairs of a task.
    OnPairs { task: &'static str, rule: PairRule },
}

/// The subject of a claim about pairs.
#[derive(Clone, Copy, Debug)]
pub(super) enum PairRule {
    /// The variant's exact match in the group of the longest sources is at most this.
    FailsOnLongest { variant: &'static str, limit: f64 },
    /// The variant's mean exact match is at most this.
    Fails { variant: &'static str, limit: f64 },
    /// The first variant's mean exact match is above the second's.
    WritesMore {
        better: &'static str,
        worse: &'static str,
    },
    /// The variant's exact match in the group of the longest sources is at most `margin` below that
    /// in the group of the shortest.
    KeepsUp { variant: &'static str, margin: f64 },
    /// The mean exact match of two variants differs by at most this.
    Alike {
        a: &'static str,
        b: &'static str,
        margin: f64,
    },
    /// The mean alignment error rate of the variant's best head is at most this.
    PointsRight { variant: &'static str, limit: f64 },
    /// The alignment error rate with a head for each place of the target is below that of the best
    /// single head.
    DividesWork { variant: &'static str },
}

/// The verdict on a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The whole interval is on the claimed side.
    Agrees,
    /// The whole interval is on the other side.
    Disagrees,
    /// Neither, or there is not enough data.
    CannotTell,
}

/// A claim with its verdict.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// The published claim.
    pub claim: Claim,
    /// The verdict.
    pub standing: Standing,
    /// The track on which it was judged.
    pub track: Option<String>,
    /// The finding, as a sentence with its numbers.
    pub found: String,
}
