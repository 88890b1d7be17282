use super::super::claim::PairRule;
use super::super::{judge, pairs};
use super::{Standing, track, variant};
use crate::results::MeasureName;
use crate::summary::{Headline, TrackSummary, VariantSummary};

const NAMES: [&str; 2] = ["last 64", "dot 128"];

fn reversing(variants: Vec<VariantSummary>) -> TrackSummary {
    let headline = Headline {
        name: MeasureName::ExactMatch,
        at: vec![8, 40],
    };
    let toml = "kind = \"pair_task\"\ntask = \"reverse\"";
    track(toml, 40, headline, variants)
}

/// Judge a rule by variants with these values at the shortest and the longest sources.
fn judged(rule: PairRule, values: [[&[f64]; 2]; 2]) -> (Standing, String) {
    let variants = NAMES.iter().zip(values).map(|(name, [short, long])| {
        let means: Vec<f64> = short.iter().zip(long).map(|(a, b)| (a + b) / 2.0).collect();
        let points = [
            (MeasureName::ExactMatch, 8, short),
            (MeasureName::ExactMatch, 40, long),
            (MeasureName::AlignmentErrorRate, 8, short),
            (MeasureName::AlignmentErrorRate, 40, long),
            (MeasureName::AlignmentErrorRateOneHead, 40, short),
            (MeasureName::AlignmentErrorRateHeadForEachPlace, 40, long),
        ];
        variant(name, &means, &points)
    });
    pairs::judge(&reversing(variants.collect()), rule).expect("both variants are there")
}

const HIGH: &[f64] = &[1.0, 0.98, 1.0, 0.99];
const LOW: &[f64] = &[0.0, 0.02, 0.01, 0.0];
const MIXED: &[f64] = &[0.0, 0.9, 0.1, 1.0];

#[test]
fn a_cliff_is_judged_at_the_longest_sources() {
    let rule = PairRule::FailsOnLongest {
        variant: "last 64",
        limit: 0.1,
    };
    let (standing, found) = judged(rule, [[HIGH, LOW], [HIGH, HIGH]]);
    assert_eq!(standing, Standing::Agrees);
    assert!(
        found.contains("up to 40 tokens") && found.contains("limit 0.1"),
        "{found}"
    );
    assert_eq!(
        judged(rule, [[LOW, HIGH], [HIGH, HIGH]]).0,
        Standing::Disagrees
    );
    assert_eq!(
        judged(rule, [[HIGH, MIXED], [HIGH, HIGH]]).0,
        Standing::CannotTell
    );
}

#[test]
fn no_cliff_means_no_fall_beyond_the_margin() {
    let rule = PairRule::KeepsUp {
        variant: "dot 128",
        margin: 0.05,
    };
    let with = |long| judged(rule, [[HIGH, LOW], [HIGH, long]]);
    let (standing, found) = with(HIGH);
    assert_eq!(standing, Standing::Agrees);
    assert!(found.contains("margin 0.05"), "{found}");
    assert_eq!(with(LOW).0, Standing::Disagrees);
    assert_eq!(with(MIXED).0, Standing::CannotTell);
    assert_eq!(judged(rule, [[HIGH, LOW], [LOW, HIGH]]).0, Standing::Agrees);
}

#[test]
fn alike_is_more_than_not_different() {
    let rule = PairRule::Alike {
        a: "last 64",
        b: "dot 128",
        margin: 0.05,
    };
    assert_eq!(
        judged(rule, [[HIGH, HIGH], [HIGH, HIGH]]).0,
        Standing::Agrees
    );
    assert_eq!(
        judged(rule, [[HIGH, LOW], [HIGH, HIGH]]).0,
        Standing::Disagrees
    );
    assert_eq!(
        judged(rule, [[HIGH, HIGH], [HIGH, LOW]]).0,
        Standing::Disagrees
    );
    // A difference that may be nothing or much.
    assert_eq!(
        judged(rule, [[HIGH, MIXED], [HIGH, HIGH]]).0,
        Standing::CannotTell
    );
}

#[test]
fn one_context_writes_more_than_another() {
    let rule = PairRule::WritesMore {
        better: "dot 128",
        worse: "last 64",
    };
    assert_eq!(
        judged(rule, [[HIGH, LOW], [HIGH, HIGH]]).0,
        Standing::Agrees
    );
    assert_eq!(
        judged(rule, [[HIGH, HIGH], [HIGH, LOW]]).0,
        Standing::Disagrees
    );
    let rule = PairRule::Fails {
        variant: "last 64",
        limit: 0.1,
    };
    assert_eq!(judged(rule, [[LOW, LOW], [HIGH, HIGH]]).0, Standing::Agrees);
    assert_eq!(
        judged(rule, [[HIGH, LOW], [HIGH, HIGH]]).0,
        Standing::Disagrees
    );
}

#[test]
fn alignments_are_judged_by_their_mean_and_heads_by_what_a_choice_gains() {
    let rule = PairRule::PointsRight {
        variant: "dot 128",
        limit: 0.1,
    };
    assert_eq!(judged(rule, [[HIGH, HIGH], [LOW, LOW]]).0, Standing::Agrees);
    assert_eq!(
        judged(rule, [[HIGH, HIGH], [LOW, HIGH]]).0,
        Standing::Disagrees
    );
    let rule = PairRule::DividesWork { variant: "dot 128" };
    // The first value is the error of one head, the second that of a head for each place.
    assert_eq!(
        judged(rule, [[HIGH, HIGH], [HIGH, LOW]]).0,
        Standing::Agrees
    );
    assert_eq!(
        judged(rule, [[HIGH, HIGH], [LOW, HIGH]]).0,
        Standing::Disagrees
    );
    assert_eq!(
        judged(rule, [[HIGH, HIGH], [LOW, LOW]]).0,
        Standing::CannotTell
    );
}

#[test]
fn few_seeds_tell_nothing_and_a_missing_variant_is_left_out() {
    let rule = PairRule::Alike {
        a: "last 64",
        b: "dot 128",
        margin: 0.05,
    };
    let few: &[f64] = &[1.0, 1.0];
    let (standing, found) = judged(rule, [[few, few], [few, few]]);
    assert_eq!(standing, Standing::CannotTell);
    assert!(found.contains("2 seeds to judge by"), "{found}");
    let alone = [reversing(vec![variant("dot 128", HIGH, &[])])];
    assert!(pairs::judge(&alone[0], rule).is_none());
    assert!(judge(&alone).is_empty());
    // A task of text with the same name is another one.
    let points = [
        (MeasureName::ExactMatch, 8, HIGH),
        (MeasureName::ExactMatch, 40, LOW),
    ];
    let of_pairs = reversing(vec![variant("last 64", LOW, &points)]);
    assert_eq!(judge(&[of_pairs]).len(), 1);
    let toml =
        "kind = \"task\"\ntask = \"reverse\"\ntrain_lengths = [1, 40]\ntest_lengths = [8, 40]";
    let headline = Headline {
        name: MeasureName::ExactMatch,
        at: vec![8, 40],
    };
    let of_text = track(toml, 40, headline, vec![variant("last 64", LOW, &points)]);
    assert!(judge(&[of_text]).is_empty());
}
