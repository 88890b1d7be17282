//! Loss increase when the output of a head is replaced.

use crate::common::DeviceArgs;
use crate::model_source::{ModelSource, TextArgs};
use crate::progress::Work;
use anyhow::{Context, Result};
use sisun_data::Tokens;
use sisun_infer::{AblationKind, LossRises};
use sisun_model::Edit;
use sisun_train::edited_loss;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;

/// Number of evaluation windows without `--windows`.
const WINDOWS: usize = 32;
/// Most tokens of the held-out text from which outputs are taken.
const MOST_TAKEN: usize = 1 << 16;

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

/// Kinds of ablation, and where they take outputs from.
pub(crate) enum Replacing {
    /// Zero ablation only.
    Zero,
    /// All kinds, with outputs on these tokens; `None` for the text on which heads are ablated.
    All(Option<Vec<u32>>),
}

/// Losses with and without each head.
pub(crate) struct Ablation {
    /// Loss with all heads, in nats per token.
    pub(crate) loss: f64,
    /// Increase of the loss without each head.
    pub(crate) rises: BTreeMap<AblationKind, LossRises>,
    /// Number of tokens from which outputs were taken.
    pub(crate) taken_from: usize,
}

/// Ablate the given (layer, head) pairs one at a time.
pub(crate) fn ablate(
    opened: &ModelSource,
    text: &Tokens,
    heads: &[(usize, usize)],
    replacing: Replacing,
    args: &AblationArgs,
    device: &DeviceArgs,
) -> Result<Ablation> {
    let (loaded, model) = (&opened.loaded, &opened.loaded.model);
    // A text shorter than the context is a single window.
    let length = model.config().context_len.min(text.len() - 1);
    opened.check_evaluation(text, length, &loaded.edits)?;
    let windows = args.windows.map_or(WINDOWS, NonZeroUsize::get);
    let loss = |ablation: Option<Edit>| {
        let mut edits = loaded.edits.list.clone();
        edits.extend(ablation);
        let found = edited_loss(
            &edits,
            model,
            text,
            length,
            opened.batch_size(length),
            Some(windows),
        );
        found.context("no window of the text has a token to take the loss on")
    };
    let whole = loss(None)?;
    let taken = match replacing {
        Replacing::Zero => None,
        Replacing::All(Some(ids)) => Some(ids),
        Replacing::All(None) => {
            let taken = windows.saturating_mul(length).min(MOST_TAKEN);
            Some(text.read(0..taken.min(text.len())))
        }
    };
    let replacements = match &taken {
        Some(ids) => Some(loaded.head_replacements(ids, length)?),
        None => None,
    };
    let kinds = match replacements {
        Some(_) => &AblationKind::ALL[..],
        None => &[AblationKind::Zero],
    };
    let work = Work::new(device.quiet);
    work.begin((kinds.len() * heads.len()) as u64);
    let mut rises = BTreeMap::new();
    for &kind in kinds {
        let rise = |&(layer, head): &(usize, usize)| {
            let edit = match &replacements {
                Some(replacements) => replacements.edit(kind, layer, head),
                None => Edit::ablation(layer, head),
            };
            let rise = loss(Some(edit))? - whole;
            work.worked(1);
            Ok(((layer, head), rise))
        };
        let of_heads: Result<LossRises> = heads.iter().map(rise).collect();
        rises.insert(kind, of_heads?);
    }
    work.finish();
    Ok(Ablation {
        loss: whole,
        rises,
        taken_from: taken.map_or(0, |ids| ids.len()),
    })
}
