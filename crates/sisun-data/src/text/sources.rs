//! From what a person names (files, folders, globs, `-`) to the list of files to read.

use crate::{
    DataError,
    text::file_format::{Form, ends_in, form_of},
};
use sisun_config::DataConfig;
use sisun_files::{Scratch, is_file, is_folder, look};
use std::{
    collections::HashSet,
    fs::File,
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

/// What is read from a folder. A file that is named itself may have any ending.
const TEXT_ENDINGS: [&str; 5] = ["txt", "text", "md", "jsonl", "ndjson"];
/// What is read from a folder if it holds records and a field of them is asked for.
const JSON_ENDINGS: [&str; 1] = ["json"];

/// One file to read.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    /// What is opened.
    pub(crate) path: PathBuf,
    /// What messages call it.
    pub(crate) name: PathBuf,
    /// How it is read.
    pub(crate) form: Form,
    /// What it looks like.
    pub(crate) looks: Form,
    /// Standard input, kept in a file for as long as it is needed.
    _spool: Option<Arc<Scratch>>,
}

impl Input {
    fn new(
        path: PathBuf,
        name: PathBuf,
        spool: Option<Scratch>,
        rules: &DataConfig,
    ) -> Result<Self, DataError> {
        let (form, looks) = form_of(&path, &name, rules)?;
        Ok(Self {
            path,
            name,
            form,
            looks,
            _spool: spool.map(Arc::new),
        })
    }
}

/// The files that `sources` name, in the order of the sources and sorted within each; none twice.
///
/// A folder gives its files ending in `.txt`, `.text`, `.md`, `.jsonl` or `.ndjson`, and those in
/// `.json` that are read as JSON, at any depth, without hidden ones and without following links to
/// other folders. A glob gives the files that match, whatever their ending, and what is in the
/// folders that match. `-` is `stdin`. What can be read only once, standard input or a pipe, is put
/// into a file in `spool_folder`.
pub(crate) fn resolve(
    sources: &[String],
    rules: &DataConfig,
    spool_folder: &Path,
    stdin: &mut dyn Read,
) -> Result<Vec<Input>, DataError> {
    if sources.is_empty() {
        return Err(DataError::NoSources);
    }
    let mut inputs: Vec<Input> = Vec::new();
    let mut seen = HashSet::new();
    for source in sources {
        if source == "-" {
            if seen.insert(PathBuf::from("-")) {
                inputs.push(spool(spool_folder, stdin, "standard input".into(), rules)?);
            }
            continue;
        }
        for path in files_of(source, rules)? {
            if !seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
                continue;
            }
            inputs.push(if is_file(&path).map_err(DataError::io(&path))? {
                Input::new(path.clone(), path, None, rules)?
            } else {
                let mut pipe = File::open(&path).map_err(DataError::io(&path))?;
                spool(spool_folder, &mut pipe, path, rules)?
            });
        }
    }
    Ok(inputs)
}

/// The inputs that are not among `others`.
pub(crate) fn without(inputs: Vec<Input>, others: &[Input]) -> Vec<Input> {
    let real = |input: &Input| {
        input
            .path
            .canonicalize()
            .unwrap_or_else(|_| input.path.clone())
    };
    let others: HashSet<PathBuf> = others.iter().map(real).collect();
    inputs
        .into_iter()
        .filter(|input| !others.contains(&real(input)))
        .collect()
}

fn files_of(source: &str, rules: &DataConfig) -> Result<Vec<PathBuf>, DataError> {
    let path = Path::new(source);
    match look(path).map_err(DataError::io(path)) {
        Ok(Some(found)) if found.is_dir() => {
            let mut files = Vec::new();
            walk(path, rules, &mut files)?;
            return some(files, source);
        }
        Ok(Some(_)) => return Ok(vec![path.to_owned()]),
        // A pattern may be what no file can be called.
        Err(error) if !source.contains(['*', '?', '[']) => return Err(error),
        _ => {}
    }
    if !source.contains(['*', '?', '[']) {
        return Err(DataError::Missing {
            path: path.to_owned(),
            suggestion: nearest(path),
        });
    }
    let matches = glob::glob(source).map_err(|error| DataError::Glob {
        pattern: source.to_owned(),
        message: error.to_string(),
    })?;
    let mut files = Vec::new();
    for found in matches {
        let found = found.map_err(|error| {
            let path = error.path().to_owned();
            DataError::Io {
                path,
                source: error.into(),
            }
        })?;
        if is_folder(&found).map_err(DataError::io(&found))? {
            walk(&found, rules, &mut files)?;
        } else {
            files.push(found);
        }
    }
    files.sort_unstable();
    some(files, source)
}

fn some(files: Vec<PathBuf>, source: &str) -> Result<Vec<PathBuf>, DataError> {
    if files.is_empty() {
        Err(DataError::NoFiles {
            name: source.to_owned(),
        })
    } else {
        Ok(files)
    }
}

/// Adds the text files below `folder`, sorted.
fn walk(folder: &Path, rules: &DataConfig, files: &mut Vec<PathBuf>) -> Result<(), DataError> {
    let mut entries = std::fs::read_dir(folder)
        .and_then(|entries| entries.collect::<Result<Vec<_>, _>>())
        .map_err(DataError::io(folder))?;
    entries.sort_unstable_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.file_type().map_err(DataError::io(&path))?.is_dir() {
            walk(&path, rules, files)?;
        } else if is_file(&path).map_err(DataError::io(&path))? && is_text(&path, rules)? {
            files.push(path);
        }
    }
    Ok(())
}

fn is_text(path: &Path, rules: &DataConfig) -> Result<bool, DataError> {
    Ok(ends_in(path, &TEXT_ENDINGS)
        || (ends_in(path, &JSON_ENDINGS) && form_of(path, path, rules)?.0 != Form::Text))
}

/// The name in the same folder that differs least, if it differs little.
fn nearest(path: &Path) -> Option<PathBuf> {
    let wanted = path.file_name()?.to_string_lossy().to_lowercase();
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let entries = std::fs::read_dir(folder.unwrap_or(Path::new("."))).ok()?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names
        .map(|name| (strsim::osa_distance(&wanted, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= wanted.chars().count().div_ceil(3))
        .min()
        .map(|(_, name)| folder.map_or_else(|| PathBuf::from(&name), |folder| folder.join(&name)))
}

fn spool(
    folder: &Path,
    from: &mut dyn Read,
    name: PathBuf,
    rules: &DataConfig,
) -> Result<Input, DataError> {
    let mut file = Scratch::new_in(folder, "standard-input").map_err(DataError::cache(folder))?;
    let mut block = vec![0; 64 << 10];
    loop {
        let read = match from.read(&mut block) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(DataError::io(&name)(error)),
        };
        file.file()
            .write_all(&block[..read])
            .map_err(DataError::cache(folder))?;
    }
    Input::new(file.path().to_owned(), name, Some(file), rules)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::resolve;
    use crate::text::utf8::{Seen, read_blocks};
    use sisun_config::DataConfig;

    #[test]
    fn standard_input_is_read_once_and_can_be_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let rules = DataConfig::reading(vec!["-".to_owned(), "-".to_owned()]);
        let mut stdin = "하나의 글".as_bytes();
        let inputs = resolve(&rules.sources, &rules, folder.path(), &mut stdin).unwrap();
        assert_eq!(inputs.len(), 1);
        for _ in 0..2 {
            let mut text = String::new();
            read_blocks(&inputs[0], &mut Seen::default(), &mut |block| {
                text += block;
                Ok(())
            })
            .unwrap();
            assert_eq!(text, "하나의 글");
        }
        drop(inputs);
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            0,
            "nothing is left behind"
        );
    }
}
