//! An explanation of the statistics in plain words.

use super::document::Block;
use super::text::bound;
use crate::summary::{CLAIMS_FROM, GATE, Summary};

/// Return the section that explains the numbers and lists the other files.
pub(super) fn blocks(summary: &Summary) -> Vec<Block> {
    let n = summary.seeds.len();
    let floor = bound((2.0 / 2f64.powi(n.min(64) as i32)).min(1.0));
    let terms = [
        (
            "Seed",
            "A seed decides a model’s first weights and the order of its data. Every variant is trained from \
             every seed, and the models of one seed see the same data, so variants are compared seed by seed."
                .to_owned(),
        ),
        (
            "95 % interval",
            "The seeds are drawn again with replacement (in every possible way up to six values, \
             otherwise 10,000 times), and the middle 95 % of the resulting means is the interval. It speaks of other \
             seeds, not of other data or larger models. With few seeds it is too narrow."
                .to_owned(),
        ),
        (
            "p",
            format!(
                "The exact sign-flip test. If two variants were equal, the difference of each seed could as well have \
                 the other sign; p is the share of all ways to set the signs that give a mean difference as large as \
                 the one found. With n seeds it cannot be below 2 / 2ⁿ: here, with {n}, not below {floor}."
            ),
        ),
        (
            "p (Holm)",
            format!(
                "Who compares many pairs finds some difference by luck. Holm’s correction raises p so that the chance \
                 of even one false find on a track stays below 5 %. A difference holds if it is below 0.05 with at \
                 least {CLAIMS_FROM} seeds."
            ),
        ),
        (
            "P(better)",
            "The chance that a model of the variant ahead does better than one of the variant behind, each \
             from a seed of its own: the share of all such pairs, ties counting half. 0.5 is no difference."
                .to_owned(),
        ),
        (
            "Gate",
            format!(
                "On a task, a model must reach an exact match of {GATE} on the trained lengths. Those that do not are \
                 named and left out, because what they do on longer inputs says nothing about positions."
            ),
        ),
        (
            "Exact match",
            "The share of examples whose whole answer is right. One wrong letter makes an answer wrong.".to_owned(),
        ),
        (
            "Bits per byte",
            "How many bits the model needs for each byte of a text; less is better. It does not depend \
             on how text is cut into tokens."
                .to_owned(),
        ),
        (
            "Attention distance",
            "The mean over queries of how many tokens back a head looks, weighted by its \
             attention."
                .to_owned(),
        ),
    ];
    vec![
        Block::Section("What the numbers mean".to_owned()),
        Block::Terms(terms.into()),
        Block::Section("Files".to_owned()),
        Block::Text(
            "Beside this report: measures.csv and measures.parquet with every measurement of every seed, summary.json with every number of \
             this report, and figures/ with each figure as SVG and PNG."
                .to_owned(),
        ),
    ]
}
