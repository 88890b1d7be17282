//! `sisun data`.

use crate::terminal::{note, write_now};
use anyhow::{Context, Result};
use clap::Subcommand;
use sisun_data::stories::{Language, SHIPPED, make_stories};
use sisun_model::checkpoint::write_atomic;
use std::path::PathBuf;

/// Makes the corpora that come with Sisun.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make text
    Make {
        #[command(subcommand)]
        what: What,
    },
}

#[derive(Subcommand)]
enum What {
    /// Small stories whose people, pronouns and things refer to one another
    #[command(after_help = "\
Examples:
  sisun data make stories --language ko --out data/stories-ko.txt
  sisun data make stories --language en --seed 7 --bytes 5000000 > stories.txt")]
    Stories {
        /// en or ko
        #[arg(long)]
        language: Language,
        /// The same seed makes the same text [default: that of the corpus in data/]
        #[arg(long)]
        seed: Option<u64>,
        /// At least so many bytes [default: those of the corpus in data/]
        #[arg(long, value_name = "N")]
        bytes: Option<usize>,
        /// Where to write [default: standard output]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

pub(crate) fn run(args: Args) -> Result<()> {
    let Verb::Make { what: What::Stories { language, seed, bytes, out } } = args.verb;
    let shipped = SHIPPED.iter().find(|recipe| recipe.language == language);
    let shipped = shipped.context("no corpus is shipped in this language")?;
    let text = make_stories(language, seed.unwrap_or(shipped.seed), bytes.unwrap_or(shipped.min_bytes));
    let Some(out) = out else { return write_now(&text) };
    write_atomic(&out, text.as_bytes()).context("the stories were not written")?;
    note(&format!("{}: {} bytes", out.display(), text.len()));
    Ok(())
}
