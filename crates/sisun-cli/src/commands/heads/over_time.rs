//! `sisun heads --checkpoints`: at which step heads form.

use super::args::{Args, OverTimeArgs, Picture};
use crate::analysis::{say_files, write_files};
use crate::columns::{Align, aligned};
use crate::common::refuse_twice;
use crate::model_source::{ModelSource, is_damaged};
use crate::progress::Work;
use crate::terminal::{say, say_json};
use crate::work;
use anyhow::{Result, bail};
use burn::tensor::Device;
use serde_json::json;
use sisun_config::shell;
use sisun_infer::{Formation, FormingRun, HeadScore, Passing, ScoreCurve};
use sisun_model::thousands;
use sisun_viz::formation_chart;
use sisun_viz::maps::svg_to_png;
use std::path::{Path, PathBuf};

/// Measure the checkpoints of all runs.
pub(super) fn run(args: &Args, first: &Path) -> Result<()> {
    let device = &args.device;
    refuse_twice(&args.runs)?;
    let chosen = device.choose(|| work::reading(first, args.precision))?;
    let opened: Result<Vec<ModelSource>> = args
        .runs
        .iter()
        .map(|run| args.precision.open(run, &chosen.device))
        .collect();
    let opened = opened?;
    let mut kept = Vec::new();
    for (run, opened) in args.runs.iter().zip(&opened) {
        let checkpoints = opened.checkpoints()?;
        if checkpoints.len() < 2 {
            bail!(
                "{} keeps {} checkpoint, so nothing shows how heads form: train it with\n  --set train.keep_checkpoints=50 --set train.checkpoint_every=STEPS, as often as you want to look",
                run.display(),
                checkpoints.len()
            );
        }
        kept.push(checkpoints);
    }
    let given = args.text_file.or(args.text.as_ref())?;
    let own = || opened.iter().find_map(ModelSource::attend_text);
    let Some(text) = given.as_deref().or_else(own) else {
        bail!(
            "{} has no attend.text of its own to look at: give a text with --text, as in\n  sisun heads {} --checkpoints --text 'YOUR TEXT'",
            opened[0].kind(),
            shell::path(first)
        );
    };
    for opened in &opened {
        args.check_text(opened, text)?;
    }
    let progress = Work::new(device.quiet);
    progress.begin(kept.iter().map(Vec::len).sum::<usize>() as u64);
    let mut runs = Vec::new();
    for (path, checkpoints) in args.runs.iter().zip(&kept) {
        runs.push(measured(
            args,
            path,
            checkpoints,
            text,
            &chosen.device,
            &progress,
        )?);
    }
    progress.finish();
    let formations = Formation::of(&runs);
    let files = draw(args, &runs, &formations)?;
    if args.json {
        return say_json(&json!({
            "text": text,
            "runs": runs,
            "scores": formations,
            "files": files,
        }));
    }
    say(&summary(&formations))?;
    for run in &runs {
        say("")?;
        say(&of_run(run, &formations))?;
    }
    say_files(&files)
}

/// Measure the checkpoints of one run.
fn measured(
    args: &Args,
    run: &Path,
    checkpoints: &[PathBuf],
    text: &str,
    device: &Device,
    progress: &Work,
) -> Result<FormingRun> {
    let mut found = FormingRun {
        name: run.display().to_string(),
        steps: Vec::new(),
        heads: Vec::new(),
        curves: Vec::new(),
    };
    for checkpoint in checkpoints {
        let opened = match args.precision.open(checkpoint, device) {
            Err(error) if is_damaged(&error) => {
                args.device
                    .note(&format!("note: left out, because {error}"));
                progress.worked(1);
                continue;
            }
            opened => opened?.loaded,
        };
        let report = opened.heads(text)?;
        let heads = &report.heads;
        found.heads = heads
            .iter()
            .map(|head| (head.stats.layer, head.stats.head))
            .collect();
        for score in HeadScore::ALL {
            let Some(threshold) = score.threshold(&report.chance) else {
                continue;
            };
            let values = heads.iter().map(|head| score.of(head)).collect();
            match found.curves.iter_mut().find(|curve| curve.score == score) {
                Some(curve) => curve.values.push(values),
                None => found.curves.push(ScoreCurve {
                    score,
                    threshold: args.over_time.threshold.unwrap_or(threshold),
                    values: vec![values],
                }),
            }
        }
        found.steps.extend(opened.step);
        progress.worked(1);
    }
    if found.steps.len() < 2 {
        bail!(
            "of the checkpoints of {} fewer than two are whole: nothing shows how heads form",
            run.display()
        );
    }
    Ok(found)
}

/// Draw a picture of each score.
fn draw(args: &Args, runs: &[FormingRun], formations: &[Formation]) -> Result<Vec<PathBuf>> {
    let OverTimeArgs { format, out, .. } = &args.over_time;
    if format.is_empty() {
        return Ok(Vec::new());
    }
    let mut contents = Vec::new();
    for formation in formations {
        let name = format!("heads-{}", formation.score);
        let svg = formation_chart(runs, formation)?;
        if format.contains(&Picture::Png) {
            contents.push((format!("{name}.png"), svg_to_png(&svg, &name)?));
        }
        if format.contains(&Picture::Svg) {
            contents.push((format!("{name}.svg"), svg.into_bytes()));
        }
    }
    let out = out.as_deref().unwrap_or(Path::new("maps"));
    write_files(out, contents, &args.device)
}

/// Return a row for each score: in how many runs it passes, and at which step.
fn summary(formations: &[Formation]) -> String {
    let mut rows = vec![
        [
            "score",
            "threshold",
            "passed",
            "95% of share",
            "median step",
            "between",
            "held by",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    rows.extend(formations.iter().map(|formation| {
        let [low, high] = formation.thresholds;
        let (share, step) = (formation.share, formation.step);
        let at = |step: Option<u64>| step.map_or("later".to_owned(), thousands);
        vec![
            formation.score.to_string(),
            match high - low < 5e-4 {
                true => format!("{low:.3}"),
                false => format!("{low:.3}–{high:.3}"),
            },
            format!("{} of {}", share.passed, share.of),
            format!("{:.0}–{:.0}%", 100.0 * share.low, 100.0 * share.high),
            at(step.median),
            format!("{}–{}", at(step.low), at(step.high)),
            format!("{:.1}%", 100.0 * step.confidence),
        ]
    }));
    let table = aligned(&rows, &[Align::Left, Align::Right]);
    format!(
        "{table}\n95% of share: Wilson's interval. The steps between which the median lies are order statistics, which hold it\n\
         with the probability that is shown; later: after the last checkpoint."
    )
}

/// Return the steps at which a run passes.
fn of_run(run: &FormingRun, formations: &[Formation]) -> String {
    let mut rows = vec![
        [
            "score",
            "passes at",
            "not yet at",
            "head",
            "largest at the end",
            "head",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    let none = || "-".to_owned();
    let step = |step: Option<u64>| step.map_or_else(none, thousands);
    let head = |head: Option<(usize, usize)>| {
        head.map_or_else(none, |(layer, head)| format!("{layer}.{head}"))
    };
    let row = |score: HeadScore, passing: &Passing| {
        vec![
            score.to_string(),
            step(passing.step),
            step(passing.after),
            head(passing.head),
            passing
                .last
                .map_or_else(none, |(_, score)| format!("{score:.3}")),
            head(passing.last.map(|(head, _)| head)),
        ]
    };
    for formation in formations {
        let of_run = formation.runs.iter().filter(|one| one.run == run.name);
        rows.extend(of_run.map(|passing| row(formation.score, passing)));
    }
    format!(
        "{}, {} checkpoints up to step {}\n{}",
        run.name,
        run.steps.len(),
        thousands(run.steps.last().copied().unwrap_or_default()),
        aligned(&rows, &[Align::Left, Align::Right])
    )
}
