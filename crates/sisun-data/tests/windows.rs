//! Windows: pure functions of their arguments that cover what they say they cover.
#![allow(clippy::unwrap_used)]

use sisun_data::{Batch, Tokens, epoch_batch, evaluation_windows, random_batch};
use std::collections::HashMap;

/// Documents of awkward lengths (some of one token, one longer than any window), ids 0, 1, 2, …
fn tokens(lengths: &[usize]) -> Tokens {
    let total: usize = lengths.iter().sum();
    let ids: Vec<u32> = (0..total as u32).collect();
    let starts: Vec<usize> = lengths
        .iter()
        .scan(0, |at, len| Some(std::mem::replace(at, *at + len)))
        .collect();
    Tokens::from_ids(&ids, None, &starts, 3 * total as u64)
}

const LENGTHS: [usize; 9] = [7, 1, 23, 2, 1, 1, 13, 5, 11];

fn rows(batch: &Batch) -> impl Iterator<Item = (&[u32], &[u32])> {
    batch
        .inputs
        .chunks(batch.context_len)
        .zip(batch.targets.chunks(batch.context_len))
}

#[test]
fn a_random_batch_is_a_function_of_its_arguments() {
    let tokens = tokens(&[97]);
    let batch = random_batch(&tokens, 5, 7, 42, 3);
    assert_eq!(batch, random_batch(&tokens, 5, 7, 42, 3));
    assert_ne!(batch, random_batch(&tokens, 5, 7, 42, 4));
    assert_ne!(batch, random_batch(&tokens, 5, 7, 43, 3));
    assert_eq!(
        (
            batch.inputs.len(),
            batch.targets.len(),
            batch.loss_mask.as_ref()
        ),
        (35, 35, None)
    );
    for (inputs, targets) in rows(&batch) {
        assert!(inputs.windows(2).all(|pair| pair[1] == pair[0] + 1));
        assert!(
            inputs
                .iter()
                .zip(targets)
                .all(|(input, target)| *target == input + 1)
        );
    }
}

#[test]
fn random_windows_start_everywhere_and_evenly() {
    let tokens = tokens(&[31]);
    let mut counts = HashMap::new();
    for step in 0..500 {
        for (inputs, _) in rows(&random_batch(&tokens, 10, 11, 1, step)) {
            *counts.entry(inputs[0]).or_insert(0) += 1;
        }
    }
    // 5,000 draws over the 20 starts: 250 each, standard deviation 15.4. Five of them on either
    // side.
    assert_eq!(counts.len(), 20);
    assert!(
        counts.values().all(|count| (173..=327).contains(count)),
        "{counts:?}"
    );
    assert!(counts.keys().all(|&start| start < 20));
}

#[test]
fn the_shortest_text_has_one_window() {
    let tokens = tokens(&[8]);
    assert_eq!(
        random_batch(&tokens, 2, 7, 0, 0).inputs,
        [0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6]
    );
}

/// The first `count` targets of the endless row of epochs, and the input that stands before them.
fn epoch_targets(
    tokens: &Tokens,
    batch_size: usize,
    context_len: usize,
    seed: u64,
    count: usize,
) -> Vec<u32> {
    let mut all = Vec::new();
    let mut step = 0;
    while all.len() <= count {
        let batch = epoch_batch(tokens, batch_size, context_len, seed, step);
        for (inputs, targets) in rows(&batch) {
            if all.is_empty() {
                all.push(inputs[0]);
            }
            assert_eq!(
                *all.last().unwrap(),
                inputs[0],
                "windows follow one another"
            );
            assert_eq!(inputs[1..], targets[..context_len - 1]);
            all.extend_from_slice(targets);
        }
        step += 1;
    }
    all.truncate(count);
    all
}

#[test]
fn every_token_is_a_target_once_an_epoch_and_documents_stay_whole() {
    let tokens = tokens(&LENGTHS);
    let len = tokens.len();
    for (batch_size, context_len) in [(1, 1), (3, 5), (2, 7), (4, 29), (2, 101)] {
        let stream = epoch_targets(&tokens, batch_size, context_len, 9, 3 * len);
        let mut orders = Vec::new();
        for epoch in stream.chunks(len) {
            let mut sorted = epoch.to_vec();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..len as u32).collect::<Vec<_>>());
            // Read document by document.
            let mut at = 0;
            let mut order = Vec::new();
            while at < len {
                let document = (0..tokens.documents())
                    .find(|&d| tokens.document(d).start as u32 == epoch[at])
                    .unwrap();
                let range = tokens.document(document);
                assert!(
                    epoch[at..at + range.len()]
                        .iter()
                        .copied()
                        .eq(range.start as u32..range.end as u32)
                );
                at += range.len();
                order.push(document);
            }
            orders.push(order);
        }
        assert_ne!(orders[0], orders[1]);
        assert_ne!(orders[1], orders[2]);
    }
}

#[test]
fn an_epoch_batch_does_not_depend_on_earlier_calls() {
    let tokens = tokens(&LENGTHS);
    let late = epoch_batch(&tokens, 3, 5, 7, 40);
    for step in (0..60).rev() {
        epoch_batch(&tokens, 3, 5, step % 3, step);
    }
    assert_eq!(epoch_batch(&tokens, 3, 5, 7, 40), late);
    assert_eq!(epoch_batch(&self::tokens(&LENGTHS), 3, 5, 7, 40), late);
    assert_ne!(epoch_batch(&tokens, 3, 5, 8, 40), late);
}

#[test]
fn evaluation_covers_the_whole_split_once() {
    for len in [2, 7, 8, 36, 97] {
        let tokens = tokens(&[len]);
        let batches: Vec<Batch> = evaluation_windows(&tokens, 3, 7, None).collect();
        let targets: Vec<u32> = batches
            .iter()
            .flat_map(|batch| batch.targets.clone())
            .collect();
        assert_eq!(targets, (1..len as u32).collect::<Vec<_>>());
        let inputs: Vec<u32> = batches
            .iter()
            .flat_map(|batch| batch.inputs.clone())
            .collect();
        assert_eq!(inputs, (0..len as u32 - 1).collect::<Vec<_>>());
        assert!(
            batches
                .iter()
                .all(|batch| batch.batch_size <= 3 && batch.context_len <= 7)
        );
    }
}

#[test]
fn a_limited_evaluation_is_evenly_spaced() {
    let tokens = tokens(&[100]);
    let starts = |limit| -> Vec<u32> {
        let batches = evaluation_windows(&tokens, 2, 9, Some(limit));
        batches
            .flat_map(|batch| {
                rows(&batch)
                    .map(|(inputs, _)| inputs[0])
                    .collect::<Vec<_>>()
            })
            .collect()
    };
    // Eleven full windows.
    assert_eq!(starts(4), [0, 18, 45, 72]);
    assert_eq!(starts(1), [0]);
    assert_eq!(starts(0), [0_u32; 0]);
    assert_eq!(starts(50), (0..11).map(|i| 9 * i).collect::<Vec<_>>());
}

#[test]
fn loss_marks_follow_the_targets() {
    let loss: Vec<bool> = (0..30).map(|id| id % 3 == 0).collect();
    let tokens = Tokens::from_ids(&(0..30).collect::<Vec<_>>(), Some(&loss), &[0, 10, 17], 30);
    let batches = evaluation_windows(&tokens, 4, 7, None).chain([
        random_batch(&tokens, 3, 5, 1, 1),
        epoch_batch(&tokens, 3, 5, 1, 1),
    ]);
    for batch in batches {
        let mask = batch.loss_mask.unwrap();
        assert!(
            batch
                .targets
                .iter()
                .zip(mask)
                .all(|(target, on)| on == (target % 3 == 0))
        );
    }
}

#[test]
fn a_few_windows_are_chosen_among_those_that_count() {
    // Ten windows of three targets, of which those around tokens 13 and 29 hold a mark.
    let mut loss = [false; 32];
    (loss[13], loss[29]) = (true, true);
    let tokens = Tokens::from_ids(&(0..32).collect::<Vec<_>>(), Some(&loss), &[0], 32);
    let starts = |tokens: &Tokens, limit| -> Vec<Vec<u32>> {
        let batches = evaluation_windows(tokens, 4, 3, limit);
        batches
            .flat_map(|batch| {
                batch
                    .inputs
                    .chunks(batch.context_len)
                    .map(<[u32]>::to_vec)
                    .collect::<Vec<_>>()
            })
            .collect()
    };
    assert_eq!(starts(&tokens, Some(1)), [[12, 13, 14]]);
    assert_eq!(starts(&tokens, Some(5)), [[12, 13, 14], [27, 28, 29]]);
    assert_eq!(
        starts(&tokens, None).len(),
        11,
        "all of it, the rest included"
    );
    assert_eq!(tokens.loss_tokens(), 2);
    // Marks in the rest alone, and a text without a full window.
    let mut loss = [false; 32];
    loss[31] = true;
    let tokens = Tokens::from_ids(&(0..32).collect::<Vec<_>>(), Some(&loss), &[0], 32);
    assert_eq!(starts(&tokens, Some(2)), [[30]]);
    assert_eq!(
        starts(&Tokens::from_ids(&[7, 8, 9], None, &[0], 3), Some(2)),
        [[7, 8]]
    );
}
