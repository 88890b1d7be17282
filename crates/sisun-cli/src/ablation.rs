//! Loss increase when a head's output is set to zero.

use crate::common::DeviceArgs;
use crate::model_source::{ModelSource, TextArgs};
use crate::progress::Work;
use anyhow::{Context, Result};
use sisun_data::Tokens;
use sisun_model::Edit;
use sisun_train::edited_loss;
use std::num::NonZeroUsize;

/// Number of evaluation windows without `--windows`.
const WINDOWS: usize = 32;

/// The text on which heads are ablated.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct AblationArgs {
    #[command(flatten)]
    pub(crate) text: TextArgs,
    /// Ablate heads on this many windows of the text, evenly spaced [default: 32]
    #[arg(long, value_name = "N")]
    pub(crate) windows: Option<NonZeroUsize>,
}

impl AblationArgs {
    /// Return the first of these options that was given; they require ablation.
    pub(crate) fn idle(&self) -> Option<&'static str> {
        if self.text.data.is_empty() {
            self.windows.map(|_| "--windows")
        } else {
            Some("--data")
        }
    }
}

/// Losses with and without each head.
pub(crate) struct Ablation {
    /// Loss with all heads, in nats per token.
    pub(crate) loss: f64,
    /// Increase of the loss without each head.
    pub(crate) rise: sisun_infer::LossRises,
}

/// Ablate the given (layer, head) pairs one at a time.
pub(crate) fn ablate(
    opened: &ModelSource,
    text: &Tokens,
    heads: &[(usize, usize)],
    args: &AblationArgs,
    device: &DeviceArgs,
) -> Result<Ablation> {
    let model = &opened.loaded.model;
    let config = model.config();
    // A text shorter than the context is a single window.
    let length = config.context_len.min(text.len() - 1);
    opened.check_evaluation(text, length, &opened.loaded.edits)?;
    let loss = |ablated: Option<(usize, usize)>| {
        let mut edits = opened.loaded.edits.list.clone();
        edits.extend(ablated.map(|(layer, head)| Edit::ablation(layer, head)));
        let windows = Some(args.windows.map_or(WINDOWS, NonZeroUsize::get));
        let found = edited_loss(
            &edits,
            model,
            text,
            length,
            opened.batch_size(length),
            windows,
        );
        found.context("no window of the text has a token to take the loss on")
    };
    let whole = loss(None)?;
    let work = Work::new(device.quiet);
    work.begin(heads.len() as u64);
    let rise = |&head: &(usize, usize)| {
        let rise = loss(Some(head))? - whole;
        work.worked(1);
        Ok((head, rise))
    };
    let rise: Result<sisun_infer::LossRises> = heads.iter().map(rise).collect();
    work.finish();
    Ok(Ablation {
        loss: whole,
        rise: rise?,
    })
}
