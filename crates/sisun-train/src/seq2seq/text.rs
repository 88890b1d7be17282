//! The pairs of a run, ready to be drawn.

use crate::TrainError;
use crate::environment::started_elsewhere;
use sisun_config::{PairsConfig, Seq2SeqExperiment};
use sisun_data::DataError;
use sisun_data::pairs::{PairBuckets, PairTokenizers, Pairs, prepare_pairs};
use sisun_files::RunDir;
use sisun_model::Run;
use sisun_model::checkpoint::CheckpointState;
use std::path::Path;
use std::sync::Arc;

/// The pairs of a run, with the batches that are drawn from them.
#[derive(Debug)]
pub struct PairText {
    /// The pairs and their tokenizers.
    pub pairs: Pairs,
    /// Batches of the pairs to learn from.
    pub(super) train: PairBuckets,
    /// Batches of the pairs that are held out.
    pub(super) validation: PairBuckets,
}

impl PairText {
    /// Arrange the pairs in batches, and check that the model can read and write them.
    ///
    /// # Errors
    /// If a pair is too long for the model.
    pub(super) fn new(pairs: Pairs, config: &Seq2SeqExperiment) -> Result<Self, TrainError> {
        let (source, target) = (
            config.seq2seq.max_source_len(),
            config.seq2seq.max_target_len(),
        );
        for set in [&pairs.train, &pairs.validation] {
            set.check_lengths(source, target)?;
        }
        let (begin, end) = (pairs.tokenizers.begin(), pairs.tokenizers.end());
        let batches =
            |tokens| PairBuckets::new(Arc::clone(tokens), config.train.batch_size, begin, end);
        Ok(Self {
            train: batches(&pairs.train.tokens),
            validation: batches(&pairs.validation.tokens),
            pairs,
        })
    }
}

/// Read the tokenizers of a sequence-to-sequence run.
///
/// # Errors
/// If one cannot be read.
pub(super) fn own_tokenizers(
    run_dir: &Path,
    config: &Seq2SeqExperiment,
) -> Result<PairTokenizers, TrainError> {
    let files = RunDir::new(run_dir);
    Ok(PairTokenizers::from_files(
        config.tokenizers()?,
        &files.source_tokenizer(),
        &files.target_tokenizer(),
    )?)
}

/// Read the pairs of a run with the settings and the tokenizers of the run.
///
/// # Errors
/// If they cannot be read or differ from those that the run was trained on.
pub fn own_pairs(run: &Run, config: &Seq2SeqExperiment) -> Result<Pairs, TrainError> {
    same_pairs(run, &run.checkpoint()?.state, config, &config.pairs)
}

/// Read pairs with the settings `asked`, and check that they equal those of the run.
pub(super) fn same_pairs(
    run: &Run,
    state: &CheckpointState,
    recorded: &Seq2SeqExperiment,
    asked: &PairsConfig,
) -> Result<Pairs, TrainError> {
    let tokenizers = own_tokenizers(run.root(), recorded)?;
    let sums = [tokenizers.source().sha256(), tokenizers.target().sha256()];
    run.check_seq2seq(recorded, [&sums[0], &sums[1]], state)?;
    let changed = |change: String, unwritable| TrainError::DataChanged {
        path: run.root().to_owned(),
        change,
        unwritable,
        started_in: started_elsewhere(run.root()),
        new_run: None,
    };
    let stdin = &mut std::io::stdin().lock();
    let pairs =
        prepare_pairs(asked, recorded.tokenizers()?, Some(tokenizers), stdin).map_err(|error| {
            match error {
                DataError::Missing { .. }
                | DataError::DeadLink { .. }
                | DataError::NoFiles { .. }
                | DataError::Io { .. } => TrainError::NoText {
                    path: run.root().to_owned(),
                    source: error,
                    started_in: started_elsewhere(run.root()),
                },
                DataError::Empty { .. } if asked.reads_stdin() => changed(
                    "it came from standard input, and has to be given there again, as by < FILE"
                        .to_owned(),
                    false,
                ),
                DataError::Empty { .. } | DataError::OneSource { .. } | DataError::Pair { .. } => {
                    changed(format!("it has changed ({error})"), false)
                }
                error => error.into(),
            }
        })?;
    match pairs.sha256() == state.data_sha256 {
        true => Ok(pairs),
        false => Err(changed("it has changed".to_owned(), false)),
    }
}
