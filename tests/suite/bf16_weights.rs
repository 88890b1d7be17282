//! A bfloat16 model compared with the float32 model of the same rounded weights.

use burn::tensor::{Device, bf16};
use sisun_kernels::MatmulPrecision;
use sisun_model::{KvCache, Pass, Transformer};
use sisun_tests::compare::{largest_difference, values};
use sisun_tests::models::{POSITIONS, small, tokens, varied, with_weights};

/// Return the same model in float32, its matrices rounded by an independent function.
fn rounded(model: &Transformer, device: &Device) -> Transformer {
    let mut weights = model.to_host();
    for (_, (shape, values)) in weights
        .iter_mut()
        .filter(|(name, _)| !name.starts_with("position"))
    {
        if shape.len() == 2 {
            values
                .iter_mut()
                .for_each(|x| *x = bf16::from_f32(*x).to_f32());
        }
    }
    with_weights(model.config(), &weights, device)
}

#[test]
fn a_model_held_in_bf16_is_the_float32_model_of_the_rounded_weights() {
    let device = Device::flex();
    let rows = [[3, 1, 4, 1, 5, 9, 2, 6, 5], [2, 7, 1, 8, 2, 8, 1, 8, 30]];
    for position in POSITIONS {
        for lines in [
            "",
            "tied_head = true",
            "ffn = \"swiglu\"\nnorm = \"rms\"\nbias = false\nn_kv_heads = 1",
        ] {
            let model = varied(&small(position, lines), 5, &device);
            let same = rounded(&model, &device);
            let held = model.clone().in_bf16();
            let name = format!("{position} {lines}");
            assert_eq!(held.to_host(), same.to_host(), "{name}: other weights");

            let read =
                |model: &Transformer, pass| values(model.forward(tokens(&rows, &device), pass));
            let found = read(&held, Pass::default());
            let size = found.iter().fold(0.0_f32, |size, x| size.max(x.abs()));
            // Equal factors, but sums in another order: occasionally an activation is rounded to
            // the neighbouring bfloat16, which differs by 2⁻⁸.
            let both = read(
                &same,
                Pass {
                    precision: MatmulPrecision::Bf16,
                    ..Pass::default()
                },
            );
            let of_both = largest_difference(&found, &both) / size;
            assert!(
                of_both <= 1.0 / 256.0,
                "{name}: {of_both:e} from factors rounded on the way"
            );
            // Activations rounded to 8 bits, eight products deep.
            let exact = largest_difference(&found, &read(&same, Pass::default())) / size;
            assert!(
                exact > 0.0 && exact <= 1.0 / 32.0,
                "{name}: {exact:e} from float32 activations"
            );

            let mut cache = KvCache::new();
            let mut last = Vec::new();
            for at in 0..rows[0].len() {
                let next = rows.map(|row| [row[at]]);
                last = values(held.forward_last(tokens(&next, &device), Pass::cached(&mut cache)));
            }
            let whole = values(held.forward_last(tokens(&rows, &device), Pass::default()));
            let of_cache = largest_difference(&last, &whole) / size;
            assert!(of_cache <= 1.0 / 256.0, "{name}: {of_cache:e} with a cache");
        }
    }
}
