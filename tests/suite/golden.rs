//! The forward pass of every variant against NumPy in float64 (`peers/reference_forward.py`).

use burn::tensor::{Device, Int, Tensor};
use sisun_kernels::cross_entropy;
use sisun_model::{Activation, Capture, Pass};
use sisun_tests::compare::{largest_difference, values};
use sisun_tests::devices::{cpu, everywhere, tell, wgpu};
use sisun_tests::fixtures::Forward;

/// Tolerances and largest differences of logits, patterns, residual streams and loss.
#[derive(Default)]
struct Largest {
    logits: f32,
    pattern: f32,
    resid_post: f32,
    loss: f32,
}

const ALLOWED: Largest = Largest {
    logits: 1e-4,
    pattern: 1e-5,
    resid_post: 1e-4,
    loss: 1e-5,
};

fn check(fixture: &Forward, device: &Device, largest: &mut Largest) {
    let name = &fixture.name;
    let model = fixture.model(device).unwrap();
    let layers: Vec<usize> = (0..fixture.config.n_layers).collect();
    let heads: Vec<usize> = (0..fixture.config.n_heads).collect();
    let mut capture = Capture::new(
        &[Activation::Pattern, Activation::ResidPost],
        &layers,
        &heads,
    );
    let logits = model.forward(fixture.tokens(device), Pass::capturing(&mut capture));

    let (shape, expected) = &fixture.expected["logits"];
    assert_eq!(&logits.dims().to_vec(), shape, "{name}");
    let update = |largest: &mut f32, what: &str, found: &[f32], expected: &[f32], allowed: f32| {
        let difference = largest_difference(found, expected);
        assert!(
            difference <= allowed,
            "{name}: {what} differ by {difference:e}, allowed {allowed:e}"
        );
        *largest = largest.max(difference);
    };
    let captured = capture.into_found();
    assert_eq!(captured.len(), 2 * layers.len(), "{name}");
    for found in captured {
        let (shape, expected) = &fixture.expected[&format!("{}.{}", found.name, found.layer)];
        assert_eq!(
            &found.shape, shape,
            "{name}: {} {}",
            found.name, found.layer
        );
        let what = format!("{} of layer {}", found.name, found.layer);
        if found.name == Activation::Pattern {
            update(
                &mut largest.pattern,
                &what,
                &found.values,
                expected,
                ALLOWED.pattern,
            );
        } else {
            update(
                &mut largest.resid_post,
                &what,
                &found.values,
                expected,
                ALLOWED.resid_post,
            );
        }
    }
    update(
        &mut largest.logits,
        "logits",
        &values(logits.clone()),
        expected,
        ALLOWED.logits,
    );
    let loss = next_token_loss(logits, fixture.tokens(device));
    update(
        &mut largest.loss,
        "loss",
        &values(loss),
        &fixture.expected["loss"].1,
        ALLOWED.loss,
    );
}

/// # Shapes
/// - `logits`: `[batch, pos, vocab]`
/// - `tokens`: `[batch, pos]`
fn next_token_loss(logits: Tensor<3>, tokens: Tensor<2, Int>) -> Tensor<1> {
    let [batch, pos, vocab] = logits.dims();
    let n = batch * (pos - 1);
    cross_entropy(
        logits.narrow(1, 0, pos - 1).reshape([n, vocab]),
        tokens.narrow(1, 1, pos - 1).reshape([n]),
        None,
    )
}

fn tell_largest(device: &str, n: usize, largest: &Largest) {
    let Largest {
        logits,
        pattern,
        resid_post,
        loss,
    } = largest;
    tell(&format!(
        "{n} variants on {device} against float64, largest differences: \
         logits {logits:.1e}, patterns {pattern:.1e}, residual stream {resid_post:.1e}, loss {loss:.1e}"
    ));
}

#[test]
fn every_variant_on_every_cpu_backend() {
    let fixtures = Forward::all();
    for (name, device) in everywhere() {
        let mut largest = Largest::default();
        for fixture in &fixtures {
            check(fixture, &device, &mut largest);
        }
        tell_largest(&name, fixtures.len(), &largest);
    }
}

/// The results are the same with autodiff, as in training.
#[test]
fn every_variant_with_autodiff() {
    for fixture in Forward::all() {
        check(&fixture, &cpu().autodiff(), &mut Largest::default());
    }
}

/// One variant for each path through the model: wgpu compiles its kernels one by one, which is slow
/// on a software adapter.
#[test]
fn chosen_variants_on_wgpu() {
    let Some((name, device)) = wgpu("the comparison of logits with float64") else {
        return;
    };
    let chosen = [
        "learned",
        "sinusoidal",
        "gqa_rope",
        "alibi_6_heads",
        "t5_bias",
        "post_norm_rms",
        "llama",
        "qk_norm",
    ];
    let mut largest = Largest::default();
    for variant in chosen {
        check(&Forward::named(variant), &device, &mut largest);
    }
    tell_largest(&name, chosen.len(), &largest);
}
