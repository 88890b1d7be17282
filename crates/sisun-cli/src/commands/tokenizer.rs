//! `sisun tokenizer`.

use crate::failure::Usage;
use crate::given_text;
use crate::output::{ForceArgs, make_parent};
use crate::pairs;
use crate::terminal::{note, say, say_json};
use anyhow::{Context, Error, Result, anyhow};
use clap::Subcommand;
use serde::{Deserialize, de::IntoDeserializer};
use serde_json::json;
use sisun_config::{DataConfig, Normalize, TokenizerConfig};
use sisun_data::{DataError, Tokenizer, prepare};
use sisun_files::{RunDir, is_folder};
use std::path::{Path, PathBuf};

/// Train and apply tokenizers in Hugging Face's tokenizer.json format.
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
    /// Train a tokenizer on text
    #[command(after_help = "\
Examples:
  sisun tokenizer train --data novel.txt --vocab-size 4096 --out tokenizer.json
  sisun tokenizer train --data novel.txt --kind char --out characters.json")]
    Train {
        /// Files, folders or globs, or - for standard input
        #[arg(long, value_name = "PATH", required = true)]
        data: Vec<String>,
        /// The field that holds the text of JSON lines [default: text]
        #[arg(long, value_name = "FIELD")]
        jsonl_field: Option<String>,
        /// Unicode normalization: none, or nfc (composed)
        #[arg(long, value_name = "FORM", default_value = "none", value_parser = read_form)]
        normalize: Normalize,
        /// bpe (byte-level byte-pair encoding) or char (a token for each character)
        #[arg(long, value_name = "KIND", default_value = "bpe")]
        kind: Kind,
        /// Size of a bpe vocabulary [default: 4096]
        #[arg(long, value_name = "N")]
        vocab_size: Option<usize>,
        /// A special token besides <|endoftext|> (may be repeated)
        #[arg(long, value_name = "TOKEN")]
        special: Vec<String>,
        /// Where to write
        #[arg(long, value_name = "FILE", default_value = "tokenizer.json")]
        out: PathBuf,
        #[command(flatten)]
        force: ForceArgs,
    },
    /// Encode text as token ids, with the special tokens that the tokenizer adds (LLaMA's <s>)
    #[command(after_help = "\
Examples:
  sisun tokenizer encode runs/quickstart --text \"The cat sat on the mat.\"
  sisun tokenizer encode ~/models/TinyLlama-1.1B-Chat-v1.0 --text \"The cat\" --no-added
  sisun tokenizer encode runs/dates-gru --side source --text \"5 March 1997\"")]
    Encode {
        /// A tokenizer.json, or a run directory
        tokenizer: PathBuf,
        /// Of a sequence-to-sequence run: the side whose tokenizer is used, source or target
        #[arg(long, value_name = "SIDE")]
        side: Option<SideName>,
        /// The text [default: standard input], read as a file is: line ends are \n, a byte order
        /// mark is left out
        #[arg(long, value_name = "TEXT", value_parser = given_text::argument)]
        text: Option<String>,
        /// Leave out the special tokens that were added
        #[arg(long)]
        no_added: bool,
        /// Print one JSON object: ids, tokens, labels as pictures show them, character offsets, which
        /// tokens were added
        #[arg(long)]
        json: bool,
    },
    /// Decode token ids to text
    #[command(after_help = "\
Example:
  sisun tokenizer decode runs/quickstart 12 7 300")]
    Decode {
        /// A tokenizer.json, or a run directory
        tokenizer: PathBuf,
        /// Of a sequence-to-sequence run: the side whose tokenizer is used, source or target
        #[arg(long, value_name = "SIDE")]
        side: Option<SideName>,
        /// The ids
        #[arg(required = true)]
        ids: Vec<u32>,
    },
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Kind {
    Bpe,
    Char,
}

/// A side of a sequence-to-sequence run.
#[derive(Clone, Copy, clap::ValueEnum)]
enum SideName {
    Source,
    Target,
}

pub(crate) fn run(args: Args) -> Result<()> {
    match args.verb {
        Verb::Train {
            data,
            jsonl_field,
            normalize,
            kind,
            vocab_size,
            special,
            out,
            force,
        } => train(
            DataConfig {
                jsonl_field,
                normalize,
                ..DataConfig::with_sources(data)
            },
            kind,
            vocab_size,
            special,
            &out,
            force,
            args.quiet,
        ),
        Verb::Encode {
            tokenizer,
            side,
            text,
            no_added,
            json,
        } => encode(&open(&tokenizer, side)?, text, !no_added, json, args.quiet),
        Verb::Decode {
            tokenizer,
            side,
            ids,
        } => say(&open(&tokenizer, side)?.decode(&ids)?),
    }
}

/// Parse a normalization form as the configuration spells it.
fn read_form(given: &str) -> Result<Normalize, serde::de::value::Error> {
    Normalize::deserialize(given.into_deserializer())
}

/// Open a tokenizer file, or the tokenizer of a run; `side` chooses that of a sequence-to-sequence
/// run.
fn open(path: &Path, side: Option<SideName>) -> Result<Tokenizer> {
    let is_folder = is_folder(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = match (pairs::run_of(path), side) {
        (Some(run), Some(side)) => {
            let files = RunDir::new(run.root());
            match side {
                SideName::Source => files.source_tokenizer(),
                SideName::Target => files.target_tokenizer(),
            }
        }
        (Some(run), None) => {
            return Err(Usage(format!(
                "{} is a sequence-to-sequence run, with a tokenizer for each side: add --side source or --side target",
                run.root().display()
            ))
            .into());
        }
        (None, Some(_)) if path.exists() => {
            return Err(Usage(format!(
                "--side is for sequence-to-sequence runs, and {} has one tokenizer: leave it out",
                path.display()
            ))
            .into());
        }
        _ if is_folder => RunDir::new(path).tokenizer(),
        _ => path.to_owned(),
    };
    let meant = sisun_model::did_you_mean(path);
    Tokenizer::from_file(&file).map_err(|error| match meant.is_empty() {
        true => error.into(),
        false => Error::new(error).context(format!("there is no {}{meant}", path.display())),
    })
}

fn encode(
    tokenizer: &Tokenizer,
    text: Option<String>,
    with_added: bool,
    as_json: bool,
    quiet: bool,
) -> Result<()> {
    let text = match text {
        Some(text) => text,
        None => given_text::standard_input()?,
    };
    let bare = tokenizer.encode(&text)?;
    if let (false, Some(unknown)) = (quiet, tokenizer.unknown(&text, &bare)) {
        note(&format!("note: {unknown}"));
    }
    let from = if with_added {
        tokenizer.prefix().len()
    } else {
        0
    };
    let of_text = from..from + bare.ids.len();
    let encoding = if with_added {
        tokenizer.encode_prompt(&text)?
    } else {
        bare
    };
    let labels = tokenizer.labels(&text, &encoding);
    let added: Vec<bool> = (0..labels.len()).map(|at| !of_text.contains(&at)).collect();
    if as_json {
        let offsets: Vec<(usize, usize)> = labels
            .iter()
            .map(|label| (label.start, label.end))
            .collect();
        let labels: Vec<&str> = labels.iter().map(|label| label.text.as_str()).collect();
        let ids = encoding.ids.iter();
        let tokens: Vec<String> = ids.map(|id| tokenizer.token_text(*id)).collect();
        return say_json(&json!({
            "ids": encoding.ids,
            "tokens": tokens,
            "labels": labels,
            "offsets": offsets,
            "added": added,
        }));
    }
    for (label, added) in labels.iter().zip(added) {
        let added = if added { "  (added)" } else { "" };
        say(&format!(
            "{:>7}  {:>5}..{:<5}  {}{added}",
            label.id, label.start, label.end, label.text
        ))?;
    }
    Ok(())
}

/// Return a message with the options of this command in place of the keys of a configuration.
fn in_options(message: &str) -> String {
    let options = [
        ("data.jsonl_field = ", "--jsonl-field "),
        ("data.jsonl_field", "--jsonl-field"),
        ("data.normalize = ", "--normalize "),
        ("data.normalize", "--normalize"),
        ("tokenizer.vocab_size = ", "--vocab-size "),
        ("tokenizer.vocab_size", "--vocab-size"),
        ("data.sources", "--data"),
    ];
    options
        .iter()
        .fold(message.to_owned(), |message, (key, option)| {
            message.replace(key, option)
        })
}

fn train(
    data: DataConfig,
    kind: Kind,
    vocab_size: Option<usize>,
    specials: Vec<String>,
    out: &Path,
    force: ForceArgs,
    quiet: bool,
) -> Result<()> {
    force.check("--out", out)?;
    let of_bpe = [
        ("--vocab-size", vocab_size.is_some()),
        ("--special", !specials.is_empty()),
    ];
    if let (Kind::Char, Some((option, _))) = (kind, of_bpe.iter().find(|(_, given)| *given)) {
        return Err(Usage(format!(
            "{option} is about --kind bpe; a vocabulary of characters has those of the text: leave it out"
        ))
        .into());
    }
    let wanted = match kind {
        Kind::Bpe => TokenizerConfig::Bpe {
            vocab_size: vocab_size.unwrap_or(4096),
            specials,
        },
        Kind::Char => TokenizerConfig::Char,
    };
    wanted.validate()?;
    let mut progress = |line: &str| {
        if !quiet {
            note(&in_options(line));
        }
    };
    let corpus = prepare(&data, &wanted, 1, &data.cache_folder(), &mut progress);
    let corpus = corpus.map_err(|error| match error {
        DataError::TooShort { .. } => {
            Usage("the text is too short to train a tokenizer on: give more with --data".to_owned())
                .into()
        }
        error => {
            let told = in_options(&error.to_string());
            match told == error.to_string() {
                true => error.into(),
                false => anyhow!(told),
            }
        }
    })?;
    make_parent(out)?;
    corpus.tokenizer.save(out)?;
    let (tokens, bytes) = (
        corpus.train.len() + corpus.validation.len(),
        corpus.train.bytes() + corpus.validation.bytes(),
    );
    say(&format!(
        "{}: {} tokens, {:.2} bytes of this text for each",
        out.display(),
        corpus.tokenizer.vocab_size(),
        bytes as f64 / tokens as f64
    ))
}
