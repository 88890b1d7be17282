mod pairs;

use super::published::CLAIMS;
use super::{Rule, Standing, judge};
use crate::results::MeasureName;
use crate::summary::{Headline, SeedSpread, SeriesPoint, TrackSummary, VariantSummary};
use crate::track::Track;

fn spread(values: &[f64]) -> SeedSpread {
    // NaN means a seed without a value.
    SeedSpread::of(
        values
            .iter()
            .map(|value| Some(*value).filter(|value| !value.is_nan()))
            .collect(),
    )
}

fn variant(
    name: &str,
    headline: &[f64],
    points: &[(MeasureName, usize, &[f64])],
) -> VariantSummary {
    let point = |(name, at, values): &(MeasureName, usize, &[f64])| SeriesPoint {
        name: *name,
        at: *at,
        spread: spread(values),
        note: None,
    };
    VariantSummary {
        name: name.to_owned(),
        parameters: 1,
        diverged: Vec::new(),
        failed_gate: Vec::new(),
        headline: spread(headline),
        series: points.iter().map(point).collect(),
        curve: Vec::new(),
        heads: Vec::new(),
        step_ms: spread(&[]),
        sample: None,
    }
}

fn track(
    toml: &str,
    trained_on: usize,
    headline: Headline,
    variants: Vec<VariantSummary>,
) -> TrackSummary {
    let track: Track = toml::from_str(toml).expect("a track");
    TrackSummary {
        name: "made-up".to_owned(),
        track,
        trained_on,
        steps: 1,
        headline,
        variants,
        comparisons: Vec::new(),
    }
}

fn copying(variants: Vec<VariantSummary>) -> TrackSummary {
    let toml =
        "kind = \"task\"\ntask = \"copy\"\ntrain_lengths = [1, 10]\ntest_lengths = [10, 13, 20]";
    track(
        toml,
        10,
        Headline {
            name: MeasureName::ExactMatch,
            at: vec![13, 20],
        },
        variants,
    )
}

fn text(variants: Vec<VariantSummary>) -> TrackSummary {
    let headline = Headline {
        name: MeasureName::BitsPerByte,
        at: vec![128],
    };
    track(
        "kind = \"language\"\nsources = [\"x\"]",
        64,
        headline,
        variants,
    )
}

/// Return the standing of the only claim that these tracks can judge and that begins with this
/// text.
fn standing(tracks: &[TrackSummary], beginning: &str) -> (Standing, String) {
    let verdicts = judge(tracks);
    let mut fitting = verdicts
        .iter()
        .filter(|verdict| verdict.claim.statement.starts_with(beginning));
    let verdict = fitting
        .next()
        .unwrap_or_else(|| panic!("no verdict begins {beginning:?}"));
    assert!(fitting.next().is_none(), "{beginning:?} is not one claim");
    (verdict.standing, verdict.found.clone())
}

const NONE_OVER_SINUSOIDAL: &str = "Copying longer text than trained on, no positions at all";

#[test]
fn a_difference_is_judged_by_where_its_interval_lies() {
    let judged = |none: &[f64], sinusoidal: &[f64]| {
        let tracks = [copying(vec![
            variant("none", none, &[]),
            variant("sinusoidal", sinusoidal, &[]),
        ])];
        standing(&tracks, NONE_OVER_SINUSOIDAL).0
    };
    assert_eq!(
        judged(&[0.4, 0.5, 0.3, 0.6], &[0.1, 0.0, 0.1, 0.2]),
        Standing::Agrees
    );
    assert_eq!(
        judged(&[0.1, 0.0, 0.1, 0.2], &[0.4, 0.5, 0.3, 0.6]),
        Standing::Disagrees
    );
    assert_eq!(
        judged(&[0.4, 0.0, 0.3, 0.1], &[0.1, 0.3, 0.2, 0.2]),
        Standing::CannotTell
    );
    // If no variant has learned the task, there is no difference.
    assert_eq!(judged(&[0.0; 4], &[0.0; 4]), Standing::CannotTell);
}

#[test]
fn seeds_that_did_not_learn_the_task_do_not_count() {
    const N: f64 = f64::NAN;
    let mut none = variant("none", &[0.5, N, N, 0.6], &[]);
    none.failed_gate = vec![2, 3];
    let tracks = [copying(vec![
        none,
        variant("sinusoidal", &[0.0, 0.0, 0.0, 0.0], &[]),
    ])];
    let (standing, found) = standing(&tracks, NONE_OVER_SINUSOIDAL);
    assert_eq!(standing, Standing::CannotTell);
    assert_eq!(
        found,
        "2 seeds to judge by (2 seeds of none did not learn the task), 3 are needed"
    );
}

#[test]
fn a_limit_is_judged_at_the_last_tested_length_before_it() {
    let judged = |values: &[f64]| {
        let points: [(MeasureName, usize, &[f64]); 2] = [
            (MeasureName::ExactMatch, 13, values),
            (MeasureName::ExactMatch, 20, &[0.0; 3]),
        ];
        standing(
            &[copying(vec![variant("sinusoidal", &[0.1; 3], &points)])],
            "On random copying",
        )
    };
    assert_eq!(judged(&[0.0, 0.02, 0.05]).0, Standing::Agrees);
    assert_eq!(judged(&[0.4, 0.5, 0.6]).0, Standing::Disagrees);
    let (standing, found) = judged(&[0.0, 0.05, 0.3]);
    assert_eq!(standing, Standing::CannotTell);
    assert!(found.contains("at length 13"), "{found}");
}

#[test]
fn fewer_bits_are_better() {
    const LOW: &[f64] = &[1.0, 1.1, 1.05];
    const HIGH: &[f64] = &[1.5, 1.6, 1.55];
    let at = |place, values| (MeasureName::BitsPerByte, place, values);
    let judged = |alibi: [&'static [f64]; 2], sinusoidal: [&'static [f64]; 2], beginning| {
        let points = |[near, far]: [&'static [f64]; 2]| [at(64, near), at(128, far)];
        let tracks = [text(vec![
            variant("alibi", &[], &points(alibi)),
            variant("sinusoidal", &[], &points(sinusoidal)),
        ])];
        standing(&tracks, beginning).0
    };
    let twice = "At twice the trained context, ALiBi";
    assert_eq!(judged([LOW, LOW], [LOW, HIGH], twice), Standing::Agrees);
    assert_eq!(judged([LOW, HIGH], [LOW, LOW], twice), Standing::Disagrees);
    assert_eq!(judged([LOW, LOW], [LOW, LOW], twice), Standing::CannotTell);
    assert_eq!(
        judged(
            [LOW, LOW],
            [LOW, HIGH],
            "Sinusoidal positions predict text worse"
        ),
        Standing::Agrees
    );
    assert_eq!(
        judged(
            [LOW, LOW],
            [HIGH, LOW],
            "Sinusoidal positions predict text worse"
        ),
        Standing::Disagrees
    );
    assert_eq!(
        judged(
            [HIGH, LOW],
            [LOW, LOW],
            "ALiBi predicts text better at twice"
        ),
        Standing::Agrees
    );
    assert_eq!(
        judged(
            [LOW, HIGH],
            [LOW, LOW],
            "ALiBi predicts text better at twice"
        ),
        Standing::Disagrees
    );
    assert_eq!(
        judged([HIGH, LOW], [LOW, LOW], "At a trained context of 64"),
        Standing::Agrees
    );
}

#[test]
fn whether_a_task_can_be_learned_at_all_is_judged_at_the_longest_trained_length() {
    let judged = |values: &[f64]| {
        let points: [(MeasureName, usize, &[f64]); 3] = [
            (MeasureName::ExactMatch, 5, &[0.5; 3]),
            (MeasureName::ExactMatch, 10, values),
            (MeasureName::ExactMatch, 13, &[0.0; 3]),
        ];
        standing(
            &[copying(vec![variant("none", &[], &points)])],
            "Without positions",
        )
        .0
    };
    assert_eq!(judged(&[0.0, 0.05, 0.02]), Standing::Agrees);
    assert_eq!(judged(&[0.9, 0.95, 1.0]), Standing::Disagrees);
    assert_eq!(judged(&[0.0, 0.05, 0.8]), Standing::CannotTell);
}

#[test]
fn a_leak_is_a_loss_that_is_lower_with_the_future_in_view() {
    let judged = |whole: &[f64], past: &[f64]| {
        let points: [(MeasureName, usize, &[f64]); 2] = [
            (MeasureName::LossWholeWindow, 64, whole),
            (MeasureName::LossPastOnly, 64, past),
        ];
        standing(
            &[text(vec![variant("no mask", &[], &points)])],
            "Without a mask",
        )
        .0
    };
    assert_eq!(judged(&[0.1, 0.2, 0.1], &[4.0, 5.0, 6.0]), Standing::Agrees);
    assert_eq!(
        judged(&[4.0, 5.0, 6.0], &[0.1, 0.2, 0.1]),
        Standing::Disagrees
    );
    assert_eq!(
        judged(&[1.0, 1.0, 1.0], &[1.0, 1.0, 1.0]),
        Standing::CannotTell
    );
}

#[test]
fn claims_about_what_is_not_compared_are_left_out() {
    assert!(judge(&[copying(vec![variant("rope", &[0.1; 3], &[])])]).is_empty());
    assert!(judge(&[]).is_empty());
}

#[test]
fn a_claim_about_a_context_of_64_is_judged_there_only() {
    let points: [(MeasureName, usize, &[f64]); 1] = [(MeasureName::BitsPerByte, 32, &[1.0; 3])];
    let mut track = text(vec![
        variant("alibi", &[], &points),
        variant("sinusoidal", &[], &points),
    ]);
    track.trained_on = 32;
    assert!(
        judge(&[track])
            .iter()
            .all(|verdict| !verdict.claim.statement.contains("context of 64"))
    );
}

#[test]
fn every_claim_has_its_numbers_and_a_source() {
    for claim in CLAIMS.iter().chain(super::published_pairs::CLAIMS) {
        assert!(
            claim.statement.ends_with('.') && claim.source.contains("20"),
            "{claim:?}"
        );
        let numbers = claim.published.chars().any(|c| c.is_ascii_digit());
        assert!(
            numbers || claim.published.starts_with("no number"),
            "{claim:?}"
        );
        if let Rule::FallsTo { limit, .. } | Rule::Fails { limit, .. } = claim.rule {
            assert!((0.0..1.0).contains(&limit));
        }
    }
}
