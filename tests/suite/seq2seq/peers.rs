//! Comparison with PyTorch, see `peers/reference_seq2seq.py`.

use super::name;
use burn::tensor::{Device, Tensor};
use safetensors::{Dtype, SafeTensors};
use sisun_config::Seq2SeqConfig;
use sisun_kernels::{
    AttentionOptions, Cell, HeadCounts, Lens, MatmulPrecision, attention, cross_attention, linear,
    recurrent,
};
use sisun_model::weights::{HostTensors, to_safetensors};
use sisun_model::{Activation, Capture};
use sisun_seq2seq::{PairTensors, Rows, Seq2Seq, Seq2SeqPass};
use sisun_tests::compare::{assert_close, tensor, values};
use sisun_tests::fixtures::folder;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The tensors of a reference file.
struct Reference {
    floats: HostTensors,
    ids: BTreeMap<String, Vec<i64>>,
    config: Option<String>,
}

impl Reference {
    fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let (mut floats, mut ids) = (HostTensors::new(), BTreeMap::new());
        for (name, view) in SafeTensors::deserialize(&bytes).unwrap().iter() {
            if view.dtype() == Dtype::I64 {
                let numbers = view.data().as_chunks::<8>().0;
                ids.insert(
                    name.to_owned(),
                    numbers.iter().map(|b| i64::from_le_bytes(*b)).collect(),
                );
                continue;
            }
            assert_eq!(view.dtype(), Dtype::F32, "{name}");
            let numbers = view.data().as_chunks::<4>().0;
            let numbers = numbers.iter().map(|b| f32::from_le_bytes(*b)).collect();
            floats.insert(name.to_owned(), (view.shape().to_vec(), numbers));
        }
        Self {
            floats,
            ids,
            config: header.metadata().as_ref().unwrap().get("config").cloned(),
        }
    }

    fn tokens(&self, name: &str) -> Vec<u32> {
        self.ids[name].iter().map(|id| *id as u32).collect()
    }

    fn lens(&self, name: &str) -> Vec<usize> {
        self.ids[name].iter().map(|len| *len as usize).collect()
    }

    fn tensor<const D: usize>(&self, name: &str, device: &Device) -> Tensor<D> {
        let (shape, numbers) = &self.floats[name];
        tensor(numbers, <[usize; D]>::try_from(&shape[..]).unwrap(), device)
    }
}

#[test]
fn every_model_computes_what_pytorch_computes() {
    let mut compared = 0;
    for entry in fs::read_dir(folder().join("seq2seq")).unwrap() {
        let mut reference = Reference::read(&entry.unwrap().path());
        let config: Seq2SeqConfig =
            serde_json::from_str(reference.config.as_ref().unwrap()).unwrap();
        let what = name(&config);
        let logits = reference.floats.remove("logits").unwrap().1;
        let mut expected = Vec::new();
        while let Some(pattern) = reference
            .floats
            .remove(&format!("cross.{}", expected.len()))
        {
            expected.push(pattern);
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), to_safetensors(&reference.floats)).unwrap();
        let device = Device::flex();
        let model = Seq2Seq::load(file.path(), &config, super::VOCABULARIES, &device)
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        let (source, lens) = (reference.tokens("source"), reference.lens("source_lens"));
        let inputs = reference.tokens("inputs");
        let target_lens = [inputs.len() / 2; 2];
        let batch = PairTensors::new(
            Rows {
                tokens: &source,
                lens: &lens,
            },
            &inputs,
            Rows {
                tokens: &inputs,
                lens: &target_lens,
            },
            &device,
        );
        let mut cross = Capture::new(
            &[Activation::Pattern],
            &[0, 1],
            &[0, 1][..expected.first().map_or(1, |(shape, _)| shape[1])],
        );
        let mut pass = Seq2SeqPass {
            cross_capture: Some(&mut cross),
            ..Seq2SeqPass::default()
        };
        let found = values(model.forward(&batch, &mut pass));
        assert_close(&what, &found, &logits, 3e-5);
        let found = cross.into_found();
        assert_eq!(found.len(), expected.len(), "{what}: layers");
        for (found, (shape, expected)) in found.iter().zip(&expected) {
            assert_eq!(&found.shape, shape, "{what}");
            assert_close(&what, &found.values, expected, 1e-5);
        }
        compared += 1;
    }
    assert_eq!(compared, 46);
}

#[test]
fn cells_have_the_states_and_gradients_of_pytorchs() {
    let reference = Reference::read(&folder().join("recurrent.safetensors"));
    let lens: Lens = reference.lens("lens").into();
    for (cell, kind) in [(Cell::Gru, "gru"), (Cell::Lstm, "lstm")] {
        let device = Device::flex().autodiff();
        let x = reference
            .tensor::<3>(&format!("{kind}.x"), &device)
            .require_grad();
        let mix = reference.tensor::<3>(&format!("{kind}.mix"), &device);
        let mut parameters = Vec::new();
        let (mut sum, mut all, mut finals) = (None, Vec::new(), Vec::new());
        for (i, suffix) in ["", "_reverse"].into_iter().enumerate() {
            let [w_ih, w_hh] = ["weight_ih", "weight_hh"].map(|name| {
                let name = format!("{kind}.{name}_l0{suffix}");
                let parameter = reference.tensor::<2>(&name, &device).require_grad();
                parameters.push((name, parameter.clone()));
                parameter
            });
            let [b_ih, b_hh] = ["bias_ih", "bias_hh"].map(|name| {
                reference
                    .tensor::<1>(&format!("{kind}.{name}_l0{suffix}"), &device)
                    .require_grad()
            });
            let [d_hidden, _] = w_hh.clone().transpose().dims();
            let gates = linear(
                x.clone(),
                w_ih.transpose(),
                Some(b_ih.clone()),
                MatmulPrecision::Float32,
            );
            let initial = Tensor::zeros([3, cell.n_states() * d_hidden], &device);
            let states = recurrent(
                cell,
                gates,
                w_hh.transpose(),
                b_hh.clone(),
                initial,
                Some(lens.clone()),
                i == 1,
            );
            let end = if i == 0 { 5 } else { 0 };
            finals.extend(values(states.clone().narrow(1, end, 1)));
            let hidden = states.narrow(2, 0, d_hidden);
            // PyTorch returns 0 for padding, where ours repeats the last state.
            let real: Vec<f32> = lens
                .iter()
                .flat_map(|len| (0..6).map(move |at| f32::from(u8::from(at < *len))))
                .collect();
            let hidden = hidden * tensor(&real, [3, 6, 1], &device);
            let part = (hidden.clone() * mix.clone().narrow(2, i * d_hidden, d_hidden)).sum();
            sum = Some(match sum {
                Some(sum) => sum + part,
                None => part,
            });
            all.push(hidden);
        }
        let (_, expected) = &reference.floats[&format!("{kind}.states")];
        assert_close(kind, &values(Tensor::cat(all, 2)), expected, 2e-6);
        let (_, last) = &reference.floats[&format!("{kind}.final")];
        let found_last: Vec<f32> = finals
            .chunks_exact(cell.n_states() * 6)
            .flat_map(|state| state[..6].to_vec())
            .collect();
        assert_close(kind, &found_last, last, 2e-6);
        let gradients = sum.unwrap().backward();
        let (_, expected) = &reference.floats[&format!("{kind}.x.grad")];
        assert_close(kind, &values(x.grad(&gradients).unwrap()), expected, 1e-5);
        for (name, parameter) in parameters {
            let (_, expected) = &reference.floats[&format!("{name}.grad")];
            let found = values(parameter.grad(&gradients).unwrap());
            assert_close(&name, &found, expected, 2e-5);
        }
    }
}

#[test]
fn cross_attention_is_that_of_pytorch() {
    let reference = Reference::read(&folder().join("cross_attention.safetensors"));
    let device = Device::flex().autodiff();
    let of = |name: &str| reference.tensor::<3>(name, &device).require_grad();
    let (x, memory) = (of("x"), of("memory"));
    let weight = reference.tensor::<2>("in_proj_weight", &device).transpose();
    let bias = reference.tensor::<1>("in_proj_bias", &device);
    let project = |x: &Tensor<3>, from: usize, n: usize| {
        linear(
            x.clone(),
            weight.clone().narrow(1, from, n),
            Some(bias.clone().narrow(0, from, n)),
            MatmulPrecision::Float32,
        )
    };
    let heads = HeadCounts {
        n_heads: 2,
        n_kv_heads: 2,
    };
    let options = AttentionOptions {
        causal: false,
        bias: None,
        dropout: 0.0,
        lens: Some(reference.lens("lens").into()),
    };
    let (q, kv) = (project(&x, 0, 12), project(&memory, 12, 24));
    let z = cross_attention(q.clone(), kv.clone(), heads, &options);
    let out = linear(
        z,
        reference
            .tensor::<2>("out_proj.weight", &device)
            .transpose(),
        Some(reference.tensor::<1>("out_proj.bias", &device)),
        MatmulPrecision::Float32,
    );
    assert_close(
        "out",
        &values(out.clone()),
        &reference.floats["out"].1,
        5e-6,
    );
    let [q, k, _] = heads.split_apart(q, kv);
    let pattern = attention::pattern(attention::scores(q, k, &options));
    assert_close(
        "pattern",
        &values(pattern),
        &reference.floats["pattern"].1,
        1e-6,
    );
    let gradients = (out * reference.tensor::<3>("mix", &device))
        .sum()
        .backward();
    for (name, x) in [("x.grad", x), ("memory.grad", memory)] {
        let found = values(x.grad(&gradients).unwrap());
        assert_close(name, &found, &reference.floats[name].1, 2e-5);
    }
}
