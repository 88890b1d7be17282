//! Checks of sequence-to-sequence runs.

use crate::check::{Check, Checks, OPENS};
use crate::devices::{self, MOST_BY_SOFTWARE};
use crate::logits::{Difference, values};
use crate::passes::{self, malformed};
use crate::subject::cpu;
use crate::workplace::TempWorkspace;
use crate::{resume, round_trip, tokenizer};
use anyhow::Result;
use burn::tensor::{Device, Tensor};
use sisun_config::Seq2SeqExperiment;
use sisun_data::pairs::{Pair, Pairs, Side};
use sisun_infer::Translator;
use sisun_model::weights::{host_tensors, write_tensors};
use sisun_model::{Activation, Capture, Run, thousands};
use sisun_seq2seq::{Beam, PairTensors, Rows, Seq2Seq, Seq2SeqPass, beam, greedy, n_params};
use sisun_train::seq2seq::own_pairs;
use std::path::Path;

const GREEDY: &str = "greedy and a beam of one";
const PADDED: &str = "padding changes nothing";
const SOURCES: &str = "source tokenizer";
const TARGETS: &str = "target tokenizer";

/// Number of pairs that decoding is checked on.
const FEW: usize = 8;
/// Number of pairs whose texts are encoded and decoded.
const TEXTS: usize = 2_000;

/// A model on the CPU, and pairs to check it on.
struct PairsUnderTest<'r> {
    run: &'r Run,
    config: Seq2SeqExperiment,
    loaded: Translator,
    /// The pairs of the run, or the problem with them.
    own: Result<Pairs, String>,
    /// Sources and targets as tokens: the first that are held out, else made of each token.
    pairs: Vec<(Vec<u32>, Vec<u32>)>,
    from: &'static str,
}

impl<'r> PairsUnderTest<'r> {
    fn open(run: &'r Run) -> Result<Self> {
        let config = run.seq2seq_config()?;
        let loaded = Translator::of_run(run, &cpu()?)?;
        let own = match config.pairs.reads_stdin() {
            true => Err("the pairs came from standard input, and are not read again".to_owned()),
            // Without the remedies, which do not apply here.
            false => own_pairs(run, &config).map_err(|error| {
                let told = error.to_string();
                told.lines().next().unwrap_or_default().to_owned()
            }),
        };
        let held_out = own.iter().flat_map(|own| own.validation.tokens.iter());
        let mut pairs: Vec<(Vec<u32>, Vec<u32>)> = held_out
            .take(FEW)
            .map(|pair| (pair.source.clone(), pair.target.clone()))
            .collect();
        let mut from = "held-out pairs";
        if pairs.is_empty() {
            pairs = made_pairs(&loaded);
            from = "pairs of tokens in order";
        }
        Ok(Self {
            run,
            config,
            loaded,
            own,
            pairs,
            from,
        })
    }

    fn describe(&self) -> String {
        let notes: String = self
            .loaded
            .notes
            .iter()
            .map(|note| format!("; {note}"))
            .collect();
        format!(
            "{}, {} parameters{notes}",
            self.loaded.title(),
            thousands(self.parameters())
        )
    }

    fn parameters(&self) -> u64 {
        let vocabularies = self.loaded.model.vocabularies();
        u64::try_from(n_params(&self.config.seq2seq, vocabularies)).unwrap_or(u64::MAX)
    }
}

/// Return pairs of unequal lengths that hold the tokens of both vocabularies in order.
fn made_pairs(loaded: &Translator) -> Vec<(Vec<u32>, Vec<u32>)> {
    let config = loaded.model.config();
    let tokens = |side: Side, from: usize, len: usize| -> Vec<u32> {
        let vocab = loaded.tokenizers.of(side).vocab_size().max(1);
        (from..from + len).map(|at| (at % vocab) as u32).collect()
    };
    let pair = |at: usize| {
        let source = (2 + at).min(config.max_source_len());
        let target = (1 + at)
            .min(config.max_target_len().saturating_sub(1))
            .max(1);
        (
            tokens(Side::Source, 3 * at, source),
            tokens(Side::Target, 5 * at, target),
        )
    };
    (0..FEW).map(pair).collect()
}

/// Run all checks of a sequence-to-sequence run.
///
/// # Errors
/// If the temporary folder cannot be made.
pub(crate) fn verify(
    run: &Run,
    made: &mut dyn FnMut(&Path),
    mut checks: Checks<'_>,
) -> Result<Vec<Check>> {
    let mut opened = None;
    checks.add(OPENS, &mut || {
        let subject = PairsUnderTest::open(run)?;
        let found = subject.describe();
        opened = Some(subject);
        Ok(Check::holds(OPENS, found))
    });
    let Some(subject) = opened else {
        return Ok(checks.list);
    };
    let workplace = TempWorkspace::new()?;
    let folder = workplace.path();
    made(folder);
    checks.add(round_trip::SAVED, &mut || saved(&subject, folder));
    checks.add(resume::NAME, &mut || match &subject.own {
        Err(problem) => Ok(Check::not_checked(resume::NAME, problem.clone())),
        Ok(_) => resume::check_run::<Seq2Seq>(subject.run, subject.config.train.steps, folder),
    });
    checks.add(passes::CACHED, &mut || cached(&subject));
    checks.add(GREEDY, &mut || greedy_is_a_beam_of_one(&subject));
    checks.add(PADDED, &mut || padded(&subject));
    checks.add(passes::CAPTURED, &mut || captured(&subject));
    checks.add(devices::NAME, &mut || {
        let small = subject.parameters() <= MOST_BY_SOFTWARE;
        let expected = logits(
            &subject.loaded.model,
            &subject.pairs[..1],
            &mut Seq2SeqPass::default(),
        );
        devices::compare(small, &expected, |device| on_device(&subject, device))
    });
    for (name, side) in [(SOURCES, Side::Source), (TARGETS, Side::Target)] {
        checks.add(name, &mut || texts(&subject, name, side));
    }
    Ok(checks.list)
}

/// Write the weights to a checkpoint file and read them back, with equality to the bit.
fn saved(subject: &PairsUnderTest<'_>, folder: &Path) -> Result<Check> {
    let model = &subject.loaded.model;
    let path = folder.join("model.safetensors");
    sisun_files::write_atomic_with(&path, |file| write_tensors(&model.flat(), file))?;
    let read = Seq2Seq::load(
        &path,
        &model.config(),
        model.vocabularies(),
        &model.device(),
    )?;
    std::fs::remove_file(&path)?;
    let (before, after) = (host_tensors(model), host_tensors(&read));
    Ok(match round_trip::first_difference(&before, &after) {
        None => Check::holds(
            round_trip::SAVED,
            format!("{} parameters, the same bits", before.len()),
        ),
        Some(name) => Check::differs(
            round_trip::SAVED,
            format!("{name} has other bits when it is read back"),
        ),
    })
}

/// Return the logits of each target, read whole, of a padded batch: those of real tokens.
fn logits(model: &Seq2Seq, pairs: &[(Vec<u32>, Vec<u32>)], pass: &mut Seq2SeqPass<'_>) -> Vec<f32> {
    let (begin, end) = (model.vocabularies().begin(), model.vocabularies().end());
    let width = |lens: &[usize]| lens.iter().copied().max().unwrap_or(0);
    let source_lens: Vec<usize> = pairs.iter().map(|(source, _)| source.len()).collect();
    let target_lens: Vec<usize> = pairs.iter().map(|(_, target)| target.len() + 1).collect();
    let (sources, targets) = (width(&source_lens), width(&target_lens));
    let pad = |tokens: Vec<u32>, width: usize| {
        let padding = std::iter::repeat_n(0, width - tokens.len());
        tokens.into_iter().chain(padding).collect::<Vec<_>>()
    };
    let (mut source, mut inputs, mut written) = (Vec::new(), Vec::new(), Vec::new());
    for (read, target) in pairs {
        source.extend(pad(read.clone(), sources));
        inputs.extend(pad([&[begin], &target[..]].concat(), targets));
        written.extend(pad([&target[..], &[end]].concat(), targets));
    }
    let batch = PairTensors::new(
        Rows {
            tokens: &source,
            lens: &source_lens,
        },
        &inputs,
        Rows {
            tokens: &written,
            lens: &target_lens,
        },
        &model.device(),
    );
    let logits = model.forward(&batch, pass);
    let [_, _, vocab] = logits.dims();
    let all = values(logits);
    let rows = all.chunks_exact(targets * vocab).zip(&target_lens);
    rows.flat_map(|(row, len)| &row[..len * vocab])
        .copied()
        .collect()
}

/// Compare writing token by token with one pass over the whole target.
fn cached(subject: &PairsUnderTest<'_>) -> Result<Check> {
    let model = &subject.loaded.model;
    let mut worst = Difference::between(&[], &[]);
    for pair in &subject.pairs {
        let (source, target) = pair;
        let whole = logits(
            model,
            std::slice::from_ref(pair),
            &mut Seq2SeqPass::default(),
        );
        let mut state = model.encode_ids(&[source]);
        let begin = [model.vocabularies().begin()];
        let each: Vec<Tensor<2>> = begin
            .iter()
            .chain(target)
            .map(|token| model.step(&[*token], &mut state, &mut Seq2SeqPass::default()))
            .collect();
        worst = worst.worse(Difference::between(&values(Tensor::cat(each, 0)), &whole));
    }
    Ok(judged(
        subject,
        passes::CACHED,
        "targets token by token and all at once",
        worst,
    ))
}

/// Compare the targets of greedy decoding, all sources together, with a beam of one for each.
fn greedy_is_a_beam_of_one(subject: &PairsUnderTest<'_>) -> Result<Check> {
    let model = &subject.loaded.model;
    let longest = model.config().max_target_len();
    let sources: Vec<&[u32]> = subject
        .pairs
        .iter()
        .map(|(source, _)| &source[..])
        .collect();
    let together = greedy(model, &sources, longest);
    let one = Beam {
        width: 1,
        length_penalty: 0.0,
    };
    let other = together.iter().zip(&sources).position(|(written, source)| {
        let alone = beam(model, source, longest, one);
        alone.first().map(|alone| &alone.tokens) != Some(&written.tokens)
    });
    let (n, from) = (sources.len(), subject.from);
    Ok(match other {
        None => Check::holds(GREEDY, format!("the same targets of {n} {from}")),
        Some(at) => Check::differs(GREEDY, format!("pair {at} of {n} {from}: other targets")),
    })
}

/// Compare the logits of a batch of unequal lengths with those of each pair alone.
fn padded(subject: &PairsUnderTest<'_>) -> Result<Check> {
    let model = &subject.loaded.model;
    let together = logits(model, &subject.pairs, &mut Seq2SeqPass::default());
    let alone: Vec<f32> = subject
        .pairs
        .iter()
        .flat_map(|pair| {
            logits(
                model,
                std::slice::from_ref(pair),
                &mut Seq2SeqPass::default(),
            )
        })
        .collect();
    Ok(judged(
        subject,
        PADDED,
        "in one batch and each alone",
        Difference::between(&together, &alone),
    ))
}

/// Compare a pass that captures all patterns with a plain pass, and check each pattern.
fn captured(subject: &PairsUnderTest<'_>) -> Result<Check> {
    const NAME: &str = passes::CAPTURED;
    let model = &subject.loaded.model;
    let Some((layers, heads)) = model.cross_attention() else {
        let why = "its decoder gets one vector: there is no attention".to_owned();
        return Ok(Check::not_checked(NAME, why));
    };
    let (layers, heads): (Vec<usize>, Vec<usize>) = ((0..layers).collect(), (0..heads).collect());
    let capture = || Capture::new(&[Activation::Pattern], &layers, &heads);
    let mut worst = Difference::between(&[], &[]);
    for pair in &subject.pairs {
        let plain = logits(
            model,
            std::slice::from_ref(pair),
            &mut Seq2SeqPass::default(),
        );
        let (mut encoder, mut decoder, mut cross) = (capture(), capture(), capture());
        let mut pass = Seq2SeqPass {
            encoder_capture: Some(&mut encoder),
            decoder_capture: Some(&mut decoder),
            cross_capture: Some(&mut cross),
            ..Seq2SeqPass::default()
        };
        let watched = logits(model, std::slice::from_ref(pair), &mut pass);
        worst = worst.worse(Difference::between(&watched, &plain));
        let found = [(encoder, false), (decoder, true), (cross, false)];
        let patterns = found.into_iter().flat_map(|(capture, causal)| {
            capture
                .into_found()
                .into_iter()
                .map(move |one| (one, causal))
        });
        for (pattern, causal) in patterns {
            if let Some(problem) = malformed(&pattern, causal) {
                return Ok(Check::differs(NAME, problem));
            }
        }
    }
    Ok(judged(
        subject,
        NAME,
        "logits with and without capturing",
        worst,
    ))
}

fn on_device(subject: &PairsUnderTest<'_>, device: &Device) -> Result<Vec<f32>> {
    let loaded = Translator::of_run(subject.run, device)?;
    let mut pass = Seq2SeqPass::default();
    Ok(logits(&loaded.model, &subject.pairs[..1], &mut pass))
}

/// Encode and decode the texts of one side.
fn texts(subject: &PairsUnderTest<'_>, name: &'static str, side: Side) -> Result<Check> {
    let own = match &subject.own {
        Ok(own) => own,
        Err(problem) => return Ok(Check::not_checked(name, problem.clone())),
    };
    let of_pair = |pair: &Pair| match side {
        Side::Source => pair.source.clone(),
        Side::Target => pair.target.clone(),
    };
    let sets = [&own.validation, &own.train];
    let all = sets.into_iter().flat_map(|set| &set.corpus.pairs);
    let texts: Vec<String> = all.take(TEXTS).map(of_pair).collect();
    tokenizer::check_texts(
        name,
        subject.loaded.tokenizers.of(side),
        &texts,
        "of the run's pairs",
    )
}

fn judged(
    subject: &PairsUnderTest<'_>,
    name: &'static str,
    what: &str,
    found: Difference,
) -> Check {
    let (n, from) = (subject.pairs.len(), subject.from);
    Check::of(
        name,
        found.within(passes::TOLERANCE),
        format!("{what}, {n} {from}: {}", found.tell(passes::TOLERANCE)),
    )
}
