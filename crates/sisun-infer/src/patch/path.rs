//! Path patching: what a head sends to another one, and nothing else (Wang et al. 2022, appendix B).
//!
//! First the output `z` of the sender is the clean run's while the outputs of all other heads stay
//! the corrupt run's; feed-forward networks are computed anew. What then reaches the inputs of the
//! receiver is put into another corrupt run, which goes on by itself.

use super::options::{PatchOptions, PathOptions, bad};
use super::run::PatchedRun;
use super::texts::Texts;
use super::{PatchAxis, PatchText, PatchedPath, Patching};
use crate::{HeadName, InferError, LanguageModel};
use sisun_model::{Activation, Capture, Change, Edit};

impl LanguageModel {
    /// Patch the path from each head (or one) to the inputs of a head.
    ///
    /// # Errors
    /// If a text or an answer does not suit, a head does not exist, or no head comes before the
    /// receiver.
    pub fn patch_path(
        &self,
        options: &PatchOptions,
        path: &PathOptions,
    ) -> Result<Patching, InferError> {
        let config = self.model.config();
        let HeadName { layer, head } = path.to;
        path.from.map_or(Ok(()), |from| from.check(config))?;
        path.to.check(config)?;
        if layer == 0 || path.from.is_some_and(|from| from.layer >= layer) {
            return Err(bad(format!(
                "--to-head {layer}.{head}: only heads of layers before it can send it something"
            )));
        }
        let texts = self.patch_texts(options)?;
        if !texts.whole() {
            return Err(bad(
                "a path is patched at all positions: give texts of the same number of tokens, without --at-token"
                    .to_owned(),
            ));
        }
        let senders: Vec<(usize, usize)> = match path.from {
            Some(from) => vec![(from.layer, from.head)],
            None => (0..layer)
                .flat_map(|layer| (0..config.n_heads).map(move |head| (layer, head)))
                .collect(),
        };
        let (clean, corrupt) = (Texts::ids(&texts.clean), Texts::ids(&texts.corrupt));
        let layers: Vec<usize> = (0..layer).collect();
        let of_clean = self.plain_run(&clean, Activation::Z, &layers)?;
        let of_corrupt = self.plain_run(&corrupt, Activation::Z, &layers)?;
        let frozen: Vec<Edit> = of_corrupt
            .iter()
            .map(|found| {
                Edit::new(
                    Activation::Z,
                    found.layer,
                    Change::Replace(self.tensor(found)),
                )
            })
            .collect();
        let sending = |&(from, head): &(usize, usize)| {
            let z = self.tensor(&of_clean[from]).narrow(1, head, 1);
            let sent = Edit::new(Activation::Z, from, Change::Replace(z)).of_heads(vec![head]);
            PatchedRun {
                layer: from,
                first: 0,
                edits: frozen[from..].iter().cloned().chain([sent]).collect(),
            }
        };
        let runs: Vec<PatchedRun> = senders.iter().map(sending).collect();
        let names: Vec<Activation> = path.into.iter().map(|input| input.activation()).collect();
        let group = config.n_heads / config.kv_heads();
        let mut received = Vec::new();
        for runs in runs.chunks(self.runs_together(corrupt.len())) {
            let capture = Capture::new(&names, &[layer], &[head]);
            let found = self.capture_patched(&corrupt, runs, capture)?;
            for row in 0..runs.len() {
                let edits = found.iter().map(|found| {
                    let heads = match found.name {
                        Activation::Q => vec![head],
                        // Shared keys and values are those of all heads of the group.
                        _ => (head / group * group..(head / group + 1) * group).collect(),
                    };
                    // The first row is the corrupt run itself.
                    let values = self.tensor(found).narrow(0, row + 1, 1);
                    Edit::new(found.name, layer, Change::Replace(values)).of_heads(heads)
                });
                received.push(PatchedRun {
                    layer,
                    first: 0,
                    edits: edits.collect(),
                });
            }
        }
        let answers = [texts.answer.id, texts.against.id];
        let outcomes = self.run_patched(&corrupt, &received, answers)?;
        let mut recovered = vec![f64::NAN; layer * config.n_heads];
        for ((from, head), outcome) in senders.iter().zip(&outcomes) {
            recovered[from * config.n_heads + head] = texts.recovered(outcome.difference);
        }
        let path = PatchedPath {
            to: (layer, head),
            into: path.into.clone(),
        };
        let mut found = self.patching(options, texts, Activation::Z, PatchAxis::Heads);
        found.path = Some(path);
        found.layers = layers;
        found.columns = config.n_heads;
        found.recovered = recovered;
        Ok(found)
    }

    /// Return a patching without its cells.
    pub(super) fn patching(
        &self,
        options: &PatchOptions,
        texts: Texts,
        activation: Activation,
        axis: PatchAxis,
    ) -> Patching {
        let [of_clean, of_corrupt] = texts.differences;
        let text = |text: &str, tokens, difference| PatchText {
            text: text.to_owned(),
            tokens,
            difference,
        };
        Patching {
            model: self.title(),
            clean: text(&options.clean, texts.clean, of_clean),
            corrupt: text(&options.corrupt, texts.corrupt, of_corrupt),
            answer: texts.answer,
            against: texts.against,
            activation,
            path: None,
            axis,
            layers: (0..self.model.config().n_layers).collect(),
            columns: 0,
            recovered: Vec::new(),
            fast: None,
        }
    }
}
