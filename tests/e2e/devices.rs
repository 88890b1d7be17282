//! `sisun devices`, and the same work on every backend.

use crate::sisun::{Lab, Ran, root, sisun};
use serde_json::Value;
use std::fs;

#[test]
fn devices_are_listed_and_auto_never_takes_a_software_adapter() {
    let json = sisun(&["devices", "--json"]).ok().json();
    assert!(json["cpu"].as_str().unwrap().starts_with("cpu"));
    let adapters = json["adapters"].as_array().unwrap();
    let real = adapters
        .iter()
        .any(|adapter| adapter["kind"] != "software adapter");
    for adapter in adapters {
        assert!(!adapter["driver"].as_str().unwrap().is_empty(), "{json}");
        assert!(adapter["largest_buffer_bytes"].as_u64().unwrap() > 1 << 20);
    }
    let auto = json["auto"].as_str().unwrap();
    assert_eq!(auto.ends_with("no GPU was found"), !real, "{json}");
    assert!(json.get("checks").is_none());
    let listed = sisun(&["devices"]).ok().stdout;
    assert!(listed.contains("--device auto: "), "{listed}");
    // Without a GPU nothing is tried, and nothing is said of it.
    if !real {
        let run = Lab::new().train("auto", &["--device", "auto"]).ok();
        assert!(run.stderr.contains("(no GPU was found)"), "{}", run.stderr);
        assert!(!run.stderr.contains("checking"), "{}", run.stderr);
    }
}

#[test]
fn every_device_is_checked() {
    let checked = sisun(&["devices", "--check", "--json"]).ok().json();
    let checks = checked["checks"].as_array().unwrap();
    let adapters = checked["adapters"].as_array().unwrap();
    assert_eq!(checks.len(), 1 + adapters.len());
    assert_eq!(checks[0]["device"], checked["cpu"]);
    for check in checks {
        assert_eq!(check["holds"], true, "{check}");
        let parts = check["parts"].as_array().unwrap();
        let names: Vec<&str> = parts
            .iter()
            .map(|part| part["part"].as_str().unwrap())
            .collect();
        let expected = [
            "matrix products",
            "forward pass",
            "attention patterns",
            "gradient",
            "gradient of adapters",
            "cached decoding",
            "optimizer steps",
        ];
        assert_eq!(names, expected);
        for part in parts {
            let difference = part["difference"].as_f64().unwrap();
            assert!(difference <= part["tolerance"].as_f64().unwrap(), "{part}");
        }
    }
}

/// A check that has failed is remembered; here one that has passed is altered into one.
#[test]
fn an_adapter_that_failed_its_check_is_used_with_a_note_if_it_is_asked_for() {
    if no_adapter("the note about a failed check") {
        return;
    }
    let (lab, cache) = (Lab::new(), tempfile::tempdir().unwrap());
    let train = |run| {
        let mut command = lab.train_command(run, &["--device", "wgpu", "--set", "train.steps=4"]);
        command.env("SISUN_CACHE_DIR", cache.path());
        Ran::from(command.output().unwrap()).ok()
    };
    let first = train("first").stderr;
    assert!(
        first.contains("once for this driver and program"),
        "{first}"
    );
    assert!(!first.contains("wrong results"), "{first}");
    let kept: Vec<_> = std::fs::read_dir(cache.path().join("devices"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(kept.len(), 1);
    let mut entry: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&kept[0]).unwrap()).unwrap();
    entry["found"]["parts"][0]["problem"] = "all zeros".into();
    std::fs::write(&kept[0], entry.to_string()).unwrap();
    let second = train("second").stderr;
    assert!(!second.contains("once for this driver"), "{second}");
    let told =
        "computes wrong results, and is used because it was asked for: matrix products: all zeros";
    assert!(second.contains(told), "{second}");
    assert!(second.contains("driver: "), "{second}");
}

#[test]
fn a_model_that_exceeds_the_limits_of_an_adapter_is_refused_before_the_run() {
    if no_adapter("the refusal of a model that exceeds an adapter's limits") {
        return;
    }
    let lab = Lab::new();
    let large = ["--set", "model.context_len=65536", "--device", "wgpu"];
    let bench = [&["bench", "train", "configs/bench-1m.toml"][..], &large].concat();
    let told = [
        "a layer over 12 windows of 65536 tokens",
        "needs a buffer of",
        "at most: lower train.batch_size",
        "--device cpu",
    ];
    sisun(&bench).fails(1, &told);
    let attend = ["attend", &lab.at("none"), "--text", "a", "--device", "wgpu"];
    sisun(&attend).fails(1, &["none"]);
}

#[test]
fn launches_are_counted_on_an_adapter() {
    let small = [
        "configs/bench-1m.toml",
        "--set",
        "model.n_layers=1",
        "--set",
        "model.context_len=8",
        "--steps",
        "2",
        "--json",
        "-q",
    ];
    let bench = |what, device| {
        sisun(&[&["bench", what, "--device", device][..], &small].concat())
            .ok()
            .json()
    };
    assert!(bench("train", "cpu").get("launches_per_step").is_none());
    if no_adapter("the counting of kernel launches") {
        return;
    }
    let launches = bench("train", "wgpu")["launches_per_step"]
        .as_f64()
        .unwrap();
    assert!((50.0..5_000.0).contains(&launches), "{launches}");
    assert_eq!(launches.fract(), 0.0, "each step launches the same kernels");
    let decoding = bench("decode", "wgpu");
    let [a_step, a_token] =
        ["launches_per_step", "launches_per_token"].map(|key| decoding[key].as_f64().unwrap());
    assert!((a_step / 7.0 - a_token).abs() < 1e-9, "{decoding}");
    assert!(decoding["device_memory_bytes"].as_u64().unwrap() > 1_000);
}

/// The script for machines with a GPU, on the software adapter.
#[test]
fn the_check_of_a_gpu_finds_it_right_and_measures_it() {
    let Some(python) = std::env::var_os("SISUN_PEERS_PYTHON") else {
        eprintln!("NOT RUN: gpu_check.py (SISUN_PEERS_PYTHON is not set; .ci/run sets it)");
        return;
    };
    if no_adapter("gpu_check.py") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let ran: Ran = std::process::Command::new(python)
        .arg(root().join("tests/peers/gpu_check.py"))
        .args(["--small", "--sisun", env!("CARGO_BIN_EXE_sisun"), "--json"])
        .arg(&report)
        .output()
        .unwrap()
        .into();
    let ran = ran.ok();
    let report: Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
    assert_eq!(report["failed"], serde_json::json!([]), "{}", ran.stdout);
    for model in ["gpt2-like", "llama-like"] {
        assert_eq!(report["golden models"][model]["holds"], true, "{report}");
    }
    for (what, launches) in [
        ("training", "launches_per_step"),
        ("decoding", "launches_per_token"),
    ] {
        for model in ["bench-1m", "gpt2-small"] {
            let speeds = report["speeds"].as_array().unwrap();
            let measured = speeds.iter().find(|row| {
                row["model"] == model && row["what"] == what && row["by"] == "sisun on the GPU"
            });
            let measured = measured.unwrap_or_else(|| panic!("{model}, {what}: {report}"));
            assert!(measured[launches].as_f64().unwrap() > 10.0, "{measured}");
        }
    }
    assert!(
        ran.stdout.contains("| bench-1m | training |"),
        "{}",
        ran.stdout
    );
}

/// Return true if there is no adapter, and say what was not run.
fn no_adapter(what: &str) -> bool {
    let devices = sisun(&["devices", "--json"]).ok().json();
    let none = devices["adapters"].as_array().unwrap().is_empty();
    if none {
        eprintln!("NOT RUN: {what} (no adapter; .ci/run installs a software one)");
    }
    none
}

#[test]
fn every_backend_trains_and_writes_the_same() {
    let lab = Lab::new();
    let adapters = sisun(&["devices", "--json"]).ok().json()["adapters"]
        .as_array()
        .unwrap()
        .len();
    let mut devices = vec!["cpu", "ndarray"];
    if adapters > 0 {
        devices.push("wgpu");
    } else {
        eprintln!(
            "NOT RUN: training and sampling on wgpu (no adapter; .ci/run installs a software one)"
        );
        lab.train("none", &["--device", "wgpu"])
            .fails(1, &["--device wgpu", "no adapter"]);
    }
    let mut losses = Vec::new();
    for device in &devices {
        let set = [
            "--set",
            "train.steps=6",
            "--set",
            "model.dropout=0.0",
            "--set",
            "train.eval_every=6",
        ];
        lab.train(device, &[&["--device", device][..], &set].concat())
            .ok();
        let args = [
            "eval",
            &lab.at(device),
            "--windows",
            "3",
            "--json",
            "--quiet",
            "--device",
            device,
        ];
        losses.push(sisun(&args).ok().json()["loss"].as_f64().unwrap());
        let greedy = [
            "sample",
            &lab.at(device),
            "--prompt",
            "One",
            "-n",
            "4",
            "--temperature",
            "0",
            "--device",
            device,
        ];
        sisun(&greedy).ok();
    }
    for (device, loss) in devices.iter().zip(&losses) {
        assert!((loss - losses[0]).abs() < 2e-3, "{device}: {losses:?}");
    }
    assert_eq!(
        sisun(&["sample", &lab.at("cpu"), "--prompt", "a", "--device", "tpu"]).code,
        Some(2)
    );
}
