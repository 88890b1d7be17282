//! The beginning of the report: the trained models, missing results, and the main findings in a few
//! lines.

use super::document::{Block, Cell, Table};
use super::headline::headline_words;
use super::tables::holds;
use super::text::{bound, count, duration, listed, number, spread, tenths, thousands};
use crate::claims::{Standing, Verdict};
use crate::results::MeasureName;
use crate::summary::{CLAIMS_FROM, Summary, TrackSummary};
use crate::track::Track;

/// Return the blocks from the first sentence to the agreement card and the ranks.
pub(super) fn blocks(summary: &Summary) -> Vec<Block> {
    let mut blocks = vec![
        Block::Text(trained(summary)),
        Block::Text(differences(summary)),
    ];
    if summary.trial {
        blocks.splice(0..0, trial(summary));
        return blocks;
    }
    blocks.extend(banners(summary));
    blocks.extend(chosen(summary));
    if let Some(table) = glance(summary) {
        blocks.push(Block::Section("At a glance".to_owned()));
        blocks.push(Block::Table(table));
        blocks.push(Block::Text(
            "Best and worst are the variants with the best and the worst mean over seeds, here with its 95 % \
             interval. A pair holds if its difference is one that seeds alone hardly explain: p below 0.05 after \
             Holm’s correction, from 6 seeds on."
                .to_owned(),
        ));
    }
    blocks.extend(card(summary.seeds.len(), &summary.verdicts));
    blocks.extend(ranks(summary));
    blocks
}

/// Describe a trial.
fn trial(summary: &Summary) -> Vec<Block> {
    let works = summary
        .tracks
        .iter()
        .map(|track| format!("{}: {}", track.name, summary.working(track)));
    vec![
        Block::Banner(
            "This was a trial: it shows that everything works here. Nothing is learned in so few steps, so none of the \
             numbers and figures below means anything."
                .to_owned(),
        ),
        Block::List(works.collect()),
    ]
}

/// Describe the number of models, their sizes and the length of training.
fn trained(summary: &Summary) -> String {
    let (variants, seeds, tracks) = (
        summary.variants.len(),
        summary.seeds.len(),
        summary.tracks.len(),
    );
    let all = || {
        summary
            .tracks
            .iter()
            .flat_map(|track| track.variants.iter().map(move |variant| (track, variant)))
    };
    let sizes = span(
        all()
            .map(|(_, variant)| variant.parameters)
            .filter(|n| *n > 0),
    );
    let steps = span(summary.tracks.iter().map(|track| track.steps));
    let mut step_ms: Vec<f64> = all()
        .flat_map(|(_, variant)| variant.step_ms.values.iter().flatten().copied())
        .collect();
    step_ms.retain(|ms| ms.is_finite());
    step_ms.sort_unstable_by(f64::total_cmp);
    let total_s: f64 = all()
        .flat_map(|(track, variant)| {
            variant
                .step_ms
                .values
                .iter()
                .flatten()
                .map(|ms| ms / 1e3 * track.steps as f64)
        })
        .filter(|seconds| seconds.is_finite())
        .sum();
    let time = step_ms
        .get(step_ms.len() / 2)
        .map_or_else(String::new, |median| {
            format!(
                " A step took {} ms (median), all of the training about {} on one thread.",
                tenths(*median),
                duration(total_s)
            )
        });
    let model = match summary.has_pairs() {
        true => "encoder–decoder",
        false => "transformer",
    };
    format!(
        "This report compares {} of a small {model} (budget “{}”): {} each on {}, {} in all, every one trained \
         from nothing. They have {} parameters and were trained for {} steps.{time}",
        count(variants, "variant"),
        summary.budget,
        count(seeds, "seed"),
        count(tracks, "track"),
        count(variants * seeds * tracks, "model"),
        sizes.unwrap_or_else(|| "an unknown number of".to_owned()),
        steps.unwrap_or_else(|| "0".to_owned()),
    )
}

/// Describe the differences between the models, and what they have in common.
fn differences(summary: &Summary) -> String {
    let tracks = summary.tracks.iter().map(|track| match &track.track {
        Track::Task { task, .. } if *task == track.name => format!("{task} (a task)"),
        Track::Task { task, .. } => format!("{} (the task {task})", track.name),
        Track::Language { .. } => format!("{} (text)", track.name),
        Track::PairTask { task, .. } if *task == track.name => format!("{task} (a task of pairs)"),
        Track::PairTask { task, .. } => format!("{} (the task of pairs {task})", track.name),
        Track::Pairs { .. } => format!("{} (pairs)", track.name),
    });
    format!(
        "The variants are {}. They differ in {} and in nothing else: on a track, models of one seed \
         take the same number of steps on the same data in the same order. The tracks are {}.",
        listed(&summary.variants),
        listed(&summary.varied),
        listed(&tracks.collect::<Vec<_>>()),
    )
}

/// Describe the settings that the sweep chose.
fn chosen(summary: &Summary) -> Vec<Block> {
    if summary.chosen.is_empty() {
        return Vec::new();
    }
    let settings = summary
        .chosen
        .iter()
        .map(|(track, variant, set)| format!("{track} / {variant}: {set}"));
    vec![
        Block::Text(
            "Before, each variant was tried with several settings and a seed that is not compared. On each track it \
             keeps those with which it did best on what it is trained on; longer inputs had no part in the choice."
                .to_owned(),
        ),
        Block::Fold {
            title: "What was chosen (track / variant: settings)".to_owned(),
            blocks: vec![Block::List(settings.collect())],
        },
    ]
}

fn banners(summary: &Summary) -> Vec<Block> {
    let mut banners = Vec::new();
    let n = summary.seeds.len();
    if n < CLAIMS_FROM {
        let floor = 2.0 / 2f64.powi(n.min(64) as i32);
        banners.push(Block::Banner(format!(
            "{} a variant: this report describes and does not claim. With so few, the exact test cannot give p below \
             {}; a difference can be claimed from {CLAIMS_FROM} seeds on.",
            count(n, "seed"),
            bound(floor.min(1.0)),
        )));
    }
    if !summary.missing.is_empty() {
        let cells = summary.variants.len() * n * summary.tracks.len();
        banners.push(Block::Banner(format!(
            "{} of {} have no result yet: the report is of what is there.",
            thousands(summary.missing.len() as u64),
            count(cells, "model"),
        )));
        banners.push(Block::Fold {
            title: "What is missing (track / variant / seed)".to_owned(),
            blocks: vec![Block::List(summary.missing.clone())],
        });
    }
    let diverged: usize = summary
        .tracks
        .iter()
        .flat_map(|t| &t.variants)
        .map(|variant| variant.diverged.len())
        .sum();
    if diverged > 0 {
        banners.push(Block::Banner(format!(
            "{} diverged: the loss became no number. Each is named with its track, and is in no mean.",
            count(diverged, "model"),
        )));
    }
    banners
}

/// Return a table of the tracks with the best variant, the worst, and the number of differences
/// that hold.
fn glance(summary: &Summary) -> Option<Table> {
    let mut table = Table::new(&[
        "track",
        "compared by",
        "best",
        "its mean",
        "worst",
        "its mean",
        "pairs that hold",
    ]);
    for track in &summary.tracks {
        let mut ranked: Vec<_> = track
            .variants
            .iter()
            .enumerate()
            .filter(|(_, v)| !v.headline.mean.is_nan())
            .collect();
        ranked.sort_by(|(_, a), (_, b)| a.headline.mean.total_cmp(&b.headline.mean));
        if track.headline.name.higher_is_better() {
            ranked.reverse();
        }
        let side = |found: Option<&(usize, &crate::summary::VariantSummary)>| match found {
            Some((i, variant)) => [
                Cell::Variant(*i, variant.name.clone()),
                Cell::Number(spread(&variant.headline, number)),
            ],
            None => [
                Cell::Words(super::text::NOTHING.to_owned()),
                Cell::Number(super::text::NOTHING.to_owned()),
            ],
        };
        let held = track.comparisons.iter().filter(|pair| holds(pair)).count();
        let [best, its_mean] = side(ranked.first());
        let [worst, lowest] = side(ranked.last().filter(|_| ranked.len() > 1));
        table.push(
            false,
            vec![
                Cell::Words(track.name.clone()),
                Cell::Words(headline_words(track)),
                best,
                its_mean,
                worst,
                lowest,
                Cell::Number(format!("{held} of {}", track.comparisons.len())),
            ],
        );
    }
    (!table.rows.is_empty()).then_some(table)
}

fn card(seeds: usize, verdicts: &[Verdict]) -> Vec<Block> {
    let mut blocks = vec![Block::Section(
        "Agreement with published results".to_owned(),
    )];
    if verdicts.is_empty() {
        let none = "None of the published results that this program knows is about the variants and tracks compared here.";
        blocks.push(Block::Text(none.to_owned()));
        return blocks;
    }
    let counted = |standing, words| {
        (
            verdicts
                .iter()
                .filter(|verdict| verdict.standing == standing)
                .count(),
            words,
        )
    };
    blocks.push(Block::Tiles(vec![
        counted(Standing::Agrees, "agrees"),
        counted(Standing::Disagrees, "disagrees"),
        counted(Standing::CannotTell, "cannot tell"),
    ]));
    blocks.push(Block::Text(
        "Each published direction is judged by the 95 % interval over seeds of the difference that it is about: it \
         agrees if all of the interval lies on the published side, disagrees if all of it lies on the other, and \
         otherwise this run cannot tell. A claim with a limit or a margin, told with it, agrees if all of the \
         interval lies within. Published models were larger and trained longer; only directions are \
         compared, not sizes."
            .to_owned(),
    ));
    if seeds < CLAIMS_FROM {
        blocks.push(Block::Text(format!(
            "With {} an interval is too narrow: read what agrees or disagrees here as a hint.",
            count(seeds, "seed"),
        )));
    }
    // Decided claims come first.
    let rank = |verdict: &Verdict| match verdict.standing {
        Standing::Agrees => 1,
        Standing::Disagrees => 0,
        Standing::CannotTell => 2,
    };
    let mut sorted = verdicts.to_vec();
    sorted.sort_by_key(rank);
    blocks.push(Block::Verdicts(sorted));
    blocks
}

fn ranks(summary: &Summary) -> Vec<Block> {
    let tasks: Vec<&TrackSummary> = summary
        .tracks
        .iter()
        .filter(|track| track.headline.name == MeasureName::ExactMatch)
        .collect();
    if summary.mean_reciprocal_ranks.is_empty() || tasks.is_empty() {
        return Vec::new();
    }
    let mut ranked: Vec<(usize, f64)> = summary
        .mean_reciprocal_ranks
        .iter()
        .copied()
        .enumerate()
        .collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut head = vec!["variant".to_owned(), "mean reciprocal rank".to_owned()];
    head.extend(tasks.iter().map(|track| track.name.clone()));
    let mut table = Table {
        head,
        rows: Vec::new(),
    };
    for (i, rank) in ranked {
        let Some(name) = summary.variants.get(i) else {
            continue;
        };
        let mut cells = vec![Cell::Variant(i, name.clone()), Cell::Number(number(rank))];
        let mean = |track: &&TrackSummary| {
            track
                .variant(name)
                .map_or(f64::NAN, |variant| variant.headline.mean)
        };
        cells.extend(tasks.iter().map(|track| Cell::Number(number(mean(track)))));
        table.push(false, cells);
    }
    vec![
        Block::Section("The variants over all tasks".to_owned()),
        Block::Table(table),
        Block::Text(format!(
            "On each task the variants are ranked by their mean headline; the mean of 1 / rank \
             over {} is 1 for a variant that is always first. Those without a mean come last, together.",
            count(tasks.len(), "task"),
        )),
    ]
}

/// Format a range as `1,000`, or `1,000 to 2,000`.
fn span(values: impl Iterator<Item = u64>) -> Option<String> {
    let (low, high) = values.fold((u64::MAX, 0), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    match low.cmp(&high) {
        std::cmp::Ordering::Greater => None,
        std::cmp::Ordering::Equal => Some(thousands(low)),
        std::cmp::Ordering::Less => Some(format!("{} to {}", thousands(low), thousands(high))),
    }
}
