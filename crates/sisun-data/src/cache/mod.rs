//! Token files on disk: written once, verified whenever they are opened, rebuilt when they are not
//! what they were.

mod entries;

pub use entries::{CacheEntry, cache_entries};

use crate::{
    DataError, Tokenizer, Unknown, file,
    text::chunks::Part,
    tokenizer::hex,
    tokens::{Tokens, Width},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sisun_files::{
    Holder, Lock, LockError, Patience, if_there, is_file, look, make_folder, remove_leftovers_in,
};
use std::{
    collections::BTreeMap,
    fs::{DirEntry, File, Metadata},
    io::{BufWriter, ErrorKind, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// Part of every cache key: raise it when what a cache holds changes for the same text.
pub(crate) const VERSION: u32 = 2;

const HEADER: &str = "header.json";
const TOKENIZER: &str = "tokenizer.json";

/// Every file that an entry can have, the one that says what it is last.
pub(crate) const FILES: [&str; 8] = [
    "training.tokens",
    "training.documents",
    "training.loss",
    "validation.tokens",
    "validation.documents",
    "validation.loss",
    TOKENIZER,
    HEADER,
];

/// What a cache says of itself.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    version: u32,
    /// The name of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    training: Counts,
    validation: Counts,
    /// What the tokenizer could not write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unknown: Option<Unknown>,
    /// Every other file in the folder.
    files: BTreeMap<String, Fingerprint>,
}

/// What is in one part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Counts {
    tokens: u64,
    documents: u64,
    /// Of text, which is not the size of any file here.
    text_bytes: u64,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Fingerprint {
    bytes: u64,
    sha256: String,
}

/// What a cache holds.
pub(crate) struct Cached {
    pub(crate) training: Tokens,
    pub(crate) validation: Tokens,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) unknown: Option<Unknown>,
}

/// What an entry says of itself, without looking whether it is sound.
pub(crate) struct Description {
    pub(crate) text: Option<String>,
    pub(crate) tokens: u64,
    pub(crate) used: SystemTime,
}

/// What the entry `folder` says of itself, if it is one.
///
/// # Errors
/// An entry that is there and cannot be read.
pub(crate) fn describe(folder: &Path) -> Result<Option<Description>, DataError> {
    let path = folder.join(HEADER);
    let read = || -> std::io::Result<_> {
        let Some(found) = if_there(path.symlink_metadata())? else {
            return Ok(None);
        };
        Ok(if_there(std::fs::read(&path))?.zip(Some(found.modified()?)))
    };
    let Some((bytes, used)) = read().map_err(DataError::io(&path))? else {
        return Ok(None);
    };
    // Something else of this name is no entry.
    let Ok(header) = serde_json::from_slice::<Header>(&bytes) else {
        return Ok(None);
    };
    let tokens = header.training.tokens + header.validation.tokens;
    Ok(Some(Description {
        text: header.text,
        tokens,
        used,
    }))
}

/// Whether an entry has a file of this name.
pub(crate) fn is_file_of_an_entry(name: &str) -> bool {
    FILES.contains(&name)
}

/// Notes that an entry is used. Where that is not allowed it seems older than it is, which does no
/// harm.
fn note_use(folder: &Path) {
    let header = File::options().write(true).open(folder.join(HEADER));
    let _ = header.and_then(|header| header.set_modified(SystemTime::now()));
}

fn stem(part: Part) -> &'static str {
    match part {
        Part::Training => "training",
        Part::Validation => "validation",
    }
}

fn ids_file(part: Part) -> String {
    format!("{}.tokens", stem(part))
}

fn starts_file(part: Part) -> String {
    format!("{}.documents", stem(part))
}

fn loss_file(part: Part) -> String {
    format!("{}.loss", stem(part))
}

/// Why a cache that is there cannot be used.
pub(crate) enum Unsound {
    /// It is not what was written, as this says: it can be made anew.
    Damaged(String),
    /// The system does not let it be read, which says nothing about it.
    Unreadable(DataError),
}

impl Unsound {
    /// For `map_err`: an error at one of a cache's files.
    fn of(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                Self::Damaged(format!("{name}: {error}"))
            }
            _ => Self::Unreadable(DataError::cache(&path)(error)),
        }
    }
}

/// Opens a cache if it is there; `None` means that there is none.
///
/// # Errors
/// One that is damaged, or cannot be read.
pub(crate) fn open(folder: &Path) -> Result<Option<Cached>, Unsound> {
    let damaged = |problem: String| Unsound::Damaged(problem);
    if look(folder).map_err(Unsound::of(folder))?.is_none() {
        return Ok(None);
    }
    let path = folder.join(HEADER);
    let header = std::fs::read(&path).map_err(Unsound::of(&path))?;
    let header: Header =
        serde_json::from_slice(&header).map_err(|error| damaged(format!("{HEADER}: {error}")))?;
    if header.version != VERSION {
        return Err(damaged(format!(
            "{HEADER}: version {} instead of {VERSION}",
            header.version
        )));
    }
    for (name, expected) in &header.files {
        let path = folder.join(name);
        let found = fingerprint(&path).map_err(Unsound::of(&path))?;
        if found.bytes != expected.bytes {
            return Err(damaged(format!(
                "{name}: {} bytes instead of {}",
                found.bytes, expected.bytes
            )));
        }
        if found != *expected {
            return Err(damaged(format!(
                "{name}: its checksum is not the recorded one"
            )));
        }
    }
    let tokenizer = Tokenizer::from_file(&folder.join(TOKENIZER)).map_err(|error| match error {
        DataError::Io { path, source } => Unsound::of(&path)(source),
        error => damaged(error.to_string()),
    })?;
    let tokens = |part, counts: Counts| {
        let path = |name: String| folder.join(name);
        let loss = path(loss_file(part));
        let loss = header
            .files
            .contains_key(&loss_file(part))
            .then_some(loss.as_path());
        let (ids, width) = (path(ids_file(part)), Width::of(tokenizer.vocab_size()));
        let tokens = Tokens::map(
            &ids,
            width,
            loss,
            &path(starts_file(part)),
            counts.text_bytes,
        );
        let tokens = tokens.map_err(Unsound::of(&ids))?;
        if (tokens.len() as u64, tokens.documents() as u64) != (counts.tokens, counts.documents) {
            return Err(damaged(format!(
                "the {} part does not have the recorded size",
                stem(part)
            )));
        }
        Ok(tokens)
    };
    note_use(folder);
    let training = tokens(Part::Training, header.training)?;
    let validation = tokens(Part::Validation, header.validation)?;
    Ok(Some(Cached {
        training,
        validation,
        tokenizer,
        unknown: header.unknown,
    }))
}

/// Takes the lock under which the cache `folder` is made, waiting for another process that makes
/// the same one, and removes what processes left that died at it.
pub(crate) fn lock(folder: &Path, progress: &mut dyn FnMut(&str)) -> Result<Lock, DataError> {
    let cache_dir = folder.parent().unwrap_or(Path::new("."));
    let path = cache_dir.join(format!("{}{LOCK}", entry_name(folder)));
    let mut tell =
        |holder: &Holder| progress(&format!("{holder} prepares the same text: waiting for it"));
    let mut ready = || make_folder(cache_dir);
    let lock =
        Lock::take(&path, Patience::Wait(&mut tell), &mut ready).map_err(|error| match error {
            LockError::Io { path, source } => DataError::Cache { path, source },
            taken @ LockError::Taken { .. } => DataError::Cache {
                path: path.clone(),
                source: std::io::Error::other(taken),
            },
        })?;
    if lock.is_hollow() {
        progress(
            "note: the token cache's file system knows no locks: processes that prepare one text at once each do it all",
        );
    } else {
        remove_unfinished(cache_dir, &entry_name(folder));
    }
    Ok(lock)
}

/// Removes from a folder of caches what processes left there that died: files that they read
/// standard input into, and entries that they did not finish. What cannot be removed is only
/// untidy.
pub(crate) fn tidy(cache_dir: &Path) {
    remove_leftovers_in(cache_dir);
    let Ok(entries) = std::fs::read_dir(cache_dir) else {
        return;
    };
    let names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    for entry in names
        .iter()
        .filter_map(|name| name.strip_suffix(LOCK))
        .filter(|entry| is_entry_name(entry))
    {
        // A lock that nobody holds any more.
        if let Ok(lock) = Lock::take(
            &cache_dir.join(format!("{entry}{LOCK}")),
            Patience::Refuse,
            &mut || Ok(()),
        ) && !lock.is_hollow()
        {
            remove_unfinished(cache_dir, entry);
            let _ = lock.remove();
        }
    }
    for name in names.iter().filter(|name| is_of_older_versions(name)) {
        let folder = cache_dir.join(name);
        if is_abandoned(&folder) {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// Removes what is unfinished of an entry whose lock is held.
fn remove_unfinished(cache_dir: &Path, entry: &str) {
    let Ok(entries) = std::fs::read_dir(cache_dir) else {
        return;
    };
    let begins = unfinished(entry);
    for found in entries
        .flatten()
        .filter(|found| found.file_name().to_string_lossy().starts_with(&begins))
    {
        let _ = std::fs::remove_dir_all(found.path());
    }
}

/// Whether a name is that of an entry: a SHA-256 in hexadecimal.
pub(crate) fn is_entry_name(name: &str) -> bool {
    name.len() == 64
        && name
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
}

/// Whether a name is that of an entry that an older version was making, which held no lock:
/// `.unfinished-` and six letters or digits.
fn is_of_older_versions(name: &str) -> bool {
    let token = name.strip_prefix(".unfinished-");
    token.is_some_and(|token| {
        token.len() == 6 && token.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Whether a folder holds nothing but files of an entry, none of which was written to for a day.
fn is_abandoned(folder: &Path) -> bool {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let is_old = |metadata: &Metadata| {
        metadata
            .modified()
            .is_ok_and(|at| at.elapsed().is_ok_and(|age| age > DAY))
    };
    let is_ours = |entry: std::io::Result<DirEntry>| {
        let Ok(entry) = entry else { return false };
        let name = entry.file_name();
        // The header was written aside, under a name of six letters or digits.
        let is_ours = name
            .to_str()
            .is_some_and(|name| is_file_of_an_entry(name) || name.starts_with(".tmp"));
        is_ours
            && entry
                .metadata()
                .is_ok_and(|found| found.is_file() && is_old(&found))
    };
    folder
        .symlink_metadata()
        .is_ok_and(|found| found.is_dir() && is_old(&found))
        && std::fs::read_dir(folder).is_ok_and(|mut entries| entries.all(is_ours))
}

/// How the name of an entry's lock ends.
const LOCK: &str = ".lock";

fn entry_name(folder: &Path) -> String {
    folder
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// How the names of folders begin in which an entry is being made.
fn unfinished(entry: &str) -> String {
    format!(".unfinished-{entry}-")
}

/// Length and SHA-256, read through a small buffer: through the mapping all of it would count as
/// memory used.
fn fingerprint(path: &Path) -> std::io::Result<Fingerprint> {
    let mut file = File::open(path)?;
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(Fingerprint {
                bytes,
                sha256: hex(&hash.finalize()),
            });
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
    }
}

/// A cache being written, in a folder of its own that vanishes if it is not finished.
pub(crate) struct Writer {
    aside: tempfile::TempDir,
    width: Width,
    parts: [PartWriter; 2],
}

/// The files of one part.
struct PartWriter {
    ids: HashedFile,
    starts: HashedFile,
    loss: Option<HashedFile>,
    counts: Counts,
}

/// What one call adds.
pub(crate) struct Addition<'a> {
    pub(crate) part: Part,
    pub(crate) ids: &'a [u32],
    pub(crate) text_bytes: usize,
    pub(crate) starts_document: bool,
    /// Whether the loss is taken on these tokens.
    pub(crate) loss: bool,
}

impl Writer {
    /// Begins the cache `folder`, with loss marks if `with_loss`.
    pub(crate) fn new(
        folder: &Path,
        vocab_size: usize,
        with_loss: bool,
    ) -> Result<Self, DataError> {
        let cache_dir = folder.parent().unwrap_or(Path::new("."));
        let prefix = unfinished(&entry_name(folder));
        let aside = file::readable(0o777)
            .prefix(&prefix)
            .tempdir_in(cache_dir)
            .map_err(DataError::cache(cache_dir))?;
        let part = |part| -> Result<PartWriter, DataError> {
            let create = |name: String| HashedFile::create(aside.path().join(name));
            Ok(PartWriter {
                ids: create(ids_file(part))?,
                starts: create(starts_file(part))?,
                loss: if with_loss {
                    Some(create(loss_file(part))?)
                } else {
                    None
                },
                counts: Counts::default(),
            })
        };
        let parts = [part(Part::Training)?, part(Part::Validation)?];
        Ok(Self {
            aside,
            width: Width::of(vocab_size),
            parts,
        })
    }

    pub(crate) fn add(&mut self, addition: &Addition<'_>) -> Result<(), DataError> {
        let part = &mut self.parts[addition.part as usize];
        if addition.starts_document {
            part.starts.write(&part.counts.tokens.to_le_bytes())?;
            part.counts.documents += 1;
        }
        let mut bytes = Vec::with_capacity(4 * addition.ids.len());
        addition
            .ids
            .iter()
            .for_each(|&id| self.width.write(id, &mut bytes));
        part.ids.write(&bytes)?;
        if let Some(loss) = &mut part.loss {
            loss.write(&vec![u8::from(addition.loss); addition.ids.len()])?;
        }
        part.counts.tokens += addition.ids.len() as u64;
        part.counts.text_bytes += addition.text_bytes as u64;
        Ok(())
    }

    /// Syncs everything and renames the folder to `folder`, replacing what is there.
    pub(crate) fn finish(
        self,
        folder: &Path,
        text: &str,
        tokenizer: &Tokenizer,
        unknown: Option<Unknown>,
    ) -> Result<(), DataError> {
        let mut files = BTreeMap::new();
        let [training, validation] = self.parts.each_ref().map(|part| part.counts);
        for part in self.parts {
            for file in [Some(part.ids), Some(part.starts), part.loss]
                .into_iter()
                .flatten()
            {
                let (name, fingerprint) = file.finish()?;
                files.insert(name, fingerprint);
            }
        }
        let path = self.aside.path().join(TOKENIZER);
        tokenizer.save(&path).map_err(DataError::in_cache)?;
        files.insert(
            TOKENIZER.to_owned(),
            fingerprint(&path).map_err(DataError::cache(&path))?,
        );
        let header = Header {
            version: VERSION,
            text: Some(text.to_owned()),
            training,
            validation,
            unknown,
            files,
        };
        let header = serde_json::to_vec_pretty(&header).expect("a header is plain data");
        file::write_atomically(&self.aside.path().join(HEADER), &header)
            .map_err(DataError::in_cache)?;

        // What is there is damaged. It is renamed first, so that no half of it is ever seen under
        // its name.
        let cache_dir = folder.parent().unwrap_or(Path::new("."));
        let replaced = cache_dir.join(format!("{}replaced", unfinished(&entry_name(folder))));
        if_there(std::fs::remove_dir_all(&replaced)).map_err(DataError::cache(&replaced))?;
        if_there(std::fs::rename(folder, &replaced)).map_err(DataError::cache(folder))?;
        // Where there are no locks, another process may have finished the same cache meanwhile;
        // then its folder is as good.
        match std::fs::rename(self.aside.path(), folder) {
            Err(_) if is_file(&folder.join(HEADER)).map_err(DataError::cache(folder))? => {}
            renamed => renamed.map_err(DataError::cache(folder))?,
        }
        if_there(std::fs::remove_dir_all(&replaced)).map_err(DataError::cache(&replaced))?;
        Ok(())
    }
}

/// A file that is hashed as it is written.
struct HashedFile {
    path: PathBuf,
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl HashedFile {
    fn create(path: PathBuf) -> Result<Self, DataError> {
        let file = File::create(&path).map_err(DataError::cache(&path))?;
        Ok(Self {
            file: BufWriter::with_capacity(256 << 10, file),
            path,
            hash: Sha256::new(),
            bytes: 0,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), DataError> {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        self.file
            .write_all(bytes)
            .map_err(DataError::cache(&self.path))
    }

    fn finish(self) -> Result<(String, Fingerprint), DataError> {
        let file = self
            .file
            .into_inner()
            .map_err(|error| error.into_error())
            .map_err(DataError::cache(&self.path))?;
        file.sync_all().map_err(DataError::cache(&self.path))?;
        let name = self
            .path
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Ok((
            name,
            Fingerprint {
                bytes: self.bytes,
                sha256: hex(&self.hash.finalize()),
            },
        ))
    }
}
