//! Low-rank adapters: their effect and their gradients.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use sisun_config::LoraConfig;
use sisun_model::{Pass, RandomParams, Transformer};
use sisun_tests::models::config;

const HOW: LoraConfig = LoraConfig {
    rank: 3,
    alpha: 7.5,
};

fn plain(device: &Device) -> Transformer {
    let lines = "vocab_size = 31\nd_model = 20\nn_layers = 2\nn_heads = 5\nn_kv_heads = 1\nd_ff = 27\ncontext_len = 11\n\
                 position = \"learned\"\nffn = \"swiglu\"\ntied_head = false\ninit_std = 0.2";
    Transformer::random(&config(lines), 5, device).unwrap()
}

/// Return a model with the same weights and nonzero factors.
fn adapted(device: &Device) -> Transformer {
    let model = plain(device)
        .with_lora(HOW, &mut RandomParams::new(5, device))
        .unwrap();
    struct Fill;
    impl burn::module::ModuleMapper for Fill {
        fn map_float<const D: usize>(
            &mut self,
            param: burn::module::Param<Tensor<D>>,
        ) -> burn::module::Param<Tensor<D>> {
            let factor = param.is_require_grad() || !param.device().is_autodiff();
            param.map(|x| match factor && D == 2 && x.dims()[0] == HOW.rank {
                true => {
                    let (shape, n) = (x.shape(), x.shape().num_elements());
                    let values: Vec<f32> = (0..n)
                        .map(|i| ((i * 37 % 23) as f32 - 11.0) / 40.0)
                        .collect();
                    let filled =
                        Tensor::<D>::from_data(TensorData::new(values, shape), &x.device());
                    if x.is_require_grad() {
                        filled.require_grad()
                    } else {
                        filled
                    }
                }
                false => x,
            })
        }
    }
    model.map(&mut Fill)
}

fn logits(model: &Transformer) -> Tensor<3> {
    let ids: Vec<i64> = (0..22).map(|i| i * 7 % 31).collect();
    let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [2, 11]), &model.device().inner());
    model.forward(ids, Pass::default())
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec_as::<f32>().unwrap()
}

fn near(what: &str, found: Vec<f32>, expected: Vec<f32>) {
    let size = expected.iter().map(|x| x.abs()).fold(0.0, f32::max);
    let close = |(a, b): &(&f32, &f32)| (*a - *b).abs() <= 1e-5 * size;
    let far = found.iter().zip(&expected).find(|pair| !close(pair));
    assert!(
        found.len() == expected.len() && size > 0.0 && far.is_none(),
        "{what}: {far:?} of {size}"
    );
}

#[test]
fn a_fresh_adapter_changes_no_bit_and_its_draws_follow_from_the_seed() {
    let device = Device::flex();
    let before = plain(&device);
    let fresh = |seed| {
        plain(&device)
            .with_lora(HOW, &mut RandomParams::new(seed, &device))
            .unwrap()
    };
    assert_eq!(values(logits(&fresh(5))), values(logits(&before)));
    assert_eq!(
        values(logits(&fresh(5).materialize())),
        values(logits(&before))
    );
    let factors = |seed| {
        let mut all = fresh(seed).to_host();
        all.retain(|name, _| name.contains(".lora."));
        all
    };
    assert_eq!(factors(5), factors(5));
    assert_ne!(factors(5), factors(6));
    let a = &factors(5)["blocks.1.ffn.down.weight.lora.a"];
    assert_eq!(a.0, [27, 3]);
    let variance = a.1.iter().map(|x| x * x).sum::<f32>() / 81.0;
    assert!((variance * 3.0 * 27.0 - 1.0).abs() < 0.6, "{variance}");
}

#[test]
fn adapters_added_up_are_the_model_with_adapters() {
    let device = Device::flex();
    let model = adapted(&device);
    let whole = model.clone().materialize();
    assert!(whole.flat_factors().is_empty() && model.flat_factors().len() == 2 * 5 * 2);
    assert_ne!(values(logits(&whole)), values(logits(&plain(&device))));
    near("logits", values(logits(&model)), values(logits(&whole)));
}

#[test]
fn factors_get_the_chain_rule_of_the_whole_gradient_and_nothing_else_gets_any() {
    let device = Device::flex().autodiff();
    let model = adapted(&device);
    let low = logits(&model).powi_scalar(2).mean().backward();
    // The same weights merged, as leaves.
    let whole = model.clone().valid().materialize();
    let whole = whole.with_config(model.config(), &device).unwrap();
    let dense = logits(&whole).powi_scalar(2).mean().backward();

    let pairs = [
        ("qkv", &model.blocks[0].attn.qkv, &whole.blocks[0].attn.qkv),
        ("o", &model.blocks[1].attn.o, &whole.blocks[1].attn.o),
        (
            "gate",
            model.blocks[0].ffn.as_ref().unwrap().gate.as_ref().unwrap(),
            { whole.blocks[0].ffn.as_ref().unwrap().gate.as_ref().unwrap() },
        ),
        (
            "down",
            &model.blocks[1].ffn.as_ref().unwrap().down,
            &whole.blocks[1].ffn.as_ref().unwrap().down,
        ),
    ];
    for (name, ours, theirs) in pairs {
        let adapter = ours.weight.adapter().unwrap();
        let (a, b) = (adapter.a.val(), adapter.b.val());
        let dw = theirs.weight.val().grad(&dense).unwrap();
        let expected = dw.clone().matmul(b.clone().inner().transpose()) * HOW.scale();
        near(name, values(a.grad(&low).unwrap()), values(expected));
        let expected = a.clone().inner().transpose().matmul(dw) * HOW.scale();
        near(name, values(b.grad(&low).unwrap()), values(expected));
        assert!(ours.weight.base().grad(&low).is_none() && !ours.weight.base().is_require_grad());
        assert!(ours.bias.as_ref().unwrap().val().grad(&low).is_none());
    }
    assert!(
        model.embed.weight.val().grad(&low).is_none() && model.embed.weight.adapter().is_none()
    );
    assert!(
        model
            .position
            .weight
            .as_ref()
            .unwrap()
            .val()
            .grad(&low)
            .is_none()
    );
    let head = model.head.as_ref().unwrap();
    assert!(head.weight.val().grad(&low).is_none() && head.weight.adapter().is_none());
}

#[test]
fn learned_positions_are_cropped_and_other_shapes_refused() {
    let device = Device::flex();
    let model = plain(&device);
    let mut shorter = model.config().clone();
    shorter.context_len = 7;
    let cropped = model.clone().with_config(&shorter, &device).unwrap();
    let mut expected = model.to_host();
    let table = expected.get_mut("position.weight").unwrap();
    *table = (vec![7, 20], table.1[..7 * 20].to_vec());
    assert_eq!(cropped.to_host(), expected);
    shorter.context_len = 12;
    shorter.n_layers = 1;
    let message = model
        .with_config(&shorter, &device)
        .unwrap_err()
        .to_string();
    for part in [
        "position.weight: shape [11, 20], expected [12, 20]",
        "blocks.1.attn.o.bias: not part of this model",
    ] {
        assert!(message.contains(part), "{message}");
    }
}
