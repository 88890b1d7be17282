//! Watching a run while it trains (`--watch`), and the replay of its course.

use super::shown::{MapsOf, Shown};
use crate::common::DeviceArgs;
use crate::failure::Usage;
use crate::output::{holds_page, make_parent};
use crate::terminal::note;
use crate::watching::{Course, MOST_WEIGHTS, State, WatchSite};
use anyhow::Result;
use clap::Args;
use sisun_config::Experiment;
use sisun_files::RunDir;
use sisun_infer::{AttentionMaps, Language};
use sisun_serve::Server;
use sisun_train::{Metric, Session, read_metrics};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time between two maps, as a multiple of the time that one takes: they cost about 5 % at most.
const PAUSE: u32 = 20;

/// Options of watching.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct WatchArgs {
    /// Show training in a browser as it happens: loss, learning rate, gradient norm, samples, and the
    /// heads of attend.text forming. The address is printed; the result of training stays the same
    #[arg(long)]
    watch: bool,
    /// The port of --watch on 127.0.0.1 [default: any free one]
    #[arg(long, value_name = "N", requires = "watch")]
    port: Option<u16>,
    /// Write the course of training as a page that replays it offline [default with --watch:
    /// replay.html in the run directory]
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
}

impl WatchArgs {
    /// Check where the replay is to be written, before anything is computed.
    ///
    /// # Errors
    /// If it is not a .html file, or a file that was not written as a replay.
    pub(super) fn check(&self) -> Result<()> {
        let Some(path) = &self.replay else {
            return Ok(());
        };
        let problem = if path.extension().is_none_or(|end| end != "html") {
            "name a .html file"
        } else if path.exists() && !holds_page(path, "sisun replay") {
            "it exists and is no replay; name another file"
        } else {
            return make_parent(path);
        };
        Err(Usage(format!("--replay {}: {problem}", path.display())).into())
    }

    /// Listen, if training is to be watched: before text is read, which may take long.
    ///
    /// # Errors
    /// If the port is in use.
    pub(super) fn listen(&self) -> Result<Watching> {
        let server = match self.watch {
            true => Some(Server::bind(self.port.unwrap_or(0))?),
            false => None,
        };
        Ok(Watching {
            server,
            replay: self.replay.clone(),
        })
    }
}

/// What is to be watched, before there is a run.
#[derive(Default)]
pub(super) struct Watching {
    server: Option<Server>,
    replay: Option<PathBuf>,
}

impl Watching {
    /// Begin to watch a run, if that was asked for.
    ///
    /// # Errors
    /// If the server cannot start.
    pub(super) fn start<M: Shown>(self, session: &Session<M>) -> Result<Option<Watch<M>>> {
        let Self { server, replay } = self;
        if server.is_none() && replay.is_none() {
            return Ok(None);
        }
        let replay = replay.unwrap_or_else(|| RunDir::new(&session.run_dir).replay());
        let config = &session.config;
        let name = config.name();
        let text = M::fixed_text(session).unwrap_or_default();
        let course = Course::new(name.to_owned(), Language::of(&text));
        course.run(0, name, config.train().steps);
        course.state(0, State::Running, "");
        // What a resumed run already has. Training has read the metrics itself.
        let earlier = read_metrics(&RunDir::new(&session.run_dir).metrics()).unwrap_or_default();
        let done = |metric: &&Metric| metric.step <= session.step();
        for metric in earlier.iter().filter(done) {
            course.metric(0, metric);
        }
        for (step, text) in session.samples().unwrap_or_default() {
            course.sample(0, step, &text);
        }
        if let Some(server) = &server {
            server.start(Arc::new(WatchSite::new(course.clone())))?;
            // Even with --quiet: without its address a page cannot be opened.
            note(&format!("watch: {}", server.address()));
        }
        let mut watch = Watch {
            server,
            replay,
            course,
            maps: M::maps(session),
            due: Instant::now(),
        };
        watch.reached(session.step(), session.model(), true);
        Ok(Some(watch))
    }
}

/// A run that is watched.
pub(super) struct Watch<M> {
    server: Option<Server>,
    replay: PathBuf,
    course: Course,
    maps: Option<MapsOf<M>>,
    /// Time of the next maps at the earliest.
    due: Instant,
}

impl<M: Shown> Watch<M> {
    pub(super) fn measured(&self, metric: &Metric) {
        self.course.metric(0, metric);
    }

    pub(super) fn sampled(&self, step: u64, text: &str) {
        self.course.sample(0, step, text);
    }

    /// Show the heads at a step, if it is time or they are `wanted`. A failure is told once, and
    /// never ends training.
    pub(super) fn reached(&mut self, step: u64, model: &M, wanted: bool) {
        let Some(maps) = &self.maps else {
            return;
        };
        let began = Instant::now();
        if !wanted && began < self.due {
            return;
        }
        let problem = match catch_unwind(AssertUnwindSafe(|| maps(step, model))) {
            Ok(Ok(found)) if weights(&found) > MOST_WEIGHTS => {
                "the maps of attend.text are too large".to_owned()
            }
            Ok(Ok(found)) => {
                self.course.maps(0, step, &found);
                self.due = Instant::now() + began.elapsed() * PAUSE;
                return;
            }
            Ok(Err(error)) => crate::hints::describe(&error),
            Err(_) => "the computation panicked".to_owned(),
        };
        self.maps = None;
        note(&format!(
            "note: the heads are not shown further: {problem}; training goes on"
        ));
    }

    /// Tell pages how training ended, and write the replay. Return its path.
    pub(super) fn end(self, state: State, message: &str, device: &DeviceArgs) -> Option<PathBuf> {
        self.course.state(0, state, message);
        let written = self.course.write_replay(&self.replay);
        self.course.events.end();
        if let Some(server) = &self.server {
            server.drain(Duration::from_secs(1));
        }
        match written {
            Ok(()) => Some(self.replay),
            Err(error) => {
                device.note(&format!("note: {error:#}"));
                None
            }
        }
    }
}

/// Return the number of weights of all maps.
fn weights(maps: &AttentionMaps) -> usize {
    maps.activations.iter().map(|map| map.values.len()).sum()
}
