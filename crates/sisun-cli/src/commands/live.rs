//! `sisun live`.

mod site;

use crate::common::{DeviceArgs, refuse_twice};
use crate::failure::Usage;
use crate::given_text;
use crate::model_source::PrecisionArgs;
use crate::pairs;
use crate::signals::stop_on_interrupt;
use crate::terminal::{say, say_json};
use crate::waiting;
use crate::watching::{Course, Followed, WatchSite};
use crate::work;
use anyhow::{Result, bail};
use burn::tensor::Device;
use serde_json::json;
use sisun_config::shell;
use sisun_infer::{CaptureSelection, Language};
use sisun_serve::{Queue, Server};
use sisun_viz::page::{Kind, Page, ServedModel};
use site::{Job, LiveSite};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The text of a page about a model that has none of its own.
const TEXT: &str = "The cat sat on the mat.";
/// Time after which the command looks whether it is to end.
const TICK: Duration = Duration::from_millis(100);
/// Time between two looks at the files of a run.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
/// Most runs on one page.
const MOST_RUNS: usize = 16;

/// Show the page that computes, for a model of any size, and training as it happens.
///
/// Of one RUN, the page is that of `sisun page`, for models too large for a file: Sisun computes,
/// and typing updates tokens, maps and next tokens, layer by layer. A second page shows its training:
/// losses, samples, and heads forming. Several runs are shown together on that page. Pages are
/// served to this machine only, at an address with a random token. Ctrl-C ends the command.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun live runs/quickstart
  sisun live runs/rope runs/alibi
  sisun live models/gpt2 --precision bf16 --text \"The cat sat on the mat.\"")]
pub(crate) struct Args {
    /// A run directory, one of its checkpoints (the best is used unless you name one), or a Hugging
    /// Face directory; or several runs, whose training is shown
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The text that the page opens with [default: the run's attend.text, else "The cat sat on the
    /// mat."]
    #[arg(long, value_name = "TEXT", value_parser = given_text::argument)]
    text: Option<String>,
    /// The port on 127.0.0.1 [default: any free one]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// Language that the page opens in: en or ko [default: ko for Korean text, else en]
    #[arg(long, value_name = "LANGUAGE")]
    language: Option<Language>,
    /// Print the addresses as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    precision: PrecisionArgs,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    if args.runs.len() > MOST_RUNS {
        let message = format!(
            "{} runs are more than the page shows, {MOST_RUNS}",
            args.runs.len()
        );
        return Err(Usage(message).into());
    }
    args.check_several()?;
    // Before a model is read, which may take long.
    let server = Server::bind(args.port)?;
    let mut model = match &args.runs[..] {
        [run] if pairs::run_of(run).is_none() => Some(opened(&args, run)?),
        _ => None,
    };
    let mut training = match &args.runs[..] {
        [run] if sisun_hf::is_model(run)? => None,
        runs => Some(Training::open(runs, args.language)?),
    };
    let stop = stop_on_interrupt("ending; press Ctrl-C again to quit at once")?;
    let jobs = Arc::new(Queue::default());
    let page = model.as_mut().map(|(page, _)| std::mem::take(page));
    let watch = training
        .as_ref()
        .map(|training| WatchSite::new(training.course.clone()));
    server.start(Arc::new(LiveSite::new(page, watch, Arc::clone(&jobs))))?;
    let address = server.address();
    let watched = match (&model, &training) {
        (_, None) => None,
        (Some(_), Some(_)) => Some(format!("{address}watch")),
        (None, Some(_)) => Some(address.clone()),
    };
    tell(&args, &address, watched.as_deref())?;
    let mut model = model.map(|(_, model)| model);
    while !stop.load(Ordering::Relaxed) {
        if let (Some(Job { request, to }), Some(model)) = (jobs.pop(TICK), &mut model) {
            // A page that has gone needs no answer.
            model.answer(&request, &mut |frame| to.send(frame).unwrap_or_default());
        } else if let Some(training) = &mut training {
            training.poll(&args.device);
        }
    }
    if let Some(training) = &training {
        training.course.events.end();
    }
    server.drain(Duration::from_secs(1));
    Ok(())
}

impl Args {
    /// Refuse what several runs, of which only the training is shown, do not have.
    fn check_several(&self) -> Result<()> {
        if self.runs.len() < 2 {
            return Ok(());
        }
        refuse_twice(&self.runs)?;
        let idle = [
            ("--text", self.text.is_some()),
            ("--precision", self.precision.is_reduced()),
        ];
        if let Some((option, _)) = idle.into_iter().find(|(_, given)| *given) {
            return Err(Usage(format!(
                "{option} is about the page of one model, and several runs show their training: leave it out"
            ))
            .into());
        }
        for run in &self.runs {
            if sisun_hf::is_model(run)? {
                return Err(Usage(format!(
                    "{} is a Hugging Face directory, which has no training to show: name it alone",
                    run.display()
                ))
                .into());
            }
        }
        Ok(())
    }
}

/// Runs whose training is shown.
struct Training {
    course: Course,
    runs: Vec<Followed>,
    /// Time of the next look at their files.
    due: Instant,
}

impl Training {
    fn open(paths: &[PathBuf], language: Option<Language>) -> Result<Self> {
        let names: Vec<String> = paths.iter().map(|path| name_of(path)).collect();
        let course = Course::new(names.join(", "), language.unwrap_or(Language::English));
        // Runs of one configuration have one name, and folders of their own.
        let runs = names.iter().zip(paths).enumerate();
        let runs = runs
            .map(|(number, (name, path))| Followed::open(number, name, path, &course))
            .collect::<Result<_>>()?;
        Ok(Self {
            course,
            runs,
            due: Instant::now(),
        })
    }

    /// Look at the files of the runs, if it is time.
    fn poll(&mut self, device: &DeviceArgs) {
        if Instant::now() < self.due {
            return;
        }
        for run in &mut self.runs {
            if let Some(problem) = run.poll(&self.course, &Device::flex()) {
                device.note(&format!("note: {problem}"));
            }
        }
        self.due = Instant::now() + BETWEEN_LOOKS;
    }
}

/// Return the name of a folder.
fn name_of(path: &Path) -> String {
    let full = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = full
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_default()
}

/// Open the model, and make its page.
fn opened(args: &Args, run: &Path) -> Result<(String, ServedModel)> {
    let chosen = args.device.choose(|| work::reading(run, args.precision))?;
    let opened = args.precision.open(run, &chosen.device)?;
    let loaded = &opened.loaded;
    args.device.note(&loaded.introduction());
    let own = args.text.as_deref().or(opened.attend_text());
    let text = own.unwrap_or(TEXT);
    let tokens = match loaded.tokens(text) {
        Err(_) if own.is_none() => bail!(
            "{} has no attend.text of its own to open with, and no tokens for {TEXT:?}: give a text with --text, as in\n  sisun live {} --text 'YOUR TEXT'",
            opened.kind(),
            shell::path(run)
        ),
        tokens => tokens?,
    };
    loaded.check_length(tokens.len())?;
    args.device.note_form(&loaded.tokenizer, text)?;
    args.device
        .note_length(tokens.len(), loaded.model.config().context_len);
    let language = args.language.unwrap_or_else(|| Language::of(text));
    let all = CaptureSelection::default();
    let mut page = Page::new(Kind::Model, &loaded.name, text, &all, language, 1);
    let served = page.serve_model(loaded)?;
    page.add(loaded, loaded.title(), None)?;
    Ok((page.html(), served))
}

/// Print the address, and that of the page of training if it is another one.
fn tell(args: &Args, address: &str, watched: Option<&str>) -> Result<()> {
    if args.json {
        say_json(&json!({ "address": address, "watch": watched }))?;
    } else {
        say(address)?;
        if let Some(watched) = watched.filter(|watched| *watched != address) {
            args.device.note(&format!("its training: {watched}"));
        }
        args.device
            .note("open it in a browser of this machine; Ctrl-C ends it");
    }
    waiting::end();
    Ok(())
}
