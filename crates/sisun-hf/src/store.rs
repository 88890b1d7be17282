//! The weights of a directory: one safetensors file or several with an index, mapped into memory.

use crate::present::is_there;
use crate::{HfError, json};
use bytes::Bytes;
use safetensors::tensor::TensorInfo;
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use sisun_model::weights::{explain, map_file};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

const WHOLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";
/// Number of bytes before a safetensors header that state its length.
const HEADER_LENGTH: usize = 8;

/// All tensors of a directory, with their locations.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) dir: PathBuf,
    maps: Vec<Bytes>,
    tensors: BTreeMap<String, Stored>,
}

/// A tensor in one of the files.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    file: usize,
    bytes: Range<usize>,
}

/// The map from tensors to files.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

impl Store {
    /// Map the weights of a directory and check the header of each file: no read or allocation
    /// relies on sizes that exceed the file.
    pub(crate) fn open(dir: &Path) -> Result<Self, HfError> {
        let mut store = Self {
            dir: dir.to_owned(),
            maps: Vec::new(),
            tensors: BTreeMap::new(),
        };
        if is_there(&dir.join(WHOLE))? {
            store.tensors = store.map(&dir.join(WHOLE))?;
        } else if is_there(&dir.join(INDEX))? {
            store.map_shards(&dir.join(INDEX))?;
        } else {
            return Err(match pickled(dir)? {
                Some(path) => HfError::Pickled {
                    path,
                    dir: dir.to_owned(),
                },
                None => HfError::NoWeights {
                    dir: dir.to_owned(),
                },
            });
        }
        Ok(store)
    }

    /// Return the names of all tensors.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Return one tensor.
    pub(crate) fn get(&self, name: &str) -> Option<&Stored> {
        self.tensors.get(name)
    }

    /// Return a tensor's numbers in place in the file, which stays mapped as long as the result is
    /// alive.
    pub(crate) fn bytes(&self, stored: &Stored) -> Bytes {
        self.maps[stored.file].slice(stored.bytes.clone())
    }

    fn map_shards(&mut self, path: &Path) -> Result<(), HfError> {
        let index: Index = json::parse(path, &json::read(path)?)?;
        let files: BTreeSet<&String> = index.weight_map.values().collect();
        let fail = |problems: Vec<String>| match problems.is_empty() {
            true => Ok(()),
            false => Err(HfError::Index {
                path: path.to_owned(),
                problems,
            }),
        };
        let outside = files.iter().filter(|file| !is_plain(file));
        fail(
            outside
                .map(|file| format!("{file:?}: must be the name of a file in the same folder"))
                .collect(),
        )?;
        let mut missing = Vec::new();
        for file in &files {
            if !is_there(&self.dir.join(file))? {
                missing.push(format!("{file}: no such file; download it again"));
            }
        }
        fail(missing)?;

        let mut problems = Vec::new();
        for file in files {
            for (name, stored) in self.map(&self.dir.join(file))? {
                match index.weight_map.get(&name) {
                    Some(of) if of == file => {
                        self.tensors.insert(name, stored);
                    }
                    Some(of) => {
                        problems.push(format!("{name}: is in {file}, but the index says {of}"))
                    }
                    None => problems.push(format!("{name}: is in {file}, but not in the index")),
                }
            }
        }
        let lacking = index
            .weight_map
            .iter()
            .filter(|(name, _)| !self.tensors.contains_key(*name));
        problems.extend(lacking.map(|(name, file)| format!("{name}: not in {file}")));
        fail(problems)
    }

    /// Map one file and return its tensors.
    fn map(&mut self, path: &Path) -> Result<BTreeMap<String, Stored>, HfError> {
        let bad = |problem: String| HfError::BadWeights {
            path: path.to_owned(),
            problem,
        };
        let map = map_file(path)?;
        let (header, metadata) =
            SafeTensors::read_metadata(&map).map_err(|error| bad(explain(&map, &error)))?;
        let start = HEADER_LENGTH + header;
        let file = self.maps.len();
        let place = |(name, info): (String, &TensorInfo)| -> Result<(String, Stored), HfError> {
            let (from, to) = info.data_offsets;
            let range = start.checked_add(from).zip(start.checked_add(to));
            let bytes = range
                .map(|(from, to)| from..to)
                .filter(|bytes| map.get(bytes.clone()).is_some());
            let bytes = bytes.ok_or_else(|| {
                bad(format!(
                    "it is cut short: {} bytes are there, {name} alone needs {}; copy or download it again",
                    map.len(),
                    start.saturating_add(to)
                ))
            })?;
            Ok((
                name,
                Stored {
                    dtype: info.dtype,
                    shape: info.shape.clone(),
                    file,
                    bytes,
                },
            ))
        };
        let tensors = metadata
            .tensors()
            .into_iter()
            .map(place)
            .collect::<Result<_, _>>()?;
        self.maps.push(Bytes::from_owner(map));
        Ok(tensors)
    }
}

/// Return true if this names a file in the same folder.
fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    // A backslash separates folders on Windows.
    matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == OsStr::new(name))
        && !name.contains(['\\', '\0'])
}

/// Return a file of pickled weights, if there is one.
fn pickled(dir: &Path) -> Result<Option<PathBuf>, HfError> {
    let entries = std::fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut files: Vec<PathBuf> = entries
        .map_err(HfError::read(dir))?
        .iter()
        .map(|entry| entry.path())
        .collect();
    files.retain(|path| has_pickled_name(path));
    files.sort();
    for path in files {
        if is_there(&path)? {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// Return true if a file has the name of pickled weights.
pub(crate) fn has_pickled_name(path: &Path) -> bool {
    path.extension().is_some_and(|end| {
        ["bin", "pt", "pth", "ckpt"]
            .iter()
            .any(|known| end == *known)
    })
}
