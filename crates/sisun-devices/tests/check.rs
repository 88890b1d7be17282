//! The check accepts the devices of this machine and refuses devices with planted faults.

#![allow(clippy::unwrap_used)]

use burn::tensor::{Device, Tensor};
use sisun_devices::{Computes, Factors, Golden, OnDevice, Part, Report, check, check_with};
use sisun_model::device;
use sisun_model::weights::HostTensors;
use std::io::Write;
use std::time::Instant;

#[test]
fn the_cpu_holds() {
    let report = check(&Device::flex());
    assert!(report.holds(), "{}", report.problems());
    assert_eq!(report.parts.len(), Part::ALL.len());
    // Far from the tolerance, which allows for the functions of GPUs.
    for part in &report.parts {
        assert!(part.difference.unwrap() < 2e-5, "{part}");
    }
}

#[test]
fn every_adapter_of_this_machine_holds() {
    let adapters = device::adapters();
    if adapters.is_empty() {
        tell("NOT RUN: the check of an adapter (there is none; .ci/run installs a software one)");
    }
    for found in adapters {
        let adapter = found.open().unwrap();
        let began = Instant::now();
        let report = check(&adapter.device);
        tell(&format!(
            "{} ({}): checked in {:.2} s",
            adapter.name,
            adapter.driver,
            began.elapsed().as_secs_f64()
        ));
        assert!(report.holds(), "{}: {}", adapter.name, report.problems());
        assert_eq!(report.parts.len(), Part::ALL.len());
        assert!(!adapter.driver.is_empty() && adapter.largest_buffer.unwrap() > 1 << 20);
    }
}

/// Write a line to stderr even if the test passes.
fn tell(line: &str) {
    writeln!(std::io::stderr().lock(), "{line}").unwrap();
}

/// The CPU, with a fault.
struct Faulty {
    /// Called with what the CPU computed.
    spoil: fn(Part, &mut HostTensors),
    products: fn(Vec<Vec<f32>>) -> Vec<Vec<f32>>,
}

const SOUND: Faulty = Faulty {
    spoil: |_, _| {},
    products: |products| products,
};

impl Computes for Faulty {
    fn products(&self, factors: &[Factors]) -> Vec<Vec<f32>> {
        (self.products)(OnDevice(&Device::flex()).products(factors))
    }

    fn golden(&self, part: Part, golden: &Golden) -> HostTensors {
        let mut tensors = OnDevice(&Device::flex()).golden(part, golden);
        (self.spoil)(part, &mut tensors);
        tensors
    }
}

/// Return the names of the parts that are wrong, each of which must say `told`.
fn refused(faulty: &Faulty, told: &str) -> Vec<String> {
    refused_by(&check_with(faulty), told)
}

fn refused_by(report: &Report, told: &str) -> Vec<String> {
    assert!(!report.holds());
    assert!(
        report.wrong().all(|part| part.to_string().contains(told)),
        "{}",
        report.problems()
    );
    report.wrong().map(|part| part.part.clone()).collect()
}

#[test]
fn a_stand_in_without_a_fault_holds() {
    let report = check_with(&SOUND);
    assert!(report.holds(), "{}", report.problems());
}

/// As on some M4 (burn#4907).
#[test]
fn products_that_are_all_zeros_are_refused() {
    let zeros = Faulty {
        products: |products| {
            let zero = |product: Vec<f32>| vec![0.0; product.len()];
            products.into_iter().map(zero).collect()
        },
        ..SOUND
    };
    assert_eq!(refused(&zeros, "all zeros"), ["matrix products"]);
    let one_wrong = Faulty {
        products: |mut products| {
            let last = products.last_mut().unwrap();
            let entry = last.last_mut().unwrap();
            *entry += 1.0;
            products
        },
        ..SOUND
    };
    assert_eq!(
        refused(&one_wrong, "differs by 1.000e0"),
        ["matrix products"]
    );
}

#[test]
fn wrong_logits_are_refused() {
    let faulty = Faulty {
        spoil: |part, tensors| {
            if part == Part::Forward {
                let (_, logits) = tensors.get_mut("logits").unwrap();
                logits.swap(0, 1);
            }
        },
        ..SOUND
    };
    assert_eq!(
        refused(&faulty, "logits of llama differs by"),
        ["forward pass"]
    );
}

#[test]
fn a_pattern_without_the_causal_mask_is_refused() {
    let faulty = Faulty {
        spoil: |part, tensors| {
            if part == Part::Patterns {
                let (shape, pattern) = tensors.get_mut("pattern.1").unwrap();
                let keys = *shape.last().unwrap();
                pattern
                    .iter_mut()
                    .for_each(|weight| *weight = 1.0 / keys as f32);
            }
        },
        ..SOUND
    };
    assert_eq!(
        refused(&faulty, "pattern.1 of llama differs by"),
        ["attention patterns"]
    );
}

#[test]
fn a_missing_or_wrong_gradient_is_refused() {
    let missing = Faulty {
        spoil: |part, tensors| {
            if part == Part::Gradient {
                tensors.remove("gradient.blocks.1.ffn.up.weight");
            }
        },
        ..SOUND
    };
    let told = "gradient.blocks.1.ffn.up.weight of llama is missing";
    assert_eq!(refused(&missing, told), ["gradient"]);
    let transposed = Faulty {
        spoil: |part, tensors| {
            if part == Part::Gradient {
                let (shape, values) = tensors.get_mut("gradient.blocks.0.attn.o.weight").unwrap();
                let [n, m] = <[usize; 2]>::try_from(shape.clone()).unwrap();
                let turned = (0..n * m).map(|i| values[i % m * n + i / m]).collect();
                *values = turned;
            }
        },
        ..SOUND
    };
    let told = "gradient.blocks.0.attn.o.weight of llama differs by";
    assert_eq!(refused(&transposed, told), ["gradient"]);
}

/// As on Metal (burn#5162).
#[test]
fn gradients_that_are_no_numbers_where_adapters_are_trained_are_refused() {
    let faulty = Faulty {
        spoil: |part, tensors| {
            if part == Part::AdapterGradient {
                let (_, values) = tensors.values_mut().next().unwrap();
                values.fill(f32::NAN);
            }
        },
        ..SOUND
    };
    assert_eq!(refused(&faulty, "are no numbers"), ["gradient of adapters"]);
    let thawed = Faulty {
        spoil: |part, tensors| {
            if part == Part::AdapterGradient {
                tensors.insert("lora.head.weight".to_owned(), (vec![1], vec![0.5]));
            }
        },
        ..SOUND
    };
    assert_eq!(
        refused(&thawed, "lora.head.weight of llama should not be there"),
        ["gradient of adapters"]
    );
}

/// As with fusion and autotune on Vulkan (burn#5257): each cached token sees the one before it in the
/// place of its own.
#[test]
fn a_wrong_cached_step_is_refused() {
    let faulty = Faulty {
        spoil: |part, tensors| {
            if part == Part::CachedSteps {
                let (shape, logits) = tensors.get_mut("logits").unwrap();
                let row = shape[2];
                let last = logits.len() - row;
                logits.copy_within(last - row..last, last);
            }
        },
        ..SOUND
    };
    assert_eq!(
        refused(&faulty, "logits of llama differs by"),
        ["cached decoding"]
    );
}

/// The second step forgets the first one's moments.
#[test]
fn a_wrong_optimizer_step_is_refused() {
    struct Forgetful;
    impl Computes for Forgetful {
        fn products(&self, factors: &[Factors]) -> Vec<Vec<f32>> {
            OnDevice(&Device::flex()).products(factors)
        }
        fn golden(&self, part: Part, golden: &Golden) -> HostTensors {
            if part != Part::OptimizerSteps {
                return OnDevice(&Device::flex()).golden(part, golden);
            }
            let mut model = golden.model(&Device::flex().autodiff());
            for batch in &golden.batches {
                let mut trainer = sisun_train::Trainer::new(model, &golden.train);
                trainer.step(std::slice::from_ref(batch));
                model = trainer.model;
            }
            let stepped = model.to_host();
            stepped
                .into_iter()
                .map(|(name, tensor)| (format!("stepped.{name}"), tensor))
                .collect()
        }
    }
    assert_eq!(
        refused_by(&check_with(&Forgetful), "stepped."),
        ["optimizer steps"]
    );
}

/// A shader that cannot be compiled, a device that is lost: the check ends there and says so.
#[test]
fn a_device_that_stops_is_refused() {
    let faulty = Faulty {
        spoil: |part, _| {
            if part == Part::Patterns {
                // Wrong shapes, as an error of the driver: a panic inside Burn.
                let device = Device::flex();
                let _ = Tensor::<2>::zeros([2, 3], &device).matmul(Tensor::zeros([2, 3], &device));
            }
        },
        ..SOUND
    };
    let report = check_with(&faulty);
    assert_eq!(
        refused_by(&report, "cannot be computed"),
        ["attention patterns"]
    );
    assert_eq!(report.parts.len(), 3);
}

/// The files of expected values say what made them.
#[test]
fn golden_models_are_whole() {
    let golden = Golden::all();
    assert_eq!(golden.len(), 2);
    for golden in golden {
        let model = golden.model(&Device::flex()).to_host();
        for name in model.keys() {
            assert!(
                golden.expected.contains_key(&format!("gradient.{name}")),
                "{name}"
            );
            assert!(
                golden.expected.contains_key(&format!("stepped.{name}")),
                "{name}"
            );
        }
        let factors = golden.adapted(&Device::flex()).flat_factors();
        let expected = golden
            .expected
            .keys()
            .filter(|name| name.starts_with("lora."));
        assert_eq!(expected.count(), factors.len());
        assert_eq!(golden.batches.len(), 2);
    }
}
