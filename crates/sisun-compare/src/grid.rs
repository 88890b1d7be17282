//! Expansion of a file into the cells of a comparison: tracks × variants × seeds.

mod settings;
mod variants;

pub use settings::{Network, Settings};
pub(crate) use variants::TRIED;
pub use variants::Variant;

use crate::CompareError;
use crate::track::{TRACK, Track};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use settings::{check_random, network, settings};
use sisun_config::{
    FormerKey, ModelConfig, Seq2SeqConfig, Shape, TrainConfig, apply_overrides, from_value,
    read_table,
};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::LazyLock;
use toml::{Table, Value};
use variants::{MOST_CELLS, tried, variants};

/// The seed of a sweep, which no compared cell uses.
const TUNING_SEED: u64 = 1 << 40;

/// A whole comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Its name.
    pub name: String,
    /// Name of the budget in the file.
    pub budget: String,
    /// True if it only shows that everything works: its few steps are too short to learn anything,
    /// so results are not judged.
    pub trial: bool,
    /// Seeds of each variant.
    pub seeds: Vec<u64>,
    /// The variants, in the order of the file.
    pub variants: Vec<Variant>,
    /// The variant with which all others are compared; without one, every pair is compared.
    pub baseline: Option<String>,
    /// The tracks by name, in the order of the file.
    pub tracks: Vec<(String, Track)>,
    /// All of its settings as TOML, with the budget merged in: [`Grid::reopen`] reads it back.
    pub toml: String,
    /// Keys that were given by a former name.
    pub former_keys: Vec<FormerKey>,
    /// The grid to run first, to choose settings for each track and variant.
    pub sweep: Option<Box<Grid>>,
    /// The chosen settings, if there was a sweep: track, variant, settings.
    pub chosen: Vec<(String, String, Table)>,
    /// The cells, seed by seed, so that a comparison stopped early has results for every track and
    /// variant.
    pub cells: Vec<Cell>,
}

/// Check that an override `budgets.NAME.KEY=VALUE` refers to the budget in use and exists in the
/// file; any other would have no effect.
fn check_budget(given: &str, table: &Table, budget: &str) -> Result<(), CompareError> {
    let key = given.split('=').next().unwrap_or(given).trim();
    let named = key
        .split('.')
        .nth(1)
        .unwrap_or_default()
        .trim_matches(['"', '\'']);
    let is_there = table
        .get("budgets")
        .and_then(Value::as_table)
        .is_some_and(|known| known.contains_key(named));
    if named == budget && is_there {
        return Ok(());
    }
    Err(CompareError::UnusedBudget {
        given: given.to_owned(),
        named: named.to_owned(),
        exists: is_there,
        budget: budget.to_owned(),
    })
}

/// One training run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cell {
    /// Name of the track.
    pub track: String,
    /// Name of the variant.
    pub variant: String,
    /// Seed of the run.
    pub seed: u64,
    /// Its resolved settings.
    pub settings: Settings,
    /// Upper bound of random positions; see [`Variant`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub random_positions: Option<usize>,
}

impl Cell {
    /// Describe the cell for progress: as its name, with the seed of a sweep as such.
    pub(crate) fn label(&self) -> String {
        match self.seed {
            TUNING_SEED => format!("{} / {} / sweep", self.track, self.variant),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Cell {
    /// Write `track / variant / seed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} / {} / {}", self.track, self.variant, self.seed)
    }
}

/// The keys of [`File`].
pub(crate) static FILE: LazyLock<Shape> = LazyLock::new(Shape::of::<File>);

/// The file, with tracks and settings still as tables.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// Name of the comparison. Default: the file's name.
    #[schemars(extend("example" = "my-comparison"))]
    name: String,
    /// Name of the file's budget. Default: the one that `--budget` chooses, else `class`.
    #[schemars(extend("example" = "class"))]
    budget: String,
    /// Show only that everything works: results are not judged.
    #[serde(default)]
    trial: bool,
    /// Number of models of each variant, which differ in their seed.
    #[schemars(range(min = 1, max = 10_000), extend("example" = 8, "unit" = "models"))]
    seeds: usize,
    /// The variant with which all others are compared. Default: every pair is compared.
    #[schemars(extend("example" = "none"))]
    baseline: Option<String>,
    /// Values of settings, each a list; every combination of them is a variant.
    #[serde(default)]
    #[schemars(
        with = "BTreeMap<String, serde_json::Value>",
        extend("example" = { "\"model.position\"": ["none", "rope"] })
    )]
    vary: Table,
    /// Variants that are not combinations of varied settings. Default: those of `vary` only.
    #[serde(default)]
    variants: Vec<Variant>,
    /// Values to try with every variant; on each track a variant keeps those that do best on the
    /// training distribution.
    #[serde(default)]
    #[schemars(
        with = "BTreeMap<String, serde_json::Value>",
        extend("example" = { "\"train.lr_max\"": [1e-3, 1e-2] })
    )]
    sweep: Table,
    /// The network of the kinds of track `task` and `language`, with the keys that an experiment's
    /// `[model]` has. Variants and tracks set the rest. Default: none, beside `[seq2seq]`.
    #[serde(default)]
    #[schemars(with = "ModelConfig", extend("part" = true))]
    model: Option<Table>,
    /// The network of the kinds of track `pair_task` and `pairs`, in place of `[model]`, with the
    /// keys that a sequence-to-sequence experiment's `[seq2seq]` has. Variants and tracks set the
    /// rest. Default: none, beside `[model]`.
    #[serde(default)]
    #[schemars(with = "Seq2SeqConfig", extend("part" = true))]
    seq2seq: Option<Table>,
    /// The training loop, with the keys that an experiment's `[train]` has.
    #[schemars(with = "TrainConfig", extend("part" = true))]
    train: Table,
    /// The data on which models are trained and evaluated, a table for each.
    #[schemars(with = "BTreeMap<String, Track>")]
    tracks: Table,
}

impl Grid {
    /// Read a comparison, with a budget of the file (`[budgets.NAME]`, merged over the rest) and
    /// `--set` overrides.
    ///
    /// # Errors
    /// The key, the value and the remedy.
    pub fn read(path: &Path, budget: &str, overrides: &[String]) -> Result<Self, CompareError> {
        let (mut table, mut former_keys) =
            read_table(path).map_err(CompareError::config(String::new()))?;
        if !table.contains_key("tracks") {
            return Err(CompareError::SingleExperiment {
                path: path.to_owned(),
            });
        }
        // Overrides of a budget must be applied before the budget is merged.
        let (of_budgets, overrides): (Vec<&String>, Vec<&String>) = overrides
            .iter()
            .partition(|given| given.trim_start().starts_with("budgets."));
        for given in &of_budgets {
            check_budget(given, &table, budget)?;
        }
        let former = apply_overrides(&mut table, &of_budgets);
        former_keys.extend(former.map_err(CompareError::config(String::new()))?);
        match table.remove("budgets") {
            Some(Value::Table(known)) => match known.get(budget) {
                Some(Value::Table(over)) => merge(&mut table, over),
                _ => {
                    let names: Vec<&str> = known.keys().map(String::as_str).collect();
                    return Err(CompareError::NoSuchBudget {
                        budget: budget.to_owned(),
                        path: path.to_owned(),
                        known: names.join(", "),
                    });
                }
            },
            Some(other) => {
                return Err(CompareError::invalid(
                    "budgets",
                    other,
                    "expected a table, as [budgets.class]",
                ));
            }
            None => {
                return Err(CompareError::missing(
                    "budgets",
                    "give at least one, as [budgets.class]",
                ));
            }
        }
        let stem = path.file_stem().map_or_else(
            || "comparison".into(),
            |stem| stem.to_string_lossy().into_owned(),
        );
        table.entry("name").or_insert(Value::String(stem));
        table.insert("budget".to_owned(), Value::String(budget.to_owned()));
        let former = apply_overrides(&mut table, &overrides);
        former_keys.extend(former.map_err(CompareError::config(String::new()))?);
        if table.contains_key("finetune") {
            let rule = "every model of a comparison begins with random weights; leave it out";
            return Err(CompareError::invalid("finetune", "{…}", rule));
        }
        Ok(Self {
            former_keys,
            ..Self::from_table(table, Vec::new())?
        })
    }

    /// Read the settings that a comparison saved in its directory.
    ///
    /// # Errors
    /// As [`Grid::read`].
    pub fn reopen(path: &Path) -> Result<Self, CompareError> {
        let (table, _) = read_table(path).map_err(CompareError::config(String::new()))?;
        Self::from_table(table, Vec::new())
    }

    /// Return the same comparison with the settings that the sweep has chosen.
    pub(crate) fn with_chosen(
        &self,
        chosen: Vec<(String, String, Table)>,
    ) -> Result<Self, CompareError> {
        let table = self
            .toml
            .parse()
            .map_err(|_| CompareError::invalid("comparison.toml", "", "is no TOML"))?;
        Self::from_table(table, chosen)
    }

    fn from_table(
        table: Table,
        chosen: Vec<(String, String, Table)>,
    ) -> Result<Self, CompareError> {
        let toml = table.to_string();
        let file: File = from_value("", Value::Table(table), &FILE)
            .map_err(CompareError::config(String::new()))?;
        let tracks = tracks(file.tracks)?;
        let (network, of_network) = network(file.model, file.seq2seq, &tracks)?;
        let variants = variants(file.vary, file.variants)?;
        if let Some(baseline) = file
            .baseline
            .as_ref()
            .filter(|name| variants.iter().all(|v| v.name != **name))
        {
            let names = variants
                .iter()
                .map(|variant| variant.name.as_str())
                .collect::<Vec<_>>()
                .join(", ");
            return Err(CompareError::invalid(
                "baseline",
                baseline,
                format!("must be one of the variants {names}"),
            ));
        }
        if !(1..=10_000).contains(&file.seeds) {
            return Err(CompareError::invalid(
                "seeds",
                file.seeds,
                "must be from 1 to 10000",
            ));
        }
        let base = Table::from_iter([
            (network.to_owned(), Value::Table(of_network)),
            ("train".to_owned(), Value::Table(file.train)),
        ]);
        let first = base
            .get("train")
            .and_then(|train| train.get("seed"))
            .and_then(Value::as_integer)
            .unwrap_or(1);
        let seeds: Vec<u64> = (0..file.seeds as u64)
            .map(|i| first.unsigned_abs() + i)
            .collect();
        let cells = |variants: &[Variant], seeds: &[u64]| -> Result<Vec<Cell>, CompareError> {
            let all = seeds
                .len()
                .saturating_mul(tracks.len())
                .saturating_mul(variants.len());
            if all > MOST_CELLS {
                let rule = format!(
                    "with {} variants on {} tracks these are {all} models; at most {MOST_CELLS} can be",
                    variants.len(),
                    tracks.len()
                );
                return Err(CompareError::invalid("seeds", seeds.len(), rule));
            }
            let mut cells = Vec::new();
            for &seed in seeds {
                for (name, track) in &tracks {
                    for variant in variants {
                        let mine =
                            |(t, v, _): &&(String, String, Table)| t == name && *v == variant.name;
                        let chosen = chosen.iter().find(mine).map(|(_, _, set)| set);
                        let settings =
                            settings(&base, network, (name, track), variant, chosen, seed)?;
                        check_random(variant, &settings)?;
                        let random_positions = variant.random_positions;
                        let (track, variant) = (name.clone(), variant.name.clone());
                        cells.push(Cell {
                            track,
                            variant,
                            seed,
                            settings,
                            random_positions,
                        });
                    }
                }
            }
            Ok(cells)
        };
        let sweep = match file.sweep.is_empty() || !chosen.is_empty() {
            true => None,
            false => {
                let variants = tried(&variants, &file.sweep)?;
                let seeds = vec![TUNING_SEED];
                Some(Box::new(Self {
                    name: format!("{}, sweep", file.name),
                    budget: file.budget.clone(),
                    trial: file.trial,
                    cells: cells(&variants, &seeds)?,
                    seeds,
                    variants,
                    baseline: None,
                    tracks: tracks.clone(),
                    toml: toml.clone(),
                    former_keys: Vec::new(),
                    sweep: None,
                    chosen: Vec::new(),
                }))
            }
        };
        Ok(Self {
            cells: cells(&variants, &seeds)?,
            name: file.name,
            budget: file.budget,
            trial: file.trial,
            seeds,
            variants,
            baseline: file.baseline,
            tracks,
            toml,
            former_keys: Vec::new(),
            sweep,
            chosen,
        })
    }

    /// Return a track by its name.
    pub fn track(&self, name: &str) -> Option<&Track> {
        self.tracks
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, track)| track)
    }
}

/// Merge `over` into `table`, recursively.
fn merge(table: &mut Table, over: &Table) {
    for (key, value) in over {
        match (table.get_mut(key), value) {
            (Some(Value::Table(inner)), Value::Table(over)) => merge(inner, over),
            _ => {
                table.insert(key.clone(), value.clone());
            }
        }
    }
}

fn tracks(table: Table) -> Result<Vec<(String, Track)>, CompareError> {
    if table.is_empty() {
        return Err(CompareError::invalid(
            "tracks",
            "{}",
            "must hold at least one track",
        ));
    }
    let read = |(name, value): (String, Value)| {
        plain_name("tracks", &name)?;
        let at = format!("tracks.{name}");
        let track: Track =
            from_value(&at, value, &TRACK).map_err(CompareError::config(String::new()))?;
        track.validate(&name)?;
        Ok((name, track))
    };
    table.into_iter().map(read).collect()
}

/// Check a name, which becomes a folder name.
fn plain_name(key: &str, name: &str) -> Result<(), CompareError> {
    let plain = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if plain {
        Ok(())
    } else {
        Err(CompareError::invalid(
            key,
            name,
            "a name has letters, digits, - and _ only",
        ))
    }
}
