//! Variants: every combination of the varied settings, and those that are written out.

use crate::CompareError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use toml::{Table, Value};

/// Separator between a variant's name and the settings tried with it.
pub(crate) const TRIED: &str = " with ";

/// One thing that is compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Its name in reports.
    #[schemars(extend("example" = "without residuals"))]
    pub name: String,
    /// Its settings, keys of `[model]` or `[seq2seq]` and of `[train]` in quotes. `seq2seq` itself, a
    /// table, takes the place of all of `[seq2seq]`: a model of another kind.
    #[serde(default)]
    #[schemars(
        with = "BTreeMap<String, serde_json::Value>",
        extend("example" = { "\"model.residual\"": false })
    )]
    pub set: Table,
    /// Upper bound of the random positions of its tokens, in training and evaluation (Ruoss et al.
    /// 2023), at least `model.context_len`. Default: positions count from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1_048_576), extend("example" = 256, "unit" = "positions"))]
    pub random_positions: Option<usize>,
}

/// Return every combination of the varied settings, then the variants that are listed explicitly.
pub(super) fn variants(vary: Table, written: Vec<Variant>) -> Result<Vec<Variant>, CompareError> {
    if vary.is_empty() && written.is_empty() {
        return Err(CompareError::missing(
            "vary",
            "give [vary], or [[variants]], or both",
        ));
    }
    let mut all = if vary.is_empty() {
        Vec::new()
    } else {
        combinations(&vary)?
    };
    all.extend(written);
    for (i, variant) in all.iter().enumerate() {
        if all[..i].iter().any(|before| before.name == variant.name) {
            return Err(CompareError::invalid(
                "variants",
                &variant.name,
                "two variants have this name",
            ));
        }
    }
    Ok(all)
}

/// Maximum number of models in a comparison.
pub(super) const MOST_CELLS: usize = 100_000;

fn combinations(vary: &Table) -> Result<Vec<Variant>, CompareError> {
    let counts = vary
        .values()
        .map(|values| values.as_array().map_or(1, Vec::len));
    let all = counts.fold(1, usize::saturating_mul);
    if all > MOST_CELLS {
        let keys = vary.keys().cloned().collect::<Vec<_>>().join(", ");
        return Err(CompareError::invalid(
            "vary",
            keys,
            format!("makes {all} combinations; at most {MOST_CELLS} can be"),
        ));
    }
    let mut all = vec![Variant {
        name: String::new(),
        set: Table::new(),
        random_positions: None,
    }];
    for (key, values) in vary {
        let values = values
            .as_array()
            .filter(|values| !values.is_empty())
            .ok_or_else(|| {
                CompareError::invalid(
                    format!("vary.{key:?}"),
                    values,
                    "must be a list of the values to compare",
                )
            })?;
        let one = |before: &Variant, value: &Value| {
            let short = key.rsplit('.').next().unwrap_or(key);
            let name = if vary.len() == 1 {
                told(value)
            } else {
                format!("{short} {}", told(value))
            };
            let mut set = before.set.clone();
            set.insert(key.clone(), value.clone());
            Variant {
                name: [before.name.as_str(), &name].join(" ").trim().to_owned(),
                set,
                random_positions: None,
            }
        };
        all = all
            .iter()
            .flat_map(|before| values.iter().map(move |value| one(before, value)))
            .collect();
    }
    Ok(all)
}

/// Format a value as part of a name: `rope`, `rope fraction 0.25`, `true`.
fn told(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Table(table) => {
            let parts = table.iter().map(|(key, value)| match key.as_str() {
                "kind" => told(value),
                _ => format!("{key} {}", told(value)),
            });
            parts.collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

/// Return every variant with every combination of the values that the sweep tries.
pub(super) fn tried(variants: &[Variant], sweep: &Table) -> Result<Vec<Variant>, CompareError> {
    let values = combinations(sweep)?;
    let both = |variant: &Variant, tried: &Variant| Variant {
        name: format!("{}{TRIED}{}", variant.name, tried.name),
        set: variant
            .set
            .iter()
            .chain(&tried.set)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        random_positions: variant.random_positions,
    };
    Ok(variants
        .iter()
        .flat_map(|variant| values.iter().map(move |tried| both(variant, tried)))
        .collect())
}
