//! The CPU's own versions of the operations, with and without autodiff.
//!
//! Forward functions are shared by both; `steps` has the gradients; `tensor` converts between
//! Burn's tensors and slices.

mod attention;
mod optimizer;
mod recurrent;
mod steps;
pub(crate) mod tensor;

use crate::backend::{Kernels, Optional, TensorList};
use crate::cpu::norm::Norm;
use crate::cpu::{self, Buffer, Matrix, MatrixProduct, matmul, matmul_held};
use crate::options::{AdamW, Muon};
use crate::recorded::record;
use crate::{ActivationFunction, Cell, HeadCounts, Lens, MatmulPrecision};
use attention::{AttentionCall, AttentionSaved, CrossAttentionSaved, Results, SelfAttentionSaved};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Flex, TensorMetadata};
use burn::tensor::{DType, TensorData};
use burn_std::bf16;
use recurrent::{AttentiveSaved, RecurrentCall, RecurrentSaved};
use steps::{matrix, qkv_shape};
use tensor::{contiguous, floats, indices, numbers, shaped, tensor};

impl Kernels for Flex {
    fn linear(
        x: FlexTensor,
        weight: FlexTensor,
        bias: Optional<Self>,
        transposed: bool,
        precision: MatmulPrecision,
    ) -> FlexTensor {
        linear(
            &contiguous(&x),
            &weight,
            bias.get().as_ref(),
            transposed,
            precision,
        )
    }

    fn norm(
        x: FlexTensor,
        gamma: FlexTensor,
        beta: Optional<Self>,
        epsilon: f64,
        centred: bool,
    ) -> FlexTensor {
        norm(
            &contiguous(&x),
            &gamma,
            beta.get().as_ref(),
            epsilon,
            centred,
        )
        .0
    }

    fn activation(x: FlexTensor, activation: ActivationFunction) -> FlexTensor {
        tensor(
            cpu::activation::forward(floats(&contiguous(&x)), activation),
            x.shape(),
        )
    }

    fn swiglu(gate: FlexTensor, up: FlexTensor) -> FlexTensor {
        tensor(
            cpu::activation::swiglu(floats(&contiguous(&gate)), floats(&contiguous(&up))),
            gate.shape(),
        )
    }

    fn norm_heads(
        qkv: FlexTensor,
        gamma_q: FlexTensor,
        gamma_k: FlexTensor,
        heads: HeadCounts,
        epsilon: f64,
    ) -> FlexTensor {
        norm_heads(&contiguous(&qkv), &gamma_q, &gamma_k, heads, epsilon).0
    }

    fn rotate_heads(
        qkv: FlexTensor,
        cos: FlexTensor,
        sin: FlexTensor,
        heads: HeadCounts,
    ) -> FlexTensor {
        rotate_heads(
            &contiguous(&qkv),
            &contiguous(&cos),
            &contiguous(&sin),
            heads,
        )
    }

    fn self_attention(
        qkv: FlexTensor,
        bias: Optional<Self>,
        heads: HeadCounts,
        causal: bool,
        lens: Option<Lens>,
    ) -> FlexTensor {
        AttentionCall::of_qkv(&qkv, bias.get(), heads, causal, lens)
            .forward()
            .0
    }

    fn attention(
        q: FlexTensor,
        k: FlexTensor,
        v: FlexTensor,
        bias: Optional<Self>,
        causal: bool,
        lens: Option<Lens>,
    ) -> FlexTensor {
        AttentionCall::of_parts([&q, &k, &v], bias.get(), causal, lens)
            .forward()
            .0
    }

    fn cross_attention(
        q: FlexTensor,
        kv: FlexTensor,
        heads: HeadCounts,
        lens: Option<Lens>,
    ) -> FlexTensor {
        AttentionCall::of_q_and_kv(&q, &kv, heads, lens).forward().0
    }

    fn recurrent(
        cell: Cell,
        gates: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        initial: FlexTensor,
        lens: Option<Lens>,
        reverse: bool,
    ) -> FlexTensor {
        let own = [&gates, &weight, &bias, &initial];
        RecurrentCall::new(cell, own, lens, reverse).forward().0
    }

    fn attentive_recurrent(
        cell: Cell,
        gates: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        initial: FlexTensor,
        keys: FlexTensor,
        values: FlexTensor,
        query: FlexTensor,
        score: FlexTensor,
        context: FlexTensor,
        lens: Option<Lens>,
    ) -> FlexTensor {
        let own = [&gates, &weight, &bias, &initial];
        RecurrentCall::new(cell, own, None, false)
            .attending([&keys, &values, &query, &score, &context], lens)
            .forward()
            .0
    }

    fn embedding(weight: FlexTensor, tokens: FlexTensor) -> FlexTensor {
        embedding(&weight, &tokens).0
    }

    fn in_bf16(x: FlexTensor) -> FlexTensor {
        if x.dtype() == DType::BF16 {
            return x;
        }
        // All stored numbers, in storage order.
        let rounded = FlexTensor::from_data(TensorData::new(
            cpu::in_bf16(x.storage()),
            [x.storage::<f32>().len()],
        ));
        rounded.with_layout(x.layout().clone())
    }

    fn cross_entropy(
        logits: FlexTensor,
        targets: FlexTensor,
        weights: Optional<Self>,
    ) -> FlexTensor {
        let weights = weights.get().as_ref().map(contiguous);
        let (loss, _) = cpu::loss::forward(
            floats(&contiguous(&logits)),
            &indices(&targets),
            weights.as_ref().map(floats),
        );
        scalar(loss)
    }

    fn adamw(
        params: TensorList<Self>,
        gradients: TensorList<Self>,
        first: TensorList<Self>,
        second: TensorList<Self>,
        scale: FlexTensor,
        configs: Vec<AdamW>,
    ) -> (Vec<FlexTensor>, Vec<FlexTensor>, Vec<FlexTensor>) {
        optimizer::adamw(&params.0, &gradients.0, first.0, second.0, &scale, &configs)
    }

    fn muon(
        params: TensorList<Self>,
        gradients: TensorList<Self>,
        momenta: TensorList<Self>,
        scale: FlexTensor,
        configs: Vec<Muon>,
        precision: MatmulPrecision,
    ) -> (Vec<FlexTensor>, Vec<FlexTensor>) {
        optimizer::muon(
            &params.0,
            &gradients.0,
            momenta.0,
            &scale,
            &configs,
            precision,
        )
    }

    fn add_lists(sums: TensorList<Self>, list: TensorList<Self>) -> Vec<FlexTensor> {
        optimizer::add_lists(sums.0, &list.0)
    }

    fn global_norm(tensors: TensorList<Self>) -> FlexTensor {
        scalar(optimizer::global_norm(&tensors.0))
    }
}

type Tracked = FloatTensor<Autodiff<Flex>>;

impl Kernels for Autodiff<Flex> {
    fn linear(
        x: Tracked,
        weight: Tracked,
        bias: Optional<Self>,
        transposed: bool,
        precision: MatmulPrecision,
    ) -> Tracked {
        assert_float32(&weight);
        let (bias, has_bias) = given(bias);
        let nodes = [x.node(), weight.node(), bias.node()];
        let (x, weight, bias) = (
            contiguous(x.primitive()),
            weight.into_primitive(),
            bias.into_primitive(),
        );
        let y = linear(
            &x,
            &weight,
            has_bias.then_some(&bias),
            transposed,
            precision,
        );
        record(nodes, y, || steps::Linear {
            x,
            weight,
            transposed,
            precision,
        })
    }

    fn norm(
        x: Tracked,
        gamma: Tracked,
        beta: Optional<Self>,
        epsilon: f64,
        centred: bool,
    ) -> Tracked {
        let (beta, has_beta) = given(beta);
        let nodes = [x.node(), gamma.node(), beta.node()];
        let (x, gamma, beta) = (
            contiguous(x.primitive()),
            gamma.into_primitive(),
            beta.into_primitive(),
        );
        let (y, moments) = norm(&x, &gamma, has_beta.then_some(&beta), epsilon, centred);
        record(nodes, y, || steps::Normed {
            x,
            gamma,
            moments,
            epsilon,
            centred,
        })
    }

    fn activation(x: Tracked, activation: ActivationFunction) -> Tracked {
        let (nodes, x) = ([x.node()], contiguous(x.primitive()));
        let y = Flex::activation(x.clone(), activation);
        record(nodes, y, || steps::Activated { x, activation })
    }

    fn swiglu(gate: Tracked, up: Tracked) -> Tracked {
        let nodes = [gate.node(), up.node()];
        let (gate, up) = (contiguous(gate.primitive()), contiguous(up.primitive()));
        let y = Flex::swiglu(gate.clone(), up.clone());
        record(nodes, y, || steps::Gated { gate, up })
    }

    fn norm_heads(
        qkv: Tracked,
        gamma_q: Tracked,
        gamma_k: Tracked,
        heads: HeadCounts,
        epsilon: f64,
    ) -> Tracked {
        let nodes = [qkv.node(), gamma_q.node(), gamma_k.node()];
        let (qkv, gamma_q, gamma_k) = (
            contiguous(qkv.primitive()),
            gamma_q.into_primitive(),
            gamma_k.into_primitive(),
        );
        let (y, moments) = norm_heads(&qkv, &gamma_q, &gamma_k, heads, epsilon);
        record(nodes, y, || steps::NormedHeads {
            qkv,
            gamma_q,
            gamma_k,
            moments,
            heads,
            epsilon,
        })
    }

    fn rotate_heads(qkv: Tracked, cos: Tracked, sin: Tracked, heads: HeadCounts) -> Tracked {
        let (nodes, qkv) = ([qkv.node()], contiguous(qkv.primitive()));
        let (cos, sin) = (contiguous(cos.primitive()), contiguous(sin.primitive()));
        let y = rotate_heads(&qkv, &cos, &sin, heads);
        record(nodes, y, || steps::Rotated { cos, sin, heads })
    }

    fn self_attention(
        qkv: Tracked,
        bias: Optional<Self>,
        heads: HeadCounts,
        causal: bool,
        lens: Option<Lens>,
    ) -> Tracked {
        let (bias, has_bias) = given(bias);
        let nodes = [qkv.node(), bias.node()];
        let call = AttentionCall::of_qkv(
            qkv.primitive(),
            has_bias.then(|| bias.into_primitive()),
            heads,
            causal,
            lens,
        );
        let (z, log_sum_exp) = call.forward();
        record(nodes, z.clone(), || SelfAttentionSaved {
            call,
            results: Results { z, log_sum_exp },
        })
    }

    fn attention(
        q: Tracked,
        k: Tracked,
        v: Tracked,
        bias: Optional<Self>,
        causal: bool,
        lens: Option<Lens>,
    ) -> Tracked {
        let (bias, has_bias) = given(bias);
        let nodes = [q.node(), k.node(), v.node(), bias.node()];
        let parts = [q.primitive(), k.primitive(), v.primitive()];
        let call =
            AttentionCall::of_parts(parts, has_bias.then(|| bias.into_primitive()), causal, lens);
        let (z, log_sum_exp) = call.forward();
        record(nodes, z.clone(), || AttentionSaved {
            call,
            results: Results { z, log_sum_exp },
        })
    }

    fn cross_attention(q: Tracked, kv: Tracked, heads: HeadCounts, lens: Option<Lens>) -> Tracked {
        let nodes = [q.node(), kv.node()];
        let call = AttentionCall::of_q_and_kv(q.primitive(), kv.primitive(), heads, lens);
        let (z, log_sum_exp) = call.forward();
        record(nodes, z.clone(), || CrossAttentionSaved {
            call,
            results: Results { z, log_sum_exp },
        })
    }

    fn recurrent(
        cell: Cell,
        gates: Tracked,
        weight: Tracked,
        bias: Tracked,
        initial: Tracked,
        lens: Option<Lens>,
        reverse: bool,
    ) -> Tracked {
        let own = [&gates, &weight, &bias, &initial];
        let nodes = own.map(Tracked::node);
        let call = RecurrentCall::new(cell, own.map(Tracked::primitive), lens, reverse);
        let (states, results) = call.forward();
        record(nodes, states, || RecurrentSaved { call, results })
    }

    fn attentive_recurrent(
        cell: Cell,
        gates: Tracked,
        weight: Tracked,
        bias: Tracked,
        initial: Tracked,
        keys: Tracked,
        values: Tracked,
        query: Tracked,
        score: Tracked,
        context: Tracked,
        lens: Option<Lens>,
    ) -> Tracked {
        let own = [&gates, &weight, &bias, &initial];
        let to = [&keys, &values, &query, &score, &context];
        let [a, b, c, d] = own.map(Tracked::node);
        let [e, f, g, h, i] = to.map(Tracked::node);
        let call = RecurrentCall::new(cell, own.map(Tracked::primitive), None, false)
            .attending(to.map(Tracked::primitive), lens);
        let (states, results) = call.forward();
        record([a, b, c, d, e, f, g, h, i], states, || AttentiveSaved {
            call,
            results,
        })
    }

    fn embedding(weight: Tracked, tokens: IntTensor<Self>) -> Tracked {
        assert_float32(&weight);
        let (nodes, weight) = ([weight.node()], weight.into_primitive());
        let (y, tokens) = embedding(&weight, &tokens);
        record(nodes, y, || steps::Embedded {
            tokens,
            shape: shaped(&weight),
        })
    }

    fn cross_entropy(
        logits: Tracked,
        targets: IntTensor<Self>,
        weights: Optional<Self>,
    ) -> Tracked {
        let (nodes, logits) = ([logits.node()], contiguous(logits.primitive()));
        let weights = match weights {
            Optional::Given(weights) => Some(contiguous(weights.primitive())),
            Optional::Absent => None,
        };
        let targets = indices(&targets);
        let (loss, log_sum) =
            cpu::loss::forward(floats(&logits), &targets, weights.as_ref().map(floats));
        record(nodes, scalar(loss), || {
            let n = targets.len();
            steps::CrossEntropy {
                logits,
                log_sum: tensor(log_sum, [n, 2]),
                targets,
                weights,
            }
        })
    }
}

/// Return the tensor and true, or, if absent, an empty constant and false, which takes its place in
/// the graph.
fn given(x: Optional<Autodiff<Flex>>) -> (Tracked, bool) {
    match x {
        Optional::Given(x) => (x, true),
        Optional::Absent => (Tracked::new(tensor(Buffer::uncleared(0), [0])), false),
    }
}

fn scalar(x: f32) -> FlexTensor {
    let mut buffer = Buffer::uncleared(1);
    buffer[0] = x;
    tensor(buffer, [1])
}

fn linear(
    x: &FlexTensor,
    weight: &FlexTensor,
    bias: Option<&FlexTensor>,
    transposed: bool,
    precision: MatmulPrecision,
) -> FlexTensor {
    let ([n, d_in], shape) = (shaped(x), shaped::<2>(weight));
    let d_out = shape[usize::from(!transposed)];
    let mut y = Buffer::uncleared(n * d_out);
    if let Some(bias) = bias {
        // The product is then added to the bias.
        let bias = contiguous(bias);
        cpu::spread_row(&mut y, floats(&bias));
    }
    let x = Matrix::row_major(floats(x), n, d_in);
    if weight.dtype() == DType::BF16 {
        let weight = matrix::<bf16>(weight);
        let weight = if transposed {
            weight.transpose()
        } else {
            weight
        };
        matmul_held(&mut y, x, weight, bias.is_some(), precision);
    } else {
        let weight = matrix(weight);
        let weight = if transposed {
            weight.transpose()
        } else {
            weight
        };
        let product = MatrixProduct {
            accumulate: bias.is_some(),
            ..MatrixProduct::new(x, weight, precision)
        };
        matmul(product, &mut y, d_out);
    }
    tensor(y, [n, d_out])
}

/// Assert that a weight is float32: only trained weights have gradients, and those are float32.
fn assert_float32(weight: &Tracked) {
    assert_eq!(
        weight.primitive().dtype(),
        DType::F32,
        "weights held in bfloat16 have no gradient"
    );
}

fn norm(
    x: &FlexTensor,
    gamma: &FlexTensor,
    beta: Option<&FlexTensor>,
    epsilon: f64,
    centred: bool,
) -> (FlexTensor, FlexTensor) {
    let shape @ [n, _] = shaped(x);
    let norm = Norm {
        gamma: floats(gamma),
        epsilon: epsilon as f32,
        centred,
    };
    let (y, moments) = cpu::norm::forward(floats(x), norm, beta.map(floats));
    (tensor(y, shape), tensor(moments, [n, 2]))
}

fn norm_heads(
    qkv: &FlexTensor,
    gamma_q: &FlexTensor,
    gamma_k: &FlexTensor,
    heads: HeadCounts,
    epsilon: f64,
) -> (FlexTensor, FlexTensor) {
    let norm = |gamma| Norm {
        gamma: floats(gamma),
        epsilon: epsilon as f32,
        centred: false,
    };
    let (y, moments) = cpu::heads::norm(
        floats(qkv),
        qkv_shape(qkv, heads),
        norm(gamma_q),
        norm(gamma_k),
    );
    let n = moments.len();
    (tensor(y, qkv.shape()), tensor(moments, [n]))
}

fn rotate_heads(
    qkv: &FlexTensor,
    cos: &FlexTensor,
    sin: &FlexTensor,
    heads: HeadCounts,
) -> FlexTensor {
    let [_, half] = shaped(cos);
    tensor(
        cpu::heads::rotate(
            floats(qkv),
            qkv_shape(qkv, heads),
            floats(cos),
            floats(sin),
            half,
            false,
        ),
        qkv.shape(),
    )
}

fn embedding(weight: &FlexTensor, tokens: &FlexTensor) -> (FlexTensor, Vec<usize>) {
    let (weight, [batch, pos]) = (contiguous(weight), shaped(tokens));
    let ([_, d], tokens) = (shaped(&weight), indices(tokens));
    let rows = match weight.dtype() {
        DType::BF16 => cpu::embedding::forward(numbers::<bf16>(&weight), d, &tokens),
        _ => cpu::embedding::forward(floats(&weight), d, &tokens),
    };
    (tensor(rows, [batch, pos, d]), tokens)
}
