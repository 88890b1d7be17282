//! `--device auto`: a GPU is taken when it is right and faster.

#![allow(clippy::unwrap_used)]

use burn::tensor::Device;
use serde_json::{Value, json};
use sisun_config::{ModelConfig, TrainConfig};
use sisun_devices::{Fault, Gpu, PartReport, Remembered, Report, Work, auto, check};
use sisun_model::{Chosen, device};
use std::cell::RefCell;
use std::io::Write;

/// A GPU that computes on the CPU and takes the time that a test wants.
struct StandIn {
    name: &'static str,
    report: Report,
    seconds: fn(&Work) -> Result<f64, Fault>,
    asked: RefCell<Vec<&'static str>>,
}

impl StandIn {
    fn new(name: &'static str, seconds: fn(&Work) -> Result<f64, Fault>) -> Self {
        Self {
            name,
            report: Report {
                parts: Vec::new(),
                seconds: 0.0,
            },
            seconds,
            asked: RefCell::default(),
        }
    }

    fn wrong(name: &'static str) -> Self {
        let problem = PartReport {
            part: "matrix products".to_owned(),
            difference: Some(1.0),
            tolerance: 0.0,
            problem: Some("[1, 1, 257]·[1, 257, 131] is all zeros, and should be up to 320".into()),
            seconds: 0.0,
        };
        let mut wrong = Self::new(name, |_| Ok(1e-9));
        wrong.report.parts.push(problem);
        wrong
    }
}

impl Gpu for StandIn {
    fn name(&self) -> String {
        self.name.to_owned()
    }
    fn identity(&self) -> Value {
        json!(self.name)
    }
    fn check(&self) -> Report {
        self.asked.borrow_mut().push("check");
        self.report.clone()
    }
    fn seconds(&self, work: &Work) -> Result<f64, Fault> {
        self.asked.borrow_mut().push("trial");
        (self.seconds)(work)
    }
    fn chosen(&self, why: String) -> Chosen {
        Chosen {
            device: Device::flex(),
            name: self.name.to_owned(),
            why,
            deterministic: false,
        }
    }
}

/// What is said while a GPU is checked.
fn is_progress(note: &str) -> bool {
    note.starts_with("checking ") && note.ends_with(", once for this driver and program")
}

/// No other notes are expected.
fn none(note: &str) {
    assert!(is_progress(note), "{note}");
}

fn model() -> ModelConfig {
    ModelConfig::new(31, 16, 2, 2, 16)
}

fn training() -> Option<Work> {
    let train = TrainConfig::new(10, 4, 1e-3);
    Some(Work::training(&model(), &train, None, 0))
}

/// A fresh place to remember results in.
fn nothing_remembered() -> (tempfile::TempDir, Remembered) {
    let folder = tempfile::tempdir().unwrap();
    let remembered = Remembered::below(folder.path());
    (folder, remembered)
}

#[test]
fn without_a_gpu_nothing_is_measured() {
    let (folder, remembered) = nothing_remembered();
    let unasked = || -> Option<Work> { panic!("there is nothing to choose for") };
    let chosen = auto(&[], unasked, &remembered, &mut none);
    assert_eq!(chosen.why, "no GPU was found");
    assert_eq!(chosen.device, Device::flex());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_faster_gpu_wins_and_is_tried_once() {
    let (_folder, remembered) = nothing_remembered();
    let fast = StandIn::new("Fast", |_| Ok(1e-9));
    for time in 0..2 {
        let chosen = auto(&[&fast], training, &remembered, &mut none);
        assert_eq!(chosen.name, "Fast");
        let told = "faster here: GPU 0.00 ms a step, CPU ";
        assert!(chosen.why.starts_with(told), "{}", chosen.why);
        // One row, and all four of a step.
        assert_eq!(*fast.asked.borrow(), ["check", "trial", "trial"], "{time}");
    }
    // Another shape is tried anew, on an adapter that is checked already.
    let decoding = || Some(Work::Decoding { model: model() });
    let chosen = auto(&[&fast], decoding, &remembered, &mut none);
    assert!(chosen.why.contains("a token"), "{}", chosen.why);
    assert_eq!(*fast.asked.borrow(), ["check", "trial", "trial", "trial"]);
    // And so is another adapter.
    let other = StandIn::new("Other", |_| Ok(1e-9));
    auto(&[&other], training, &remembered, &mut none);
    assert_eq!(other.asked.borrow().len(), 3);
}

#[test]
fn a_slower_gpu_is_named_with_both_figures() {
    let (_folder, remembered) = nothing_remembered();
    let slow = StandIn::new("Slow", |_| Ok(20.0));
    let chosen = auto(&[&slow], training, &remembered, &mut none);
    assert_eq!(chosen.device, Device::flex());
    assert!(chosen.name.starts_with("cpu"));
    let told = "Slow is slower here: GPU more than 20.0 s a step, CPU ";
    assert!(chosen.why.starts_with(told), "{}", chosen.why);
    // The second GPU has its turn.
    let fast = StandIn::new("Fast", |_| Ok(1e-9));
    let gpus: [&dyn Gpu; 2] = [&slow, &fast];
    let chosen = auto(&gpus, training, &remembered, &mut none);
    assert_eq!(chosen.name, "Fast");
}

#[test]
fn a_gpu_that_fails_its_check_is_refused_with_what_differs_and_the_way_to_force_it() {
    let (_folder, remembered) = nothing_remembered();
    let wrong = StandIn::wrong("Wrong");
    for _ in 0..2 {
        let mut notes = Vec::new();
        let chosen = auto(&[&wrong], training, &remembered, &mut |note| {
            notes.extend((!is_progress(note)).then(|| note.to_owned()));
        });
        assert_eq!(chosen.device, Device::flex());
        assert_eq!(chosen.why, "Wrong failed its check");
        let told = "note: Wrong computes wrong results, and is not used: matrix products: \
                    [1, 1, 257]·[1, 257, 131] is all zeros, and should be up to 320\n\
                    to use it all the same: --device wgpu";
        assert_eq!(notes, [told]);
    }
    // It is never timed, and its check is remembered.
    assert_eq!(*wrong.asked.borrow(), ["check"]);
}

#[test]
fn a_gpu_that_stops_in_its_trial_is_not_used() {
    let (_folder, remembered) = nothing_remembered();
    let small = StandIn::new("Small", |_| Err(Fault("Out of Memory".to_owned())));
    let mut notes = Vec::new();
    let chosen = auto(&[&small], training, &remembered, &mut |note| {
        notes.extend((!is_progress(note)).then(|| note.to_owned()));
    });
    assert_eq!(chosen.why, "Small failed a trial");
    assert!(notes[0].contains("Small cannot compute this, and is not used: Out of Memory"));
}

#[test]
fn work_of_the_cpu_needs_no_trial() {
    let (_folder, remembered) = nothing_remembered();
    let fast = StandIn::new("Fast", |_| Ok(1e-9));
    let work = || Some(Work::OnCpu("files are only rewritten"));
    let chosen = auto(&[&fast], work, &remembered, &mut none);
    assert_eq!(chosen.why, "files are only rewritten");
    assert!(fast.asked.borrow().is_empty());
}

/// The adapter of this machine, as if it were a GPU. llvmpipe is slower than our CPU kernels.
#[test]
fn a_software_adapter_loses_its_trial() {
    let Some(found) = device::adapters()
        .into_iter()
        .find(|found| found.is_software())
    else {
        let line = "NOT RUN: a real trial (there is no software adapter; .ci/run installs one)";
        writeln!(std::io::stderr().lock(), "{line}").unwrap();
        return;
    };
    let adapter = found.open().unwrap();
    assert!(check(&adapter.device).holds());
    let (_folder, remembered) = nothing_remembered();
    for work in [
        training(),
        Some(Work::Decoding { model: model() }),
        Some(Work::Reading { model: model() }),
    ] {
        let chosen = auto(&[&adapter], || work, &remembered, &mut none);
        assert_eq!(chosen.device, Device::flex(), "{}", chosen.why);
        let told = format!("{} is slower here: GPU ", adapter.name);
        assert!(chosen.why.starts_with(&told), "{}", chosen.why);
    }
}
