//! A claim, and how it stands.

use serde::Serialize;

/// A published direction.
#[derive(Clone, Debug, Serialize)]
pub struct Claim {
    /// In a sentence.
    pub statement: &'static str,
    /// Who says so, and where.
    pub source: &'static str,
    /// The published numbers.
    pub published: &'static str,
    /// What is compared.
    #[serde(skip)]
    pub(super) rule: Rule,
}

/// What a claim is about. Lengths are told by what is trained on: `Inside` is the longest trained
/// length.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// On a task, the first variant's exact match beyond the training lengths is above the
    /// second's.
    Generalises {
        task: &'static str,
        better: &'static str,
        worse: &'static str,
    },
    /// On a task, the variant's exact match so many letters beyond the training lengths is at most
    /// this.
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
    /// On a text, the variant's loss is lower when it is shown the tokens after the place.
    Leaks { variant: &'static str },
    /// On a text at so many times the trained context, the first variant's bits per byte are below
    /// the second's.
    Predicts {
        factor: f64,
        better: &'static str,
        worse: &'static str,
    },
    /// On a text, at a trained context of so many tokens, the first variant's bits per byte are
    /// below the second's.
    PredictsTrainedOn {
        context_len: usize,
        better: &'static str,
        worse: &'static str,
    },
    /// On a text, the variant's bits per byte at so many times the trained context are above those
    /// at the trained one.
    Worsens { factor: f64, variant: &'static str },
    /// The same, below.
    Improves { factor: f64, variant: &'static str },
}

/// How a claim stands here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The whole interval is on the claimed side.
    Agrees,
    /// The whole interval is on the other side.
    Disagrees,
    /// Neither, or nothing to judge by.
    CannotTell,
}

/// A claim, judged.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// What was published.
    pub claim: Claim,
    /// Whether it holds here.
    pub standing: Standing,
    /// The track it was judged on.
    pub track: Option<String>,
    /// What was found, in a sentence with its numbers.
    pub found: String,
}
