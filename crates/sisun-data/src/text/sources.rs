//! From the sources of a configuration (files, folders, globs, `-`) to the list of files to read.

use crate::{
    DataError,
    text::file_format::{FileFormat, detect_format, has_extension, is_named_json},
};
use sisun_config::{DataConfig, free_path, nearest_path, shell};
use sisun_files::{Scratch, is_file, is_folder, look};
use std::{
    collections::HashSet,
    fs::File,
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Name endings of the files that are read from a folder. A file that is named itself may have any.
const TEXT_EXTENSIONS: [&str; 5] = ["txt", "text", "md", "jsonl", "ndjson"];
/// Name endings of files that are read from a folder if they hold records and the configuration
/// names a field.
const JSON_EXTENSIONS: [&str; 1] = ["json"];

/// A file to read.
#[derive(Clone, Debug)]
pub(crate) struct InputFile {
    /// The path that is opened.
    pub(crate) path: PathBuf,
    /// The name that messages use.
    pub(crate) name: PathBuf,
    /// The format in which it is read.
    pub(crate) format: FileFormat,
    /// The format that its contents look like.
    pub(crate) looks_like: FileFormat,
    /// True for JSON of another shape than records, which is read as plain text.
    pub(crate) is_other_json: bool,
    /// The file with a copy of standard input, removed with the last clone.
    spool: Option<Arc<Scratch>>,
}

impl InputFile {
    /// Return true if the file is a copy of standard input or of a pipe.
    pub(crate) fn is_piped(&self) -> bool {
        self.spool.is_some()
    }

    fn new(
        path: PathBuf,
        name: PathBuf,
        spool: Option<Scratch>,
        data: &DataConfig,
    ) -> Result<Self, DataError> {
        let (format, looks_like) = detect_format(&path, &name, data)?;
        Ok(Self {
            is_other_json: looks_like == FileFormat::PlainText && is_named_json(&path, &name)?,
            path,
            name,
            format,
            looks_like,
            spool: spool.map(Arc::new),
        })
    }
}

/// The files of some sources.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    pub(crate) inputs: Vec<InputFile>,
    /// Files that are named more than once, each once.
    pub(crate) repeated: Vec<PathBuf>,
}

/// Return the files that `sources` name, in the order of the sources and sorted within each, none
/// twice.
///
/// A folder gives its files ending in `.txt`, `.text`, `.md`, `.jsonl` or `.ndjson`, and those in
/// `.json` that are read as JSON, at any depth, without hidden ones and without following links to
/// other folders. A glob gives the files that match, whatever their ending (hidden ones if it
/// names the dot), and the files in the
/// folders that match. `-` is `stdin`. Standard input and pipes, which can be read only once, are
/// copied to a file in `spool_folder`.
pub(crate) fn resolve_sources(
    sources: &[String],
    data: &DataConfig,
    spool_folder: &Path,
    stdin: &mut dyn Read,
) -> Result<Sources, DataError> {
    if sources.is_empty() {
        return Err(DataError::NoSources);
    }
    let mut inputs: Vec<InputFile> = Vec::new();
    let mut repeated = Vec::new();
    let mut seen = HashSet::new();
    for source in sources {
        if source == "-" {
            if seen.insert(PathBuf::from("-")) {
                inputs.push(spool(spool_folder, stdin, "standard input".into(), data)?);
            } else if !repeated.contains(&PathBuf::from("-")) {
                repeated.push("-".into());
            }
            continue;
        }
        for path in files_of(source, data)? {
            if !seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
                if !repeated.contains(&path) {
                    repeated.push(path);
                }
                continue;
            }
            inputs.push(if is_file(&path).map_err(DataError::io(&path))? {
                InputFile::new(path.clone(), path, None, data)?
            } else {
                let mut pipe = File::open(&path).map_err(DataError::io(&path))?;
                spool(spool_folder, &mut pipe, path, data)?
            });
        }
    }
    Ok(Sources { inputs, repeated })
}

/// Describe the first file of JSON that is read as plain text, with the remedy.
pub(crate) fn other_json_note<'i>(inputs: impl Iterator<Item = &'i InputFile>) -> Option<String> {
    let first = inputs.into_iter().find(|input| input.is_other_json)?;
    let to = free_path(first.name.with_extension("jsonl"));
    Some(format!(
        "`{}` is JSON, but neither a list of objects nor an object on each line, and is read as plain text, braces and all; to learn its texts, write each as an object on a line of its own; from a list of strings: jq -c '.[] | {{text: .}}' {} > {}",
        first.name.display(),
        shell::path(&first.name),
        shell::path(&to)
    ))
}

/// Return the inputs that are not among `others`.
pub(crate) fn exclude(inputs: Vec<InputFile>, others: &[InputFile]) -> Vec<InputFile> {
    let real = |input: &InputFile| {
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

/// Return the files of one source.
fn files_of(source: &str, data: &DataConfig) -> Result<Vec<PathBuf>, DataError> {
    let path = Path::new(source);
    match look(path).map_err(DataError::io(path)) {
        Ok(Some(found)) if found.is_dir() => {
            let mut files = Vec::new();
            walk(path, data, &mut files)?;
            return check_not_empty(files, source);
        }
        Ok(Some(_)) => return Ok(vec![path.to_owned()]),
        // A pattern may be an invalid file name.
        Err(error) if !source.contains(['*', '?', '[']) => return Err(error),
        _ => {}
    }
    check_link(path)?;
    if !source.contains(['*', '?', '[']) {
        return Err(DataError::Missing {
            path: path.to_owned(),
            // A dead link is not suggested.
            suggestion: nearest_path(path, &|near| matches!(look(near), Ok(Some(_)))),
        });
    }
    // As in a folder and in a shell, hidden files are not meant.
    let options = glob::MatchOptions {
        require_literal_leading_dot: true,
        ..glob::MatchOptions::new()
    };
    let matches = glob::glob_with(source, options).map_err(|error| DataError::InvalidGlob {
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
        check_link(&found)?;
        if is_folder(&found).map_err(DataError::io(&found))? {
            walk(&found, data, &mut files)?;
        } else {
            files.push(found);
        }
    }
    files.sort_unstable();
    check_not_empty(files, source)
}

fn check_not_empty(files: Vec<PathBuf>, source: &str) -> Result<Vec<PathBuf>, DataError> {
    if files.is_empty() {
        Err(DataError::NoFiles {
            name: source.to_owned(),
        })
    } else {
        Ok(files)
    }
}

/// Add the text files below `folder`, sorted.
fn walk(folder: &Path, data: &DataConfig, files: &mut Vec<PathBuf>) -> Result<(), DataError> {
    let mut entries = std::fs::read_dir(folder)
        .and_then(|entries| entries.collect::<Result<Vec<_>, _>>())
        .map_err(DataError::io(folder))?;
    entries.sort_unstable_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if has_extension(&path, &TEXT_EXTENSIONS)
            || (data.jsonl_field.is_some() && has_extension(&path, &JSON_EXTENSIONS))
        {
            check_link(&path)?;
        }
        if entry.file_type().map_err(DataError::io(&path))?.is_dir() {
            walk(&path, data, files)?;
        } else if is_file(&path).map_err(DataError::io(&path))? && is_text_file(&path, data)? {
            files.push(path);
        }
    }
    Ok(())
}

fn is_text_file(path: &Path, data: &DataConfig) -> Result<bool, DataError> {
    Ok(has_extension(path, &TEXT_EXTENSIONS)
        || (has_extension(path, &JSON_EXTENSIONS)
            && detect_format(path, path, data)?.0 != FileFormat::PlainText))
}

/// Return [`DataError::DeadLink`] if a path is a link whose target does not exist.
fn check_link(path: &Path) -> Result<(), DataError> {
    // A path that cannot be examined is reported when it is read.
    match (std::fs::read_link(path), look(path)) {
        (Ok(target), Ok(None)) => Err(DataError::DeadLink {
            path: path.to_owned(),
            target,
        }),
        _ => Ok(()),
    }
}

/// Copy a source that can be read only once to a file in `folder`.
fn spool(
    folder: &Path,
    from: &mut dyn Read,
    name: PathBuf,
    data: &DataConfig,
) -> Result<InputFile, DataError> {
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
    InputFile::new(file.path().to_owned(), name, Some(file), data)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Sources, resolve_sources};
    use crate::text::utf8::{ReadSummary, read_blocks};
    use sisun_config::DataConfig;

    #[test]
    fn standard_input_is_read_once_and_can_be_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataConfig::with_sources(vec!["-".to_owned(), "-".to_owned()]);
        let mut stdin = "하나의 글".as_bytes();
        let Sources { inputs, repeated } =
            resolve_sources(&data.sources, &data, folder.path(), &mut stdin).unwrap();
        assert_eq!((inputs.len(), repeated.len()), (1, 1));
        for _ in 0..2 {
            let mut text = String::new();
            read_blocks(&inputs[0], &mut ReadSummary::default(), &mut |block| {
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

    #[cfg(unix)]
    #[test]
    fn a_dead_link_is_refused_however_it_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.txt"), "text").unwrap();
        std::os::unix::fs::symlink("gone.txt", folder.path().join("b.txt")).unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        for source in [at("b.txt"), at("*.txt"), at("")] {
            let data = DataConfig::with_sources(vec![source.clone()]);
            let error = resolve_sources(&data.sources, &data, folder.path(), &mut "".as_bytes())
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("b.txt` is a link to `gone.txt`, which does not exist"),
                "{source}: {error}"
            );
        }
    }
}
