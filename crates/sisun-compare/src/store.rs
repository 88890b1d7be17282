//! Results on disk: a folder for each track and variant, a file for each seed.
//!
//! ```text
//! OUT/comparison.json                   identity of the comparison
//! OUT/comparison.toml                   its settings, the budget merged in
//! OUT/cells/TRACK/VARIANT/SEED.json     result with its checksum
//! OUT/cells/TRACK/VARIANT/SEED.time.json
//! ```

use crate::CompareError;
use crate::grid::{Cell, Grid};
use crate::results::{CellResult, Timing};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sisun_files::{if_there, look, make_folder, write_atomic};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Version of the results, raised when the same cell would give different numbers.
const VERSION: u32 = 1;

/// The file that identifies the comparison of a directory.
pub const IDENTITY: &str = "comparison.json";
/// The file of a comparison's settings.
pub const SETTINGS: &str = "comparison.toml";

/// The directory of a comparison.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
    /// For each cell, the hash of everything that determines its result.
    keys: BTreeMap<String, String>,
}

/// The content of `comparison.json`.
#[derive(Serialize, Deserialize, PartialEq)]
struct Identity {
    name: String,
    budget: String,
    cells: BTreeMap<String, String>,
}

/// A result as stored in its file.
#[derive(Serialize, Deserialize)]
struct StoredResult {
    key: String,
    sha256: String,
    result: CellResult,
}

impl Store {
    /// Open or create the directory of this comparison. A comparison may grow: one with more seeds,
    /// variants or tracks continues from the results of a smaller one. `texts` holds the hash of
    /// each language track's text.
    ///
    /// # Errors
    /// If the directory holds another comparison, or cannot be written to.
    pub fn open(
        root: &Path,
        grid: &Grid,
        texts: &BTreeMap<String, String>,
    ) -> Result<Self, CompareError> {
        let (store, mine, is_theirs) = Self::looked_at(root, grid, texts)?;
        if !is_theirs {
            make_folder(root).map_err(CompareError::io("write", root))?;
            write_atomic(&root.join(SETTINGS), grid.toml.as_bytes())?;
            write_json(&root.join(IDENTITY), &mine)?;
        }
        Ok(store)
    }

    /// Check, before a sweep decides the settings of the cells, that the directory does not hold a
    /// comparison of another name or budget.
    ///
    /// # Errors
    /// If it does, or cannot be read.
    pub(crate) fn check_place(root: &Path, grid: &Grid) -> Result<(), CompareError> {
        let Some(theirs) = Self::identity(root)? else {
            return Ok(());
        };
        let mine = Identity {
            name: grid.name.clone(),
            budget: grid.budget.clone(),
            cells: theirs.cells.clone(),
        };
        match difference(&theirs, &mine) {
            Some(difference) => Err(CompareError::OtherGrid {
                path: root.to_owned(),
                difference,
            }),
            None => Ok(()),
        }
    }

    /// Return the identity of the comparison in a directory, if there is one.
    fn identity(root: &Path) -> Result<Option<Identity>, CompareError> {
        let path = root.join(IDENTITY);
        let text =
            if_there(std::fs::read_to_string(&path)).map_err(CompareError::io("read", &path))?;
        let Some(text) = text else {
            return Ok(None);
        };
        sisun_config::check_pointer(text.as_bytes()).map_err(CompareError::io("read", &path))?;
        let not = |_| CompareError::NotAComparison {
            path: root.to_owned(),
        };
        serde_json::from_str(&text).map(Some).map_err(not)
    }

    /// Open the directory of this comparison, or of a smaller one, for reading.
    ///
    /// # Errors
    /// If the directory holds another comparison, or cannot be read.
    pub(crate) fn open_to_read(
        root: &Path,
        grid: &Grid,
        texts: &BTreeMap<String, String>,
    ) -> Result<Self, CompareError> {
        Ok(Self::looked_at(root, grid, texts)?.0)
    }

    /// Return the directory, the identity of this comparison, and whether the directory has the
    /// same identity.
    fn looked_at(
        root: &Path,
        grid: &Grid,
        texts: &BTreeMap<String, String>,
    ) -> Result<(Self, Identity, bool), CompareError> {
        let keys: BTreeMap<String, String> = grid
            .cells
            .iter()
            .map(|cell| (cell.to_string(), key(grid, cell, texts.get(&cell.track))))
            .collect();
        let mine = Identity {
            name: grid.name.clone(),
            budget: grid.budget.clone(),
            cells: keys.clone(),
        };
        let theirs = Self::identity(root)?;
        if let Some(difference) = theirs.as_ref().and_then(|theirs| difference(theirs, &mine)) {
            return Err(CompareError::OtherGrid {
                path: root.to_owned(),
                difference,
            });
        }
        let is_theirs = theirs.as_ref() == Some(&mine);
        Ok((
            Self {
                root: root.to_owned(),
                keys,
            },
            mine,
            is_theirs,
        ))
    }

    /// Return a finished cell's result and timing, or `None` if it does not exist, is damaged, or
    /// has other settings.
    ///
    /// # Errors
    /// If the file exists and cannot be read.
    pub fn read(&self, cell: &Cell) -> Result<Option<(CellResult, Option<Timing>)>, CompareError> {
        let path = self.path(cell);
        let Some(bytes) = read_if_there(&path)? else {
            return Ok(None);
        };
        let Ok(filed) = serde_json::from_slice::<StoredResult>(&bytes) else {
            return Ok(None);
        };
        let whole = filed.sha256 == checksum(&filed.result)
            && self.keys.get(&cell.to_string()) == Some(&filed.key);
        // A result is valid without its timing.
        let timing = read_if_there(&path.with_extension("time.json"))?;
        let timing = timing.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(whole.then_some((filed.result, timing)))
    }

    /// Return true if there is a file for the cell, valid or damaged.
    pub(crate) fn has_file(&self, cell: &Cell) -> Result<bool, CompareError> {
        let path = self.path(cell);
        Ok(look(&path)
            .map_err(CompareError::io("read", &path))?
            .is_some())
    }

    /// Save a cell's result.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write(
        &self,
        cell: &Cell,
        result: &CellResult,
        timing: Option<&Timing>,
    ) -> Result<(), CompareError> {
        let path = self.path(cell);
        let folder = path.parent().unwrap_or(&self.root);
        make_folder(folder).map_err(CompareError::io("write", folder))?;
        if let Some(timing) = timing {
            write_json(&path.with_extension("time.json"), timing)?;
        }
        let key = self
            .keys
            .get(&cell.to_string())
            .cloned()
            .unwrap_or_default();
        write_json(
            &path,
            &StoredResult {
                key,
                sha256: checksum(result),
                result: result.clone(),
            },
        )
    }

    fn path(&self, cell: &Cell) -> PathBuf {
        let folder = self
            .root
            .join("cells")
            .join(&cell.track)
            .join(folder_name(&cell.variant));
        folder.join(format!("{}.json", cell.seed))
    }
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, CompareError> {
    if_there(std::fs::read(path)).map_err(CompareError::io("read", path))
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), CompareError> {
    let text = serde_json::to_string_pretty(value)
        .expect("plain structs of numbers and strings always serialise");
    Ok(write_atomic(path, text.as_bytes())?)
}

/// Convert a variant's name to a folder name: characters other than letters and digits become `-`,
/// and a hash keeps names distinct.
fn folder_name(variant: &str) -> String {
    let plain: String = variant
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(40)
        .collect();
    if plain == variant {
        plain
    } else {
        format!("{plain}-{}", &hex(&Sha256::digest(variant))[..8])
    }
}

/// Return the hash of everything that determines a cell's result.
fn key(grid: &Grid, cell: &Cell, text: Option<&String>) -> String {
    let parts = (VERSION, cell, grid.track(&cell.track), text);
    let json = serde_json::to_string(&parts)
        .expect("plain structs of numbers and strings always serialise");
    // Hashed under the original name of the key, so that earlier comparisons can continue.
    hex(&Sha256::digest(json.replace(
        "\"gradient_accumulation_steps\":",
        "\"accumulate\":",
    )))
}

fn checksum(result: &CellResult) -> String {
    hex(&Sha256::digest(serde_json::to_vec(result).expect(
        "plain structs of numbers and strings always serialise",
    )))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Return the first difference that prevents one comparison from continuing with the other's
/// results.
fn difference(theirs: &Identity, mine: &Identity) -> Option<String> {
    for (what, theirs, mine) in [
        ("name", &theirs.name, &mine.name),
        ("budget", &theirs.budget, &mine.budget),
    ] {
        if theirs != mine {
            return Some(format!("its {what} is {theirs:?}, not {mine:?}"));
        }
    }
    theirs
        .cells
        .iter()
        .find_map(|(cell, theirs)| match mine.cells.get(cell) {
            None => Some(format!("it has a cell {cell}, which this one lacks")),
            Some(mine) if mine != theirs => {
                Some(format!("settings or text of the cell {cell} are others"))
            }
            Some(_) => None,
        })
}
