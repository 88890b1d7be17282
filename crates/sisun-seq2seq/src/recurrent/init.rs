//! How the parameters of a recurrent model begin.

use sisun_config::{RecurrentConfig, RecurrentEncoder as Kind};
use sisun_kernels::Cell;
use sisun_model::{Embedding, ModelError, Params};

/// Return the kind of cell of encoder and decoder.
pub(super) fn cell_kind(config: &RecurrentConfig) -> Cell {
    match config.encoder {
        Kind::Gru | Kind::Bigru => Cell::Gru,
        Kind::Lstm => Cell::Lstm,
    }
}

/// Standard deviation of the embeddings' initial weights.
const EMBEDDING_STD: f64 = 0.1;

/// Request an embedding table.
///
/// # Errors
/// If the source cannot provide it.
pub(super) fn embedding(
    source: &mut dyn Params,
    name: &str,
    vocab: usize,
    config: &RecurrentConfig,
) -> Result<Embedding, ModelError> {
    let shape = [vocab, config.d_embed];
    Embedding::new(source, &format!("{name}.embed"), shape, EMBEDDING_STD)
}

/// Return the standard deviation of PyTorch's initial weights, uniform in ±1/√width.
pub(super) fn std_of(width: usize) -> f64 {
    1.0 / (3.0 * width as f64).sqrt()
}
