//! Reading the data of the tracks, once for all cells.

use crate::CompareError;
use crate::grid::{Grid, Network};
use crate::track::Track;
use crate::track_data::{TrackData, TrackPairs, TrackText};
use burn::tensor::Device;
use sisun_config::{DataConfig, Seq2SeqConfig};
use sisun_data::pairs::{PairSet, Pairs, generate_pairs, prepare_pairs};
use sisun_data::{DataError, prepare};
use sisun_model::memory;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Letters of a source of a task that has no lengths, or more.
const LETTERS: u128 = 80;
/// Bytes of a letter of a pair in memory: as text and as a token, on both sides, with its link
/// between letters and between tokens.
const LETTER_BYTES: u128 = 100;

/// Read or generate the data of every track that has any. `note` is called with messages for the
/// user.
///
/// # Errors
/// If data cannot be used or do not fit into memory, or a pair is longer than a model reads or
/// writes.
pub(crate) fn read_tracks(
    grid: &Grid,
    cache: &Path,
    device: &Device,
    note: &dyn Fn(String),
) -> Result<BTreeMap<String, TrackData>, CompareError> {
    let mut all = BTreeMap::new();
    for (name, track) in &grid.tracks {
        let wrong = |source| CompareError::Data {
            track: name.clone(),
            source,
        };
        let data = match track {
            Track::Task { .. } => continue,
            Track::Language { .. } => {
                let progress = &mut |line: &str| note(format!("{name}: {line}"));
                let corpus = read_text(grid, name, track, cache, progress).map_err(wrong)?;
                TrackData::Text(TrackText {
                    track: name.clone(),
                    corpus,
                })
            }
            Track::PairTask { .. } | Track::Pairs { .. } => {
                check_memory(name, track, device)?;
                let pairs = read_pairs(track).map_err(wrong)?;
                check_lengths(grid, name, &pairs).map_err(wrong)?;
                TrackData::Pairs(pairs)
            }
        };
        all.insert(name.clone(), data);
    }
    Ok(all)
}

/// Check that the pairs of a task fit into memory.
fn check_memory(name: &str, track: &Track, device: &Device) -> Result<(), CompareError> {
    let Track::PairTask {
        train_pairs,
        test_pairs,
        lengths,
        ..
    } = track
    else {
        return Ok(());
    };
    let letters = lengths.map_or(LETTERS, |[_, longest]| longest as u128);
    let pairs = *train_pairs as u128 + *test_pairs as u128;
    Ok(memory::check(
        pairs * letters * LETTER_BYTES,
        device,
        || format!("the {pairs} pairs of the track {name:?}, of up to {letters} letters"),
        || format!("lower tracks.{name}.train_pairs or shorten tracks.{name}.lengths"),
    )?)
}

fn read_text(
    grid: &Grid,
    name: &str,
    track: &Track,
    cache: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<sisun_data::Corpus, DataError> {
    let Track::Language {
        sources,
        documents,
        jsonl_field,
        tokenizer,
        ..
    } = track
    else {
        unreachable!("only tracks of text have one")
    };
    let data = DataConfig {
        documents: *documents,
        jsonl_field: jsonl_field.clone(),
        ..DataConfig::with_sources(sources.clone())
    };
    let longest = grid
        .cells
        .iter()
        .filter(|cell| cell.track == name)
        .filter_map(|cell| match &cell.settings.network {
            Network::Model(model) => Some(model.context_len),
            Network::Seq2seq(_) => None,
        });
    prepare(
        &data,
        tokenizer,
        longest.max().unwrap_or(1),
        cache,
        progress,
    )
}

fn read_pairs(track: &Track) -> Result<TrackPairs, DataError> {
    match track {
        Track::PairTask {
            train_pairs,
            test_pairs,
            ..
        } => {
            let task = track
                .pair_task()
                .expect("the names of tasks were checked when the file was read");
            let pairs = generate_pairs(task, &track.pair_options(), *train_pairs, *test_pairs)?;
            Ok(TrackPairs {
                pairs,
                aligned: true,
            })
        }
        Track::Pairs {
            pairs, alignment, ..
        } => {
            let tokenizers = track
                .pair_tokenizers()
                .expect("tokenizers were checked when the file was read");
            let pairs = prepare_pairs(pairs, tokenizers, None, &mut std::io::empty())?;
            if *alignment {
                check_alignments(&pairs.validation)?;
            }
            Ok(TrackPairs {
                pairs,
                aligned: *alignment,
            })
        }
        Track::Task { .. } | Track::Language { .. } => {
            unreachable!("only tracks of pairs have pairs")
        }
    }
}

/// Check that all pairs have an alignment.
fn check_alignments(held_out: &PairSet) -> Result<(), DataError> {
    match held_out.tokens.iter().position(|pair| pair.links.is_none()) {
        None => Ok(()),
        Some(at) => Err(held_out.corpus.problem(
            at,
            "the pair is held out and has no alignment, beside which attention could be measured; give it one \
             (pairs.alignment_field), or leave out alignment = true"
                .to_owned(),
        )),
    }
}

/// Check that every model of the track can read and write all pairs.
fn check_lengths(grid: &Grid, name: &str, data: &TrackPairs) -> Result<(), DataError> {
    let limits = |config: &Seq2SeqConfig| (config.max_source_len(), config.max_target_len());
    let cells = grid.sweep.iter().flat_map(|sweep| &sweep.cells);
    let all: BTreeSet<(usize, usize)> = grid
        .cells
        .iter()
        .chain(cells)
        .filter(|cell| cell.track == name)
        .filter_map(|cell| match &cell.settings.network {
            Network::Seq2seq(config) => Some(limits(config)),
            Network::Model(_) => None,
        })
        .collect();
    let Pairs {
        train, validation, ..
    } = &data.pairs;
    for (source, target) in all {
        train.check_lengths(source, target)?;
        validation.check_lengths(source, target)?;
    }
    Ok(())
}
