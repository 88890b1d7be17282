//! The recurrent decoder.

use super::cell::{CellInputs, RecurrentCell};
use super::context::{DotAttention, max, mean};
use super::encoder::Reading;
use super::init;
use crate::pass::Seq2SeqPass;
use crate::rows::select_lens;
use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use sisun_config::{Context, RecurrentConfig};
use sisun_kernels::recurrent::additive_scores;
use sisun_kernels::{self as kernels, AdditiveAttention, Lens, MatmulPrecision};
use sisun_model::{Activation, Capture, Embedding, Init, Linear, ModelError, Params, param};

/// Embedding, cell, attention and output layer of the decoder.
#[derive(Module, Debug)]
pub struct RecurrentDecoder {
    /// Embedding of the target's tokens.
    pub embed: Embedding,
    /// The cell.
    pub cell: RecurrentCell,
    /// Map from the source's vector to the first state, `[d_value, d_hidden]`.
    pub initial: Option<Linear>,
    /// W of the scores: `[d_hidden, d_value]` for `general`, `[d_hidden, d_hidden]` for `additive`.
    pub query: Option<Linear>,
    /// U of the scores of `additive`, `[d_value, d_hidden]`.
    pub key: Option<Linear>,
    /// v of the scores of `additive`, `[d_hidden]`.
    pub score: Option<Param<Tensor<1>>>,
    /// W_c of the attentional vector, `[d_value + d_hidden, d_hidden]`: the rows of the context
    /// first. `None` without a context.
    pub combine: Option<Linear>,
    /// Output layer.
    pub head: Linear,
    #[module(skip)]
    context: Context,
    #[module(skip)]
    input_feeding: bool,
    #[module(skip)]
    dropout: f64,
}

/// The source as the decoder sees it, and its state after the tokens so far.
#[derive(Clone, Debug)]
pub(crate) struct RecurrentState {
    source: Source,
    /// `[batch, d_state]`.
    state: Tensor<2>,
    /// The last attentional vector, `[batch, d_hidden]`, with input feeding.
    feed: Option<Tensor<2>>,
}

/// What the decoder reads of the source at every step.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // there is one for each batch
enum Source {
    /// Nothing.
    Nothing,
    /// One vector, `[batch, d_value]`.
    Fixed(Tensor<2>),
    /// A state for each token.
    States {
        /// What the queries are compared with, `[batch, source, d]`.
        keys: Tensor<3>,
        /// What is weighted, `[batch, source, d_value]`.
        values: Tensor<3>,
        lens: Option<Lens>,
    },
}

impl RecurrentState {
    pub(crate) fn device(&self) -> Device {
        self.state.device()
    }

    pub(crate) fn select(&self, rows: &[usize], indices: &Tensor<1, Int>) -> Self {
        let two = |x: &Tensor<2>| x.clone().select(0, indices.clone());
        let three = |x: &Tensor<3>| x.clone().select(0, indices.clone());
        Self {
            source: match &self.source {
                Source::Nothing => Source::Nothing,
                Source::Fixed(vector) => Source::Fixed(two(vector)),
                Source::States { keys, values, lens } => Source::States {
                    keys: three(keys),
                    values: three(values),
                    lens: select_lens(lens, rows),
                },
            },
            state: two(&self.state),
            feed: self.feed.as_ref().map(two),
        }
    }
}

impl RecurrentDecoder {
    pub(super) fn new(
        source: &mut dyn Params,
        name: &str,
        config: &RecurrentConfig,
        vocab: usize,
    ) -> Result<Self, ModelError> {
        let (context, h) = (config.context, config.d_hidden);
        let d_value = match context {
            Context::EmbeddingsMean => config.d_embed,
            _ => h,
        };
        let inputs = CellInputs {
            input: config.d_embed,
            context: (context == Context::Additive).then_some(d_value),
            feed: config.input_feeding.then_some(h),
        };
        let cell = format!("{name}.cell");
        let cell = RecurrentCell::new(source, &cell, init::cell_kind(config), inputs, h)?;
        let score = match context {
            Context::Additive => {
                let init = Init::Normal(init::std_of(h));
                Some(param(source, &format!("{name}.score"), [h], init)?)
            }
            _ => None,
        };
        let embed = init::embedding(source, name, vocab, config)?;
        let mut linear = |which: &str, wanted: bool, shape: [usize; 2], bias: bool| {
            let std = init::std_of(shape[0]);
            wanted
                .then(|| Linear::new(source, &format!("{name}.{which}"), shape, bias, std))
                .transpose()
        };
        let additive = context == Context::Additive;
        let starts_from_map = !starts_from_last(context);
        Ok(Self {
            embed,
            cell,
            initial: linear("initial", starts_from_map, [d_value, h], true)?,
            query: linear(
                "query",
                additive || context == Context::General,
                [h, h],
                false,
            )?,
            key: linear("key", additive, [d_value, h], false)?,
            score,
            combine: linear("combine", context != Context::Last, [d_value + h, h], true)?,
            head: linear("head", true, [h, vocab], true)?.expect("it is wanted"),
            context,
            input_feeding: config.input_feeding,
            dropout: config.dropout,
        })
    }

    /// Return the state before the first token.
    pub(super) fn start(
        &self,
        reading: Reading,
        lens: Option<Lens>,
        pass: &Seq2SeqPass<'_>,
    ) -> RecurrentState {
        let Reading { states, last } = reading;
        let [batch, _, _] = states.dims();
        let h = self.cell.d_hidden();
        let pooled = match self.context {
            Context::Mean | Context::EmbeddingsMean => Some(mean(states.clone(), lens.as_ref())),
            Context::Max => Some(max(states.clone(), lens.as_ref())),
            Context::Last | Context::Dot | Context::General | Context::Additive => None,
        };
        let vector = pooled
            .clone()
            .or(last)
            .expect("only the pooled embeddings have no last state");
        let state = match &self.initial {
            Some(map) => {
                let [_, width] = vector.dims();
                // The last state of a long short-term memory has c after h.
                let vector = match width > map.weight.dims()[0] {
                    true => vector.narrow(1, 0, h),
                    false => vector,
                };
                let first: Tensor<2> = map
                    .forward(vector.unsqueeze_dim(1), pass.precision)
                    .tanh()
                    .squeeze_dim(1);
                match self.cell.d_state() - h {
                    0 => first,
                    rest => {
                        let zeros = Tensor::zeros([batch, rest], &first.device());
                        Tensor::cat(vec![first, zeros], 1)
                    }
                }
            }
            None => vector,
        };
        let feed = self
            .input_feeding
            .then(|| Tensor::zeros([batch, h], &state.device()));
        let source = match (self.context, pooled) {
            (Context::Last, _) => Source::Nothing,
            (_, Some(vector)) => Source::Fixed(match pass.drops_context() {
                false => vector,
                true => vector.zeros_like(),
            }),
            (_, None) => Source::States {
                keys: match &self.key {
                    Some(key) => key.forward(states.clone(), pass.precision),
                    None => states.clone(),
                },
                values: match pass.drops_context() {
                    false => states,
                    true => states.zeros_like(),
                },
                lens,
            },
        };
        RecurrentState {
            source,
            state,
            feed,
        }
    }

    /// Return the logits of the token after each, and move the state on.
    ///
    /// # Shapes
    /// - `inputs`: `[batch, target]`
    /// - result: `[batch, target, vocab]`
    pub(crate) fn decode(
        &self,
        inputs: Tensor<2, Int>,
        state: &mut RecurrentState,
        pass: &mut Seq2SeqPass<'_>,
    ) -> Tensor<3> {
        let dropout = pass.dropout(self.dropout);
        let x = kernels::dropout(self.embed.forward(inputs), dropout);
        let gates = self.cell.input.forward(x, pass.precision);
        let before = state.state.clone();
        let (hidden, attentional) = match self.input_feeding {
            true => self.one_by_one(gates, state, pass.precision),
            false => self.at_once(gates, state, pass.precision),
        };
        if let Some(capture) = &mut pass.cross_capture {
            self.capture(capture, before, hidden, &state.source, pass.precision);
        }
        self.head
            .forward(kernels::dropout(attentional, dropout), pass.precision)
    }

    /// Compute h and the attentional vectors of all tokens together.
    ///
    /// # Shapes
    /// - `gates`: `[batch, target, n_gates·d_hidden]`
    /// - results: `[batch, target, d_hidden]`
    fn at_once(
        &self,
        gates: Tensor<3>,
        state: &mut RecurrentState,
        precision: MatmulPrecision,
    ) -> (Tensor<3>, Tensor<3>) {
        let initial = state.state.clone();
        let (states, contexts) = match (&state.source, self.additive()) {
            (Source::States { keys, values, lens }, Some((query, score, context))) => {
                let (weight, bias) = self.cell.recurrence();
                let attention = AdditiveAttention {
                    keys: keys.clone(),
                    values: values.clone(),
                    query: query.weight.val(),
                    score,
                    context: context.weight.val(),
                    lens: lens.clone(),
                };
                let kind = self.cell.kind();
                let (states, contexts) =
                    kernels::attentive_recurrent(kind, gates, weight, bias, initial, &attention);
                (states, Some(contexts))
            }
            _ => (self.cell.run(gates, initial, None, false), None),
        };
        state.state = last(&states);
        let hidden = self.cell.hidden(states);
        let contexts = contexts.or_else(|| self.context_of(&hidden, &state.source, precision));
        let attentional = self.attentional(contexts, hidden.clone(), precision);
        (hidden, attentional)
    }

    /// Like [`RecurrentDecoder::at_once`], feeding each attentional vector to the next step.
    fn one_by_one(
        &self,
        gates: Tensor<3>,
        state: &mut RecurrentState,
        precision: MatmulPrecision,
    ) -> (Tensor<3>, Tensor<3>) {
        let [_, target, _] = gates.dims();
        let (mut all_hidden, mut all_attentional) = (Vec::new(), Vec::new());
        for at in 0..target {
            let mut gates = gates.clone().narrow(1, at, 1);
            if let (Some(layer), Some(feed)) = (&self.cell.feed, state.feed.take()) {
                gates = gates + layer.forward(feed.unsqueeze_dim(1), precision);
            }
            let (hidden, attentional) = self.at_once(gates, state, precision);
            state.feed = Some(attentional.clone().squeeze_dim(1));
            all_hidden.push(hidden);
            all_attentional.push(attentional);
        }
        (Tensor::cat(all_hidden, 1), Tensor::cat(all_attentional, 1))
    }

    /// Return the layers of additive attention, if the context is that.
    fn additive(&self) -> Option<(&Linear, Tensor<1>, &Linear)> {
        match (&self.query, &self.score, &self.cell.context) {
            (Some(query), Some(score), Some(context)) => Some((query, score.val(), context)),
            _ => None,
        }
    }

    /// Return the contexts of contexts that do not enter the cell, `[batch, target, d_value]`.
    fn context_of(
        &self,
        hidden: &Tensor<3>,
        source: &Source,
        precision: MatmulPrecision,
    ) -> Option<Tensor<3>> {
        let [batch, target, _] = hidden.dims();
        match source {
            Source::Nothing => None,
            Source::Fixed(vector) => {
                let [_, width] = vector.dims();
                let vector: Tensor<3> = vector.clone().unsqueeze_dim(1);
                Some(vector.expand([batch, target, width]))
            }
            Source::States { .. } => Some(self.luong(hidden, source, precision)?.mix()),
        }
    }

    /// Return queries, keys and values of `dot` and `general`.
    fn luong(
        &self,
        hidden: &Tensor<3>,
        source: &Source,
        precision: MatmulPrecision,
    ) -> Option<DotAttention> {
        let Source::States { keys, values, lens } = source else {
            return None;
        };
        Some(DotAttention {
            queries: match &self.query {
                Some(query) => query.forward(hidden.clone(), precision),
                None => hidden.clone(),
            },
            keys: keys.clone(),
            values: values.clone(),
            lens: lens.clone(),
        })
    }

    /// Return `tanh(W_c·[c; s] + b)`, or s without a context.
    fn attentional(
        &self,
        context: Option<Tensor<3>>,
        hidden: Tensor<3>,
        precision: MatmulPrecision,
    ) -> Tensor<3> {
        match (&self.combine, context) {
            (Some(combine), Some(context)) => combine
                .forward(Tensor::cat(vec![context, hidden], 2), precision)
                .tanh(),
            _ => hidden,
        }
    }

    /// Capture the attention to the source.
    ///
    /// # Shapes
    /// - `before`: the state before the first token, `[batch, d_state]`
    /// - `hidden`: `[batch, target, d_hidden]`
    fn capture(
        &self,
        capture: &mut Capture,
        before: Tensor<2>,
        hidden: Tensor<3>,
        source: &Source,
        precision: MatmulPrecision,
    ) {
        let Source::States { keys, values, lens } = source else {
            return;
        };
        let [_, target, _] = hidden.dims();
        let (queries, scores) = match self.additive() {
            Some((query, score, _)) => {
                let first = self.cell.hidden(before.unsqueeze_dim(1));
                let earlier = Tensor::cat(vec![first, hidden], 1).narrow(1, 0, target);
                let queries = query.forward(earlier, precision);
                let scores = additive_scores(queries.clone(), keys.clone(), score, lens.as_deref());
                (queries, scores.unsqueeze_dim(1))
            }
            None => {
                let Some(attention) = self.luong(&hidden, source, precision) else {
                    return;
                };
                (attention.queries.clone(), attention.scores())
            }
        };
        for (name, x) in [
            (Activation::Q, &queries),
            (Activation::K, keys),
            (Activation::V, values),
        ] {
            capture.keep_heads(name, 0, &x.clone().unsqueeze_dim(1), 1);
        }
        capture.keep_scores(0, &scores);
        capture.keep_pattern(0, kernels::attention::pattern(scores));
    }
}

/// Return true if the decoder's first state is the encoder's last one.
fn starts_from_last(context: Context) -> bool {
    matches!(context, Context::Last | Context::Dot | Context::General)
}

/// Return the last of the states, `[batch, d_state]`.
fn last(states: &Tensor<3>) -> Tensor<2> {
    let [_, pos, _] = states.dims();
    states.clone().narrow(1, pos - 1, 1).squeeze_dim(1)
}
