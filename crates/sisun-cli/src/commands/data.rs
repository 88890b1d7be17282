//! `sisun data`.

use crate::failure::Usage;
use crate::output::{ForceArgs, make_parent};
use crate::terminal::{Results, note};
use anyhow::{Context, Result};
use clap::Subcommand;
use sisun_data::pairs::tasks::{Hangul, PairLanguage, PairTask, PairTaskOptions, write_pairs};
use sisun_data::stories::{SHIPPED, StoryLanguage, write_stories};
use sisun_data::tasks::{Task, write_examples};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

/// Generate the corpora that come with Sisun, and synthetic tasks.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
    /// Print only errors on stderr
    #[arg(short, long, global = true)]
    quiet: bool,
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
    /// Pairs of a source and its one right target, with their alignment, as JSON lines
    #[command(after_help = "\
Examples:
  sisun data make pairs --task dates --count 20000 --out dates.jsonl
  sisun data make pairs --task numbers --digits 9-16 --count 2000 --seed 2 --out longer.jsonl
  sisun data make pairs --task romanization --hangul letters --count 5

A line is {\"source\": …, \"target\": …, \"alignment\": {\"sure\": [[t0, t1, s0, s1], …], \"possible\": […]}}:
characters t0 to t1 of the target come from characters s0 to s1 of the source.
To train on them, name the file in [pairs]:
  sources = [\"dates.jsonl\"]")]
    Pairs {
        /// copy, reverse, dates, numbers, romanization or translation
        #[arg(long)]
        task: PairTask,
        /// Number of pairs
        #[arg(long, value_name = "N", default_value = "1000")]
        count: u64,
        /// Random seed; the same seed gives the same pairs
        #[arg(long, default_value = "1")]
        seed: u64,
        /// copy and reverse: letters of the shortest source [default: 4]
        #[arg(long, value_name = "N")]
        min_length: Option<usize>,
        /// copy and reverse: letters of the longest source [default: 40]
        #[arg(long, value_name = "N")]
        max_length: Option<usize>,
        /// numbers: digits, or fewest-most, up to 16 [default: 1-8]
        #[arg(long, value_parser = parse_digits)]
        digits: Option<(usize, usize)>,
        /// dates, numbers and translation: language of the sources, ko, en or both [default: both;
        /// of a translation: ko]
        #[arg(long)]
        language: Option<PairLanguage>,
        /// romanization: write sources in syllables (신라) or in letters (ㅅㅣㄴㄹㅏ) [default:
        /// syllables]
        #[arg(long)]
        hangul: Option<Hangul>,
        /// Where to write, or - for standard output [default: -]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        force: ForceArgs,
    },
}

fn parse_digits(text: &str) -> Result<(usize, usize), String> {
    let most = PairTaskOptions::MOST_DIGITS;
    parse_lengths(text)
        .ok()
        .filter(|(_, longest)| *longest <= most)
        .ok_or_else(|| {
            format!("{text:?} is no number of digits: give one from 1 to {most}, or two as in 1-8")
        })
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
    let target = |out, force| Target::new(out, force, args.quiet);
    match what {
        What::Stories {
            language,
            seed,
            bytes,
            out,
            force,
        } => stories(language, seed, bytes, target(out, force)),
        What::Task {
            task,
            lengths,
            count,
            seed,
            out,
            force,
        } => examples(task, lengths, count, seed, target(out, force)),
        What::Pairs {
            task,
            count,
            seed,
            min_length,
            max_length,
            digits,
            language,
            hangul,
            out,
            force,
        } => {
            let chosen = Chosen {
                lengths: (min_length, max_length),
                digits,
                language,
                hangul,
            };
            pairs(
                task,
                chosen.for_task(task)?,
                count,
                seed,
                target(out, force),
            )
        }
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

/// The options of `pairs` that were given.
struct Chosen {
    lengths: (Option<usize>, Option<usize>),
    digits: Option<(usize, usize)>,
    language: Option<PairLanguage>,
    hangul: Option<Hangul>,
}

impl Chosen {
    /// Return the options of the task, or an error for one that it does not have.
    fn for_task(self, task: PairTask) -> Result<PairTaskOptions> {
        let symbols = matches!(task, PairTask::Copy | PairTask::Reverse);
        let lingual = matches!(
            task,
            PairTask::Dates | PairTask::Numbers | PairTask::Translation
        );
        let given = [
            ("--min-length", self.lengths.0.is_some(), symbols),
            ("--max-length", self.lengths.1.is_some(), symbols),
            ("--digits", self.digits.is_some(), task == PairTask::Numbers),
            ("--language", self.language.is_some(), lingual),
            (
                "--hangul",
                self.hangul.is_some(),
                task == PairTask::Romanization,
            ),
        ];
        if let Some((option, ..)) = given.iter().find(|(_, given, has)| *given && !has) {
            return Err(Usage(format!("the task {task} has no {option}; leave it out")).into());
        }
        let usual = PairTaskOptions::default();
        let lengths = match self.lengths {
            (Some(shortest), None) => (shortest, usual.lengths.1.max(shortest)),
            (None, Some(longest)) => (usual.lengths.0.min(longest), longest),
            (shortest, longest) => (
                shortest.unwrap_or(usual.lengths.0),
                longest.unwrap_or(usual.lengths.1),
            ),
        };
        if lengths.0 == 0 || lengths.1 > 1000 || lengths.0 > lengths.1 {
            return Err(Usage(format!(
                "--min-length {} --max-length {}: lengths are from 1 to 1000, the shortest first",
                lengths.0, lengths.1
            ))
            .into());
        }
        Ok(PairTaskOptions {
            lengths,
            digits: self.digits.unwrap_or(usual.digits),
            language: self.language.unwrap_or(usual.language),
            hangul: self.hangul.unwrap_or(usual.hangul),
        })
    }
}

fn pairs(
    task: PairTask,
    options: PairTaskOptions,
    count: u64,
    seed: u64,
    to: Target,
) -> Result<()> {
    to.write("pairs", &mut |to| {
        write_pairs(task, &options, seed, count, to)
    })?;
    to.note(&format!("{count} pairs"));
    Ok(())
}

/// Destination of generated data.
struct Target {
    /// Output file; `None` for standard output.
    file: Option<PathBuf>,
    force: ForceArgs,
    /// Leave out the note on what was written.
    quiet: bool,
}

impl Target {
    fn new(out: Option<PathBuf>, force: ForceArgs, quiet: bool) -> Self {
        let file = out.filter(|out| out.as_os_str() != "-");
        Self { file, force, quiet }
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
        sisun_files::write_atomic_with(out, |file| make(file))
            .with_context(|| format!("the {what} were not written"))
    }

    fn note(&self, written: &str) {
        if let (Some(out), false) = (&self.file, self.quiet) {
            note(&format!("{}: {written}", out.display()));
        }
    }
}
