//! `sisun live`.

mod site;

use crate::common::DeviceArgs;
use crate::given_text;
use crate::model_source::PrecisionArgs;
use crate::pairs;
use crate::signals::stop_on_interrupt;
use crate::terminal::{say, say_json};
use crate::waiting;
use crate::work;
use anyhow::{Result, bail};
use serde_json::json;
use sisun_config::shell;
use sisun_infer::{CaptureSelection, Language};
use sisun_serve::{Queue, Server};
use sisun_viz::page::{Kind, Page, ServedModel};
use site::{Job, LiveSite};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The text of a page about a model that has none of its own.
const TEXT: &str = "The cat sat on the mat.";
/// Time after which the command looks whether it is to end.
const TICK: Duration = Duration::from_millis(100);

/// Show the page that computes, for a model of any size: Sisun computes, and your browser shows.
///
/// The page is that of `sisun page`, for models too large for a file: typing updates tokens, maps
/// and next tokens, layer by layer. It is served to this machine only, at an address with a random
/// token. Ctrl-C ends the command.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun live runs/quickstart
  sisun live models/TinyLlama --precision bf16 --text \"The cat sat on the mat.\"
  sisun live runs/quickstart --port 8000")]
pub(crate) struct Args {
    /// A run directory, one of its checkpoints (the best is used unless you name one), or a Hugging
    /// Face directory
    run: PathBuf,
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
    /// Print the address as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    precision: PrecisionArgs,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    pairs::refuse_run(&args.run, |_| {
        "the page computes decoder-only models; `sisun attend --format html` writes a page of one pair".to_owned()
    })?;
    // Before the model is read, which may take long.
    let server = Server::bind(args.port)?;
    let (page, mut model) = opened(&args)?;
    let stop = stop_on_interrupt("ending; press Ctrl-C again to quit at once")?;
    let jobs = Arc::new(Queue::default());
    server.start(Arc::new(LiveSite::new(page, Arc::clone(&jobs))))?;
    tell(&args, &server.address())?;
    answer(&mut model, &jobs, &stop);
    server.drain(Duration::from_secs(1));
    Ok(())
}

/// Open the model, and make its page.
fn opened(args: &Args) -> Result<(String, ServedModel)> {
    let chosen = args
        .device
        .choose(|| work::reading(&args.run, args.precision))?;
    let opened = args.precision.open(&args.run, &chosen.device)?;
    let loaded = &opened.loaded;
    args.device.note(&loaded.introduction());
    let own = args.text.as_deref().or(opened.attend_text());
    let text = own.unwrap_or(TEXT);
    let tokens = match loaded.tokens(text) {
        Err(_) if own.is_none() => bail!(
            "{} has no attend.text of its own to open with, and no tokens for {TEXT:?}: give a text with --text, as in\n  sisun live {} --text 'YOUR TEXT'",
            opened.kind(),
            shell::path(&args.run)
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

/// Print the address.
fn tell(args: &Args, address: &str) -> Result<()> {
    if args.json {
        say_json(&json!({ "address": address }))?;
    } else {
        say(address)?;
        args.device
            .note("open it in a browser of this machine; Ctrl-C ends it");
    }
    waiting::end();
    Ok(())
}

/// Answer requests in order, until the command is to end.
fn answer(model: &mut ServedModel, jobs: &Queue<Job>, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        if let Some(Job { request, to }) = jobs.pop(TICK) {
            // A page that has gone needs no answer.
            model.answer(&request, &mut |frame| to.send(frame).unwrap_or_default());
        }
    }
}
