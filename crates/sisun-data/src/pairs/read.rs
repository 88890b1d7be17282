//! Reading pairs: lines with a tab, JSON records, or two files line by line.

use super::alignment::Pair;
use super::compose::compose;
use super::json_pair::{PairFields, parse_pair};
use crate::DataError;
use crate::digest::hex;
use crate::text::file_format::{FileFormat, has_extension};
use crate::text::json_array::{ArrayElements, InvalidArray};
use crate::text::sources::{InputFile, resolve_sources};
use crate::text::utf8::{ReadSummary, read_blocks, read_lines};
use rayon::prelude::*;
use sisun_config::{DataConfig, Normalize, PairsConfig};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Pairs that were read, with the place of each.
#[derive(Clone, Debug, Default)]
pub struct PairCorpus {
    /// The pairs, in the order of the files.
    pub pairs: Vec<Pair>,
    /// SHA-256 of the text of all files, in hexadecimal.
    pub sha256: String,
    /// The files, as messages name them.
    pub files: Vec<PathBuf>,
    /// For each pair its file, as an index of `files`, and its line, from 1.
    pub places: Vec<(u32, u64)>,
}

impl PairCorpus {
    /// Return an error about the pair with this index.
    ///
    /// # Panics
    /// If there is no such pair.
    pub fn problem(&self, pair: usize, problem: String) -> DataError {
        let (file, line) = self.places[pair];
        DataError::Pair {
            path: self.files[file as usize].clone(),
            line,
            problem,
        }
    }

    /// Return the pairs with these indexes.
    ///
    /// # Panics
    /// If an index is out of range.
    pub fn select(&self, pairs: &[usize]) -> Self {
        Self {
            pairs: pairs.iter().map(|&at| self.pairs[at].clone()).collect(),
            sha256: self.sha256.clone(),
            files: self.files.clone(),
            places: pairs.iter().map(|&at| self.places[at]).collect(),
        }
    }

    /// Return the names of the files, for messages.
    pub fn name(&self) -> String {
        let names: Vec<String> = self
            .files
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        names.join(", ")
    }
}

/// The files of pairs, with the settings that name them.
#[derive(Clone, Copy, Debug)]
pub struct PairFiles<'f> {
    /// Files, folders, globs, or `-` for standard input.
    pub sources: &'f [String],
    /// Files with the targets of `sources`, line by line. Empty: `sources` hold both.
    pub targets: &'f [String],
    /// Names of the settings of both, for messages.
    pub keys: [&'static str; 2],
}

impl<'f> PairFiles<'f> {
    /// Return the files to learn from.
    pub fn training(config: &'f PairsConfig) -> Self {
        Self {
            sources: &config.sources,
            targets: &config.targets,
            keys: ["pairs.sources", "pairs.targets"],
        }
    }

    /// Return the files that are held out.
    pub fn validation(config: &'f PairsConfig) -> Self {
        Self {
            sources: &config.validation,
            targets: &config.validation_targets,
            keys: ["pairs.validation", "pairs.validation_targets"],
        }
    }
}

/// Read the pairs of files. `config` says how; its own files are not read. `stdin` is read for `-`.
///
/// # Errors
/// Sources that are missing or not text, and with its line each pair that is malformed:
/// [`DataError::Pair`], [`DataError::ParallelLines`], [`DataError::ParallelFiles`],
/// [`DataError::ParallelRecords`], [`DataError::Empty`] if there are no pairs at all.
pub fn read_pairs(
    files: PairFiles<'_>,
    config: &PairsConfig,
    stdin: &mut dyn Read,
) -> Result<PairCorpus, DataError> {
    let PairFiles {
        sources,
        targets,
        keys,
    } = files;
    let is_stdin = |source: &String| source == "-";
    if sources.iter().any(is_stdin) && targets.iter().any(is_stdin) {
        return Err(DataError::StdinTwice { keys });
    }
    let mut data = DataConfig::with_sources(sources.to_vec());
    data.jsonl_field = Some(config.source_field.clone());
    let spool = tempfile::tempdir().map_err(DataError::io(&std::env::temp_dir()))?;
    let mut resolve = |sources: &[String]| -> Result<Vec<InputFile>, DataError> {
        Ok(resolve_sources(sources, &data, spool.path(), stdin)?.inputs)
    };
    let inputs = resolve(sources)?;
    let mut corpus = PairCorpus::default();
    let mut summary = ReadSummary::default();
    if targets.is_empty() {
        for input in &inputs {
            corpus.read_file(input, config, keys[1], &mut summary)?;
        }
    } else {
        let targets = resolve(targets)?;
        if inputs.len() != targets.len() {
            return Err(DataError::ParallelFiles {
                keys,
                sources: inputs.len(),
                targets: targets.len(),
            });
        }
        if let Some(records) = inputs
            .iter()
            .chain(&targets)
            .find(|file| holds_records(file))
        {
            return Err(DataError::ParallelRecords {
                path: records.name.clone(),
                targets: keys[1],
            });
        }
        for (source, target) in inputs.iter().zip(&targets) {
            corpus.read_parallel(source, target, &mut summary)?;
        }
    }
    if corpus.pairs.is_empty() {
        return Err(DataError::Empty {
            name: corpus.name(),
        });
    }
    if config.normalize == Normalize::Nfc {
        corpus.pairs.par_iter_mut().for_each(compose);
    }
    corpus.sha256 = hex(&summary.sha256());
    Ok(corpus)
}

impl PairCorpus {
    /// Add a file and return its index.
    fn add_file(&mut self, name: &Path) -> u32 {
        self.files.push(name.to_owned());
        self.files.len() as u32 - 1
    }

    /// Add the pairs of a file that holds both sides.
    fn read_file(
        &mut self,
        input: &InputFile,
        config: &PairsConfig,
        targets: &str,
        summary: &mut ReadSummary,
    ) -> Result<(), DataError> {
        let format = match has_extension(&input.name, &["tsv"]) {
            true => FileFormat::PlainText,
            false => input.format,
        };
        let file = self.add_file(&input.name);
        let records = match format {
            FileFormat::JsonArray => array_elements(input, summary)?,
            FileFormat::JsonLines | FileFormat::PlainText => lines(input, summary)?,
        };
        let fields = PairFields::of(config);
        let parse = |(line, text): &(u64, String)| -> Result<Pair, DataError> {
            let parsed = match format {
                FileFormat::PlainText => {
                    split_at_tab(text).map_err(|problem| (0, problem.told(input, targets)))
                }
                FileFormat::JsonLines | FileFormat::JsonArray => parse_pair(text, &fields),
            };
            let checked = parsed.and_then(|pair| match find_problem(&pair) {
                Some(problem) => Err((0, problem)),
                None => Ok(pair),
            });
            checked.map_err(|(further, problem)| DataError::Pair {
                path: input.name.clone(),
                line: line + further,
                problem,
            })
        };
        // The first error in the order of the lines, whichever thread finds one first.
        let parsed: Vec<Result<Pair, DataError>> = records.par_iter().map(parse).collect();
        for ((line, _), pair) in records.iter().zip(parsed) {
            self.pairs.push(pair?);
            self.places.push((file, *line));
        }
        Ok(())
    }

    /// Add the pairs of two parallel files.
    fn read_parallel(
        &mut self,
        source: &InputFile,
        target: &InputFile,
        summary: &mut ReadSummary,
    ) -> Result<(), DataError> {
        let sources = all_lines(source, summary)?;
        let targets = all_lines(target, summary)?;
        if sources.len() != targets.len() {
            return Err(DataError::ParallelLines {
                source_file: source.name.clone(),
                sources: sources.len() as u64,
                target_file: target.name.clone(),
                targets: targets.len() as u64,
            });
        }
        let (file, target_file) = (self.add_file(&source.name), self.add_file(&target.name));
        for (line, (source, target)) in (1..).zip(sources.into_iter().zip(targets)) {
            let empty = (is_blank(&source), is_blank(&target));
            if empty == (true, true) {
                continue;
            }
            let pair = Pair {
                source,
                target,
                alignment: None,
            };
            if let Some(problem) = find_problem(&pair) {
                let at = if empty.1 { target_file } else { file };
                return Err(DataError::Pair {
                    path: self.files[at as usize].clone(),
                    line,
                    problem,
                });
            }
            self.pairs.push(pair);
            self.places.push((file, line));
        }
        Ok(())
    }
}

fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

/// Return every line of a file.
fn all_lines(input: &InputFile, summary: &mut ReadSummary) -> Result<Vec<String>, DataError> {
    let mut lines = Vec::new();
    read_lines(input, summary, usize::MAX, &mut |text, _| {
        lines.push(text.to_owned());
        Ok(())
    })?;
    // The reader passes on what follows the last line end.
    if lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    Ok(lines)
}

/// Return the lines of a file that are not blank, with their numbers. A line that has only a tab is
/// a pair with two empty sides, and kept for its error.
fn lines(input: &InputFile, summary: &mut ReadSummary) -> Result<Vec<(u64, String)>, DataError> {
    let lines = all_lines(input, summary)?.into_iter();
    Ok((1..)
        .zip(lines)
        .filter(|(_, text)| !is_blank(text) || text.contains('\t'))
        .collect())
}

/// Return the elements of a JSON array, with the lines on which they begin.
fn array_elements(
    input: &InputFile,
    summary: &mut ReadSummary,
) -> Result<Vec<(u64, String)>, DataError> {
    let to_data_error = |error: InvalidArray| DataError::Pair {
        path: input.name.clone(),
        line: error.line,
        problem: error.problem.to_owned(),
    };
    let mut array = ArrayElements::default();
    let mut elements = Vec::new();
    read_blocks(input, summary, &mut |block| {
        let element = &mut |text: &str, line: u64| {
            elements.push((line, text.to_owned()));
            Ok::<(), InvalidArray>(())
        };
        array.push(block, element).map_err(to_data_error)
    })?;
    array.finish().map_err(to_data_error)?;
    Ok(elements)
}

/// Return true if a file that should be read line by line holds records with both sides.
fn holds_records(input: &InputFile) -> bool {
    // Lines of plain text may begin with a brace, but not in a file of this name.
    has_extension(&input.name, &["jsonl", "ndjson"])
        || (has_extension(&input.name, &["json"]) && input.format == FileFormat::JsonArray)
}

/// A line that is not a source, a tab and a target.
enum NotTwoFields {
    NoTab,
    Many(usize),
}

impl NotTwoFields {
    /// Describe the problem and the remedy; `targets` is the setting that names files of targets.
    fn told(&self, input: &InputFile, targets: &str) -> String {
        match self {
            Self::Many(fields) => format!(
                "the line has {fields} fields, but a pair has two: a source, a tab and its target; keep the two, as by `cut -f1,2`"
            ),
            Self::NoTab if input.is_piped() => format!(
                "there is no tab: a line is a source, a tab and its target, or a JSON object; if the targets are in another file, name it with {targets}"
            ),
            Self::NoTab => format!(
                "there is no tab: a line is a source, a tab and its target; if the targets are in another file, name it with {targets}, and if each line is a JSON object, let the file's name end in .jsonl"
            ),
        }
    }
}

/// Divide a line into its source and its target.
fn split_at_tab(line: &str) -> Result<Pair, NotTwoFields> {
    let fields = line.split('\t').count();
    match line.split_once('\t') {
        Some((source, target)) if fields == 2 => Ok(Pair {
            source: source.to_owned(),
            target: target.to_owned(),
            alignment: None,
        }),
        Some(_) => Err(NotTwoFields::Many(fields)),
        None => Err(NotTwoFields::NoTab),
    }
}

/// Return what is wrong with a pair whatever it is used for.
fn find_problem(pair: &Pair) -> Option<String> {
    let empty = |side: &str| {
        Some(format!(
            "the {side} is empty: fill it in, or remove the pair"
        ))
    };
    if is_blank(&pair.source) {
        return empty("source");
    }
    if is_blank(&pair.target) {
        return empty("target");
    }
    let alignment = pair.alignment.as_ref()?;
    let (source, target) = (pair.source.chars().count(), pair.target.chars().count());
    let mut links = alignment.sure.iter().chain(&alignment.possible);
    let outside = links.find(|link| link.target.end > target || link.source.end > source)?;
    Some(format!(
        "the alignment links characters {:?} of a target of {target} to characters {:?} of a source of {source}; a link is [target start, target end, source start, source end], in characters",
        outside.target, outside.source
    ))
}
