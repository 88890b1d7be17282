//! Greedy exact match on a task.

use super::EvaluatedModel;
use sisun_config::randomness::stream;
use sisun_data::tasks::{Example, Task};

/// The seed of every test example, so that all variants and seeds of a comparison are tested on the
/// same examples.
const TEST_SEED: u64 = 20_231_115;

/// Return the examples with which a task is tested at a length.
pub(crate) fn examples(task: Task, length: usize, count: usize) -> Vec<Example> {
    let one = |i: usize| {
        task.example(
            length,
            &mut stream(TEST_SEED, &format!("test {task} {length}"), i as u64),
        )
    };
    (0..count).map(one).collect()
}

/// Return the fraction of the examples for which greedy decoding writes the whole answer, including
/// its end.
///
/// One forward pass over prompt and answer is enough: as long as every token so far was the
/// likeliest, greedy decoding has written exactly the answer so far, and its next token depends
/// only on that. So it writes the whole answer if and only if each token of the answer is the
/// likeliest after the correct tokens before it. (Only the accuracy of single tokens would be
/// overestimated, because the pass continues with the correct answer after a mistake.)
pub(crate) fn exact_match(model: &EvaluatedModel, examples: &[Example]) -> f64 {
    let longest = examples
        .iter()
        .map(|e| e.prompt.len() + e.answer.len())
        .max()
        .unwrap_or(0);
    let rows: Vec<Vec<u32>> = examples
        .iter()
        .map(|example| {
            // Rows are padded after the end with the first symbol, which a causal model does not
            // see earlier.
            let mut row = [&example.prompt[..], &example.answer].concat();
            row.resize(longest, 0);
            row
        })
        .collect();
    let rows: Vec<&[u32]> = rows.iter().map(|row| &row[..longest - 1]).collect();
    let mut right = 0;
    model.each_logits(model.places(longest - 1).as_deref(), &rows, |i, logits| {
        let vocab = logits.len() / (longest - 1);
        let Example { prompt, answer } = &examples[i];
        let likeliest = |pos: usize| {
            let row = &logits[pos * vocab..][..vocab];
            let best = (0..)
                .zip(row)
                .reduce(|best, next| if next.1 > best.1 { next } else { best });
            best.map(|(id, _): (u32, _)| id)
        };
        right += usize::from(
            (0..answer.len()).all(|k| likeliest(prompt.len() + k - 1) == Some(answer[k])),
        );
    });
    right as f64 / examples.len().max(1) as f64
}
