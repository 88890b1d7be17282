//! `sisun compare`.

use crate::common::{DeviceArgs, claim, folder_beside};
use crate::failure::{Interrupted, Usage};
use crate::progress::Work;
use crate::signals::stop_on_interrupt;
use crate::terminal::{note, say, say_json};
use anyhow::{Context, Error, Result, anyhow};
use clap::Subcommand;
use sisun_compare::{
    CellOutcome, CompareError, Event, Grid, MeasureName, Plan, Shard, Standing, Summary,
    TrackSummary, merge, report, run,
};
use sisun_config::{DataConfig, shell};
use sisun_data::DataError;
use sisun_devices::Work as DeviceWork;
use sisun_files::{Holder, LockError, LockedDir, Patience, is_file};
use std::path::{Path, PathBuf};

/// Train every variant with every seed, evaluate all in the same way, and write a report with
/// statistics.
///
/// Finished runs are kept: if it is stopped, the same command continues.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "\
Examples:
  sisun compare configs/compare-positions.toml --budget smoke
  sisun compare configs/compare-positions.toml --out reports/positions --jobs 4
  sisun compare configs/compare-context.toml --budget smoke
  sisun compare configs/compare-positions.toml --out reports/first --shard 1/2
  sisun compare merge reports/first reports/second --out reports/positions")]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// The comparison, a TOML file
    #[arg(required = true)]
    config: Option<PathBuf>,
    /// Directory for results and the report [default: reports/NAME; of a budget other than class,
    /// reports/NAME-BUDGET]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Budget of the file to use
    #[arg(long, value_name = "NAME", default_value = USUAL_BUDGET)]
    budget: String,
    /// Train this many models at once, each on one thread [default: the number of processors]
    #[arg(long, value_name = "N")]
    jobs: Option<std::num::NonZeroUsize>,
    /// Train only this part of the models, as in 1/3, to share the work between machines
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Change a setting, as in --set tracks.copy.examples=500
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Wait if another process is working in the directory
    #[arg(long)]
    wait: bool,
    /// Print the summary as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArgs,
}

/// The budget that is used unless another is named.
const USUAL_BUDGET: &str = "class";

#[derive(Subcommand)]
enum Verb {
    /// Merge the parts computed on several machines
    Merge {
        /// Directories of the parts
        #[arg(required = true)]
        parts: Vec<PathBuf>,
        /// Output directory
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Wait if another process is writing there
        #[arg(long)]
        wait: bool,
        /// Print the summary as one JSON object
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        device: DeviceArgs,
    },
}

pub(crate) fn run_command(args: Args) -> Result<()> {
    if let Some(Verb::Merge {
        parts,
        out,
        wait,
        json,
        device,
    }) = args.verb
    {
        let _held = hold(&out, wait, &device)?;
        let plan = plan(&device, None, None)?;
        let watch = |event| {
            if let Event::Note(line) = event {
                device.note(&line);
            }
        };
        let summary = merge(&parts, &out, &plan, &watch).map_err(away_from_text)?;
        report::write(&summary, &out)?;
        return tell(&summary, &out, json);
    }
    let Some(config) = args.config else {
        return Err(Usage("name a comparison, a TOML file".to_owned()).into());
    };
    let grid = Grid::read(&config, &args.budget, &args.set)?;
    for key in &grid.former_keys {
        args.device.note(&format!("note: {key}"));
    }
    let out = args.out.unwrap_or_else(|| {
        let name = match args.budget.as_str() {
            USUAL_BUDGET => grid.name.clone(),
            budget => format!("{}-{budget}", grid.name),
        };
        Path::new("reports").join(name)
    });
    let _held = hold(&out, args.wait, &args.device)?;
    let plan = plan(&args.device, args.jobs, args.shard)?;
    let stop =
        stop_on_interrupt("stopping; finished cells are kept; press Ctrl-C again to quit at once")?;
    let progress = Work::new(args.device.quiet);
    let watch = |event: Event| match event {
        Event::Note(line) => progress.show(&line),
        Event::Begun {
            tracks,
            variants,
            seeds,
            cells,
            done,
            work,
        } => {
            let count = |n: usize, of: &str| format!("{n} {of}{}", if n == 1 { "" } else { "s" });
            progress.show(&format!(
                "{} × {} × {}: {}, {done} of them done before; {} at a time",
                count(tracks, "track"),
                count(variants, "variant"),
                count(seeds, "seed"),
                count(cells, "cell"),
                plan.jobs
            ));
            progress.begin(work);
        }
        Event::Worked(work) => progress.worked(work),
        Event::CellDone {
            cell,
            outcome,
            seconds,
        } => {
            let ended = match outcome {
                CellOutcome::Trained => String::new(),
                CellOutcome::Diverged { step } => format!(", diverged by step {step}"),
            };
            progress.done(&format!("{cell}: {seconds:.0} s{ended}"));
        }
    };
    let finished = run(&grid, &out, &plan, &stop, &watch);
    progress.finish();
    let finished = finished.map_err(|error| beside(error, &config))?;
    if finished.interrupted {
        let left = match finished.in_sweep {
            true => "in the sweep".to_owned(),
            false => format!("with {} cells to go", finished.summary.missing.len()),
        };
        note(&format!("stopped {left}; the same command goes on"));
        return Err(Interrupted.into());
    }
    if args.shard.is_some() {
        return say(&format!(
            "part done: {}\nwhen all parts are done: sisun compare merge {} OTHER_PARTS --out DIR",
            out.display(),
            shell::path(&out)
        ));
    }
    report::write(&finished.summary, &out)?;
    tell(&finished.summary, &out, args.json)
}

/// Add to a missing-text error of a merge why the text is needed.
fn away_from_text(error: CompareError) -> Error {
    let is_missing = matches!(
        &error,
        CompareError::Data {
            source: DataError::Missing { .. },
            ..
        }
    );
    let told = format!(
        "{error}; a merge checks that the parts were computed on this text: copy it to that place, or merge in the folder of one of the parts' machines"
    );
    match is_missing {
        true => Error::new(error).context(told),
        false => error.into(),
    }
}

/// Add to a missing-text error that paths are relative to the configuration's folder.
fn beside(error: CompareError, config: &Path) -> Error {
    let folder = match &error {
        CompareError::Data {
            source: DataError::Missing { path, .. },
            ..
        } => folder_beside(config, path),
        _ => None,
    };
    let told = folder.map(|folder| {
        format!(
            "{error}; relative paths start at the working directory, and it is there from {}: start the same there (cd {})",
            folder.display(),
            shell::path(folder)
        )
    });
    match told {
        Some(told) => Error::new(error).context(told),
        None => error.into(),
    }
}

/// Lock the directory.
fn hold(out: &Path, wait: bool, device: &DeviceArgs) -> Result<LockedDir> {
    let mut tell = |holder: &Holder| {
        device.note(&format!(
            "waiting for {holder}, which writes {}",
            out.display()
        ))
    };
    let patience = if wait {
        Patience::Wait(&mut tell)
    } else {
        Patience::Refuse
    };
    let held = LockedDir::take(out, patience).map_err(|error| match error {
        LockError::Taken { .. } => {
            anyhow!("{error}: wait until it is done (--wait does), or choose another place with --out DIR")
        }
        LockError::Io { .. } | LockError::Folder { .. } => error.into(),
    })?;
    device.note_ineffective_lock(&held);
    // Comparisons of older versions have no marker file.
    let identity = out.join(sisun_compare::IDENTITY);
    if !is_file(&identity).with_context(|| format!("cannot read {}", identity.display()))? {
        claim(out)?;
    }
    Ok(held)
}

/// Why a comparison takes the CPU under `--device auto`.
const ON_CPU: &str = "cells train side by side, one thread each, to the same bits";

fn plan(
    device: &DeviceArgs,
    jobs: Option<std::num::NonZeroUsize>,
    shard: Option<Shard>,
) -> Result<Plan> {
    if let Some(jobs) = jobs.filter(|jobs| jobs.get() > sisun_kernels::most_threads()) {
        let most = sisun_kernels::most_threads();
        return Err(Usage(format!(
            "--jobs {jobs}: more than this machine can run side by side; give at most {most}"
        ))
        .into());
    }
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Plan {
        jobs: jobs.map_or(processors, usize::from),
        shard,
        device: device.choose(|| Some(DeviceWork::OnCpu(ON_CPU)))?.device,
        cache: DataConfig::with_sources(Vec::new()).cache_folder(),
    })
}

fn tell(summary: &Summary, out: &Path, json: bool) -> Result<()> {
    if json {
        return say_json(summary);
    }
    for track in &summary.tracks {
        match summary.trial {
            true => say(&format!("{}: {}", track.name, summary.working(track)))?,
            false => say(&table(track))?,
        }
    }
    if summary.trial {
        say(&format!(
            "the budget {} is a trial: it shows that everything works, and its numbers mean nothing",
            summary.budget
        ))?;
    }
    let count = |standing| {
        summary
            .verdicts
            .iter()
            .filter(|verdict| verdict.standing == standing)
            .count()
    };
    if !summary.verdicts.is_empty() {
        say(&format!(
            "published directions: {} agree, {} disagree, {} cannot tell",
            count(Standing::Agrees),
            count(Standing::Disagrees),
            count(Standing::CannotTell)
        ))?;
    }
    if !summary.missing.is_empty() {
        say(&format!(
            "{} cells have no result yet",
            summary.missing.len()
        ))?;
    }
    say(&format!("report: {}", out.join("report.html").display()))
}

/// Format the headline of a track, one line per variant.
fn table(track: &TrackSummary) -> String {
    let places: Vec<String> = track.headline.at.iter().map(ToString::to_string).collect();
    let what = match track.headline.name {
        _ if track.track.has_pairs() => "exact match at sources of up to",
        MeasureName::ExactMatch => "exact match at lengths",
        _ => "bits per byte at",
    };
    let trained = match track.track.has_pairs() {
        true => "tokens (trained on all of them)".to_owned(),
        false => format!("(trained on {})", track.trained_on),
    };
    let mut text = format!("{}: {what} {} {trained}\n", track.name, places.join(", "));
    let width = track
        .variants
        .iter()
        .map(|variant| variant.name.chars().count())
        .max()
        .unwrap_or(0);
    for variant in &track.variants {
        let spread = &variant.headline;
        let number = |x: f64| {
            if x.is_nan() {
                "–".to_owned()
            } else {
                format!("{x:.3}")
            }
        };
        let interval = spread.interval.map_or(String::new(), |i| {
            format!("  [{:.3}, {:.3}]", i.low, i.high)
        });
        let seeds = |n: usize| {
            if n == 1 {
                "1 seed".to_owned()
            } else {
                format!("{n} seeds")
            }
        };
        let failed = match (variant.failed_gate.len(), variant.diverged.len()) {
            (0, 0) => String::new(),
            (failed, 0) => format!("  {} did not learn it", seeds(failed)),
            (0, diverged) => format!("  {} diverged", seeds(diverged)),
            (failed, diverged) => {
                format!("  {} did not learn it, {diverged} diverged", seeds(failed))
            }
        };
        text += &format!(
            "  {:width$}  {:>6}{interval}{failed}\n",
            variant.name,
            number(spread.mean)
        );
    }
    text
}
