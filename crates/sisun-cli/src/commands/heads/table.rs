//! The table of heads, and what stands out in it.

use crate::columns::{Align, aligned, groups, three_decimals};
use crate::wrap::terminal_width;
use sisun_infer::{AblationKind, Chance, HeadMeasures, HeadReport, HeadScore, OffsetShare};
use std::ops::Range;

/// A column of the table.
struct Column {
    name: &'static str,
    of: fn(&HeadMeasures) -> Option<String>,
    chance: fn(&Chance) -> Option<f64>,
}

/// Numbers of columns that belong together: on the text, on random tokens, value-weighted, ablated.
const SECTIONS: [usize; 4] = [7, 2, 4, 3];

const NO_CHANCE: fn(&Chance) -> Option<f64> = |_| None;

const COLUMNS: [Column; 16] = [
    Column {
        name: "entropy",
        of: |head| number(Some(head.stats.spread.entropy)),
        chance: NO_CHANCE,
    },
    Column {
        name: "distance",
        of: |head| number(Some(head.stats.spread.distance)),
        chance: NO_CHANCE,
    },
    Column {
        name: "previous",
        of: |head| number(Some(head.stats.spread.previous)),
        chance: |chance| chance.previous,
    },
    Column {
        name: "first",
        of: |head| number(Some(head.stats.spread.first)),
        chance: |chance| chance.first,
    },
    Column {
        name: "offset",
        of: |head| head.offsets.offset.as_ref().and_then(at_offset),
        chance: NO_CHANCE,
    },
    Column {
        name: "positional",
        of: |head| head.offsets.positional.as_ref().and_then(at_offset),
        chance: NO_CHANCE,
    },
    Column {
        name: "duplicate",
        of: |head| number(head.duplicate),
        chance: |chance| chance.duplicate,
    },
    Column {
        name: "same",
        of: |head| number(head.stats.repetition.same),
        chance: |chance| chance.same,
    },
    Column {
        name: "induction",
        of: |head| number(head.stats.repetition.induction),
        chance: |chance| chance.induction,
    },
    Column {
        name: "previous*",
        of: |head| number(Some(head.weighted.spread.previous)),
        chance: NO_CHANCE,
    },
    Column {
        name: "first*",
        of: |head| number(Some(head.weighted.spread.first)),
        chance: NO_CHANCE,
    },
    Column {
        name: "same*",
        of: |head| number(head.weighted.repetition.same),
        chance: NO_CHANCE,
    },
    Column {
        name: "induction*",
        of: |head| number(head.weighted.repetition.induction),
        chance: NO_CHANCE,
    },
    Column {
        name: "zero",
        of: |head| rise(head, AblationKind::Zero),
        chance: NO_CHANCE,
    },
    Column {
        name: "mean",
        of: |head| rise(head, AblationKind::Mean),
        chance: NO_CHANCE,
    },
    Column {
        name: "resample",
        of: |head| rise(head, AblationKind::Resample),
        chance: NO_CHANCE,
    },
];

/// Format a value, if it is finite.
fn number(value: Option<f64>) -> Option<String> {
    value.filter(|value| value.is_finite()).map(three_decimals)
}

/// Format an offset and its share.
fn at_offset(found: &OffsetShare) -> Option<String> {
    Some(format!("{:+} {}", found.offset, number(Some(found.share))?).replace("+0 ", "0 "))
}

fn rise(head: &HeadMeasures, kind: AblationKind) -> Option<String> {
    number(head.ablated.get(&kind).copied())
}

/// Return the table. Columns that do not fit the terminal follow below, with the heads repeated.
pub(super) fn table(found: &HeadReport) -> String {
    let measured = |column: &&Column| {
        let is_ablation = AblationKind::ALL
            .iter()
            .any(|kind| kind.name() == column.name);
        !is_ablation || found.heads.iter().any(|head| !head.ablated.is_empty())
    };
    let columns: Vec<&Column> = COLUMNS.iter().filter(measured).collect();
    let row = |name: String, value: &dyn Fn(&Column) -> Option<String>| -> Vec<String> {
        let cells = columns
            .iter()
            .map(|column| value(column).unwrap_or_else(|| "-".to_owned()));
        [name].into_iter().chain(cells).collect()
    };
    let mut rows = vec![row("head".to_owned(), &|column| {
        Some(column.name.to_owned())
    })];
    rows.extend(found.heads.iter().map(|head| {
        let name = format!("{}.{}", head.stats.layer, head.stats.head);
        row(name, &|column| (column.of)(head))
    }));
    rows.push(row("chance".to_owned(), &|column| {
        number((column.chance)(&found.chance))
    }));
    let part = |columns: Range<usize>| {
        let taken: Vec<Vec<String>> = rows
            .iter()
            .map(|row| [&row[..1], &row[columns.clone()]].concat())
            // Nothing in these columns has a chance level.
            .filter(|row| row[0] != "chance" || row[1..].iter().any(|cell| cell != "-"))
            .collect();
        aligned(&taken, &[Align::Right])
    };
    let parts: Vec<String> = together(&rows, terminal_width())
        .into_iter()
        .map(part)
        .collect();
    format!("{}\n", parts.join("\n\n"))
}

/// Return the columns that stand beside each other: as many whole sections as fit into `room`. A
/// section that is wider is divided.
fn together(rows: &[Vec<String>], room: usize) -> Vec<Range<usize>> {
    let count = rows.first().map_or(0, Vec::len);
    let fits = |columns: &Range<usize>| {
        let of_row = |row: &Vec<String>| [&row[..1], &row[columns.clone()]].concat();
        groups(&rows.iter().map(of_row).collect::<Vec<_>>(), room).len() == 1
    };
    let mut parts: Vec<Range<usize>> = Vec::new();
    let mut start = 1;
    for size in SECTIONS {
        let section = start..(start + size).min(count);
        start = section.end;
        if section.is_empty() {
            continue;
        }
        let joined = parts.last().map(|last| last.start..section.end);
        match joined.filter(fits) {
            Some(joined) => {
                parts.pop();
                parts.push(joined);
            }
            None if fits(&section) => parts.push(section),
            None => {
                let of_row = |row: &Vec<String>| [&row[..1], &row[section.clone()]].concat();
                let narrow = groups(&rows.iter().map(of_row).collect::<Vec<_>>(), room);
                let shift = section.start - 1;
                parts.extend(
                    narrow
                        .into_iter()
                        .map(|one| one.start + shift..one.end + shift),
                );
            }
        }
    }
    parts
}

/// Describe what a head with a large score does.
fn does(score: HeadScore) -> Option<&'static str> {
    match score {
        HeadScore::Previous => Some("looks most at the token before"),
        HeadScore::First => Some("looks most at the first token"),
        HeadScore::Positional => None,
        HeadScore::Duplicate => Some("looks most at earlier occurrences of its token"),
        HeadScore::Same => Some("looks most at the same token, earlier"),
        HeadScore::Induction => Some("looks most at what followed the same token (induction)"),
    }
}

/// Describe the head with the largest value of each measurement, if it is clearly above chance.
pub(super) fn findings(found: &HeadReport) -> Vec<String> {
    let line = |score: HeadScore| {
        let (does, chance) = (does(score)?, score.chance(&found.chance)?);
        let (name, value) = largest(found, |head| score.of(head))?;
        Some(match Chance::is_beaten(chance, value) {
            true => format!("{name} {does}: {value:.3} (chance {chance:.3})"),
            false => {
                format!("{score}: no head stands out ({name} has {value:.3}, chance {chance:.3})")
            }
        })
    };
    let mut lines: Vec<String> = HeadScore::ALL.into_iter().filter_map(line).collect();
    lines.extend(positional(found));
    // Any increase of the loss counts.
    for kind in AblationKind::ALL {
        lines.extend(largest(found, |head| head.ablated.get(&kind).copied()).map(
            |(name, value)| match value > 0.0 {
                true => format!("{name} is missed most: {value:.3} ({kind})"),
                false => format!(
                    "no head is missed ({kind}): without any one of them the loss does not rise"
                ),
            },
        ));
    }
    if found
        .heads
        .iter()
        .any(|head| !head.stats.spread.entropy.is_finite())
    {
        lines.push("some of its attention is no number: the model has diverged, or its weights are damaged".to_owned());
    }
    lines
}

/// Name the positional heads.
fn positional(found: &HeadReport) -> Option<String> {
    let threshold = HeadScore::Positional.threshold(&found.chance)?;
    let is_positional = |head: &&HeadMeasures| {
        HeadScore::Positional
            .of(head)
            .is_some_and(|share| share >= threshold)
    };
    let named = |head: &HeadMeasures| {
        let at = head.offsets.positional.as_ref().and_then(at_offset)?;
        Some(format!("{}.{} ({at})", head.stats.layer, head.stats.head))
    };
    let heads: Vec<String> = found
        .heads
        .iter()
        .filter(is_positional)
        .filter_map(named)
        .collect();
    (!heads.is_empty()).then(|| {
        format!(
            "positional, with the largest weight at one offset in {:.0}% of the rows or more: {}",
            100.0 * threshold,
            heads.join(", ")
        )
    })
}

/// Return the name of the head with the largest value, and the value.
fn largest(found: &HeadReport, of: impl Fn(&HeadMeasures) -> Option<f64>) -> Option<(String, f64)> {
    let values = found.heads.iter().filter_map(|head| {
        let value = of(head).filter(|value| value.is_finite())?;
        Some((head, value))
    });
    let (best, value) = values.max_by(|a, b| a.1.total_cmp(&b.1))?;
    let name = format!("head {}.{}", best.stats.layer, best.stats.head);
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use super::together;

    #[test]
    fn sections_stay_whole_where_they_fit() {
        let row: Vec<String> = (0..17).map(|_| "12345678".to_owned()).collect();
        let rows = [row];
        let parts = |room| together(&rows, room);
        // A column takes 10 and the first 8.
        assert_eq!(parts(200).first(), Some(&(1..17)));
        assert_eq!(parts(98), [1..10, 10..17]);
        assert_eq!(parts(80), [1..8, 8..14, 14..17]);
        assert_eq!(parts(60), [1..6, 6..10, 10..14, 14..17]);
        for room in 1..200 {
            let columns: Vec<usize> = parts(room).into_iter().flatten().collect();
            assert_eq!(columns, (1..17).collect::<Vec<_>>(), "{room}");
        }
    }
}
