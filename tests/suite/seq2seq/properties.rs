//! What never changes a result: padding, a cache, a capture, a beam of one, a file.

use super::{Pair, VOCABULARIES, batch, name, recurrent, transformers};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use sisun_config::{Context, RecurrentConfig, RecurrentEncoder, Seq2SeqConfig};
use sisun_kernels::Level;
use sisun_model::weights::write_tensors;
use sisun_model::{Activation, Capture, Edit};
use sisun_seq2seq::{
    Beam, PairTensors, Seq2Seq, Seq2SeqPass, Vocabularies, beam, greedy, n_params, patterns,
};
use sisun_tests::compare::{assert_close, values};

fn every() -> Vec<Seq2SeqConfig> {
    recurrent().into_iter().chain(transformers()).collect()
}

fn model(config: &Seq2SeqConfig) -> Seq2Seq {
    Seq2Seq::random(config, VOCABULARIES, 5, &Device::flex()).unwrap()
}

pub(super) fn pairs() -> Vec<Pair> {
    [
        (
            &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 3, 2][..],
            &[1, 2, 3, 4, 5, 6, 7, 8][..],
        ),
        (&[5, 5, 0, 1], &[8, 0]),
        (&[10, 9], &[3, 3, 3, 3]),
        (&[0, 7, 7, 2, 1, 1, 4], &[0, 1, 2, 3, 4, 5]),
    ]
    .map(|(source, target)| Pair {
        source: source.to_vec(),
        target: target.to_vec(),
    })
    .to_vec()
}

fn logits(model: &Seq2Seq, batch: &PairTensors) -> Tensor<3> {
    model.forward(batch, &mut Seq2SeqPass::default())
}

fn alone<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    pool.unwrap().install(f)
}

/// On one thread, to the bit. Two products are summed in another order for few rows: on AMX tiles
/// those of 32 rows and more, and with a tied head those of at most 256 results, which is why the
/// vocabulary is large here.
#[test]
fn a_batch_of_unequal_lengths_gives_what_each_pair_gives_alone() {
    let vocabularies = Vocabularies {
        source: 11,
        target: 127,
    };
    let tolerance = match Level::current() {
        Level::Amx => 1e-5,
        _ => 0.0,
    };
    alone(|| {
        for config in every() {
            let device = Device::flex();
            let model = Seq2Seq::random(&config, vocabularies, 5, &device).unwrap();
            let pairs = pairs();
            let together = logits(&model, &batch(&pairs, vocabularies, &device));
            for (row, pair) in pairs.iter().enumerate() {
                let one = batch(std::slice::from_ref(pair), vocabularies, &device);
                let expected = values(logits(&model, &one));
                let found = together
                    .clone()
                    .narrow(0, row, 1)
                    .narrow(1, 0, pair.target.len() + 1);
                let what = format!("{} row {row}", name(&config));
                assert_close(&what, &values(found), &expected, tolerance);
            }
        }
    });
}

/// Tokens and gradients of padding do not matter.
#[test]
fn the_loss_and_its_gradients_do_not_see_what_pads() {
    for config in every() {
        let device = Device::flex().autodiff();
        let model = Seq2Seq::random(&config, VOCABULARIES, 5, &device).unwrap();
        let run = |batch: &PairTensors| {
            let loss = model.loss(batch, &mut Seq2SeqPass::default());
            let gradients = loss.clone().backward();
            (values(loss), super::gradients(&model, &gradients))
        };
        let clean = batch(&pairs(), VOCABULARIES, &device);
        let other = PairTensors {
            source: super::refill(&clean.source, &pairs(), |pair| pair.source.len()),
            inputs: super::refill(&clean.inputs, &pairs(), |pair| pair.target.len() + 1),
            ..clean.clone()
        };
        let (clean, other) = (run(&clean), run(&other));
        assert_eq!(clean.0, other.0, "{}", name(&config));
        for (parameter, (_, expected)) in &clean.1 {
            let (_, found) = &other.1[parameter];
            assert_eq!(found, expected, "{}: {parameter}", name(&config));
        }
        assert_eq!(clean.1.len(), model.flat().len(), "{}", name(&config));
    }
}

#[test]
fn decoding_token_by_token_equals_the_full_pass() {
    for config in every() {
        let model = model(&config);
        let batch = batch(&pairs(), VOCABULARIES, &model.device());
        let full = logits(&model, &batch);
        let pass = &mut Seq2SeqPass::default();
        let mut state = model.encode(batch.source.clone(), batch.source_lens.clone(), pass);
        let [_, target] = batch.inputs.dims();
        for at in 0..target {
            let column = batch.inputs.clone().narrow(1, at, 1).into_data();
            let tokens: Vec<u32> = column.iter::<i64>().map(|token| token as u32).collect();
            let found = values(model.step(&tokens, &mut state, &mut Seq2SeqPass::default()));
            let expected = values(full.clone().narrow(1, at, 1));
            assert_close(
                &format!("{} at {at}", name(&config)),
                &found,
                &expected,
                2e-5,
            );
        }
    }
}

#[test]
fn a_beam_of_one_is_greedy_and_a_wider_one_is_no_worse_at_its_end() {
    for config in every() {
        let model = model(&config);
        let pairs = pairs();
        let sources: Vec<&[u32]> = pairs.iter().map(|pair| &pair.source[..]).collect();
        let written = greedy(&model, &sources, 9);
        for (source, greedy) in sources.iter().zip(&written) {
            let settings = |width, length_penalty| Beam {
                width,
                length_penalty,
            };
            for alpha in [0.0, 1.0] {
                let found = beam(&model, source, 9, settings(1, alpha));
                assert_eq!(found.len(), 1);
                assert_eq!(found[0].tokens, greedy.tokens, "{}", name(&config));
                assert_eq!(found[0].ended, greedy.ended);
                assert!((found[0].log_prob - greedy.log_prob).abs() < 1e-4);
            }
            let wide = beam(&model, source, 9, settings(4, 0.0));
            assert_eq!(wide.len(), 4, "{}", name(&config));
            assert!(wide.is_sorted_by(|a, b| a.score >= b.score));
            for one in &wide {
                assert!(
                    one.tokens.iter().all(|token| *token < 9),
                    "no begin, no end"
                );
                assert_eq!(one.score, one.log_prob);
            }
        }
    }
}

/// The beam's log-probability of a target is that of the full pass.
#[test]
fn a_hypothesis_is_as_likely_as_the_full_pass_says() {
    for config in [&recurrent()[0], &recurrent()[9], &transformers()[1]] {
        let model = model(config);
        let source = &pairs()[0].source;
        let settings = Beam {
            width: 3,
            length_penalty: 0.6,
        };
        for found in beam(&model, source, 6, settings) {
            let pair = Pair {
                source: source.clone(),
                target: found.tokens.clone(),
            };
            let logits = logits(&model, &batch(&[pair], VOCABULARIES, &model.device()));
            let [_, target, rows] = logits.dims();
            let all = values(logits);
            let ends = [&found.tokens[..], &[VOCABULARIES.end()]].concat();
            let n = if found.ended { target } else { target - 1 };
            let mut sum = 0.0;
            for (at, token) in ends.iter().take(n).enumerate() {
                let row = &all[at * rows..(at + 1) * rows];
                let possible = (0..rows).filter(|i| *i != VOCABULARIES.begin() as usize);
                let total: f64 = possible.map(|i| f64::from(row[i]).exp()).sum();
                sum += f64::from(row[*token as usize]) - total.ln();
            }
            assert!((sum - found.log_prob).abs() < 1e-4, "{sum} {found:?}");
            let penalty = ((5.0 + n as f64) / 6.0).powf(0.6);
            assert!((found.score - found.log_prob / penalty).abs() < 1e-12);
        }
    }
}

#[test]
fn a_captured_pass_computes_the_same_and_patterns_sum_to_one() {
    for config in every() {
        let model = model(&config);
        let batch = batch(&pairs(), VOCABULARIES, &model.device());
        let (layers, heads) = model.cross_attention().unwrap_or((0, 0));
        let (all_layers, all_heads): (Vec<usize>, Vec<usize>) =
            ((0..layers).collect(), (0..heads).collect());
        let capture = || Capture::new(&Activation::ALL, &all_layers, &all_heads);
        let (mut encoder, mut decoder, mut cross) = (capture(), capture(), capture());
        let mut pass = Seq2SeqPass {
            encoder_capture: Some(&mut encoder),
            decoder_capture: Some(&mut decoder),
            cross_capture: Some(&mut cross),
            ..Seq2SeqPass::default()
        };
        let captured = values(model.forward(&batch, &mut pass));
        assert_close(
            &name(&config),
            &captured,
            &values(logits(&model, &batch)),
            1e-5,
        );
        let found = cross.into_found();
        let found_patterns: Vec<_> = found
            .iter()
            .filter(|one| one.name == Activation::Pattern)
            .collect();
        assert_eq!(found_patterns.len(), layers, "{}", name(&config));
        for pattern in found_patterns {
            assert_eq!(pattern.shape, [4, heads, 9, 13], "{}", name(&config));
            for (i, row) in pattern.values.chunks_exact(13).enumerate() {
                let len = pairs()[i / (9 * heads)].source.len();
                let sum: f32 = row[..len].iter().sum();
                assert!((sum - 1.0).abs() < 1e-5, "{sum}");
                assert!(row[len..].iter().all(|x| *x == 0.0), "padding has weight");
            }
        }
        let Seq2SeqConfig::Transformer(transformer) = &config else {
            continue;
        };
        let pair = &pairs()[1];
        let found = patterns(&model, &pair.source, &pair.target);
        for (found, shape) in [
            (&found.encoder, [1, 3, 4, 4]),
            (&found.decoder, [1, 3, 3, 3]),
            (&found.cross, [1, 3, 3, 4]),
        ] {
            assert_eq!(found.len(), transformer.n_layers);
            assert!(found.iter().all(|one| one.shape == shape));
        }
    }
}

/// The weighted values and the pattern that are captured are those that the layers used.
#[test]
fn without_its_attention_a_model_writes_something_else() {
    for config in every() {
        let model = model(&config);
        let batch = batch(&pairs(), VOCABULARIES, &model.device());
        let all: Vec<Edit> = (0..2)
            .flat_map(|layer| (0..3).map(move |head| Edit::ablation(layer, head)))
            .collect();
        let mut pass = Seq2SeqPass {
            cross_edits: &all,
            ..Seq2SeqPass::default()
        };
        let ablated = values(model.forward(&batch, &mut pass));
        let plain = values(logits(&model, &batch));
        let is_last = matches!(
            &config,
            Seq2SeqConfig::Recurrent(RecurrentConfig {
                context: Context::Last,
                ..
            })
        );
        assert_eq!(ablated == plain, is_last, "{}", name(&config));
    }
}

#[test]
fn names_are_paths_counts_are_exact_and_files_hold_everything() {
    for config in every() {
        let model = model(&config);
        let total: usize = model
            .flat()
            .values()
            .map(|flat| flat.shape.iter().product::<usize>())
            .sum();
        assert_eq!(
            total as u128,
            n_params(&config, VOCABULARIES),
            "{}",
            name(&config)
        );
        assert_eq!(total, model.num_params());
        let file = tempfile::NamedTempFile::new().unwrap();
        write_tensors(&model.flat(), &mut file.as_file()).unwrap();
        let device = Device::flex();
        let read = Seq2Seq::load(file.path(), &config, VOCABULARIES, &device).unwrap();
        assert_eq!(read.config(), config);
        let batch = batch(&pairs(), VOCABULARIES, &device);
        assert_eq!(
            values(logits(&read, &batch)),
            values(logits(&model, &batch))
        );
    }
    let gru = |context| {
        Seq2SeqConfig::Recurrent(RecurrentConfig::new(RecurrentEncoder::Gru, context, 7, 10))
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    write_tensors(&model(&gru(Context::Dot)).flat(), &mut file.as_file()).unwrap();
    let wrong = Seq2Seq::load(
        file.path(),
        &gru(Context::General),
        VOCABULARIES,
        &Device::flex(),
    );
    let message = wrong.unwrap_err().to_string();
    assert!(
        message.contains("net.Recurrent.decoder.query.weight: missing"),
        "{message}"
    );
}
