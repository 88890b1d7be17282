//! Dropout: its rate, its scaling, and its absence outside of training.

use sisun_kernels::{MatmulPrecision, dropout};
use sisun_model::Pass;
use sisun_tests::compare::{assert_close, normal, tensor, values};
use sisun_tests::devices::{cpu, everywhere};
use sisun_tests::models::{small, tokens, varied};

#[test]
fn drops_its_part_and_scales_the_rest() {
    for (name, device) in everywhere() {
        for p in [0.1, 0.5, 0.9] {
            let n = 20_011;
            let before = normal("dropout", n);
            let x = tensor(&before, [n], &device.clone().autodiff()).require_grad();
            let y = dropout(x.clone(), p);
            let (after, gradients) = (values(y.clone()), y.sum().backward());
            let dropped = after.iter().filter(|y| **y == 0.0).count() as f64;
            // Five standard deviations of a binomial count.
            let spread = 5.0 * (n as f64 * p * (1.0 - p)).sqrt();
            assert!(
                (dropped - n as f64 * p).abs() < spread,
                "{name}: {dropped} of {n} dropped with p = {p}"
            );
            let scale = (1.0 / (1.0 - p)) as f32;
            let mask: Vec<f32> = after
                .iter()
                .map(|y| if *y == 0.0 { 0.0 } else { scale })
                .collect();
            let expected: Vec<f32> = before
                .iter()
                .zip(&mask)
                .map(|(x, scale)| x * scale)
                .collect();
            assert_close(&name, &after, &expected, 1e-5);
            assert_close(
                "the gradient passes where the value did",
                &values(x.grad(&gradients).unwrap()),
                &mask,
                1e-5,
            );
        }
        let x = normal("dropout", 11);
        assert_eq!(values(dropout(tensor(&x, [11], &device), 0.0)), x);
    }
}

#[test]
fn acts_in_training_only() {
    let text = tokens(&[[3, 14, 15, 9, 26]], &cpu());
    let with = varied(&small("\"rope\"", "dropout = 0.3"), 1, &cpu());
    let without = varied(&small("\"rope\"", ""), 1, &cpu());
    let plain = values(without.forward(text.clone(), Pass::default()));
    assert_eq!(values(with.forward(text.clone(), Pass::default())), plain);
    assert_eq!(
        values(without.forward(text.clone(), Pass::training(MatmulPrecision::Float32))),
        plain
    );
    let [once, twice] = [0, 1]
        .map(|_| values(with.forward(text.clone(), Pass::training(MatmulPrecision::Float32))));
    assert_ne!(once, plain);
    assert_ne!(once, twice, "each pass drops anew");
}
