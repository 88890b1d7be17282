//! The settings of cells: the network and the training loop of a track, a variant and a seed.

use super::variants::Variant;
use crate::CompareError;
use crate::track::Track;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sisun_config::{ModelConfig, Position, Seq2SeqConfig, Shape, TrainConfig, from_value, set};
use sisun_data::tasks::SYMBOLS;
use std::sync::LazyLock;
use toml::{Table, Value};

/// The table of a decoder-only transformer.
const MODEL: &str = "model";
/// The table of an encoder–decoder.
const SEQ2SEQ: &str = "seq2seq";

/// The settings of a cell's model and training.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Settings {
    /// The network, under the name of its table.
    #[serde(flatten)]
    pub network: Network,
    /// The training loop.
    pub train: TrainConfig,
}

/// The network of a cell.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// `[model]`: a decoder-only transformer.
    Model(ModelConfig),
    /// `[seq2seq]`: an encoder–decoder.
    Seq2seq(Seq2SeqConfig),
}

/// The keys of [`ModelSettings`].
static MODEL_SETTINGS: LazyLock<Shape> = LazyLock::new(Shape::of::<ModelSettings>);

/// The keys of [`Seq2SeqSettings`].
static SEQ2SEQ_SETTINGS: LazyLock<Shape> = LazyLock::new(Shape::of::<Seq2SeqSettings>);

/// The settings of a cell with `[model]`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ModelSettings {
    /// The network.
    model: ModelConfig,
    /// The training loop.
    train: TrainConfig,
}

/// The settings of a cell with `[seq2seq]`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Seq2SeqSettings {
    /// The network.
    seq2seq: Seq2SeqConfig,
    /// The training loop.
    train: TrainConfig,
}

/// Return the name and the content of the table of the network, which has to be the one that the
/// tracks are for.
pub(super) fn network(
    model: Option<Table>,
    seq2seq: Option<Table>,
    tracks: &[(String, Track)],
) -> Result<(&'static str, Table), CompareError> {
    let (name, table) = match (model, seq2seq) {
        (Some(model), None) => (MODEL, model),
        (None, Some(seq2seq)) => (SEQ2SEQ, seq2seq),
        (Some(_), Some(_)) => {
            let rule = "is given beside [model]: a comparison has one of them, [seq2seq] for tracks of pairs, \
                        [model] for tasks and text; remove the other";
            return Err(CompareError::invalid(SEQ2SEQ, "{…}", rule));
        }
        (None, None) => {
            let pairs = tracks.iter().any(|(_, track)| track.has_pairs());
            let (key, rule) = match pairs {
                true => (SEQ2SEQ, "give [seq2seq], the network of tracks of pairs"),
                false => (
                    MODEL,
                    "give [model], the network of tracks of tasks and text",
                ),
            };
            return Err(CompareError::missing(key, rule));
        }
    };
    for (track, data) in tracks {
        if data.has_pairs() != (name == SEQ2SEQ) {
            let rule = match data.has_pairs() {
                true => "a track of pairs needs [seq2seq] in place of [model]",
                false => {
                    "models of [seq2seq] need pairs: the kind pair_task or pairs; tasks and text need [model]"
                }
            };
            let key = format!("tracks.{track}.kind");
            return Err(CompareError::invalid(key, data.kind(), rule));
        }
    }
    Ok((name, table))
}

/// Check that random positions apply: the position encoding must use numbers, and there must be at
/// least as many as a sequence has tokens.
pub(super) fn check_random(variant: &Variant, settings: &Settings) -> Result<(), CompareError> {
    let Some(below) = variant.random_positions else {
        return Ok(());
    };
    let key = format!("random_positions of variant {:?}", variant.name);
    let Network::Model(model) = &settings.network else {
        let rule = "encoder–decoders have no random positions; leave it out";
        return Err(CompareError::invalid(key, below, rule));
    };
    let (position, context_len) = (model.position, model.context_len);
    if !matches!(position, Position::Sinusoidal | Position::Rope { .. }) {
        let rule = format!(
            "only sinusoidal and rope can stand anywhere, not {}",
            position.name()
        );
        return Err(CompareError::invalid(key, below, rule));
    }
    if !(context_len..=1 << 20).contains(&below) {
        let rule = format!(
            "must be from the {context_len} tokens of a training sequence to {}",
            1 << 20
        );
        return Err(CompareError::invalid(key, below, rule));
    }
    Ok(())
}

pub(super) fn settings(
    base: &Table,
    network: &str,
    (track_name, track): (&str, &Track),
    variant: &Variant,
    chosen: Option<&Table>,
    seed: u64,
) -> Result<Settings, CompareError> {
    let mut table = base.clone();
    for (key, value) in track
        .set()
        .iter()
        .chain(&variant.set)
        .chain(chosen.into_iter().flatten())
    {
        let is_of = |name: &str| {
            key.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('.'))
        };
        let is_whole = network == SEQ2SEQ && key == SEQ2SEQ && value.is_table();
        if !(is_of(network) || is_of("train") || is_whole) {
            let rule = format!("only keys of [{network}] and [train] can be compared");
            return Err(CompareError::invalid(key, value, rule));
        }
        set(&mut table, key, value.clone())
            .map_err(|part| CompareError::invalid(key, value, format!("{part} is no table")))?;
    }
    // A seed beyond i64 cannot be written in TOML; the seeds of a comparison count up from a small
    // number.
    set(&mut table, "train.seed", Value::Integer(seed as i64))
        .map_err(|_| CompareError::invalid("train", "", "must be a table"))?;
    let context = format!("track {track_name:?}, variant {:?}: ", variant.name);
    let settings = match network {
        SEQ2SEQ => seq2seq_settings(table, &context)?,
        _ => model_settings(table, track, &context)?,
    };
    settings
        .train
        .validate()
        .map_err(CompareError::config(context))?;
    let (key, dropout) = match &settings.network {
        Network::Model(model) => ("model.dropout", model.dropout),
        Network::Seq2seq(config) => ("seq2seq.dropout", config.dropout()),
    };
    if dropout > 0.0 {
        let rule =
            "must be 0 in a comparison: cells that run side by side share the generator of dropout";
        return Err(CompareError::invalid(key, dropout, rule));
    }
    Ok(settings)
}

fn seq2seq_settings(table: Table, context: &str) -> Result<Settings, CompareError> {
    let read: Seq2SeqSettings = from_value("", Value::Table(table), &SEQ2SEQ_SETTINGS)
        .map_err(CompareError::config(context))?;
    read.seq2seq
        .validate()
        .map_err(CompareError::config(context))?;
    Ok(Settings {
        network: Network::Seq2seq(read.seq2seq),
        train: read.train,
    })
}

fn model_settings(
    mut table: Table,
    track: &Track,
    context: &str,
) -> Result<Settings, CompareError> {
    if let (
        Track::Task {
            train_lengths: [_, longest],
            ..
        },
        Some(task),
    ) = (track, track.task())
    {
        let vocab = Value::Integer(SYMBOLS.chars().count() as i64);
        let context = Value::Integer(task.most_tokens(*longest) as i64);
        for (key, value) in [("model.vocab_size", vocab), ("model.context_len", context)] {
            set(&mut table, key, value)
                .map_err(|_| CompareError::invalid("model", "", "must be a table"))?;
        }
    }
    let ModelSettings { mut model, train } = from_value("", Value::Table(table), &MODEL_SETTINGS)
        .map_err(CompareError::config(context))?;
    model.validate().map_err(CompareError::config(context))?;
    if let (Track::Task { .. }, false) = (track, model.causal) {
        return Err(CompareError::invalid(
            format!("{context}model.causal"),
            false,
            "a task judges what a model writes by one pass over prompt and answer, in which such a model sees the answer; compare it on language tracks alone",
        ));
    }
    model.resolve();
    Ok(Settings {
        network: Network::Model(model),
        train,
    })
}
