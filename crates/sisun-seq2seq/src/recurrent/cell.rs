//! The parameters of a recurrent cell.

use super::init;
use burn::module::{Module, Param};
use burn::tensor::{Tensor, s};
use sisun_kernels::{self as kernels, Cell, Lens, MatmulPrecision};
use sisun_model::{Linear, ModelError, Params};

/// A gated recurrent unit or a long short-term memory, with the parameters of PyTorch's `nn.GRU` and
/// `nn.LSTM`: the weights here are the transposes of theirs, the columns of the gates side by side
/// in the same order (r, z, n; i, f, g, o), and there are two biases as there.
#[derive(Module, Debug)]
pub struct RecurrentCell {
    /// `weight_ih` and `bias_ih`, `[d_in, n_gates·d_hidden]`.
    pub input: Linear,
    /// `weight_hh` and `bias_hh`, `[d_hidden, n_gates·d_hidden]`.
    pub state: Linear,
    /// More rows of `weight_ih`: those of the context, if the context enters the cell.
    pub context: Option<Linear>,
    /// More rows of `weight_ih`: those of the last attentional vector, with input feeding.
    pub feed: Option<Linear>,
    #[module(skip)]
    kind: Cell,
    #[module(skip)]
    d_hidden: usize,
}

/// Widths of what enters a cell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CellInputs {
    /// Width of the embedding.
    pub input: usize,
    /// Width of the context, if it enters the cell.
    pub context: Option<usize>,
    /// Width of the attentional vector, if it enters the cell.
    pub feed: Option<usize>,
}

impl RecurrentCell {
    /// Request the parameters, whose names begin with `name`, from `source`. The weights are drawn
    /// with the variance of PyTorch's, `1/(3·d_hidden)`, and the biases are 0.
    ///
    /// # Errors
    /// If the source cannot provide a parameter.
    pub(crate) fn new(
        source: &mut dyn Params,
        name: &str,
        kind: Cell,
        inputs: CellInputs,
        d_hidden: usize,
    ) -> Result<Self, ModelError> {
        let std = init::std_of(d_hidden);
        let width = kind.n_gates() * d_hidden;
        let mut linear = |which: &str, rows: usize, bias: bool| {
            Linear::new(source, &format!("{name}.{which}"), [rows, width], bias, std)
        };
        Ok(Self {
            input: linear("input", inputs.input, true)?,
            state: linear("state", d_hidden, true)?,
            context: inputs
                .context
                .map(|rows| linear("context", rows, false))
                .transpose()?,
            feed: inputs
                .feed
                .map(|rows| linear("feed", rows, false))
                .transpose()?,
            kind,
            d_hidden,
        })
    }

    /// Return the kind of cell.
    pub fn kind(&self) -> Cell {
        self.kind
    }

    /// Return the width of h.
    pub fn d_hidden(&self) -> usize {
        self.d_hidden
    }

    /// Return the width of the state.
    pub fn d_state(&self) -> usize {
        self.kind.n_states() * self.d_hidden
    }

    /// Return the weight and the bias of the state.
    pub(crate) fn recurrence(&self) -> (Tensor<2>, Tensor<1>) {
        let bias = self.state.bias.as_ref().map(Param::val);
        (
            self.state.weight.val(),
            bias.expect("the constructor makes it"),
        )
    }

    /// Return the states after each element of `x`.
    ///
    /// # Shapes
    /// - `x`: `[batch, pos, d_in]`
    /// - result: `[batch, pos, d_state]`
    pub(crate) fn read(
        &self,
        x: Tensor<3>,
        lens: Option<Lens>,
        reverse: bool,
        precision: MatmulPrecision,
    ) -> Tensor<3> {
        let [batch, _, _] = x.dims();
        let initial = Tensor::zeros([batch, self.d_state()], &x.device());
        let gates = self.input.forward(x, precision);
        self.run(gates, initial, lens, reverse)
    }

    /// Return the states after each of the gates' parts of the input.
    ///
    /// # Shapes
    /// - `gates`: `[batch, pos, n_gates·d_hidden]`
    /// - `initial`: `[batch, d_state]`
    /// - result: `[batch, pos, d_state]`
    pub(crate) fn run(
        &self,
        gates: Tensor<3>,
        initial: Tensor<2>,
        lens: Option<Lens>,
        reverse: bool,
    ) -> Tensor<3> {
        let (weight, bias) = self.recurrence();
        kernels::recurrent(self.kind, gates, weight, bias, initial, lens, reverse)
    }

    /// Return h of states.
    ///
    /// # Shapes
    /// - `states`: `[batch, pos, d_state]`
    /// - result: `[batch, pos, d_hidden]`
    pub(crate) fn hidden(&self, states: Tensor<3>) -> Tensor<3> {
        match self.kind {
            Cell::Gru => states,
            Cell::Lstm => states.slice(s![.., .., 0..self.d_hidden]),
        }
    }
}
