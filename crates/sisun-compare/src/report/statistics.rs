//! An explanation of the statistics in plain words.

use super::document::Block;
use super::text::bound;
use crate::summary::{CLAIMS_FROM, GATE, Summary};

/// Return the section that explains the numbers and lists the other files.
pub(super) fn blocks(summary: &Summary) -> Vec<Block> {
    let n = summary.seeds.len();
    let floor = bound((2.0 / 2f64.powi(n.min(64) as i32)).min(1.0));
    let mut terms = vec![
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
    ];
    terms.extend(match summary.has_pairs() {
        true => of_pairs(),
        false => of_text(),
    });
    vec![
        Block::Section("What the numbers mean".to_owned()),
        Block::Terms(terms),
        Block::Section("Files".to_owned()),
        Block::Text(
            "Beside this report: measures.csv and measures.parquet with every measurement of every seed, summary.json with every number of \
             this report, and figures/ with each figure as SVG and PNG."
                .to_owned(),
        ),
    ]
}

/// Return the terms of tasks and text.
fn of_text() -> Vec<(&'static str, String)> {
    vec![
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
    ]
}

/// Return the terms of pairs.
fn of_pairs() -> Vec<(&'static str, String)> {
    vec![
        (
            "Exact match",
            "The share of pairs whose whole target is written. One wrong letter makes a target wrong.".to_owned(),
        ),
        (
            "Alignment error rate",
            "How often attention points beside the truth (Och and Ney 2003): 0 if the largest weight of every target \
             token lies on the source tokens that it comes from, 1 if none does. Target tokens that come from no \
             source token are left out."
                .to_owned(),
        ),
        (
            "Attention mass",
            "The part of a target token’s attention, from 0 to 1, that lies on the source tokens that it comes from."
                .to_owned(),
        ),
        (
            "Place",
            "The number of a token in its target: the year of a date has other places than its day.".to_owned(),
        ),
    ]
}
