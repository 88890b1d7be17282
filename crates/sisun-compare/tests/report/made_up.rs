//! Made-up summaries, not from trained models.

use sisun_compare::stats::{
    holm, mean_reciprocal_rank, paired, probability_of_improvement, sign_flip,
};
use sisun_compare::{
    Comparison, Headline, MeasureName, SeedSpread, SeriesPoint, Summary, Track, TrackSummary,
    VariantSummary, judge,
};

pub(crate) const EVIL: &str = "<script>|x";
pub(crate) const EVIL_HTML: &str = "&lt;script&gt;|x";
pub(crate) const NAMES: [&str; 4] = ["none", "sinusoidal", "learned", EVIL];
pub(crate) const LENGTHS: [usize; 5] = [10, 20, 21, 23, 30];

/// Return a value that differs slightly for each seed.
pub(crate) fn near(value: f64, seeds: usize) -> Vec<Option<f64>> {
    (0..seeds)
        .map(|seed| Some(value + 0.01 * (seed * seed % 5) as f64))
        .collect()
}

pub(crate) fn point(name: MeasureName, at: usize, values: Vec<Option<f64>>) -> SeriesPoint {
    SeriesPoint {
        name,
        at,
        spread: SeedSpread::of(values),
        note: None,
    }
}

pub(crate) fn variant(name: &str, seeds: usize) -> VariantSummary {
    VariantSummary {
        name: name.to_owned(),
        parameters: 105_216,
        diverged: Vec::new(),
        failed_gate: Vec::new(),
        headline: SeedSpread::of(vec![None; seeds]),
        series: Vec::new(),
        curve: [10, 20, 40]
            .map(|step| (step, SeedSpread::of(near(40.0 / step as f64, seeds))))
            .into(),
        heads: [(0, 0), (0, 1), (1, 0)]
            .map(|(l, h)| (l, h, SeedSpread::of(near(1.0 + 3.0 * l as f64, seeds))))
            .into(),
        step_ms: SeedSpread::of(near(12.0, seeds)),
        sample: None,
    }
}

pub(crate) fn compared(variants: &[VariantSummary]) -> Vec<Comparison> {
    let mut all = Vec::new();
    for (i, a) in variants.iter().enumerate() {
        for b in &variants[i + 1..] {
            let differences = paired(&a.headline.values, &b.headline.values);
            let there =
                |spread: &SeedSpread| spread.values.iter().flatten().copied().collect::<Vec<_>>();
            all.push(Comparison {
                a: a.name.clone(),
                b: b.name.clone(),
                n: differences.len(),
                p: sign_flip(&differences),
                p_holm: None,
                probability_of_improvement: probability_of_improvement(
                    &there(&a.headline),
                    &there(&b.headline),
                ),
                difference: SeedSpread::of(differences.into_iter().map(Some).collect()),
            });
        }
    }
    let p: Vec<f64> = all.iter().map(|pair| pair.p.unwrap_or(f64::NAN)).collect();
    for (pair, adjusted) in all.iter_mut().zip(holm(&p)) {
        pair.p_holm = pair.p.map(|_| adjusted);
    }
    all
}

/// Return a task on which `none` generalises, `sinusoidal` does not, no seed of `learned` learned
/// the task, and one seed of the last variant diverged.
pub(crate) fn task(seeds: usize) -> TrackSummary {
    let variants: Vec<VariantSummary> = NAMES
        .iter()
        .map(|name| {
            let beyond = match *name {
                "none" => 0.8,
                "sinusoidal" => 0.0,
                _ => 0.3,
            };
            let mut variant = variant(name, seeds);
            for at in LENGTHS {
                let value = if at <= 20 { 0.97 } else { beyond };
                variant
                    .series
                    .push(point(MeasureName::ExactMatch, at, near(value, seeds)));
            }
            match *name {
                "learned" => variant.failed_gate = (1..=seeds as u64).collect(),
                EVIL => {
                    variant.diverged = vec![2];
                    let mut values = near(beyond, seeds);
                    values[1] = None;
                    variant.series[3].spread = SeedSpread::of(vec![Some(f64::NAN); seeds]);
                    variant.headline = SeedSpread::of(values);
                }
                _ => variant.headline = SeedSpread::of(near(beyond, seeds)),
            }
            variant
        })
        .collect();
    TrackSummary {
        name: "copy".to_owned(),
        track: Track::Task {
            task: "copy".to_owned(),
            train_lengths: [1, 20],
            test_lengths: LENGTHS.into(),
            examples: 100,
            set: Default::default(),
        },
        trained_on: 20,
        steps: 2_000,
        headline: Headline {
            name: MeasureName::ExactMatch,
            at: vec![21, 23, 30],
        },
        comparisons: compared(&variants),
        variants,
    }
}

/// Return a text on which `learned` ends at its table, `none` sees its future, and the last variant
/// has only infinities.
pub(crate) fn language(seeds: usize) -> TrackSummary {
    let variants: Vec<VariantSummary> = NAMES
        .iter()
        .map(|name| {
            let mut variant = variant(name, seeds);
            for (at, grows) in [(64, 1.0), (128, 2.0), (512, 4.0)] {
                let value = match *name {
                    EVIL => f64::INFINITY,
                    "sinusoidal" => 2.0 * grows,
                    _ => 2.0,
                };
                for name in [MeasureName::BitsPerByte, MeasureName::BitsPerByteSliding] {
                    variant.series.push(point(name, at, near(value, seeds)));
                }
                if *name == "sinusoidal" && at > 64 {
                    variant
                        .series
                        .push(point(MeasureName::BitsPerByteYarn, at, near(2.25, seeds)));
                }
                if *name == "learned" && at > 64 {
                    for point in variant.series.iter_mut().filter(|point| point.at == at) {
                        point.spread = SeedSpread::of(vec![None; seeds]);
                        point.note = Some("past the table of 64 learned positions".to_owned());
                    }
                }
            }
            for at in 0..64 {
                let loss = 3.0 - (at as f64).sqrt() / 5.0;
                variant.series.push(point(
                    MeasureName::LossAtPosition,
                    8 * at,
                    near(loss, seeds),
                ));
            }
            let seen = if *name == "none" { 0.02 } else { 1.5 };
            variant
                .series
                .push(point(MeasureName::LossWholeWindow, 64, near(seen, seeds)));
            variant
                .series
                .push(point(MeasureName::LossPastOnly, 64, near(1.5, seeds)));
            variant.headline = variant
                .at(MeasureName::BitsPerByte, 128)
                .unwrap()
                .spread
                .clone();
            variant.sample = Some(format!("once\u{1b}[0m ``` | </pre> {name}\n  upon a time"));
            variant
        })
        .collect();
    TrackSummary {
        name: "stories".to_owned(),
        track: Track::Language {
            sources: vec!["data/<stories>".to_owned()],
            documents: Default::default(),
            jsonl_field: None,
            tokenizer: sisun_config::TokenizerConfig::Char,
            factors: vec![1.0, 2.0, 8.0],
            eval_tokens: 7_680,
            set: Default::default(),
        },
        trained_on: 64,
        steps: 1_000,
        headline: Headline {
            name: MeasureName::BitsPerByte,
            at: vec![128],
        },
        comparisons: compared(&variants),
        variants,
    }
}

/// Return pairs on which `last 64` fails with length and has no attention, and the transformer's
/// heads divide the work.
pub(crate) fn pairs(seeds: usize) -> TrackSummary {
    let at = [8, 24, 40];
    let variants: Vec<VariantSummary> = ["last 64", "dot 128", "transformer"]
        .iter()
        .map(|name| {
            let mut variant = variant(name, seeds);
            variant.heads.clear();
            for (place, value) in at.into_iter().zip([0.9, 0.2, 0.01]) {
                let value = if *name == "last 64" { value } else { 0.95 };
                let exact = point(MeasureName::ExactMatch, place, near(value, seeds));
                variant.series.push(exact);
                for (measure, value) in [
                    (MeasureName::AlignmentErrorRate, 0.04),
                    (MeasureName::AttentionMass, 0.9),
                ] {
                    variant.series.push(match *name {
                        "last 64" => SeriesPoint {
                            note: Some("no attention to the source".to_owned()),
                            ..point(measure, place, vec![None; seeds])
                        },
                        _ => point(measure, place, near(value, seeds)),
                    });
                }
            }
            if *name == "transformer" {
                for (measure, value) in [
                    (MeasureName::AlignmentErrorRateOneHead, 0.4),
                    (MeasureName::AlignmentErrorRateHeadForEachPlace, 0.1),
                ] {
                    variant.series.push(point(measure, 40, near(value, seeds)));
                }
            }
            variant.headline = SeedSpread::of(variant.mean_over_places(MeasureName::ExactMatch));
            variant.sample = Some("abc → cba (right)\n<b> → x (should be b)".to_owned());
            variant
        })
        .collect();
    TrackSummary {
        name: "backwards".to_owned(),
        track: Track::PairTask {
            task: "reverse".to_owned(),
            lengths: Some([4, 40]),
            train_pairs: 20_000,
            test_pairs: 1_000,
            groups: 3,
            set: Default::default(),
        },
        trained_on: 40,
        steps: 1_500,
        headline: Headline {
            name: MeasureName::ExactMatch,
            at: at.into(),
        },
        comparisons: compared(&variants),
        variants,
    }
}

/// Return the summary of a comparison on pairs.
pub(crate) fn summary_of_pairs(seeds: usize) -> Summary {
    let tracks = vec![pairs(seeds)];
    Summary {
        variants: tracks[0].variants.iter().map(|v| v.name.clone()).collect(),
        varied: vec!["seq2seq.context".to_owned()],
        mean_reciprocal_ranks: vec![1.0 / 3.0, 0.6, 0.6],
        verdicts: judge(&tracks),
        chosen: Vec::new(),
        tracks,
        ..summary(seeds)
    }
}

pub(crate) fn summary(seeds: usize) -> Summary {
    let tracks = vec![task(seeds), language(seeds)];
    let scores: Vec<f64> = tracks[0]
        .variants
        .iter()
        .map(|variant| variant.headline.mean)
        .collect();
    Summary {
        name: "positions & <more>".to_owned(),
        budget: "class".to_owned(),
        trial: false,
        seeds: (1..=seeds as u64).collect(),
        variants: NAMES.map(str::to_owned).into(),
        varied: vec!["model.position".to_owned()],
        mean_reciprocal_ranks: mean_reciprocal_rank(&[scores]),
        verdicts: judge(&tracks),
        chosen: vec![(
            "copy".to_owned(),
            "rope".to_owned(),
            "train.lr_max = 0.001".to_owned(),
        )],
        missing: Vec::new(),
        tracks,
    }
}
