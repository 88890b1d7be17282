//! Temporary.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]
use sisun_compare::stats::*;
use sisun_compare::*;

fn noise(a: usize, b: usize, c: usize) -> f64 {
    let x = ((a * 7919 + b * 104729 + c * 1299709 + 17) as f64 * 12.9898).sin() * 43758.5453;
    (x - x.floor()) - 0.5
}
const NAMES: [&str; 8] =
    ["none", "learned", "sinusoidal", "rope", "rope fraction 0.25", "alibi", "t5_bias", "rope randomised positions 4x"];

fn compared(variants: &[VariantSummary], sign: f64) -> Vec<Comparison> {
    let mut all = Vec::new();
    for (i, a) in variants.iter().enumerate() {
        for b in &variants[i + 1..] {
            let d = paired(&a.headline.values, &b.headline.values);
            let there = |s: &Spread| s.values.iter().flatten().map(|v| v * sign).collect::<Vec<_>>();
            all.push(Comparison {
                a: a.name.clone(),
                b: b.name.clone(),
                n: d.len(),
                p: sign_flip(&d),
                p_holm: None,
                probability_of_improvement: probability_of_improvement(&there(&a.headline), &there(&b.headline)),
                difference: Spread::of(d.into_iter().map(Some).collect()),
            });
        }
    }
    let p: Vec<f64> = all.iter().map(|c| c.p.unwrap_or(f64::NAN)).collect();
    for (c, h) in all.iter_mut().zip(holm(&p)) {
        c.p_holm = c.p.map(|_| h);
    }
    all
}
fn variant(i: usize, n: usize, steps: u64, layers: usize, heads: usize) -> VariantSummary {
    VariantSummary {
        name: NAMES[i].into(),
        parameters: 105_216 + 4096 * (i == 1) as u64,
        diverged: vec![],
        failed_gate: vec![],
        headline: Spread::of(vec![None; n]),
        series: vec![],
        curve: (1..=50)
            .map(|k| {
                let step = steps * k / 50;
                (
                    step,
                    Spread::of(
                        (0..n)
                            .map(|s| {
                                Some(
                                    2.8 * (-(step as f64) / (steps as f64) * (3.0 + i as f64)).exp()
                                        + 0.02
                                        + 0.01 * (noise(i, s, k as usize) + 0.5),
                                )
                            })
                            .collect(),
                    ),
                )
            })
            .collect(),
        heads: (0..layers)
            .flat_map(|l| {
                (0..heads).map(move |h| {
                    (
                        l,
                        h,
                        Spread::of(
                            (0..n)
                                .map(|s| Some((1.0 + 9.0 * (noise(i, l, h) + 0.5) + noise(s, l, h)).max(0.0)))
                                .collect(),
                        ),
                    )
                })
            })
            .collect(),
        step_ms: Spread::of((0..n).map(|s| Some(11.0 + i as f64 + noise(i, s, 3))).collect()),
        sample: None,
    }
}
fn task(name: &str, n: usize) -> TrackSummary {
    let lengths = [5, 10, 15, 20, 21, 22, 23, 24, 25, 30, 35, 40];
    let variants: Vec<_> = (0..NAMES.len())
        .map(|i| {
            let mut v = variant(i, n, 2000, 2, 4);
            let reach = [9.0, 1.0, 1.5, 2.0, 2.5, 8.0, 14.0, 18.0][i];
            for at in lengths {
                let values: Vec<_> = (0..n)
                    .map(|s| {
                        if i == 1 && at > 20 {
                            return None;
                        }
                        if i == 2 && s == 1 {
                            return None;
                        }
                        let x = if at <= 20 {
                            0.985 + 0.03 * noise(i, s, at)
                        } else {
                            (1.0 / (1.0 + ((at as f64 - 20.0 - reach + 4.0 * noise(i, s, 0)) / 2.0).exp()))
                                .clamp(0.0, 1.0)
                        };
                        Some((x.clamp(0.0, 1.0) * 100.0).round() / 100.0)
                    })
                    .collect();
                v.series.push(SeriesPoint {
                    name: MeasureName::ExactMatch,
                    at,
                    spread: Spread::of(values),
                    note: (i == 1 && at > 20).then(|| "past the table of 42 learned positions".to_string()),
                });
            }
            let head: Vec<_> = (0..n)
                .map(|s| {
                    let x: Option<Vec<f64>> = lengths[4..]
                        .iter()
                        .map(|at| v.at(MeasureName::ExactMatch, *at).unwrap().spread.values[s])
                        .collect();
                    x.map(|x| mean(&x))
                })
                .collect();
            v.headline = Spread::of(head);
            if i == 2 {
                v.diverged = vec![2];
            }
            if i == 3 {
                v.failed_gate = vec![1, 4];
                v.headline = Spread::of(
                    v.headline.values.iter().enumerate().map(|(s, x)| x.filter(|_| s != 0 && s != 3)).collect(),
                );
            }
            v
        })
        .collect();
    TrackSummary {
        name: name.into(),
        track: Track::Task {
            task: name.into(),
            train_lengths: [1, 20],
            test_lengths: lengths.into(),
            examples: 100,
            set: Default::default(),
        },
        trained_on: 20,
        steps: 2000,
        headline: Headline { name: MeasureName::ExactMatch, at: lengths[4..].into() },
        comparisons: compared(&variants, 1.0),
        variants,
    }
}
fn language(n: usize) -> TrackSummary {
    let lengths = [64, 80, 96, 128, 256, 512];
    let variants: Vec<_> = (0..NAMES.len()).map(|i| {
        let mut v = variant(i, n, 3000, 4, 4);
        for at in lengths {
            let over = (at as f64 / 64.0).log2();
            let grow = [0.08, 0.0, 0.9, 0.35, 0.25, -0.04, -0.03, 0.02][i];
            for (name, less) in [(MeasureName::BitsPerByte, 0.0), (MeasureName::BitsPerByteSliding, 0.07)] {
                let values: Vec<_> = (0..n).map(|s| if i == 1 && at > 64 { None } else { Some(2.1 + 0.02 * i as f64 + grow * over * over.max(1.0) - less + 0.05 * noise(i, s, at)) }).collect();
                v.series.push(SeriesPoint { name, at, spread: Spread::of(values), note: (i == 1 && at > 64).then(|| "past the table of 64 learned positions".to_string()) });
            }
        }
        let longest = if i == 1 { 64 } else { 512 };
        for at in (0..longest).step_by(8) {
            let grow = [0.2, 0.0, 2.0, 1.0, 0.7, 0.0, 0.0, 0.1][i];
            let values = (0..n).map(|s| Some(2.0 + 1.5 / (1.0 + at as f64 / 4.0) + grow * ((at as f64 - 64.0) / 448.0).max(0.0) + 0.1 * noise(i, s, at))).collect();
            v.series.push(SeriesPoint { name: MeasureName::LossAtPosition, at, spread: Spread::of(values), note: None });
        }
        if i == 3 || i == 4 { for at in &lengths[1..] { for (k, name) in [MeasureName::BitsPerByteLinear, MeasureName::BitsPerByteNtk, MeasureName::BitsPerByteYarn].into_iter().enumerate() {
            v.series.push(SeriesPoint { name, at: *at, spread: Spread::of((0..n).map(|s| Some(2.2 + [0.2, 0.1, 0.05][k] * (*at as f64 / 64.0).log2() + 0.05 * noise(i, s, k))).collect()), note: None }); } } }
        for (name, x) in [(MeasureName::LossWholeWindow, if i == 0 { 0.03 } else { 1.9 }), (MeasureName::LossPastOnly, 1.9)] {
            v.series.push(SeriesPoint { name, at: 64, spread: Spread::of((0..n).map(|s| Some(x + 0.01 * noise(i, s, 1))).collect()), note: None });
        }
        v.headline = v.at(MeasureName::BitsPerByte, 128).unwrap().spread.clone();
        v.sample = Some("Once upon a time there was a little girl who lived near the sea. 옛날 옛적에 <b>작은</b> 마을\u{1b}[0m에\nShe had a cat.".into());
        v
    }).collect();
    TrackSummary {
        name: "stories".into(),
        track: Track::Language {
            sources: vec!["data/stories-en.txt".into(), "data/stories-ko.txt".into()],
            documents: Default::default(),
            tokenizer: sisun_config::TokenizerConfig::Char,
            factors: vec![1.0, 1.25, 1.5, 2.0, 4.0, 8.0],
            eval_tokens: 7680,
            set: Default::default(),
        },
        trained_on: 64,
        steps: 3000,
        headline: Headline { name: MeasureName::BitsPerByte, at: vec![128] },
        comparisons: compared(&variants, -1.0),
        variants,
    }
}
#[test]
fn look() {
    for n in [3, 6, 12] {
        let tracks = vec![task("copy", n), task("reverse", n), language(n)];
        let scores: Vec<Vec<f64>> =
            tracks[..2].iter().map(|t| t.variants.iter().map(|v| v.headline.mean).collect()).collect();
        let mut s = Summary {
            name: "positions".into(),
            budget: "class".into(),
            seeds: (1..=n as u64).collect(),
            variants: NAMES.map(String::from).into(),
            mean_reciprocal_ranks: mean_reciprocal_rank(&scores),
            verdicts: judge(&tracks),
            missing: vec![],
            tracks,
        };
        if n == 3 {
            s.missing = vec!["copy / none / 3".into(), "reverse / alibi / 2".into()];
        }
        if n == 12 {
            s.verdicts[1].standing = Standing::Disagrees;
        }
        report::write(&s, std::path::Path::new(&format!("/root/lab/report/out{n}"))).unwrap();
    }
}
