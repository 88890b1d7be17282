//! `sisun data`.

use crate::failure::Usage;
use crate::output::{ForceArgs, make_parent};
use crate::terminal::{Results, note};
use anyhow::{Context, Result};
use clap::Subcommand;
use sisun_data::stories::{SHIPPED, StoryLanguage, write_stories};
use sisun_data::tasks::{Task, write_examples};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

/// Generate the corpora that come with Sisun, and synthetic tasks.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Generate text
    Make {
        #[command(subcommand)]
        what: What,
    },
}

#[derive(Subcommand)]
enum What {
    /// Short stories with pronouns and objects that refer back to earlier words
    #[command(after_help = "\
Examples:
  sisun data make stories --language ko --out data/stories-ko.txt
  sisun data make stories --language en --seed 7 --bytes 5000000 > stories.txt")]
    Stories {
        /// en or ko
        #[arg(long)]
        language: StoryLanguage,
        /// Random seed; the same seed gives the same text [default: that of the corpus in data/]
        #[arg(long)]
        seed: Option<u64>,
        /// Write at least this many bytes [default: those of the corpus in data/]
        #[arg(long, value_name = "N")]
        bytes: Option<u64>,
        /// Where to write, or - for standard output [default: -]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        force: ForceArgs,
    },
    /// Examples of a task with one correct answer, as JSON lines
    #[command(after_help = "\
Examples:
  sisun data make task --task reverse --lengths 1-20 --count 10000 --out reverse.jsonl
  sisun data make task --task addition-scratchpad --lengths 3 --count 5

To train on them, name the two fields in [data]:
  sources = [\"reverse.jsonl\"]
  jsonl_field = \"prompt\"
  jsonl_answer_field = \"answer\"        # the loss is on the answer alone")]
    Task {
        /// copy, copy-repeated, copy-twice, reverse, addition, addition-scratchpad, sort, recall,
        /// parity or majority
        #[arg(long)]
        task: Task,
        /// A length, or shortest-longest: letters, digits or pairs
        #[arg(long, default_value = "1-20", value_parser = parse_lengths)]
        lengths: (usize, usize),
        /// Number of examples
        #[arg(long, value_name = "N", default_value = "1000")]
        count: u64,
        /// Random seed; the same seed gives the same examples
        #[arg(long, default_value = "1")]
        seed: u64,
        /// Where to write, or - for standard output [default: -]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        force: ForceArgs,
    },
}

fn parse_lengths(text: &str) -> Result<(usize, usize), String> {
    let parse = |text: &str| {
        text.trim()
            .parse::<usize>()
            .ok()
            .filter(|length| (1..=1000).contains(length))
    };
    let (shortest, longest) = text.split_once('-').unwrap_or((text, text));
    let lengths = parse(shortest)
        .zip(parse(longest))
        .filter(|(shortest, longest)| shortest <= longest);
    lengths
        .ok_or_else(|| format!("{text:?} is no length: give one from 1 to 1000, or two as in 1-20"))
}

pub(crate) fn run(args: Args) -> Result<()> {
    let Verb::Make { what } = args.verb;
    match what {
        What::Stories {
            language,
            seed,
            bytes,
            out,
            force,
        } => stories(language, seed, bytes, Target::new(out, force)),
        What::Task {
            task,
            lengths,
            count,
            seed,
            out,
            force,
        } => examples(task, lengths, count, seed, Target::new(out, force)),
    }
}

fn stories(
    language: StoryLanguage,
    seed: Option<u64>,
    bytes: Option<u64>,
    to: Target,
) -> Result<()> {
    let shipped = SHIPPED.iter().find(|recipe| recipe.language == language);
    let shipped = shipped.context("no corpus is shipped in this language")?;
    let (seed, bytes) = (
        seed.unwrap_or(shipped.seed),
        bytes.unwrap_or(shipped.min_bytes),
    );
    let mut written = 0;
    to.write("stories", &mut |to| {
        written = write_stories(language, seed, bytes, to)?;
        Ok(())
    })?;
    to.note(&format!("{written} bytes"));
    Ok(())
}

fn examples(
    task: Task,
    (shortest, longest): (usize, usize),
    count: u64,
    seed: u64,
    to: Target,
) -> Result<()> {
    if longest > task.longest() {
        return Err(Usage(format!(
            "--lengths {longest}: the task {task} has none longer than {}",
            task.longest()
        ))
        .into());
    }
    to.write("examples", &mut |to| {
        write_examples(task, (shortest, longest), count, seed, to)
    })?;
    to.note(&format!("{count} examples"));
    Ok(())
}

/// Destination of generated data.
struct Target {
    /// Output file; `None` for standard output.
    file: Option<PathBuf>,
    force: ForceArgs,
}

impl Target {
    fn new(out: Option<PathBuf>, force: ForceArgs) -> Self {
        let file = out.filter(|out| out.as_os_str() != "-");
        Self { file, force }
    }

    /// Write the data as it is generated, regardless of its size; `what` describes it in messages.
    fn write(
        &self,
        what: &str,
        make: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> Result<()> {
        let mut buffered = |to: &mut dyn Write| {
            let mut to = BufWriter::with_capacity(1 << 16, to);
            make(&mut to)?;
            to.flush()
        };
        let Some(out) = &self.file else {
            return buffered(&mut Results).with_context(|| format!("the {what} were not written"));
        };
        self.force.check_content("--out", out, &mut buffered)?;
        make_parent(out)?;
        sisun_files::write_whole(out, |file| buffered(file)).with_context(|| {
            format!(
                "the {what} were not written: cannot write {}",
                out.display()
            )
        })
    }

    fn note(&self, written: &str) {
        if let Some(out) = &self.file {
            note(&format!("{}: {written}", out.display()));
        }
    }
}
