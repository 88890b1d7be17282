//! `sisun cache`.

use crate::terminal::{say, say_json};
use crate::units;
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use serde_json::{Value, json};
use sisun_config::DataConfig;
use sisun_data::{CacheEntry, cache_entries};
use sisun_files::is_folder;
use sisun_model::thousands;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds per day.
const DAY: u64 = 24 * 60 * 60;

/// List the token caches: tokenized texts, kept so that the next run starts at once.
///
/// Removing them costs only the time to tokenize again.
#[derive(clap::Args)]
#[command(
    args_conflicts_with_subcommands = false,
    after_help = "\
Examples:
  sisun cache
  sisun cache clear --older-than 30d
  sisun cache clear --text stories-en"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// The cache folder [default: $SISUN_CACHE_DIR, else sisun in the user's cache directory]
    #[arg(long, value_name = "DIR", global = true)]
    dir: Option<PathBuf>,
    /// Only caches of a text with this in its name
    #[arg(long, value_name = "PART", global = true)]
    text: Option<String>,
    /// Only caches unused for this long: a number of days, or with a unit, as in 12h, 30d or 2w
    #[arg(long, value_name = "TIME", global = true, value_parser = read_age)]
    older_than: Option<Duration>,
    /// The same as `sisun cache clear`
    #[arg(long, hide = true)]
    clear: bool,
    /// Print one JSON object
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Verb {
    /// Remove token caches, and nothing else in the folder
    Clear,
}

/// Parse a duration: days, or a number with h, d or w.
fn read_age(given: &str) -> Result<Duration, String> {
    let (number, seconds) = match given.char_indices().next_back() {
        Some((at, 'h')) => (&given[..at], 60 * 60),
        Some((at, 'd')) => (&given[..at], DAY),
        Some((at, 'w')) => (&given[..at], 7 * DAY),
        _ => (given, DAY),
    };
    let number: u64 = number.trim().parse().map_err(|_| {
        "expected a number of days, or of hours, days or weeks, as in 12h, 30d or 2w".to_owned()
    })?;
    Ok(Duration::from_secs(number.saturating_mul(seconds)))
}

pub(crate) fn run(args: Args) -> Result<()> {
    if let Some(dir) = &args.dir
        && !is_folder(dir).with_context(|| format!("cannot read {}", dir.display()))?
    {
        bail!("{} is no folder: there are no token caches", dir.display());
    }
    let dir = args
        .dir
        .unwrap_or_else(|| DataConfig::with_sources(Vec::new()).cache_folder());
    let mut entries = cache_entries(&dir)?;
    entries.retain(|entry| {
        let is_old = args.older_than.is_none_or(|age| unused(entry) >= age);
        let is_of_text = args.text.as_ref().is_none_or(|part| {
            entry
                .text
                .as_ref()
                .is_some_and(|text| text.contains(part.as_str()))
        });
        is_old && is_of_text
    });
    let removed = match (args.verb, args.clear) {
        (None, false) => false,
        (Some(Verb::Clear), _) | (None, true) => {
            let mut gone = Vec::new();
            for entry in entries {
                if entry.remove()? {
                    gone.push(entry);
                }
            }
            entries = gone;
            true
        }
    };
    let bytes: u64 = entries.iter().map(|entry| entry.bytes).sum();
    if args.json {
        let listed: Vec<Value> = entries.iter().map(object).collect();
        let key = if removed { "removed" } else { "entries" };
        return say_json(&json!({ "dir": dir, key: listed, "bytes": bytes }));
    }
    if !removed && !entries.is_empty() {
        say(&format!(
            "{:>12}  {:>9}  {:>15}  text",
            "last used", "size", "tokens"
        ))?;
    }
    for entry in entries.iter().filter(|_| !removed) {
        let text = entry.text.as_deref().unwrap_or("not known");
        let tokens = thousands(entry.tokens);
        say(&format!(
            "{:>12}  {:>9}  {tokens:>15}  {text}\n{:>42}{}",
            ago(entry),
            units::bytes(entry.bytes),
            "",
            entry.path.display()
        ))?;
    }
    let caches = if entries.len() == 1 {
        "token cache"
    } else {
        "token caches"
    };
    let verb = if removed { "removed " } else { "" };
    say(&format!(
        "{verb}{} {caches}, {}, in {}",
        entries.len(),
        units::bytes(bytes),
        dir.display()
    ))
}

fn object(entry: &CacheEntry) -> Value {
    let used = entry
        .used
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    json!({ "text": entry.text, "tokens": entry.tokens, "bytes": entry.bytes, "used_unix_s": used, "path": entry.path })
}

/// Return the time since the last use; zero if the clock was set back.
fn unused(entry: &CacheEntry) -> Duration {
    SystemTime::now()
        .duration_since(entry.used)
        .unwrap_or_default()
}

fn ago(entry: &CacheEntry) -> String {
    match unused(entry).as_secs() / DAY {
        0 => "today".to_owned(),
        1 => "yesterday".to_owned(),
        days => format!("{days} days ago"),
    }
}
