//! Greedy exact match on a task.

use super::Judged;
use sisun_config::randomness::stream;
use sisun_data::tasks::{Example, Task};

/// The seed of every test example, so that all variants and seeds of a comparison are tested on the
/// same.
const TEST_SEED: u64 = 20_231_115;

/// The examples that a task is tested on at a length.
pub(crate) fn examples(task: Task, length: usize, count: usize) -> Vec<Example> {
    let one = |i: usize| {
        task.example(
            length,
            &mut stream(TEST_SEED, &format!("test {task} {length}"), i as u64),
        )
    };
    (0..count).map(one).collect()
}

/// Share of the examples whose whole answer, its end included, the model writes when it always
/// takes the likeliest token.
///
/// One forward pass over prompt and answer tells: as long as every token so far was the likeliest,
/// what the model has written *is* the answer so far, and the next token follows from it. So the
/// whole answer is written if and only if each of its tokens is the likeliest after the right ones
/// before it. (It is only single tokens that such a pass flatters, because it goes on with the
/// right answer after a mistake.)
pub(crate) fn exact_match(model: &Judged, examples: &[Example]) -> f64 {
    let longest = examples
        .iter()
        .map(|e| e.prompt.len() + e.answer.len())
        .max()
        .unwrap_or(0);
    let rows: Vec<Vec<u32>> = examples
        .iter()
        .map(|example| {
            // What comes after the end is filled up with the first symbol: the model does not see
            // it before.
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
