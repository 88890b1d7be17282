//! A GPU that is lost in mid-run, and a model that exceeds its limits.

#![allow(clippy::unwrap_used)]

use sisun_config::{ModelConfig, PartialConfig};
use sisun_files::Patience;
use sisun_model::{ModelError, device, memory};
use sisun_train::{Metric, Session, TrainError, TrainObserver, hold_new, hold_run, train};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// The adapter is lost when this step is done.
struct Unplugs(u64);

impl TrainObserver for Unplugs {
    fn stepped(&mut self, step: u64) {
        if step == self.0 {
            device::lose_all();
        }
    }

    fn measured(&mut self, metric: &Metric) {
        assert!(metric.loss.is_none_or(f64::is_finite), "{metric:?}");
    }
}

fn training(model: &ModelConfig) -> memory::Training<'_> {
    memory::Training {
        model,
        batch_size: 8,
        gradient_accumulation_steps: 1,
        low_rank: false,
    }
}

/// One test, because it loses the adapter for the whole process.
#[test]
fn a_lost_adapter_ends_the_run_with_its_last_checkpoint_named() {
    let Ok(adapter) = device::wgpu() else {
        let line = "NOT RUN: losing an adapter (there is none; .ci/run installs a software one)";
        writeln!(std::io::stderr().lock(), "{line}").unwrap();
        return;
    };

    // With dropout the scores of all heads are held: 8 · 8 · 16,384² · 4 bytes are 64 GiB.
    let large = ModelConfig {
        dropout: 0.1,
        ..ModelConfig::new(31, 64, 1, 8, 16_384)
    };
    let refused = training(&large).check(&adapter.device).unwrap_err();
    assert!(matches!(refused, ModelError::PastLimit { .. }), "{refused}");
    let told = refused.to_string();
    for part in [
        "attention over 16384 tokens (8 windows of 8 heads) needs a buffer of 64.0 GiB",
        &adapter.name,
        "lower train.batch_size, model.context_len",
        "compute on the CPU",
    ] {
        assert!(told.contains(part), "{told}");
    }
    for context_len in [64, 8_192] {
        let fits = ModelConfig::new(31, 64, 1, 8, context_len);
        training(&fits).check(&adapter.device).unwrap();
    }

    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.txt");
    std::fs::write(&text, "the cat sat. the dog ran. ".repeat(60)).unwrap();
    let cache = folder.path().join("cache");
    let toml = format!(
        "name = 'small'\n\
         data = {{ sources = [{text:?}], validation_fraction = 0.2, cache_dir = {cache:?} }}\n\
         tokenizer = {{ kind = 'char' }}\n\
         model = {{ d_model = 16, n_layers = 1, n_heads = 2, context_len = 8, position = 'rope' }}\n\
         train = {{ steps = 9, batch_size = 3, lr_max = 1e-3, checkpoint_every = 2, log_every = 1 }}"
    );
    let config = || PartialConfig::parse(Path::new("small.toml"), &toml).unwrap();
    let run = folder.path().join("run");
    let held = hold_new(&run, Patience::Refuse).unwrap();
    let chosen = adapter.chosen("asked for");
    let start = config().finish().unwrap();
    let mut session = Session::start(start, None, held, &chosen, &mut |_| {}).unwrap();
    let error = train(&mut session, &mut Unplugs(5), &AtomicBool::new(false)).unwrap_err();
    let told = error.to_string();
    let TrainError::DeviceFailed { step, saved, .. } = error else {
        panic!("{told}");
    };
    assert_eq!(step, 5, "{told}");
    let saved = saved.unwrap();
    assert!(saved.ends_with("step-00000004"), "{told}");
    for part in [
        adapter.name.as_str(),
        "failed after step 5: wgpu error",
        &saved.display().to_string(),
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }

    // The run goes on on another device.
    drop(session);
    let held = hold_run(&run, Patience::Refuse).unwrap();
    let cpu = device::cpu("asked for");
    let mut session = Session::resume(config(), held, &cpu, &mut |_| {}).unwrap();
    assert_eq!(session.step(), 4);
    let outcome = train(&mut session, &mut Unplugs(0), &AtomicBool::new(false)).unwrap();
    assert_eq!(outcome.step, 9);
}
