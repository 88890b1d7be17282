//! Pairs whose true alignment is known.

use crate::common::DeviceArgs;
use crate::failure::Usage;
use anyhow::{Result, bail};
use sisun_config::Seq2SeqExperiment;
use sisun_data::pairs::{Pair, read_pairs};
use sisun_infer::Translator;
use sisun_model::Run;
use sisun_train::seq2seq::own_pairs;

/// The true alignment of a pair, as pairs of target and source token.
pub(super) type Cells = Option<Vec<(usize, usize)>>;

/// Read the pair that `FILE:LINE` names, with the settings of the run.
///
/// # Errors
/// If the argument is malformed, the file cannot be read, or the line holds no pair.
pub(super) fn pair_in_file(config: &Seq2SeqExperiment, named: &str) -> Result<Pair> {
    let parts = named.rsplit_once(':');
    let line = parts.and_then(|(file, line)| Some((file, line.parse::<u64>().ok()?)));
    let Some((file, line)) = line.filter(|(file, line)| !file.is_empty() && *line > 0) else {
        return Err(Usage(format!(
            "--pair {named}: name a file and a line of it, counted from 1, as in pairs.jsonl:3"
        ))
        .into());
    };
    let stdin = &mut std::io::empty();
    let corpus = read_pairs(&[file.to_owned()], &[], &config.pairs, stdin)?;
    let at = corpus.places.iter().position(|(_, place)| *place == line);
    let Some(at) = at else {
        let last = corpus.places.last().map_or(0, |(_, place)| *place);
        bail!("--pair {named}: there is no pair on line {line}; the last is on line {last}");
    };
    Ok(corpus.pairs[at].clone())
}

/// Return the true alignment of a source and a target if a pair of the run's own text tells it.
pub(super) fn in_own_text(
    loaded: &Translator,
    run: &Run,
    config: &Seq2SeqExperiment,
    [source, target]: [&str; 2],
    device: &DeviceArgs,
) -> Cells {
    match own_pairs(run, config) {
        Ok(pairs) => loaded.alignment_among(&pairs, source, target),
        Err(error) => {
            device.note(&format!(
                "note: the true alignment is not looked up: {error}"
            ));
            None
        }
    }
}
