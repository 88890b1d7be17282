//! A text that is read again while it changes gives what one pass over it gives, for every variant:
//! patterns and logits against NumPy (`peers/reference_forward.py`), the lens against the program's.

use sisun_infer::{LensOptions, Reading};
use sisun_model::Edit;
use sisun_tests::compare::{assert_close, largest_difference};
use sisun_tests::devices::cpu;
use sisun_tests::fixtures::Forward;
use sisun_tests::pages::{model_of, rows, text_of, visible_pattern};

fn ids(row: &[i64]) -> Vec<u32> {
    row.iter().map(|id| u32::try_from(*id).unwrap()).collect()
}

#[test]
fn a_text_that_is_typed_is_read_as_a_whole() {
    for fixture in Forward::all() {
        let model = model_of(&fixture, &cpu());
        let config = &fixture.config;
        let (name, vocab) = (&fixture.name, config.vocab_size.unwrap());
        let (_, logits) = &fixture.expected["logits"];
        let mut reading = Reading::default();
        for (row, tokens) in rows(&fixture).iter().enumerate() {
            let all = ids(tokens);
            let n = all.len();
            // A beginning, all of it, back, and all of it again.
            let mut computed = Vec::new();
            for length in [n / 2, n, n - 1, n] {
                let mut layers = Vec::new();
                let end = reading
                    .read(&model, &all[..length], &[], false, |layer, _| {
                        layers.push(layer)
                    })
                    .unwrap();
                assert_eq!(layers, (0..config.n_layers).collect::<Vec<_>>(), "{name}");
                computed.push(end.computed);
                if length < n && !config.causal {
                    continue;
                }
                let expected = &logits[(row * n + length - 1) * vocab..][..vocab];
                assert_close(&format!("{name}: logits"), &end.logits, expected, 2e-5);
            }
            match config.causal {
                // The last token is read again where the text got shorter.
                true => assert_eq!(computed[1..], [n - n / 2, 1, 1], "{name}"),
                false => assert_eq!(computed[1..], [n, n - 1, n], "{name}"),
            }
            for (layer, found) in reading.layers().iter().enumerate() {
                for (head, pattern) in found.patterns.iter().enumerate() {
                    let expected = visible_pattern(&fixture, row, layer, head);
                    let far = largest_difference(pattern, &expected);
                    assert!(far < 1e-5, "{name}: layer {layer}, head {head}: {far}");
                }
                let size = n * config.d_head();
                assert!(
                    found.q.len() == config.n_heads && found.q[0].len() == size,
                    "{name}"
                );
                assert!(
                    found.k.len() == config.kv_heads() && found.k[0].len() == size,
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn the_lens_of_the_last_token_is_that_of_the_program() {
    for fixture in Forward::all() {
        let model = model_of(&fixture, &cpu());
        let tokens = rows(&fixture)[0];
        let (n, vocab) = (tokens.len(), fixture.config.vocab_size.unwrap());
        let mut reading = Reading::default();
        reading
            .read(&model, &ids(&tokens[..3]), &[], false, |_, _| ())
            .unwrap();
        let end = reading
            .read(&model, &ids(tokens), &[], true, |_, _| ())
            .unwrap();
        let asked = LensOptions {
            logits: true,
            ..LensOptions::default()
        };
        let lens = model.lens(&text_of(tokens), &asked).unwrap();
        let logits = lens.logits.unwrap();
        assert_eq!(
            end.lens.len(),
            fixture.config.n_layers + 1,
            "{}",
            fixture.name
        );
        for (layer, found) in end.lens.iter().enumerate() {
            let expected = &logits[(layer * n + n - 1) * vocab..][..vocab];
            let what = format!("{}: lens before layer {layer}", fixture.name);
            assert_close(&what, found, expected, 5e-5);
        }
    }
}

#[test]
fn edits_hold_while_a_text_is_typed() {
    let fixture = Forward::named("rope");
    let model = model_of(&fixture, &cpu());
    let all = ids(rows(&fixture)[0]);
    let edits = [Edit::ablation(0, 1)];
    let mut typed = Reading::default();
    for length in 1..all.len() {
        typed
            .read(&model, &all[..length], &edits, false, |_, _| ())
            .unwrap();
    }
    let typed = typed.read(&model, &all, &edits, false, |_, _| ()).unwrap();
    let mut whole = Reading::default();
    let edited = whole.read(&model, &all, &edits, false, |_, _| ()).unwrap();
    assert_close("edited", &typed.logits, &edited.logits, 2e-5);
    whole.forget();
    let plain = whole.read(&model, &all, &[], false, |_, _| ()).unwrap();
    assert!(largest_difference(&plain.logits, &edited.logits) > 1e-3);
}

#[test]
fn what_cannot_be_read_leaves_the_reading_as_it_is() {
    let fixture = Forward::named("learned");
    let model = model_of(&fixture, &cpu());
    let all = ids(rows(&fixture)[0]);
    let mut reading = Reading::default();
    let before = reading.read(&model, &all, &[], false, |_, _| ()).unwrap();
    for bad in [
        vec![],
        vec![u32::MAX],
        vec![0; fixture.config.context_len + 1],
    ] {
        let called = |_: usize, _: &sisun_infer::ReadLayer| panic!("nothing is computed");
        reading.read(&model, &bad, &[], false, called).unwrap_err();
    }
    let after = reading.read(&model, &all, &[], false, |_, _| ()).unwrap();
    assert_eq!(after.computed, 1);
    assert_close("logits", &after.logits, &before.logits, 2e-5);
}
