//! Rereading the text of a run. It must equal the text the run was trained on, or held-out text
//! would not be held out.

use crate::TrainError;
use crate::environment::started_elsewhere;
use sisun_config::DataConfig;
use sisun_data::{Corpus, DataError, SourceSummary, Tokenizer, prepare_again};
use sisun_model::Run;
use sisun_model::checkpoint::{CheckpointState, SourcesSum};
use std::collections::BTreeSet;
use toml::Table;

/// The key of `[data]` that does not affect the text.
const CACHE: &str = "cache_dir";

/// Read the text of a run with the run's settings and tokenizer.
///
/// # Errors
/// If the text cannot be read or differs from the training text.
pub fn own_text(
    run: &Run,
    data: &DataConfig,
    context_len: usize,
    progress: &mut dyn FnMut(&str),
) -> Result<Corpus, TrainError> {
    same_text(
        run,
        &run.checkpoint()?.state,
        data,
        data,
        context_len,
        progress,
    )
}

/// Read text with the settings `asked` and check that it equals the text that the run read with
/// `recorded`.
pub(crate) fn same_text(
    run: &Run,
    state: &CheckpointState,
    recorded: &DataConfig,
    asked: &DataConfig,
    context_len: usize,
    progress: &mut dyn FnMut(&str),
) -> Result<Corpus, TrainError> {
    let tokenizer = Tokenizer::from_file(&run.tokenizer())?;
    run.check_tokenizer(&tokenizer.sha256(), state)?;
    let (made_by, cache) = (run.config()?.tokenizer, asked.cache_folder());
    let changed = |change: String, unwritable: bool| TrainError::DataChanged {
        path: run.root().to_owned(),
        change,
        unwritable,
        started_in: None,
        new_run: None,
    };
    let settings = differences(recorded, asked);
    let corpus = prepare_again(asked, &tokenizer, &made_by, context_len, &cache, progress)
        .map_err(|error| {
            match error {
                // A truncated or replaced text may not satisfy its settings.
                DataError::Empty { .. }
                | DataError::UnseenCharacters { .. }
                | DataError::TooShort { .. } => {
                    let unwritable = matches!(error, DataError::UnseenCharacters { .. });
                    changed(
                        explain(&settings, &format!("it has changed ({error})")),
                        unwritable,
                    )
                }
                DataError::Missing { .. }
                | DataError::DeadLink { .. }
                | DataError::NoFiles { .. }
                | DataError::Io { .. } => {
                    let path = run.root().to_owned();
                    let started_in = started_elsewhere(&path);
                    TrainError::NoText {
                        path,
                        source: error,
                        started_in,
                    }
                }
                error => error.into(),
            }
        })?;
    if corpus.sha256 == state.data_sha256 {
        return Ok(corpus);
    }
    let found = &corpus.sources;
    let of_the_text = match &state.sources {
        Some(was) if was.sha256 == found.sha256 => "its files are the same".to_owned(),
        Some(was) => {
            let size =
                |files: u64, bytes: u64| format!("{bytes} bytes in {files} file{}", if files == 1 { "" } else { "s" });
            let (was, is) = (size(was.files, was.bytes), size(found.files, found.bytes));
            if was == is {
                format!("it has changed (still {is})")
            } else {
                format!("it has changed (it was {was}, now {is})")
            }
        }
        None if found.carriage_returns => {
            "it has changed, or the run is from a version that did not read a carriage return as a line end".to_owned()
        }
        None if settings.is_empty() => "it has changed".to_owned(),
        None => "whether it has changed as well is not known".to_owned(),
    };
    Err(changed(explain(&settings, &of_the_text), false))
}

/// Return `data.key (old → new)` for each setting that differs.
fn differences(recorded: &DataConfig, asked: &DataConfig) -> Vec<String> {
    let table = |data| {
        Table::try_from(data).expect("plain structs of numbers and strings always serialise")
    };
    let (recorded, asked): (Table, Table) = (table(recorded), table(asked));
    let keys: BTreeSet<&String> = recorded
        .keys()
        .chain(asked.keys())
        .filter(|key| *key != CACHE)
        .collect();
    let show = |table: &Table, key: &str| {
        table
            .get(key)
            .map_or_else(|| "left out".to_owned(), ToString::to_string)
    };
    let differs = keys
        .into_iter()
        .filter(|key| recorded.get(*key) != asked.get(*key));
    differs
        .map(|key| {
            format!(
                "data.{key} ({} → {})",
                show(&recorded, key),
                show(&asked, key)
            )
        })
        .collect()
}

/// Describe the difference, settings first.
fn explain(settings: &[String], of_the_text: &str) -> String {
    match settings {
        [] => of_the_text.to_owned(),
        settings => format!("{} decides over it; {of_the_text}", settings.join(", ")),
    }
}

/// Convert a source summary to the form stored in a checkpoint.
pub(crate) fn sum_of(sources: &SourceSummary) -> SourcesSum {
    SourcesSum {
        files: sources.files,
        bytes: sources.bytes,
        sha256: sources.sha256.clone(),
    }
}
