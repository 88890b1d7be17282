//! `sisun init`.

mod choose;
mod demo;
mod render;
mod sizes;
mod text;

use crate::common::DeviceArgs;
use crate::failure::Usage;
use crate::needs::memory_of;
use crate::output::{ForceArgs, make_parent};
use crate::terminal::say;
use crate::work;
use anyhow::{Context, Error, Result};
use burn::tensor::Device;
use choose::Choice;
use demo::Demo;
use sisun_config::{Config, shell};
use sisun_data::{Corpus, DataError, Survey, prepare};
use sisun_files::RunDir;
use sisun_model::{Chosen, Count, thousands};
use sisun_train::Trial;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Write a configuration for your text: a model and a number of steps that suit the text and this
/// machine.
///
/// Looks at the size and the script of the text, and times a few steps on random tokens. Comments in
/// the file give the reasons; change what you like, and train with it.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun init my.txt
  sisun init 'novels/*.txt' --out novels.toml --minutes 10
  sisun init reviews.jsonl
  sisun init --demo
  sisun init --demo ko
  sisun init --demo positions
  sisun init --demo dates")]
pub(crate) struct Args {
    /// Files, folders or globs with the text: plain text, or JSON lines
    #[arg(value_name = "TEXT", required_unless_present = "demo")]
    text: Vec<String>,
    /// Write an example instead, and its text: stories in English (en) or Korean (ko), induction,
    /// positions or ablations; of sequence to sequence dates, reverse or translation
    #[arg(
        long,
        value_name = "NAME",
        num_args = 0..=1,
        default_missing_value = "en",
        conflicts_with = "text"
    )]
    demo: Option<Demo>,
    /// Where to write the configuration [default: the name of the text, ending in .toml]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Minutes that training may take on this machine
    #[arg(long, value_name = "N", default_value_t = 2.0, conflicts_with = "demo", value_parser = parse_minutes)]
    minutes: f64,
    #[command(flatten)]
    force: ForceArgs,
    #[command(flatten)]
    device: DeviceArgs,
}

/// The commands that show a first example.
pub(crate) const FIRST_EXAMPLE: &str = "sisun init --demo && sisun train quickstart.toml";

/// Duration of the trial by which the model is chosen, and of that which times the chosen one.
const TRIAL: Duration = Duration::from_millis(700);
/// Text up to this many bytes is tokenized at once: training then starts with its tokens, and its
/// problems show now.
const TOKENIZED_NOW: u64 = 4 << 20;

fn parse_minutes(text: &str) -> Result<f64, String> {
    let minutes: f64 = text.parse().map_err(|_| "expected a number".to_owned())?;
    match (0.1..=10_000.0).contains(&minutes) {
        true => Ok(minutes),
        false => Err("must be from 0.1 to 10000".to_owned()),
    }
}

pub(crate) fn run(args: Args) -> Result<()> {
    if let Some(demo) = args.demo {
        return demo::write(demo, args.out, args.force, &args.device);
    }
    if args.text.iter().any(|text| text == "-") {
        return Err(Usage(
            "standard input cannot be read again by `sisun train`: save the text in a file, and name that".to_owned(),
        )
        .into());
    }
    refuse_configurations(&args.text)?;
    let survey = Survey::of(&args.text).map_err(with_glob)?;
    let out = match args.out {
        Some(out) => out,
        None => beside(&args.text[0])?,
    };
    keep_the_text(&survey, &out)?;
    args.force.check("--out", &out)?;
    let name = free_name(&out)?;
    let mut choice = Choice::of_text(&survey, args.text, name)?;
    let reference = config(&choice, &out)?;
    let chosen = args.device.choose(|| Some(work::training(&reference)))?;
    let rate = sizes::rate(&reference, time(&reference, &chosen.device)?);
    choice.fit(rate, args.minutes * 60.0);
    if survey.bytes <= TOKENIZED_NOW {
        tokenize(&mut choice, &out)?;
        choice.fit(rate, args.minutes * 60.0);
    }
    let mut complete = config(&choice, &out)?;
    let fits = |config: &Config| {
        let memory = memory_of(&config.model, &config.train, None);
        memory.check(&chosen.device).is_ok()
    };
    while !fits(&complete) && choice.shrink() {
        complete = config(&choice, &out)?;
    }
    let trial = time(&complete, &chosen.device)?;
    choice.set_steps(&trial, args.minutes * 60.0);
    write(&choice, &survey, &chosen, &trial, &out)?;
    report(&choice, &out)
}

/// Refuse a configuration in the place of a text.
fn refuse_configurations(texts: &[String]) -> Result<()> {
    for text in texts {
        let path = Path::new(text);
        let settings = RunDir::new(path).config();
        if settings.is_file() {
            return Err(Usage(format!(
                "{text} is a run, not a text; the text that it was trained on is named in {}\nto train with its settings anew: sisun train {} --run runs/NEW",
                settings.display(),
                shell::path(&settings)
            ))
            .into());
        }
        let is_toml = path.extension().is_some_and(|ending| ending == "toml");
        let table = |text: String| text.parse::<toml::Table>().ok();
        let read = std::fs::read_to_string(path).ok().filter(|_| is_toml);
        if read
            .and_then(table)
            .is_some_and(|table| table.contains_key("model"))
        {
            let path = shell::path(path);
            return Err(Usage(format!(
                "{text} is a configuration already\nto train with it: sisun train {path}"
            ))
            .into());
        }
    }
    Ok(())
}

/// Refuse to write the configuration over the text, whatever `--force` says.
fn keep_the_text(survey: &Survey, out: &Path) -> Result<()> {
    let Ok(target) = out.canonicalize() else {
        return Ok(());
    };
    let is_target = |file: &PathBuf| file.canonicalize().is_ok_and(|file| file == target);
    if survey.files.iter().any(is_target) {
        return Err(Usage(format!(
            "{} is the text itself: name another file with --out, as in --out my.toml",
            out.display()
        ))
        .into());
    }
    Ok(())
}

/// Return the name of the configuration for a text: that of the file, or of the innermost folder
/// that is not a pattern.
fn beside(text: &str) -> Result<PathBuf> {
    const PATTERN: [char; 4] = ['*', '?', '[', ']'];
    let named = |name: &str| {
        let name = name.replace(PATTERN, "");
        let name = name.trim_matches(['.', '-', '_', ' ']);
        (!name.is_empty()).then(|| name.to_owned())
    };
    let stem = Path::new(text)
        .file_stem()
        .and_then(|stem| named(&stem.to_string_lossy()));
    let folder = || {
        let folders = Path::new(text).ancestors().skip(1);
        let mut names = folders
            .filter_map(Path::file_name)
            .map(|name| name.to_string_lossy());
        names.find_map(|name| (!name.contains(PATTERN)).then(|| named(&name))?)
    };
    match stem.or_else(folder) {
        Some(stem) => Ok(PathBuf::from(format!("{stem}.toml"))),
        None => Err(Usage(format!(
            "no name for the configuration follows from {text}: give one, as in --out my.toml"
        ))
        .into()),
    }
}

/// Return the name of the run: that of the file, with a number if there is such a run already.
fn free_name(out: &Path) -> Result<String> {
    let stem = out
        .file_stem()
        .and_then(|stem| stem.to_str())
        .filter(|stem| !stem.starts_with('.'))
        .with_context(|| format!("--out {}: name a file such as my.toml", out.display()))?;
    let is_free = |name: &String| !Path::new("runs").join(name).exists();
    let numbered = (2..).map(|number| format!("{stem}-{number}"));
    let mut names = std::iter::once(stem.to_owned()).chain(numbered);
    Ok(names.find(is_free).expect("the numbers do not end"))
}

/// Add the glob that reads other files to the error of a folder without text files.
fn with_glob(error: DataError) -> Error {
    let hint = match &error {
        DataError::NoFiles { name } => usual_ending(Path::new(name)).map(|ending| {
            let glob = Path::new(name).join("**").join(format!("*.{ending}"));
            format!(
                "{error}\nto take the files in .{ending}: sisun init {}",
                shell::path(&glob)
            )
        }),
        _ => None,
    };
    match hint {
        Some(hint) => Error::new(error).context(hint),
        None => error.into(),
    }
}

/// Return the most frequent name ending in a folder, of the first files in it.
fn usual_ending(folder: &Path) -> Option<String> {
    const MOST: usize = 2_000;
    let (mut folders, mut seen) = (vec![folder.to_owned()], 0);
    let mut endings: BTreeMap<String, usize> = BTreeMap::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).ok()?.flatten() {
            seen += 1;
            let path = entry.path();
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !is_hidden && seen < MOST => folders.push(path),
                Ok(kind) if kind.is_file() && !is_hidden => {
                    let ending = path.extension().and_then(|ending| ending.to_str());
                    if let Some(ending) = ending {
                        *endings.entry(ending.to_owned()).or_default() += 1;
                    }
                }
                _ => {}
            }
        }
    }
    let most = endings.into_iter().max_by_key(|(_, files)| *files);
    most.map(|(ending, _)| ending)
}

/// Time steps of a configuration.
fn time(config: &Config, device: &Device) -> Result<Trial> {
    Ok(Trial::run(
        &config.model,
        &config.train,
        None,
        device,
        TRIAL,
    )?)
}

/// Return the configuration as `sisun train` will read it.
fn config(choice: &Choice, out: &Path) -> Result<Config> {
    let mut config = Config::parse(out, &render::settings(choice))?;
    config.model.vocab_size = Some(choice.vocab_size);
    Ok(config)
}

/// Tokenize the text into the cache, and take the numbers of tokens from there.
fn tokenize(choice: &mut Choice, out: &Path) -> Result<()> {
    let config = config(choice, out)?;
    let shortest = 1;
    let Corpus {
        train,
        validation,
        tokenizer,
        ..
    } = prepare(
        &config.data,
        &config.tokenizer,
        shortest,
        &config.data.cache_folder(),
        &mut |_| {},
    )?;
    choice.vocab_size = tokenizer.vocab_size();
    choice.tokens = train.len() as u64;
    choice.limit_context(train.len().min(validation.len()))
}

fn write(
    choice: &Choice,
    survey: &Survey,
    chosen: &Chosen,
    trial: &Trial,
    out: &Path,
) -> Result<()> {
    let text = render::commented(choice, survey, chosen, trial, out);
    // The comments must not break the file.
    Config::parse(out, &text)?;
    make_parent(out)?;
    Ok(sisun_files::write_atomic(out, text.as_bytes())?)
}

fn report(choice: &Choice, out: &Path) -> Result<()> {
    let config = config(choice, out)?;
    say(&format!(
        "{}: {} parameters, {} steps of {} tokens, about {}",
        out.display(),
        thousands(Count::of(&config.model).total),
        thousands(choice.steps),
        thousands(choice.tokens_a_step()),
        crate::pace::duration(choice.seconds),
    ))?;
    for note in &choice.notes {
        say(&format!("note: {note}"))?;
    }
    say(&format!("\nnext: sisun train {}", shell::path(out)))
}
