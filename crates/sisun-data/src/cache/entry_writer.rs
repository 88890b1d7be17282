//! Writing a cache entry.

use super::entry_files::{
    Counts, Fingerprint, HEADER_FILE, Header, TOKENIZER_FILE, VERSION, documents_file, entry_name,
    fingerprint, ids_file, loss_file, unfinished_prefix,
};
use crate::{
    DataError, Tokenizer, UnknownCharacters, digest::hex, text::chunks::Split, tokens::IdWidth,
};
use sha2::{Digest, Sha256};
use sisun_files::{if_there, is_file, write_atomic};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

/// An entry being written, in a temporary folder that is removed unless the entry is finished.
pub(crate) struct EntryWriter {
    aside: tempfile::TempDir,
    width: IdWidth,
    splits: [SplitWriter; 2],
}

/// The files of one split.
struct SplitWriter {
    ids: HashedFile,
    starts: HashedFile,
    loss: Option<HashedFile>,
    counts: Counts,
}

/// Tokens to write.
pub(crate) struct TokenBatch<'a> {
    pub(crate) split: Split,
    pub(crate) ids: &'a [u32],
    pub(crate) text_bytes: usize,
    pub(crate) starts_document: bool,
    /// True if the loss is taken on these tokens.
    pub(crate) loss: bool,
}

impl EntryWriter {
    /// Begin the entry `folder`, with a loss mask if `with_loss`.
    pub(crate) fn new(
        folder: &Path,
        vocab_size: usize,
        with_loss: bool,
    ) -> Result<Self, DataError> {
        let cache_dir = folder.parent().unwrap_or(Path::new("."));
        let prefix = unfinished_prefix(&entry_name(folder));
        let aside = readable_folders()
            .prefix(&prefix)
            .tempdir_in(cache_dir)
            .map_err(DataError::cache(cache_dir))?;
        let split = |split| -> Result<SplitWriter, DataError> {
            let create = |name: String| HashedFile::create(aside.path().join(name));
            Ok(SplitWriter {
                ids: create(ids_file(split))?,
                starts: create(documents_file(split))?,
                loss: if with_loss {
                    Some(create(loss_file(split))?)
                } else {
                    None
                },
                counts: Counts::default(),
            })
        };
        let splits = [split(Split::Training)?, split(Split::Validation)?];
        Ok(Self {
            aside,
            width: IdWidth::of(vocab_size),
            splits,
        })
    }

    /// Write tokens to their split.
    pub(crate) fn write(&mut self, tokens: &TokenBatch<'_>) -> Result<(), DataError> {
        let split = &mut self.splits[tokens.split as usize];
        if tokens.starts_document {
            split.starts.write(&split.counts.tokens.to_le_bytes())?;
            split.counts.documents += 1;
        }
        let mut bytes = Vec::with_capacity(4 * tokens.ids.len());
        tokens
            .ids
            .iter()
            .for_each(|&id| self.width.write(id, &mut bytes));
        split.ids.write(&bytes)?;
        if let Some(loss) = &mut split.loss {
            loss.write(&vec![u8::from(tokens.loss); tokens.ids.len()])?;
        }
        split.counts.tokens += tokens.ids.len() as u64;
        split.counts.text_bytes += tokens.text_bytes as u64;
        Ok(())
    }

    /// Sync everything and rename the folder to `folder`, replacing an existing entry.
    pub(crate) fn finish(
        self,
        folder: &Path,
        text: &str,
        tokenizer: &Tokenizer,
        unknown: Option<UnknownCharacters>,
    ) -> Result<(), DataError> {
        let mut files = BTreeMap::new();
        let [training, validation] = self.splits.each_ref().map(|split| split.counts);
        for split in self.splits {
            for file in [Some(split.ids), Some(split.starts), split.loss]
                .into_iter()
                .flatten()
            {
                let (name, fingerprint) = file.finish()?;
                files.insert(name, fingerprint);
            }
        }
        let path = self.aside.path().join(TOKENIZER_FILE);
        tokenizer.save(&path).map_err(DataError::in_cache)?;
        files.insert(
            TOKENIZER_FILE.to_owned(),
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
        let path = self.aside.path().join(HEADER_FILE);
        write_atomic(&path, &header).map_err(|error| DataError::from(error).in_cache())?;

        // An existing entry is damaged. It is renamed first, so that it is never seen half removed
        // under its name.
        let cache_dir = folder.parent().unwrap_or(Path::new("."));
        let replaced = cache_dir.join(format!(
            "{}replaced",
            unfinished_prefix(&entry_name(folder))
        ));
        if_there(std::fs::remove_dir_all(&replaced)).map_err(DataError::cache(&replaced))?;
        if_there(std::fs::rename(folder, &replaced)).map_err(DataError::cache(folder))?;
        // Without locks, another process may have finished the same entry meanwhile. It is as good.
        match std::fs::rename(self.aside.path(), folder) {
            Err(_) if is_file(&folder.join(HEADER_FILE)).map_err(DataError::cache(folder))? => {}
            renamed => renamed.map_err(DataError::cache(folder))?,
        }
        if_there(std::fs::remove_dir_all(&replaced)).map_err(DataError::cache(&replaced))?;
        Ok(())
    }
}

/// A file whose hash is computed as it is written.
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

/// Return a builder of temporary folders that others may read as far as the umask allows. By default
/// they belong to their owner alone, and so would the entry.
#[cfg_attr(not(unix), allow(unused_mut))]
fn readable_folders() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o777));
    }
    builder
}
