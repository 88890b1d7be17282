//! The figures of a track.

use super::figure::Figure;
use super::measured::{SCALED, measure_words, notes, numbers, places};
use super::text::{self, NOTHING, count};
use crate::CompareError;
use crate::results::MeasureName;
use crate::stats::Interval;
use crate::summary::{SeedSpread, TrackSummary, VariantSummary};
use crate::track::Track;
use sisun_viz::chart::{Axis, Dots, DotsRow, Heatmap, HeatmapRow, Line, Lines, Point};

const MULTIPLES: &str = "context length in tokens, and as a multiple of the trained one";
const OF_GROUP: &str = "longest source of a group, in tokens";
const BAND: &str = "the band is the 95 % interval over seeds";

/// Draw the headline, with a dot for every seed.
pub(super) fn headline(track: &TrackSummary) -> Result<Figure, CompareError> {
    let numbers = track
        .variants
        .iter()
        .flat_map(|variant| numbers(&variant.headline));
    let (x, better) = match track.headline.name {
        MeasureName::ExactMatch => (Axis::unit(), "more is better"),
        _ => (Axis::around(numbers), "less is better"),
    };
    let nothing = |variant: &VariantSummary| {
        super::headline::apart(track, variant)
            .first()
            .cloned()
            .unwrap_or_default()
    };
    let chart = Dots {
        title: format!("{}: {}", track.name, super::headline::headline_words(track)),
        below: format!(
            "Dots: seeds. Upright line: their mean. Bar: its 95 % interval. Here {better}."
        ),
        across: measure_words(track.headline.name).to_owned(),
        x,
        rows: track
            .variants
            .iter()
            .map(|v| dots_row(&v.name, &v.headline, text::number, nothing(v)))
            .collect(),
    };
    let gate = match track.track.has_gate() {
        true => " Only seeds that learned the trained lengths have a dot.",
        false => "",
    };
    let caption = format!(
        "What the variants are compared by. Every dot is a model trained from its own seed.{gate}"
    );
    Ok(figure(
        track,
        "headline",
        chart.title.clone(),
        caption,
        chart.svg()?,
    ))
}

/// Draw exact match or bits per byte by length.
pub(super) fn lengths(track: &TrackSummary) -> Result<Figure, CompareError> {
    let name = track.headline.name;
    let places = places(track, name);
    let mut lines = lines(track, |variant| series(variant, name));
    let notes = notes(track, name);
    let (x, y, below, across) = match &track.track {
        Track::Task { .. } => {
            let x = Axis::whole(places.iter().map(|at| *at as f64));
            (
                x,
                Axis::unit(),
                format!("Mean over seeds; {BAND}."),
                "length of the task",
            )
        }
        Track::PairTask { .. } | Track::Pairs { .. } => (
            Axis::whole(places.iter().map(|at| *at as f64)),
            Axis::unit(),
            format!("Mean over seeds; {BAND}."),
            OF_GROUP,
        ),
        Track::Language { .. } => {
            let sliding = |(number, variant): (usize, &VariantSummary)| Line {
                variant: number,
                label: None,
                points: series(variant, MeasureName::BitsPerByteSliding),
            };
            lines.extend(track.variants.iter().enumerate().map(sliding));
            let y = Axis::around(heights(&lines));
            let below = format!(
                "Less is better. Solid: windows side by side; {BAND}. Dashed: sliding windows."
            );
            (
                Axis::multiples(&places, track.trained_on),
                y,
                below,
                MULTIPLES,
            )
        }
    };
    let chart = Lines {
        title: format!("{}: {} by length", track.name, measure_words(name)),
        below,
        across: across.to_owned(),
        x,
        y,
        trained_on: trained_on(track),
        lines,
        notes,
    };
    let caption = match &track.track {
        Track::Task { .. } => {
            "Left of the upright line are lengths that were trained on, right of it lengths that no model has seen. \
             All seeds count here, also those that did not learn the trained lengths."
        }
        Track::PairTask { .. } | Track::Pairs { .. } => {
            "Pairs that are held out, in groups by the length of the source: a point is the share of the pairs of a \
             group whose target is written without a mistake. Pairs of all lengths are learnt."
        }
        Track::Language { .. } => {
            "The same text is read in windows of each length. Windows side by side (solid) judge every token, also \
             those with little before them; sliding windows (dashed) judge only tokens that have a long past. Where \
             solid falls and dashed does not, longer windows help only because fewer tokens stand at a window's \
             beginning."
        }
    };
    Ok(figure(
        track,
        "lengths",
        chart.title.clone(),
        caption.to_owned(),
        chart.svg()?,
    ))
}

/// Draw the alignment error rate by length.
pub(super) fn alignment(track: &TrackSummary) -> Result<Option<Figure>, CompareError> {
    let name = MeasureName::AlignmentErrorRate;
    let attends = |variant: &VariantSummary| {
        let mut points = variant.series(name);
        points.any(|point| numbers(&point.spread).next().is_some())
    };
    let lines: Vec<Line> = lines(track, |variant| series(variant, name))
        .into_iter()
        .filter(|line| track.variants.get(line.variant).is_some_and(attends))
        .collect();
    if lines.is_empty() {
        return Ok(None);
    }
    let chart = Lines {
        title: format!("{}: {} by length", track.name, measure_words(name)),
        below: format!("Mean over seeds, less is better; {BAND}."),
        across: OF_GROUP.to_owned(),
        x: Axis::whole(places(track, name).into_iter().map(|at| at as f64)),
        y: Axis::unit(),
        trained_on: None,
        lines,
        notes: Vec::new(),
    };
    let caption = "0 means that the largest weight of every target token lies on the source tokens from which it \
         comes. Of several heads it is the one with the lowest error on all pairs. Variants without attention are \
         left out.";
    Ok(Some(figure(
        track,
        "alignment",
        chart.title.clone(),
        caption.to_owned(),
        chart.svg()?,
    )))
}

/// Draw bits per byte by length for rotary positions that are scaled to longer contexts than the
/// trained one.
pub(super) fn scaling(track: &TrackSummary) -> Result<Option<Figure>, CompareError> {
    let stretched = |variant: &VariantSummary| {
        SCALED
            .iter()
            .any(|name| variant.series(*name).next().is_some())
    };
    let mut lines = Vec::new();
    for (number, variant) in track
        .variants
        .iter()
        .enumerate()
        .filter(|(_, variant)| stretched(variant))
    {
        let plain = series(variant, MeasureName::BitsPerByte);
        let start = plain
            .iter()
            .find(|point| point.x <= track.trained_on as f64)
            .copied();
        lines.push(Line {
            variant: number,
            label: Some(variant.name.clone()),
            points: plain,
        });
        for name in SCALED {
            // Colours and markers that no variant of the track has.
            let unused = track.variants.len() + lines.len();
            let mut points = series(variant, name);
            if points
                .first()
                .is_some_and(|first| first.x > track.trained_on as f64)
            {
                // Positions are not scaled within the trained context.
                points.splice(0..0, start);
            }
            let label = Some(format!("{}, {}", variant.name, measure_words(name)));
            lines.push(Line {
                variant: unused,
                label,
                points,
            });
        }
    }
    if lines.is_empty() {
        return Ok(None);
    }
    let chart = Lines {
        title: format!("{}: rotary positions stretched after training", track.name),
        below: format!("Bits per byte, less is better, in windows side by side; {BAND}."),
        across: MULTIPLES.to_owned(),
        x: Axis::multiples(&places(track, MeasureName::BitsPerByte), track.trained_on),
        y: Axis::around(heights(&lines)),
        trained_on: trained_on(track),
        lines,
        notes: Vec::new(),
    };
    let caption = "The same models, not trained again. At each length the rotary angles are changed by that length’s \
         factor: positions are interpolated (divided by it), the base is made larger (NTK-aware), or both in part \
         (YaRN).";
    Ok(Some(figure(
        track,
        "scaling",
        chart.title.clone(),
        caption.to_owned(),
        chart.svg()?,
    )))
}

/// Draw the training loss by step.
pub(super) fn curves(track: &TrackSummary) -> Result<Figure, CompareError> {
    let points = |variant: &VariantSummary| {
        variant
            .curve
            .iter()
            .map(|(step, spread)| point(*step as f64, spread))
            .collect::<Vec<_>>()
    };
    let lines = lines(track, points);
    let chart = Lines {
        title: format!("{}: training loss", track.name),
        below: format!("Mean over seeds of the loss in nats per token; {BAND}."),
        across: "step".to_owned(),
        x: Axis::whole(
            lines
                .iter()
                .flat_map(|line| line.points.iter().map(|point| point.x)),
        ),
        y: Axis::around(heights(&lines)),
        trained_on: None,
        lines,
        notes: Vec::new(),
    };
    let caption =
        "How fast each variant learns what it is trained on. It says nothing about other lengths."
            .to_owned();
    Ok(figure(
        track,
        "curves",
        chart.title.clone(),
        caption,
        chart.svg()?,
    ))
}

/// Draw the loss by position in the longest window.
pub(super) fn positions(track: &TrackSummary) -> Result<Option<Figure>, CompareError> {
    let name = MeasureName::LossAtPosition;
    if places(track, name).is_empty() {
        return Ok(None);
    }
    let lines = lines(track, |variant| series(variant, name));
    let chart = Lines {
        title: format!("{}: loss by position in the context", track.name),
        below: format!(
            "Mean over seeds of the loss in nats per token, in the longest windows; {BAND}."
        ),
        across: "position in the window".to_owned(),
        x: Axis::whole(
            lines
                .iter()
                .flat_map(|line| line.points.iter().map(|point| point.x)),
        ),
        y: Axis::around(heights(&lines)),
        trained_on: trained_on(track),
        lines,
        notes: notes(track, name),
    };
    let caption = "Each model reads the longest windows that it can. A model that uses what it has read gets better \
         along the window; one that meets positions unlike any in training gets worse right of the upright line.";
    Ok(Some(figure(
        track,
        "positions",
        chart.title.clone(),
        caption.to_owned(),
        chart.svg()?,
    )))
}

/// Draw the mean attention distance by head.
pub(super) fn distances(track: &TrackSummary) -> Result<Option<Figure>, CompareError> {
    let title = format!("{}: how far each head looks back", track.name);
    let below = "Mean distance in tokens between a token and those that it attends to, over seeds.";
    let caption = "Light cells are heads that look at what is near, dark ones look far. Heads are numbered within \
         their layer; head 0 of one seed need not do what head 0 of another does.";
    let row = |variant: &'_ VariantSummary| -> Vec<(usize, usize, f64)> {
        let heads = variant.heads.iter();
        heads
            .map(|(layer, head, spread)| (*layer, *head, spread.mean))
            .collect()
    };
    let chart = Heatmap {
        title,
        below: below.to_owned(),
        rows: track
            .variants
            .iter()
            .map(|variant| HeatmapRow {
                name: &variant.name,
                heads: row(variant),
            })
            .collect(),
    };
    let svg = chart.svg()?;
    Ok(svg.map(|svg| figure(track, "distances", chart.title, caption.to_owned(), svg)))
}

/// Draw the time of a training step.
pub(super) fn times(track: &TrackSummary) -> Result<Option<Figure>, CompareError> {
    if track
        .variants
        .iter()
        .all(|variant| variant.step_ms.mean.is_nan())
    {
        return Ok(None);
    }
    let numbers = track
        .variants
        .iter()
        .flat_map(|variant| numbers(&variant.step_ms));
    let chart = Dots {
        title: format!("{}: time of a training step", track.name),
        below:
            "Dots: the median step of each seed. Upright line: their mean. Bar: its 95 % interval."
                .to_owned(),
        across: "milliseconds".to_owned(),
        x: Axis::from_zero(numbers),
        rows: track
            .variants
            .iter()
            .map(|v| dots_row(&v.name, &v.step_ms, text::tenths, NOTHING.to_owned()))
            .collect(),
    };
    let caption =
        "Other models may have trained beside these, so the times compare variants, not machines."
            .to_owned();
    Ok(Some(figure(
        track,
        "time",
        chart.title.clone(),
        caption,
        chart.svg()?,
    )))
}

fn figure(track: &TrackSummary, kind: &str, title: String, caption: String, svg: String) -> Figure {
    Figure {
        stem: format!("{}-{kind}", text::file_name(&track.name)),
        title,
        caption,
        svg,
    }
}

fn trained_on(track: &TrackSummary) -> Option<(f64, String)> {
    let label = match &track.track {
        Track::Task {
            train_lengths: [shortest, longest],
            ..
        } => format!("trained on {shortest} to {longest}"),
        Track::Language { .. } => format!("trained on {}", count(track.trained_on, "token")),
        // Nothing is tested beyond the lengths of training.
        Track::PairTask { .. } | Track::Pairs { .. } => return None,
    };
    (track.trained_on > 0).then_some((track.trained_on as f64, label))
}

fn lines(track: &TrackSummary, points: impl Fn(&VariantSummary) -> Vec<Point>) -> Vec<Line> {
    let line = |(number, variant): (usize, &VariantSummary)| Line {
        variant: number,
        label: Some(variant.name.clone()),
        points: points(variant),
    };
    track.variants.iter().enumerate().map(line).collect()
}

fn series(variant: &VariantSummary, name: MeasureName) -> Vec<Point> {
    let mut points: Vec<Point> = variant
        .series(name)
        .map(|measured| point(measured.at as f64, &measured.spread))
        .collect();
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    points
}

fn point(x: f64, spread: &SeedSpread) -> Point {
    Point {
        x,
        y: spread.mean,
        interval: spread.interval.map(ends),
    }
}

fn ends(interval: Interval) -> [f64; 2] {
    [interval.low, interval.high]
}

/// The numbers of a variant, told by `told`, or `nothing` where it has none.
fn dots_row<'a>(
    name: &'a str,
    spread: &SeedSpread,
    told: fn(f64) -> String,
    nothing: String,
) -> DotsRow<'a> {
    DotsRow {
        name,
        values: spread.values.iter().flatten().copied().collect(),
        mean: spread.mean,
        interval: spread.interval.map(ends),
        told: if spread.mean.is_nan() {
            nothing
        } else {
            text::spread(spread, told)
        },
    }
}

/// Return the means and the ends of the intervals.
fn heights(lines: &[Line]) -> impl Iterator<Item = f64> {
    lines.iter().flat_map(move |line| {
        // Dashed lines have no bands.
        line.points.iter().flat_map(move |p| {
            let [low, high] = if line.label.is_some() {
                p.interval.unwrap_or([f64::NAN; 2])
            } else {
                [f64::NAN; 2]
            };
            [p.y, low, high]
        })
    })
}
