//! Targets that are written without a mistake.

use burn::tensor::Tensor;

/// Return, for each row, true if greedy decoding writes its whole target.
///
/// One forward pass over the correct targets tells it: a target is written if and only if each of
/// its tokens, the end included, is the most likely one after the correct tokens before it.
///
/// # Shapes
/// - `logits`: `[rows, target, target_vocab]`
/// - `targets`: `[rows, target]`, row-major, of which the first `lens` tokens of a row count
///
/// # Panics
/// If there are other numbers of rows or tokens.
pub fn written_greedily(logits: Tensor<3>, targets: &[u32], lens: &[usize]) -> Vec<bool> {
    let [rows, width, _] = logits.dims();
    assert_eq!(
        (targets.len(), lens.len()),
        (rows * width, rows),
        "a target for each row of the logits"
    );
    let likeliest: Vec<i64> = logits.argmax(2).into_data().iter::<i64>().collect();
    let rows = likeliest
        .chunks_exact(width)
        .zip(targets.chunks_exact(width));
    let is_exact = |((found, target), len): ((&[i64], &[u32]), &usize)| {
        let mut tokens = found.iter().zip(target).take(*len);
        tokens.all(|(found, target)| *found == i64::from(*target))
    };
    rows.zip(lens).map(is_exact).collect()
}
