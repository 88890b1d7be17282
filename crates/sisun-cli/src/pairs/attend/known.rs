//! Pairs whose true alignment is known.

use crate::common::DeviceArgs;
use crate::failure::Usage;
use anyhow::{Result, bail};
use sisun_config::Seq2SeqExperiment;
use sisun_data::pairs::{Pair, PairCorpus, PairFiles, read_pairs};
use sisun_infer::Translator;
use sisun_model::Run;
use sisun_train::seq2seq::own_pairs;
use std::path::Path;

/// The true alignment of a pair, as pairs of target and source token.
pub(super) type Cells = Option<Vec<(usize, usize)>>;

/// Read the pair that `FILE:LINE` names, with the settings of the run. Its target stands in
/// `targets` if that is given, or else, if FILE is one of the run's own sources, where that of the
/// run's own pair does.
///
/// # Errors
/// If the argument is malformed, the file cannot be read, or the line holds no pair.
pub(super) fn pair_in_file(
    config: &Seq2SeqExperiment,
    named: &str,
    targets: Option<&str>,
) -> Result<Pair> {
    let parts = named.rsplit_once(':');
    let line = parts.and_then(|(file, line)| Some((file, line.parse::<u64>().ok()?)));
    let Some((file, line)) = line.filter(|(file, line)| !file.is_empty() && *line > 0) else {
        return Err(Usage(format!(
            "--pair {named}: name a file and a line of it, counted from 1, as in pairs.jsonl:3"
        ))
        .into());
    };
    let stdin = &mut std::io::empty();
    let targets: Vec<String> = targets.map(str::to_owned).into_iter().collect();
    let given = PairFiles {
        sources: &[file.to_owned()],
        targets: &targets,
        keys: ["--pair", "--targets"],
    };
    let own = parallel_files(config).filter(|_| targets.is_empty());
    let mut found = None;
    for files in own {
        let corpus = read_pairs(files, &config.pairs, stdin)?;
        let of_file = |name: &Path| name.canonicalize().ok() == Path::new(file).canonicalize().ok();
        if corpus.files.iter().step_by(2).any(|name| of_file(name)) {
            found = Some(only(corpus, of_file));
            break;
        }
    }
    let corpus = match found {
        Some(corpus) => corpus,
        None => read_pairs(given, &config.pairs, stdin)?,
    };
    let at = corpus.places.iter().position(|(_, place)| *place == line);
    let Some(at) = at else {
        let last = corpus.places.last().map_or(0, |(_, place)| *place);
        bail!("--pair {named}: there is no pair on line {line}; the last is on line {last}");
    };
    Ok(corpus.pairs[at].clone())
}

/// Return the run's own files whose targets stand in other files.
fn parallel_files(config: &Seq2SeqExperiment) -> impl Iterator<Item = PairFiles<'_>> {
    let pairs = &config.pairs;
    let both = [PairFiles::training(pairs), PairFiles::validation(pairs)];
    let is_stdin = |file: &String| file == "-";
    both.into_iter().filter(move |files| {
        !files.targets.is_empty() && !files.sources.iter().chain(files.targets).any(is_stdin)
    })
}

/// Return the pairs whose source stands in the file that `is_meant` chooses.
fn only(corpus: PairCorpus, is_meant: impl Fn(&Path) -> bool) -> PairCorpus {
    let in_file = |at: &usize| is_meant(&corpus.files[corpus.places[*at].0 as usize]);
    let pairs: Vec<usize> = (0..corpus.pairs.len()).filter(in_file).collect();
    corpus.select(&pairs)
}

/// Return the true alignment of a source and a target if a pair of the run's own text tells it.
pub(super) fn in_own_text(
    loaded: &Translator,
    run: &Run,
    config: &Seq2SeqExperiment,
    [source, target]: [&str; 2],
    device: &DeviceArgs,
) -> Cells {
    if config.pairs.reads_stdin() {
        // The pairs are not here any more, and reading them would wait for the keyboard.
        return None;
    }
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
