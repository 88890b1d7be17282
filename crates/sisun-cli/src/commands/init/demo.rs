//! The examples of `configs/`, for those without a checkout: configurations and their texts.

use crate::common::DeviceArgs;
use crate::failure::Usage;
use crate::output::{ForceArgs, make_parent};
use crate::terminal::say;
use anyhow::Result;
use clap::ValueEnum;
use sisun_config::shell;
use sisun_data::pairs::tasks::{PairLanguage, PairTask, PairTaskOptions, write_pairs};
use sisun_data::stories::{Recipe, SHIPPED, write_stories};
use sisun_data::tasks::{Task, write_examples};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// An example whose text can be generated.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Demo {
    /// A first model: English stories
    En,
    /// A first model: Korean stories
    Ko,
    /// How an induction head forms, on a copying task
    Induction,
    /// A comparison of positional encodings
    Positions,
    /// A comparison of models that lack a part
    Ablations,
    /// Sequence to sequence: dates to ISO 8601, with attention
    Dates,
    /// Sequence to sequence: letters in reverse, with attention
    Reverse,
    /// Sequence to sequence: a toy translation by a transformer
    Translation,
}

/// A file of `configs/`.
struct Example {
    file: &'static str,
    config: &'static str,
    text: Text,
    /// The command that takes the file.
    verb: &'static str,
}

/// The text that a configuration names.
enum Text {
    Stories(Recipe),
    /// Examples of copying, as the configuration describes them.
    Copying,
    /// Pairs of a task, as the configuration describes them.
    Pairs {
        task: PairTask,
        options: PairTaskOptions,
        count: u64,
        file: &'static str,
    },
}

macro_rules! shipped {
    ($file:literal) => {
        (
            $file,
            include_str!(concat!("../../../../../configs/", $file)),
        )
    };
}

impl Demo {
    fn example(self) -> Example {
        let [english, korean] = SHIPPED;
        let (verb, text, (file, config)) = match self {
            Self::En => ("train", Text::Stories(english), shipped!("quickstart.toml")),
            Self::Ko => (
                "train",
                Text::Stories(korean),
                shipped!("quickstart-ko.toml"),
            ),
            Self::Induction => ("train", Text::Copying, shipped!("induction.toml")),
            Self::Positions => {
                let file = shipped!("compare-positions.toml");
                ("compare", Text::Stories(english), file)
            }
            Self::Ablations => {
                let file = shipped!("compare-ablations.toml");
                ("compare", Text::Stories(english), file)
            }
            Self::Dates => {
                let options = PairTaskOptions::default();
                let text = pairs(PairTask::Dates, options, 20_000, "dates.jsonl");
                ("train", text, shipped!("dates-gru.toml"))
            }
            Self::Reverse => {
                let options = PairTaskOptions {
                    lengths: (4, 24),
                    ..PairTaskOptions::default()
                };
                let text = pairs(PairTask::Reverse, options, 20_000, "reverse.jsonl");
                ("train", text, shipped!("reverse-gru-dot.toml"))
            }
            Self::Translation => {
                let options = PairTaskOptions {
                    language: PairLanguage::Korean,
                    ..PairTaskOptions::default()
                };
                let text = pairs(PairTask::Translation, options, 30_000, "translation.jsonl");
                ("train", text, shipped!("translation-transformer.toml"))
            }
        };
        Example {
            file,
            config,
            text,
            verb,
        }
    }
}

fn pairs(task: PairTask, options: PairTaskOptions, count: u64, file: &'static str) -> Text {
    Text::Pairs {
        task,
        options,
        count,
        file,
    }
}

impl Text {
    /// Return the path that the configuration names.
    fn path(&self) -> PathBuf {
        match self {
            Self::Stories(recipe) => Path::new("data").join(recipe.file),
            Self::Copying => "copy.jsonl".into(),
            Self::Pairs { file, .. } => (*file).into(),
        }
    }

    fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut to = BufWriter::with_capacity(1 << 16, to);
        match self {
            Self::Stories(recipe) => {
                write_stories(recipe.language, recipe.seed, recipe.min_bytes, &mut to)?;
            }
            Self::Copying => write_examples(Task::Copy, (5, 24), 40_000, 1, &mut to)?,
            Self::Pairs {
                task,
                options,
                count,
                ..
            } => write_pairs(*task, options, 1, *count, &mut to)?,
        }
        to.flush()
    }
}

/// Write an example: the configuration to `out`, and the text where that looks for it.
pub(super) fn write(
    demo: Demo,
    out: Option<PathBuf>,
    force: ForceArgs,
    device: &DeviceArgs,
) -> Result<()> {
    let Example {
        file,
        config,
        text,
        verb,
    } = demo.example();
    let out = out.unwrap_or_else(|| file.into());
    let there = format!("sisun {verb} configs/{file}");
    let here = format!("sisun {verb} {}", shell::path(&out));
    // The schema lies beside the file of the repository only.
    let lines = config.split_inclusive('\n');
    let config: String = lines
        .filter(|line| !line.starts_with("#:schema"))
        .map(|line| line.replace(&there, &here))
        .collect();
    let path = text.path();
    if out == path {
        return Err(Usage(format!(
            "{} is where the text goes: name another file with --out",
            out.display()
        ))
        .into());
    }
    let mut settings = |to: &mut dyn Write| to.write_all(config.as_bytes());
    let mut contents = |to: &mut dyn Write| text.write(to);
    // Both are checked before either is written.
    force.check_content("--out", &out, &mut settings)?;
    match force.check_content("--out", &path, &mut contents) {
        Err(error) if error.is::<Usage>() => {
            return Err(Usage(format!(
                "{} exists already, with another text: change to another folder, or replace it with --force",
                path.display()
            ))
            .into());
        }
        checked => checked?,
    }
    for (path, make) in [
        (
            &path,
            &mut contents as &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
        ),
        (&out, &mut settings),
    ] {
        make_parent(path)?;
        sisun_files::write_atomic_with(path, |file| make(file))?;
        device.note(&format!("wrote {}", path.display()));
    }
    say(&format!("next: {here}"))
}
