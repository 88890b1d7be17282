//! The context window beyond `context_len`, for every position variant.

#![allow(clippy::unwrap_used)]

use burn::tensor::{Device, Int, Tensor, TensorData};
use sisun_config::ModelConfig;
use sisun_infer::ContextWindow;
use sisun_model::{Activation, Change, Edit, Pass, Transformer};

const CONTEXT: usize = 7;

fn model(position: &str) -> Transformer {
    let text = format!(
        "vocab_size = 13\nd_model = 24\nn_layers = 2\nn_heads = 3\ncontext_len = {CONTEXT}\ninit_std = 0.3\nposition = {position}\n"
    );
    Transformer::random(&ModelConfig::parse(&text).unwrap(), 5, &Device::flex()).unwrap()
}

/// Return the logits of a full forward pass over only these tokens.
fn full(model: &Transformer, tokens: &[u32]) -> Vec<f32> {
    edited(model, tokens, &[])
}

fn edited(model: &Transformer, tokens: &[u32], edits: &[Edit]) -> Vec<f32> {
    let ids: Vec<i32> = tokens.iter().map(|&id| id as i32).collect();
    let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [1, tokens.len()]), &Device::flex());
    model
        .forward_last(ids, Pass::editing(edits))
        .try_into_vec_as::<f32>()
        .unwrap()
}

fn close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let close = |(f, e): &(&f32, &f32)| (*f - *e).abs() < 1e-4;
    let far = found.iter().zip(expected).find(|pair| !close(pair));
    assert!(far.is_none(), "{what}: {far:?}");
}

#[test]
fn the_older_half_is_dropped_and_the_rest_read_afresh() {
    for position in [
        "\"none\"",
        "\"learned\"",
        "\"sinusoidal\"",
        "\"rope\"",
        "\"alibi\"",
        "{ kind = \"t5_bias\", buckets = 4, max_distance = 5 }",
        // Its frequencies change from the fifth token on.
        "{ kind = \"rope\", scaling = { kind = \"dynamic\", factor = 3.0, original_context_len = 4 } }",
    ] {
        let model = model(position);
        let mut window = ContextWindow::new(&model);
        let tokens: Vec<u32> = (0..40).map(|i| (i * i + 3 * i) % 13).collect();
        let mut lengths = Vec::new();
        for (i, &token) in tokens.iter().enumerate() {
            let logits = window.read(&[token]);
            assert!(
                tokens[..=i].ends_with(window.tokens()),
                "{position}: the window is the end of the text"
            );
            close(
                &logits,
                &full(&model, window.tokens()),
                &format!("{position}, token {i}"),
            );
            lengths.push(window.tokens().len());
        }
        // The window is full at seven tokens; then three stay, including the new one.
        assert_eq!(
            lengths[..13],
            [1, 2, 3, 4, 5, 6, 7, 3, 4, 5, 6, 7, 3],
            "{position}"
        );
    }
}

/// Without a mask, earlier tokens attend to the new one as well.
#[test]
fn without_a_mask_all_is_read_again() {
    for more in [
        "position = \"rope\"\ncausal = false\n",
        "position = \"learned\"\ncausal = false\n",
    ] {
        let text = format!(
            "vocab_size = 13\nd_model = 24\nn_layers = 2\nn_heads = 3\ncontext_len = {CONTEXT}\ninit_std = 0.3\n{more}"
        );
        let model =
            Transformer::random(&ModelConfig::parse(&text).unwrap(), 5, &Device::flex()).unwrap();
        let mut window = ContextWindow::new(&model);
        let mut lengths = Vec::new();
        for token in 0..10 {
            let logits = window.read(&[token]);
            close(
                &logits,
                &full(&model, window.tokens()),
                &format!("{more}, token {token}"),
            );
            lengths.push(window.tokens().len());
        }
        assert_eq!(lengths, [1, 2, 3, 4, 5, 6, 7, 3, 4, 5]);
    }
}

#[test]
fn of_a_long_prompt_the_last_tokens_are_read() {
    let model = model("\"learned\"");
    let prompt: Vec<u32> = (0..20).map(|i| i % 13).collect();
    let mut window = ContextWindow::new(&model);
    let logits = window.read(&prompt);
    assert_eq!(window.tokens(), &prompt[20 - CONTEXT..]);
    close(&logits, &full(&model, &prompt[20 - CONTEXT..]), "prompt");
    // If more tokens do not fit, half of the window is kept, or all new tokens if these are more.
    window.read(&[1, 2, 3, 4, 5]);
    assert_eq!(window.tokens(), &[1, 2, 3, 4, 5]);
}

#[test]
fn edits_count_from_the_beginning_of_the_text() {
    let model = model("\"rope\"");
    let zero = |positions| Edit::new(Activation::ResidPre, 1, Change::Zero).at(positions);
    let edits = [zero(vec![2, 9, 10, 23]), Edit::ablation(0, 1)];
    let mut window = ContextWindow::new(&model).editing(&edits);
    let tokens: Vec<u32> = (0..30).map(|i| (i * i + 3 * i) % 13).collect();
    let mut seen = 0;
    // A prompt longer than the context, then one token at a time.
    for new in std::iter::once(&tokens[..11]).chain(tokens[11..].chunks(1)) {
        let logits = window.read(new);
        seen += new.len();
        let dropped = seen - window.tokens().len();
        let shown: Vec<usize> = [2, 9, 10, 23]
            .into_iter()
            .filter_map(|at: usize| at.checked_sub(dropped))
            .collect();
        let same = [zero(shown), Edit::ablation(0, 1)];
        let expected = edited(&model, window.tokens(), &same);
        close(&logits, &expected, &format!("after {seen} tokens"));
    }
}
