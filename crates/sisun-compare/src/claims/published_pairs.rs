//! The claims about models of pairs.

use super::claim::{Claim, PairRule, Rule};

const CHO: &str = "Cho et al. 2014, On the Properties of Neural Machine Translation, section 4";
const BAHDANAU: &str = "Bahdanau et al. 2015, table 1 and figure 2, English to French";
const NOTES: &str = "lecture notes on attention, after Bahdanau et al. 2015";
const HEADS: &str = "Vaswani et al. 2017, section 3.2.2 and figures 3 to 5";

/// Exact match by which variants may differ and still be alike, or fall from the shortest to the
/// longest sources and still keep up.
const MARGIN: f64 = 0.05;
/// Alignment error rate of an attention that points right.
const RIGHT: f64 = 0.1;

/// Return a claim about a task of pairs.
const fn claim(
    statement: &'static str,
    source: &'static str,
    published: &'static str,
    task: &'static str,
    rule: PairRule,
) -> Claim {
    Claim {
        statement,
        source,
        published,
        rule: Rule::OnPairs { task, rule },
    }
}

/// Claims from papers and lecture notes that models of this size can test.
pub(super) const CLAIMS: &[Claim] = &[
    claim(
        "One fixed vector is too narrow for long sources: reversing the longest, a state of 64 numbers almost always fails.",
        CHO,
        "no number of this kind; BLEU falls quickly with the length of the sentence",
        "reverse",
        PairRule::FailsOnLongest {
            variant: "last 64",
            limit: 0.1,
        },
    ),
    claim(
        "A wider fixed vector fails later: reversing with a state of 128 numbers does better than with 64.",
        NOTES,
        "no number",
        "reverse",
        PairRule::WritesMore {
            better: "last 128",
            worse: "last 64",
        },
    ),
    claim(
        "Without the order of the source nothing can be reversed: the mean of the embeddings fails.",
        NOTES,
        "no number",
        "reverse",
        PairRule::Fails {
            variant: "embeddings-mean 64",
            limit: 0.1,
        },
    ),
    claim(
        "Reversing, the mean of the encoder's states does better than the last of them.",
        NOTES,
        "no number",
        "reverse",
        PairRule::WritesMore {
            better: "mean 128",
            worse: "last 128",
        },
    ),
    claim(
        "Reversing, the largest of the encoder's states in each dimension do better than the last state.",
        NOTES,
        "no number",
        "reverse",
        PairRule::WritesMore {
            better: "max 128",
            worse: "last 128",
        },
    ),
    claim(
        "Reversing, attention does better than the mean of the encoder's states.",
        NOTES,
        "no number",
        "reverse",
        PairRule::WritesMore {
            better: "dot 128",
            worse: "mean 128",
        },
    ),
    claim(
        "Reversing, attention does better than the largest of the encoder's states in each dimension.",
        NOTES,
        "no number",
        "reverse",
        PairRule::WritesMore {
            better: "dot 128",
            worse: "max 128",
        },
    ),
    claim(
        "Attention does better than a fixed vector of the same width (reversing, additive attention).",
        BAHDANAU,
        "26.75 BLEU against 17.82, trained on up to 50 words",
        "reverse",
        PairRule::WritesMore {
            better: "additive 128",
            worse: "last 128",
        },
    ),
    claim(
        "Attention removes the cliff: with additive attention the longest sources are reversed as well as the shortest.",
        BAHDANAU,
        "no number; no fall even at 50 words and more",
        "reverse",
        PairRule::KeepsUp {
            variant: "additive 128",
            margin: MARGIN,
        },
    ),
    claim(
        "Attention removes the cliff: with dot attention the longest sources are reversed as well as the shortest.",
        "Luong et al. 2015, section 5.2",
        "no number; quality does not fall as sentences become longer",
        "reverse",
        PairRule::KeepsUp {
            variant: "dot 128",
            margin: MARGIN,
        },
    ),
    claim(
        "Additive and dot attention are alike at this size (reversing).",
        "Vaswani et al. 2017, section 3.2.1, after Britz et al. 2017",
        "no number; similar while keys are narrow",
        "reverse",
        PairRule::Alike {
            a: "additive 128",
            b: "dot 128",
            margin: MARGIN,
        },
    ),
    claim(
        "Dot attention points at the letter that is written (reversing).",
        "Luong et al. 2015, section 5.4",
        "no number of this kind; alignment error rate 0.34 to 0.39 on German and English sentences",
        "reverse",
        PairRule::PointsRight {
            variant: "dot 128",
            limit: RIGHT,
        },
    ),
    claim(
        "Additive attention points at the letter that is written (reversing).",
        "Bahdanau et al. 2015, section 5.2.1 and figure 3",
        "no number; alignments agree with intuition",
        "reverse",
        PairRule::PointsRight {
            variant: "additive 128",
            limit: RIGHT,
        },
    ),
    claim(
        "Additive attention points at the part of a date that is written.",
        "Bahdanau et al. 2015, section 5.2.1 and figure 3",
        "no number; alignments agree with intuition",
        "dates",
        PairRule::PointsRight {
            variant: "additive 128",
            limit: RIGHT,
        },
    ),
    claim(
        "The best head of a transformer points at the letter that is written (reversing).",
        HEADS,
        "no number; heads have interpretable tasks",
        "reverse",
        PairRule::PointsRight {
            variant: "transformer",
            limit: RIGHT,
        },
    ),
    claim(
        "The heads of a transformer divide the work: for the parts of a date different heads are best.",
        HEADS,
        "no number; different heads perform different tasks",
        "dates",
        PairRule::DividesWork {
            variant: "transformer",
        },
    ),
    claim(
        "The heads of a transformer divide the work: for the places of a reversed word different heads are best.",
        HEADS,
        "no number; different heads perform different tasks",
        "reverse",
        PairRule::DividesWork {
            variant: "transformer",
        },
    ),
];
