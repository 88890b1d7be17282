//! Execution of a comparison: its cells run in parallel, and every finished one is saved.

use crate::CompareError;
use crate::cell;
use crate::grid::{Cell, Grid, Network};
use crate::parts;
use crate::read_tracks::read_tracks;
use crate::results::{CellOutcome, CellResult};
use crate::store::{SETTINGS, Store};
use crate::summarize::summarize;
use crate::summary::{FiledCell, Summary};
use crate::sweep::choose;
use crate::track_data::{TrackData, TrackText};
use burn::tensor::Device;
use sisun_config::{ModelConfig, TrainConfig};
use sisun_files::{is_file, is_folder};
use sisun_model::memory;
use sisun_train::seq2seq::expected_bytes;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Subdirectory of a comparison for its sweep.
const SWEEP: &str = "sweep";

/// A part of the grid, for several machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Number of the part, from 1.
    pub number: usize,
    /// Number of parts.
    pub of: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (number, of) = text.split_once('/')?;
            let shard = Shard {
                number: number.trim().parse().ok()?,
                of: of.trim().parse().ok()?,
            };
            (1..=shard.of).contains(&shard.number).then_some(shard)
        };
        parse().ok_or_else(|| format!("{text:?} is no part: write it as 1/3, the first of three"))
    }
}

/// Settings for running a grid.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Number of cells that run in parallel, each on one thread.
    pub jobs: usize,
    /// The part of the cells to run, if not all.
    pub shard: Option<Shard>,
    /// Device for training.
    pub device: Device,
    /// Folder of the token caches.
    pub cache: PathBuf,
}

/// A report of progress while a grid runs.
#[derive(Clone, Debug)]
pub enum Event {
    /// A message for the user.
    Note(String),
    /// The start of the run.
    Begun {
        /// Number of tracks.
        tracks: usize,
        /// Number of variants; in a sweep, with each of the settings that it tries.
        variants: usize,
        /// Number of seeds.
        seeds: usize,
        /// Number of cells of this shard.
        cells: usize,
        /// Number of those that had results already.
        done: usize,
        /// Number of remaining steps, weighted by their tokens.
        work: u64,
    },
    /// Progress by this amount of work.
    Worked(u64),
    /// The completion of a cell.
    CellDone {
        /// `track / variant / seed`.
        cell: String,
        /// Outcome of training.
        outcome: CellOutcome,
        /// Duration in seconds.
        seconds: f64,
    },
}

/// The result of running a grid.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Summary of the results so far.
    pub summary: Summary,
    /// True if it was stopped.
    pub interrupted: bool,
    /// True if it was stopped during its sweep, so that no cell of its own was run.
    pub in_sweep: bool,
}

/// Run the cells that have no result yet, and summarize. A sweep runs first, in a subdirectory;
/// every part of a grid runs the whole sweep. Each cell runs on one thread whatever `jobs` is, so
/// its result is always the same. When `stop` is set, running cells are abandoned, and a later call
/// starts them again.
///
/// # Errors
/// If the text or the settings are unusable, if the directory holds another comparison, or if a
/// file cannot be written.
pub fn run(
    grid: &Grid,
    out: &Path,
    plan: &Plan,
    stop: &AtomicBool,
    watch: &(dyn Fn(Event) + Sync),
) -> Result<Finished, CompareError> {
    // Check before reading texts, which may take long; their vocabularies are counted later.
    check_memory(grid, &BTreeMap::new(), plan)?;
    let work = Work {
        data: &read_data(grid, plan, watch)?,
        plan,
        stop,
        watch,
    };
    check_memory(grid, work.data, plan)?;
    let mut grid = grid.clone();
    if let Some(sweep) = &grid.sweep {
        Store::check_place(out, &grid)?;
        watch(Event::Note(format!(
            "a sweep of {} models first, to choose settings",
            sweep.cells.len()
        )));
        let store = work.run_cells(sweep, &out.join(SWEEP), None)?;
        match after_sweep(&grid, sweep, &store)? {
            Some(chosen) => grid = chosen,
            None => {
                let summary = summarize(&grid, &vec![None; grid.cells.len()]);
                return Ok(Finished {
                    summary,
                    interrupted: true,
                    in_sweep: true,
                });
            }
        }
    }
    let store = work.run_cells(&grid, out, plan.shard)?;
    Ok(Finished {
        summary: sum_up(&grid, &store)?,
        interrupted: stop.load(Ordering::Relaxed),
        in_sweep: false,
    })
}

/// Check that the models trained in parallel fit into memory. Cells whose data are not read yet are
/// left out if it depends on them.
fn check_memory(
    grid: &Grid,
    data: &BTreeMap<String, TrackData>,
    plan: &Plan,
) -> Result<(), CompareError> {
    let cells = grid
        .cells
        .iter()
        .chain(grid.sweep.iter().flat_map(|sweep| &sweep.cells));
    let (mut largest, mut of) = (0_u128, None);
    for cell in cells {
        let bytes = match (&cell.settings.network, data.get(&cell.track)) {
            (Network::Model(model), data) => {
                bytes_of_model(cell, model, data.and_then(TrackData::text), plan)?
            }
            (Network::Seq2seq(config), Some(TrackData::Pairs(data))) => {
                expected_bytes(config, &cell.settings.train, &data.pairs).into()
            }
            (Network::Seq2seq(_), _) => continue,
        };
        if bytes > largest {
            (largest, of) = (bytes, Some(cell));
        }
    }
    let jobs = plan.jobs.min(grid.cells.len());
    let what = || {
        of.map_or_else(String::new, |cell| {
            format!("training {jobs} models like {cell} side by side")
        })
    };
    let remedy = || "train fewer of them side by side".to_owned();
    Ok(memory::check(
        largest.saturating_mul(jobs as u128),
        &plan.device,
        what,
        remedy,
    )?)
}

/// Return the bytes that training a cell needs, and check that it can have them.
fn bytes_of_model(
    cell: &Cell,
    model: &ModelConfig,
    text: Option<&TrackText>,
    plan: &Plan,
) -> Result<u128, CompareError> {
    let mut model = model.clone();
    if let Some(text) = text {
        model
            .vocab_size
            .get_or_insert(text.corpus.tokenizer.vocab_size());
    }
    let TrainConfig {
        batch_size,
        gradient_accumulation_steps,
        ..
    } = cell.settings.train;
    let training = memory::Training {
        model: &model,
        batch_size,
        gradient_accumulation_steps,
        low_rank: false,
    };
    training.check(&plan.device)?;
    Ok(training.bytes())
}

/// Return the grid with the settings that its sweep chooses, or `None` if results are missing.
fn after_sweep(grid: &Grid, sweep: &Grid, store: &Store) -> Result<Option<Grid>, CompareError> {
    let found: Result<Vec<_>, CompareError> =
        sweep.cells.iter().map(|cell| store.read(cell)).collect();
    let results: Option<Vec<CellResult>> = found?.into_iter().map(|found| Some(found?.0)).collect();
    results
        .map(|results| grid.with_chosen(choose(grid, sweep, &results)))
        .transpose()
}

/// Data that the cells of a run share.
struct Work<'a> {
    data: &'a BTreeMap<String, TrackData>,
    plan: &'a Plan,
    stop: &'a AtomicBool,
    watch: &'a (dyn Fn(Event) + Sync),
}

impl Work<'_> {
    /// Run the cells of this part that have no result yet.
    fn run_cells(
        &self,
        grid: &Grid,
        out: &Path,
        shard: Option<Shard>,
    ) -> Result<Store, CompareError> {
        let store = Store::open(out, grid, &hashes(self.data))?;
        let mine = grid
            .cells
            .iter()
            .enumerate()
            .filter(|(i, _)| shard.is_none_or(|s| i % s.of == s.number - 1));
        let mine: Vec<&Cell> = mine.map(|(_, cell)| cell).collect();
        let mut open: Vec<&Cell> = Vec::new();
        for &cell in &mine {
            if store.read(cell)?.is_some() {
                continue;
            }
            if store.has_file(cell)? {
                (self.watch)(Event::Note(format!(
                    "the result of {cell} is damaged: running it again"
                )));
            }
            open.push(cell);
        }
        let work = open.iter().map(|cell| {
            let of_step = work_of_step(cell, self.data.get(&cell.track));
            cell.settings.train.steps.saturating_mul(of_step)
        });
        let work = work.fold(0, u64::saturating_add);
        (self.watch)(Event::Begun {
            tracks: grid.tracks.len(),
            variants: grid.variants.len(),
            seeds: grid.seeds.len(),
            cells: mine.len(),
            done: mine.len() - open.len(),
            work,
        });
        let next = AtomicUsize::new(0);
        let failed: Mutex<Option<CompareError>> = Mutex::new(None);
        let halted = || self.stop.load(Ordering::Relaxed) || lock(&failed).is_some();
        let worker = || {
            while !halted() {
                let Some(cell) = open.get(next.fetch_add(1, Ordering::Relaxed)) else {
                    return;
                };
                if let Err(error) = self.run_cell(cell, grid, &store, &halted) {
                    lock(&failed).get_or_insert(error);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.plan.jobs.clamp(1, open.len().max(1)) {
                scope.spawn(worker);
            }
        });
        match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(store),
        }
    }

    fn run_cell(
        &self,
        cell: &Cell,
        grid: &Grid,
        store: &Store,
        halted: &(dyn Fn() -> bool + Sync),
    ) -> Result<(), CompareError> {
        let track = grid
            .track(&cell.track)
            .expect("a grid's cells are of its own tracks");
        let data = self.data.get(&cell.track);
        let work = work_of_step(cell, data);
        let stepped = || {
            (self.watch)(Event::Worked(work));
            if halted() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        // A pool of one thread: operations cannot share work, and every cell computes the same
        // bits.
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .map_err(|error| CompareError::Io {
                verb: "start a thread for",
                path: cell.to_string().into(),
                source: std::io::Error::other(error),
            })?;
        let done = pool.install(|| {
            let stepped: &(dyn Fn() -> ControlFlow<()> + Sync) = &stepped;
            cell::run(cell, track, data, &self.plan.device, stepped)
        })?;
        let Some((result, timing)) = done else {
            return Ok(());
        };
        store.write(cell, &result, Some(&timing))?;
        (self.watch)(Event::CellDone {
            cell: cell.label(),
            outcome: result.outcome,
            seconds: timing.total_s,
        });
        Ok(())
    }
}

/// Join directories of the same comparison, each with some of its results, in a new one, and
/// summarize.
///
/// # Errors
/// If a directory holds another comparison, if a text has changed, or if a file cannot be written.
pub fn merge(
    parts: &[PathBuf],
    out: &Path,
    plan: &Plan,
    watch: &(dyn Fn(Event) + Sync),
) -> Result<Summary, CompareError> {
    let settings = |part: &Path| {
        let path = part.join(SETTINGS);
        let found = is_folder(part).and_then(|is_folder| Ok(is_folder && is_file(&path)?));
        match found.map_err(CompareError::io("read", &path))? {
            true => Ok(path),
            false => Err(CompareError::NotAComparison {
                path: part.to_owned(),
            }),
        }
    };
    let first = parts
        .first()
        .ok_or_else(|| CompareError::invalid("parts", "none", "name at least one directory"))?;
    let grid = Grid::reopen(&settings(first)?)?;
    let hashes = hashes(&read_data(&grid, plan, watch)?);
    let changed = |error| match error {
        CompareError::OtherGrid { .. } => CompareError::ChangedPart {
            path: first.clone(),
            difference: "a text or a setting is another".to_owned(),
        },
        error => error,
    };
    let as_first = grid.clone();
    let grid = match &grid.sweep {
        None => grid,
        // Every part has run the same sweep.
        Some(sweep) => after_sweep(
            &grid,
            sweep,
            &Store::open_to_read(&first.join(SWEEP), sweep, &hashes).map_err(changed)?,
        )?
        .ok_or_else(|| CompareError::SweepUnfinished {
            path: first.clone(),
        })?,
    };
    let mut stores = Vec::new();
    for part in parts {
        let settings = settings(part)?;
        let store = Store::open_to_read(part, &grid, &hashes).map_err(|error| match error {
            CompareError::OtherGrid { .. } if part == first => changed(error),
            CompareError::OtherGrid { difference, .. } => CompareError::OtherPart {
                first: first.clone(),
                path: part.clone(),
                difference: Grid::reopen(&settings)
                    .ok()
                    .and_then(|other| parts::difference((first, &as_first), (part, &other)))
                    .unwrap_or(difference),
            },
            error => error,
        });
        stores.push(store?);
    }
    let joined = Store::open(out, &grid, &hashes)?;
    for cell in &grid.cells {
        for store in &stores {
            if let Some((result, timing)) = store.read(cell)? {
                joined.write(cell, &result, timing.as_ref())?;
                break;
            }
        }
    }
    sum_up(&grid, &joined)
}

fn sum_up(grid: &Grid, store: &Store) -> Result<Summary, CompareError> {
    let found: Result<Vec<Option<FiledCell>>, CompareError> =
        grid.cells.iter().map(|cell| store.read(cell)).collect();
    Ok(summarize(grid, &found?))
}

fn read_data(
    grid: &Grid,
    plan: &Plan,
    watch: &(dyn Fn(Event) + Sync),
) -> Result<BTreeMap<String, TrackData>, CompareError> {
    read_tracks(grid, &plan.cache, &plan.device, &|line| {
        watch(Event::Note(line))
    })
}

fn hashes(data: &BTreeMap<String, TrackData>) -> BTreeMap<String, String> {
    data.iter()
        .map(|(name, data)| (name.clone(), data.sha256()))
        .collect()
}

/// Return the number of tokens that a step of the cell reads.
fn work_of_step(cell: &Cell, data: Option<&TrackData>) -> u64 {
    let train = &cell.settings.train;
    let tokens = match &cell.settings.network {
        Network::Model(model) => model.context_len,
        Network::Seq2seq(_) => data.and_then(TrackData::pairs).map_or(1, |data| {
            let pairs = &data.pairs.train.tokens;
            let tokens = pairs
                .iter()
                .map(|pair| pair.source.len() + pair.target.len() + 1);
            (tokens.sum::<usize>() / pairs.len().max(1)).max(1)
        }),
    };
    train
        .batch_size
        .saturating_mul(train.gradient_accumulation_steps)
        .saturating_mul(tokens) as u64
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // The value is always replaced as a whole, so a panic elsewhere leaves it intact.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
