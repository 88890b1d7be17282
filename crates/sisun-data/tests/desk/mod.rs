//! Test fixture: files, the settings to read them, and the messages of reading them.
#![allow(dead_code, clippy::unwrap_used)]

use sisun_config::{DataConfig, TokenizerConfig};
use sisun_data::{Corpus, DataError, Tokenizer, Tokens, prepare};
use std::{fs, path::PathBuf};
use tempfile::TempDir;

/// A folder with some files, a cache, and the settings to read them.
pub(crate) struct Desk {
    pub(crate) folder: TempDir,
    pub(crate) data: DataConfig,
    pub(crate) tokenizer: TokenizerConfig,
    pub(crate) messages: Vec<String>,
}

impl Desk {
    pub(crate) fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, contents) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, contents).unwrap();
        }
        let sources = files
            .iter()
            .map(|(name, _)| folder.path().join(name).display().to_string())
            .collect();
        let data = DataConfig::with_sources(sources);
        Self {
            folder,
            data,
            tokenizer: TokenizerConfig::Char,
            messages: Vec::new(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    pub(crate) fn prepare(&mut self) -> Result<Corpus, DataError> {
        let cache = self.cache();
        let messages = &mut self.messages;
        prepare(&self.data, &self.tokenizer, 1, &cache, &mut |message| {
            messages.push(message.to_owned())
        })
    }

    /// A tokenizer of these characters.
    pub(crate) fn prepare_tokenizer(&self, characters: &str) -> Tokenizer {
        Tokenizer::characters(characters.chars(), true).unwrap()
    }

    pub(crate) fn error(&mut self) -> DataError {
        self.prepare().unwrap_err()
    }
}

pub(crate) fn text(corpus: &Corpus, tokens: &Tokens) -> String {
    corpus
        .tokenizer
        .decode(&tokens.read(0..tokens.len()))
        .unwrap()
}

pub(crate) fn documents(corpus: &Corpus, tokens: &Tokens) -> Vec<String> {
    (0..tokens.documents())
        .map(|i| {
            corpus
                .tokenizer
                .decode(&tokens.read(tokens.document(i)))
                .unwrap()
        })
        .collect()
}
