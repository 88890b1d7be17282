//! Pairs of a task in memory, with others that are held out.

use super::alignment::Pair;
use super::prepare::{PairSet, Pairs};
use super::read::PairCorpus;
use super::tasks::{PairTask, PairTaskOptions};
use super::tokenizers::{PairTokenizers, make_pair_tokenizers};
use super::tokens::tokenize_pairs;
use crate::DataError;
use crate::digest::hex;
use sha2::{Digest, Sha256};
use sisun_config::{Normalize, PairTokenizersConfig, TokenizerConfig};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Seed of the pairs to learn from, the one that `sisun data make pairs` has by default.
const TRAIN_SEED: u64 = 1;
/// Seed of the pairs that are held out.
const HELD_OUT_SEED: u64 = 2;
/// Largest number of pairs drawn for each one that is held out.
const DRAWS: u64 = 20;

/// Return pairs of a task: the first `train` that `sisun data make pairs` writes to learn from, and
/// `held_out` others with different sources, none of which is among the first. A token is a
/// character.
///
/// # Errors
/// [`DataError::FewSources`] if the task has too few different sources.
pub fn generate_pairs(
    task: PairTask,
    options: &PairTaskOptions,
    train: usize,
    held_out: usize,
) -> Result<Pairs, DataError> {
    let learnt: Vec<Pair> = (0..train as u64)
        .map(|number| task.numbered(options, TRAIN_SEED, number))
        .collect();
    let mut seen: BTreeSet<String> = learnt.iter().map(|pair| pair.source.clone()).collect();
    let others = (0..DRAWS.saturating_mul(held_out as u64))
        .map(|number| task.numbered(options, HELD_OUT_SEED, number))
        .filter(|pair| seen.insert(pair.source.clone()));
    let others: Vec<Pair> = others.take(held_out).collect();
    if others.len() < held_out {
        return Err(DataError::FewSources {
            task: task.to_string(),
            wanted: held_out,
            found: others.len(),
        });
    }
    let (learnt, others) = (corpus(task, learnt), corpus(task, others));
    let characters = PairTokenizersConfig::Separate {
        source: &TokenizerConfig::Char,
        target: &TokenizerConfig::Char,
    };
    let tokenizers = make_pair_tokenizers(characters, &[&learnt, &others], Normalize::None)?;
    Ok(Pairs {
        train: set(learnt, &tokenizers)?,
        validation: set(others, &tokenizers)?,
        tokenizers,
    })
}

fn set(corpus: PairCorpus, tokenizers: &PairTokenizers) -> Result<PairSet, DataError> {
    let tokens = tokenize_pairs(&corpus, tokenizers)?.into();
    Ok(PairSet { corpus, tokens })
}

fn corpus(task: PairTask, pairs: Vec<Pair>) -> PairCorpus {
    let mut sum = Sha256::new();
    for pair in &pairs {
        let line = serde_json::to_vec(pair).expect("a pair is texts and numbers");
        sum.update(line);
        sum.update(b"\n");
    }
    PairCorpus {
        places: (1..=pairs.len() as u64).map(|line| (0, line)).collect(),
        files: vec![PathBuf::from(format!("task {task}"))],
        sha256: hex(&sum.finalize()),
        pairs,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::generate_pairs;
    use crate::pairs::tasks::{PairTask, PairTaskOptions, write_pairs};
    use std::collections::BTreeSet;

    #[test]
    fn held_out_sources_are_new_and_the_rest_is_what_data_make_writes() {
        let options = PairTaskOptions {
            lengths: (1, 3),
            ..PairTaskOptions::default()
        };
        let pairs = generate_pairs(PairTask::Reverse, &options, 50, 30).unwrap();
        let mut written = Vec::new();
        write_pairs(PairTask::Reverse, &options, 1, 50, &mut written).unwrap();
        let ours: Vec<String> = pairs
            .train
            .corpus
            .pairs
            .iter()
            .map(|pair| serde_json::to_string(pair).unwrap() + "\n")
            .collect();
        assert_eq!(ours.concat().as_bytes(), written);
        let sources = |set: &crate::pairs::PairSet| -> BTreeSet<String> {
            set.corpus
                .pairs
                .iter()
                .map(|pair| pair.source.clone())
                .collect()
        };
        let (learnt, held_out) = (sources(&pairs.train), sources(&pairs.validation));
        assert!(learnt.is_disjoint(&held_out));
        assert_eq!(held_out.len(), 30, "no source twice");
        assert!(
            pairs
                .validation
                .tokens
                .iter()
                .all(|pair| pair.links.is_some())
        );
        assert_ne!(pairs.train.corpus.sha256, pairs.validation.corpus.sha256);
    }

    #[test]
    fn a_task_with_too_few_sources_is_told() {
        let options = PairTaskOptions {
            lengths: (1, 1),
            ..PairTaskOptions::default()
        };
        let error = generate_pairs(PairTask::Copy, &options, 3, 20).unwrap_err();
        let told = error.to_string();
        assert!(told.contains("copy") && told.contains("20"), "{told}");
    }
}
