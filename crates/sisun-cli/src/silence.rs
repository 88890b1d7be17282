//! What happens to the loss when one head is silent.

use crate::common::DeviceArgs;
use crate::progress::Work;
use sisun_config::TrainConfig;
use sisun_data::Tokens;
use sisun_infer::Loaded;
use sisun_train::evaluate_without;
use std::num::NonZeroUsize;

/// On what heads are silenced.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Silencing {
    /// Files, folders or globs to silence heads on [default: the run's held-out text]
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Vec<String>,
    /// Silence heads on this many windows of the text, evenly spaced
    #[arg(long, value_name = "N", default_value = "32")]
    pub(crate) windows: NonZeroUsize,
}

/// What came of it.
pub(crate) struct Silenced {
    /// With all heads, nats per token.
    pub(crate) loss: f64,
    /// For each layer and head by how much the loss rises without it.
    pub(crate) rise: Vec<Vec<f64>>,
}

/// Silences one head after the other.
pub(crate) fn silence(
    loaded: &Loaded,
    text: &Tokens,
    train: &TrainConfig,
    how: &Silencing,
    device: &DeviceArgs,
) -> Silenced {
    let config = loaded.model.config();
    let loss = |silenced: &[(usize, usize)]| {
        let windows = Some(how.windows.get());
        evaluate_without(silenced, &loaded.model, text, config.context_len, train.batch_size, windows).loss
    };
    let whole = loss(&[]);
    let work = Work::new(device.quiet);
    work.begin((config.n_layers * config.n_heads) as u64);
    let rise = |layer| {
        let of_head = |head| {
            let rise = loss(&[(layer, head)]) - whole;
            work.worked(1);
            rise
        };
        (0..config.n_heads).map(of_head).collect()
    };
    let rise = (0..config.n_layers).map(rise).collect();
    work.finish();
    Silenced { loss: whole, rise }
}
