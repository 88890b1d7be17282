//! `sisun devices`, and the same work on every backend.

use crate::sisun::{Lab, sisun};

#[test]
fn devices_are_listed_and_auto_never_takes_a_software_adapter() {
    let json = sisun(&["devices", "--json"]).ok().json();
    assert!(json["cpu"].as_str().unwrap().starts_with("cpu"));
    let adapters = json["adapters"].as_array().unwrap();
    let real = adapters
        .iter()
        .any(|adapter| adapter["kind"] != "software adapter");
    assert_eq!(
        json["auto"].as_str().unwrap().starts_with("wgpu"),
        real,
        "{json}"
    );
    assert!(
        sisun(&["devices"])
            .ok()
            .stdout
            .contains("--device auto takes")
    );
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
