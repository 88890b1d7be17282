//! What happens to the loss when one head is silent.

use crate::common::DeviceArgs;
use crate::model_source::{ModelSource, TextArgs};
use crate::progress::Work;
use anyhow::{Context, Result};
use sisun_data::Tokens;
use sisun_train::evaluate_without;
use std::num::NonZeroUsize;

/// Windows that heads are silenced on unless it is said.
const WINDOWS: usize = 32;

/// On what heads are silenced.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Silencing {
    #[command(flatten)]
    pub(crate) text: TextArgs,
    /// Ablate heads on this many windows of the text, evenly spaced [default: 32]
    #[arg(long, value_name = "N")]
    pub(crate) windows: Option<NonZeroUsize>,
}

impl Silencing {
    /// The first option that was given, where heads are not to be silenced at all.
    pub(crate) fn idle(&self) -> Option<&'static str> {
        if self.text.data.is_empty() {
            self.windows.map(|_| "--windows")
        } else {
            Some("--data")
        }
    }
}

/// What came of it.
pub(crate) struct Silenced {
    /// With all heads, nats per token.
    pub(crate) loss: f64,
    /// By how much the loss rises without each layer's head.
    pub(crate) rise: sisun_infer::page::Silenced,
}

/// Silences one after the other of these layers' heads.
pub(crate) fn silence(
    opened: &ModelSource,
    text: &Tokens,
    heads: &[(usize, usize)],
    how: &Silencing,
    device: &DeviceArgs,
) -> Result<Silenced> {
    let model = &opened.loaded.model;
    let config = model.config();
    // A text shorter than the context is one window.
    let length = config.context_len.min(text.len() - 1);
    opened.check_evaluation(text, length)?;
    let loss = |silenced: &[(usize, usize)]| {
        let windows = Some(how.windows.map_or(WINDOWS, NonZeroUsize::get));
        let found = evaluate_without(
            silenced,
            model,
            text,
            length,
            opened.batch_size(length),
            windows,
        );
        found
            .map(|found| found.loss)
            .context("no window of the text has a token to take the loss on")
    };
    let whole = loss(&[])?;
    let work = Work::new(device.quiet);
    work.begin(heads.len() as u64);
    let rise = |&head: &(usize, usize)| {
        let rise = loss(&[head])? - whole;
        work.worked(1);
        Ok((head, rise))
    };
    let rise: Result<sisun_infer::page::Silenced> = heads.iter().map(rise).collect();
    work.finish();
    Ok(Silenced {
        loss: whole,
        rise: rise?,
    })
}
