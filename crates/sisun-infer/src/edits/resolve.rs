//! From edits as they are written to those that a pass makes.

use super::other_text::heads_first;
use super::{Edits, TextSource, What, WrittenEdit};
use crate::attention_maps::counted;
use crate::{InferError, LanguageModel};
use burn::tensor::{Tensor, TensorData};
use sisun_model::{Activation, Change, Edit};

/// Most tokens of a text over which activations are averaged or drawn.
const MOST: usize = 1 << 16;

/// The texts that edits are made on.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// What they are called in messages: `text`, `prompt` or `window`.
    pub what: &'static str,
    /// Number of tokens that each has at the beginning, which another prompt must have as well.
    pub tokens: usize,
    /// Number of positions that may come into being, of which edits can name some.
    pub longest: usize,
}

/// An edit whose numbers are counted from 0, in a model and a text that have them.
struct Placed<'w> {
    activation: Activation,
    heads: Option<Vec<usize>>,
    positions: Option<Vec<usize>>,
    key: Option<usize>,
    what: &'w What,
}

/// Values for an edit: the positions that they are for, and their shape and numbers,
/// `[1, head, position, width]`.
struct Values {
    positions: Option<Vec<usize>>,
    shape: [usize; 4],
    numbers: Vec<f32>,
}

impl LanguageModel {
    /// Return edits for the passes of this model, with the activations of other texts that they
    /// need, which are those of passes without edits.
    ///
    /// # Errors
    /// [`InferError::BadEdit`] if the model has no such activation, layer or head, the text no such
    /// position, or another text does not fit; and the errors of reading a text.
    pub fn edits(&self, written: &[WrittenEdit], reach: Reach) -> Result<Edits, InferError> {
        let mut edits = Edits::default();
        for one in written {
            let bad = |problem| InferError::BadEdit {
                edit: one.written.clone(),
                problem,
            };
            for edit in self.resolved(one, reach, &bad)? {
                edit.check(self.model.config()).map_err(bad)?;
                edits.list.push(edit);
            }
            edits.written.push(one.written.clone());
        }
        Ok(edits)
    }

    fn resolved(
        &self,
        one: &WrittenEdit,
        reach: Reach,
        bad: &dyn Fn(String) -> InferError,
    ) -> Result<Vec<Edit>, InferError> {
        let (config, name) = (self.model.config(), one.activation);
        if let Some(reason) = name.lacking(config) {
            return Err(bad(format!("there is no {name}: {reason}")));
        }
        let layers = match (name.layer_of_the_model(config), &one.layers) {
            (Some(layer), None) => vec![layer],
            (Some(_), Some(_)) => {
                return Err(bad(format!(
                    "{name} belongs to no layer: leave the layer out"
                )));
            }
            (None, Some(layers)) => {
                let found = layers.among("layer", config.n_layers);
                found.map_err(|error| bad(error.to_string()))?
            }
            (None, None) => (0..config.n_layers).collect(),
        };
        let one = &self.placed(one, reach).map_err(bad)?;
        let edit = |layer, change| Edit {
            heads: one.heads.clone(),
            positions: one.positions.clone(),
            ..Edit::new(name, layer, change)
        };
        let change = match (one.what, one.key) {
            (What::Set(value), Some(key)) => Change::Key { key, value: *value },
            (What::Set(0.0), None) => Change::Zero,
            (What::Set(value), None) => Change::Set(*value),
            (What::Scale(factor), _) => Change::Scale(*factor),
            (What::Only(target), _) => Change::Only(*target),
            (What::Mean(text) | What::Resample(text) | What::From(text), _) => {
                let text = match text {
                    TextSource::Text(text) => text,
                    TextSource::File(path) => {
                        return Err(bad(format!("the file {} was not read", path.display())));
                    }
                };
                return self.with_values(one, &layers, text, reach, bad, &edit);
            }
        };
        Ok(layers
            .into_iter()
            .map(|layer| edit(layer, change.clone()))
            .collect())
    }

    /// Return an edit whose heads, positions and key are counted from 0. Positions and keys that
    /// are counted from the end are those of the tokens that a text has at the beginning.
    ///
    /// # Errors
    /// If the model has no such head or the text no such position, or a query does not see the key.
    fn placed<'w>(&self, one: &'w WrittenEdit, reach: Reach) -> Result<Placed<'w>, String> {
        let heads = one.heads.as_ref();
        let heads = heads.map(|heads| heads.among("head", self.model.config().n_heads));
        let beyond = |position: &dyn std::fmt::Display| {
            let more = match reach.longest - reach.tokens {
                0 => String::new(),
                more => format!(" and {more} that may be written"),
            };
            format!(
                "position {position} is beyond the {}, which has {}{more}: positions 0 to {}, or -{} to -1 from the end{}",
                reach.what,
                counted(reach.tokens),
                reach.longest - 1,
                reach.tokens,
                if more.is_empty() {
                    ""
                } else {
                    " of the prompt"
                },
            )
        };
        let in_reach = |position: &usize| *position < reach.longest;
        let positions = one.positions.as_ref().map(|positions| {
            let found = positions.from_start(reach.tokens);
            let found = found.ok_or_else(|| beyond(positions))?;
            match found.iter().find(|position| !in_reach(position)) {
                Some(position) => Err(beyond(position)),
                None if found.is_empty() => Err(format!("@{positions} names no position")),
                None => Ok(found),
            }
        });
        let key = one.key.map(|key| {
            let found = key.from_start(reach.tokens).filter(in_reach);
            found.ok_or_else(|| beyond(&key))
        });
        let placed = Placed {
            activation: one.activation,
            heads: heads.transpose().map_err(|error| error.to_string())?,
            positions: positions.transpose()?,
            key: key.transpose()?,
            what: &one.what,
        };
        let queries = placed.positions.as_deref().unwrap_or_default();
        let hidden = |key: usize| queries.iter().find(|query| **query < key);
        match placed.key.and_then(|key| Some((key, hidden(key)?))) {
            Some((key, query)) if self.model.config().causal => Err(format!(
                "the query {query} does not see the key {key}, which comes later"
            )),
            _ => Ok(placed),
        }
    }

    /// Return edits that put the activations of another text in place.
    fn with_values(
        &self,
        one: &Placed<'_>,
        layers: &[usize],
        text: &str,
        reach: Reach,
        bad: &dyn Fn(String) -> InferError,
        edit: &dyn Fn(usize, Change) -> Edit,
    ) -> Result<Vec<Edit>, InferError> {
        let all = match one.what {
            What::From(_) => self.of_same_positions(one, layers, text, reach, bad)?,
            what => {
                let ids = self.as_read(text)?;
                if ids.len() > MOST {
                    return Err(bad(format!(
                        "the other text has {} tokens: give one of at most {MOST}",
                        ids.len()
                    )));
                }
                let positions = match (what, &one.positions) {
                    (What::Mean(_), named) => named.clone(),
                    (_, Some(named)) => Some(named.clone()),
                    (_, None) => Some((0..reach.longest).collect()),
                };
                let found = match (what, &positions) {
                    (What::Resample(_), Some(at)) => {
                        self.draws(one.activation, layers, &ids, at)?
                    }
                    _ => self.means(one.activation, layers, &ids)?,
                };
                let values = |(numbers, shape)| Values {
                    positions: positions.clone(),
                    shape,
                    numbers,
                };
                found.into_iter().map(values).collect()
            }
        };
        let device = self.model.device();
        let mut edits = Vec::new();
        for (layer, values) in layers.iter().zip(all) {
            let tensor = TensorData::new(values.numbers, values.shape);
            let mut tensor = Tensor::<4>::from_data(tensor, &device);
            if let (Some(heads), true) = (&one.heads, one.activation.is_per_head()) {
                if heads.iter().any(|head| *head >= values.shape[1]) {
                    let head = heads.iter().max().copied().unwrap_or_default();
                    return Err(bad(format!(
                        "there is no head {head}: the model has heads 0 to {}",
                        values.shape[1] - 1
                    )));
                }
                let chosen: Vec<i64> = heads.iter().map(|head| *head as i64).collect();
                let chosen = TensorData::new(chosen, [heads.len()]);
                tensor = tensor.select(1, Tensor::from_data(chosen, &device));
            }
            let edit = edit(*layer, Change::Replace(tensor));
            edits.push(match values.positions {
                Some(positions) => edit.at(positions),
                None => edit,
            });
        }
        Ok(edits)
    }

    /// Return the values of the same positions of another text.
    fn of_same_positions(
        &self,
        one: &Placed<'_>,
        layers: &[usize],
        text: &str,
        reach: Reach,
        bad: &dyn Fn(String) -> InferError,
    ) -> Result<Vec<Values>, InferError> {
        let ids = self.as_read(text)?;
        let whole = one.positions.is_none() || !self.model.config().causal;
        // A window is a part of a longer text: the other one may be longer than it.
        let same =
            ids.len() == reach.tokens || (reach.what == "window" && ids.len() > reach.tokens);
        if whole && !same {
            return Err(bad(format!(
                "the other text has {}, and the {} has {}: give one of the same number, or name positions that both have, as in @0-3",
                counted(ids.len()),
                reach.what,
                reach.tokens
            )));
        }
        let positions = one
            .positions
            .clone()
            .unwrap_or_else(|| (0..reach.tokens).collect());
        if let Some(position) = positions.iter().find(|position| **position >= ids.len()) {
            return Err(bad(format!(
                "position {position} is beyond the other text, which has {}",
                counted(ids.len())
            )));
        }
        let longest = positions.iter().max().map_or(1, |last| last + 1);
        let read = match self.model.config().causal {
            true => longest,
            false => ids.len(),
        };
        let found = self.plain_run(&ids[..read], one.activation, layers)?;
        Ok(found
            .into_iter()
            .map(|found| at_positions(&found.shape, &found.values, positions.clone()))
            .collect())
    }
}

fn at_positions(shape: &[usize], values: &[f32], positions: Vec<usize>) -> Values {
    let [heads, n, width] = heads_first(shape);
    let mut numbers = Vec::with_capacity(heads * positions.len() * width);
    for head in 0..heads {
        for &position in &positions {
            numbers.extend_from_slice(&values[(head * n + position) * width..][..width]);
        }
    }
    Values {
        shape: [1, heads, positions.len(), width],
        positions: Some(positions),
        numbers,
    }
}
