//! `sisun positions`, and the view of positions on pages.

use crate::browser::Browser;
use crate::sisun::{Lab, Ran, root, sisun};
use npyz::NpyFile;
use safetensors::SafeTensors;
use std::fs::{self, File};
use std::path::Path;
use zip::ZipArchive;

fn positions(args: &[&str]) -> Ran {
    sisun(&[&["positions"], args, &["--device", "cpu"]].concat())
}

fn fixture(name: &str) -> String {
    let path = root().join("tests/peers/fixtures/hf").join(name);
    path.to_str().unwrap().to_owned()
}

/// Read one array of an NPZ file as numbers.
fn array(path: &Path, name: &str) -> (Vec<u64>, Vec<f64>) {
    let mut npz = ZipArchive::new(File::open(path).unwrap()).unwrap();
    let file = NpyFile::new(npz.by_name(&format!("{name}.npy")).unwrap()).unwrap();
    let shape = file.shape().to_vec();
    let values = match file.dtype().descr().as_str() {
        "'<f4'" => {
            let values: Vec<f32> = file.into_vec().unwrap();
            values.into_iter().map(f64::from).collect()
        }
        _ => file.into_vec().unwrap(),
    };
    (shape, values)
}

/// Train a few steps with another position encoding.
fn short(lab: &Lab, run: &str, settings: &[&str]) -> String {
    let mut more = vec!["--set", "train.steps=2", "--set", "train.warmup_steps=1"];
    for &setting in settings {
        more.extend(["--set", setting]);
    }
    lab.train(run, &more).ok();
    lab.at(run)
}

#[test]
fn learned_positions_are_the_rows_of_the_file() {
    let lab = Lab::trained();
    let (gpt2, out) = (fixture("gpt2"), lab.at("positions-gpt2"));
    let files = ["--format", "npz,png,svg,html", "--out", &out];
    positions(&[&[&gpt2[..]], &files[..]].concat()).ok();
    let npz = lab.path("positions-gpt2/positions.npz");
    let bytes = fs::read(Path::new(&gpt2).join("model.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let name = tensors
        .names()
        .into_iter()
        .find(|name| name.ends_with("wpe.weight"));
    let table = tensors.tensor(name.unwrap()).unwrap();
    let expected: Vec<f64> = table
        .data()
        .chunks_exact(4)
        .map(|bytes| f64::from(f32::from_le_bytes(bytes.try_into().unwrap())))
        .collect();
    let (shape, found) = array(&npz, "table");
    assert_eq!(shape, [table.shape()[0] as u64, table.shape()[1] as u64]);
    assert_eq!(found, expected);
    // The cosine of the first and the last vector is the only one of its offset.
    let d = shape[1] as usize;
    let (first, last) = (&expected[..d], &expected[expected.len() - d..]);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let cosine = dot(first, last) / (dot(first, first) * dot(last, last)).sqrt();
    let found = array(&npz, "cosine_mean").1;
    assert!((found[found.len() - 1] - cosine).abs() < 1e-5);
    assert!((found[0] - 1.0).abs() < 1e-5);
    for name in ["position-table", "position-cosine", "position-dot"] {
        let png = fs::read(lab.path(&format!("positions-gpt2/{name}.png"))).unwrap();
        assert!(png.starts_with(b"\x89PNG") && png.len() > 3000, "{name}");
        let svg = fs::read_to_string(lab.path(&format!("positions-gpt2/{name}.svg"))).unwrap();
        assert!(svg.contains("positions, by their offset") || svg.contains("learned positions"));
        assert_eq!(
            svg.contains("<polygon"),
            name != "position-table",
            "bands: {name}"
        );
    }
    positions(&[&gpt2, "--positions", "93"]).fails(2, &["--positions", "learned 92 positions"]);
    let three = positions(&[&gpt2, "--positions", "3", "--json"])
        .ok()
        .json();
    let stack = &three["stacks"][0];
    assert_eq!(
        stack["numbers"]["cosine"]["mean"].as_array().unwrap().len(),
        3
    );
    assert_eq!(stack["kind"], "learned");
    assert!(stack["part"].is_null());

    let Some(browser) = Browser::start(1280, 900) else {
        return;
    };
    browser.open(&lab.path("positions-gpt2/positions.html"));
    browser.wait_for("document.querySelectorAll('#sheets [role=tab]').length === 3");
    browser.click("#sheets button:nth-child(2)");
    browser.wait_for("location.hash.includes('sheet=1')");
    let at = browser.eval("sisun.cellCentre(0, 91)");
    browser.point_at(at["x"].as_f64().unwrap(), at["y"].as_f64().unwrap());
    browser.wait_for("document.querySelector('#readout strong') !== null");
    let said = browser.eval("document.querySelector('#readout strong').textContent");
    let said: f64 = said.as_str().unwrap().replace('−', "-").parse().unwrap();
    assert!((said - cosine).abs() < 1e-4, "{said}, {cosine}");
    browser.choose("#language", "ko");
    browser.wait_for("document.querySelector('#story').textContent.includes('코사인')");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn rotations_say_their_scaling() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let table = positions(&[&run]).ok().stdout;
    assert!(
        table.contains("12 of 12 dimensions") && !table.contains("scaling"),
        "{table}"
    );
    assert!(table.contains("1.000000"), "{table}");
    for (name, kind) in [
        ("llama_llama3", "llama3"),
        ("llama_yarn", "yarn"),
        ("llama_linear", "linear"),
    ] {
        let model = fixture(name);
        let table = positions(&[&model]).ok().stdout;
        let said = format!("scaling: {kind}");
        assert!(
            table.contains(&said) && table.contains("unscaled"),
            "{table}"
        );
        let found = positions(&[&model, "--json"]).ok().json();
        let numbers = &found["stacks"][0]["numbers"];
        assert_ne!(numbers["radians"], numbers["unscaled"]);
        assert_eq!(numbers["magnitude"] == 1.0, kind != "yarn");
    }
    let out = lab.at("positions-rope");
    positions(&[
        &run,
        "--format",
        "npz,svg",
        "--out",
        &out,
        "--positions",
        "7",
    ])
    .ok();
    let npz = lab.path("positions-rope/positions.npz");
    let (shape, angles) = array(&npz, "angles");
    assert_eq!(shape, [7, 6]);
    let radians = array(&npz, "radians").1;
    assert!((angles[6 * 6 + 2] - 6.0 * 10_000f64.powf(-4.0 / 12.0)).abs() < 1e-9);
    assert_eq!(radians[0], 1.0);
    assert!(lab.path("positions-rope/rope-bound.svg").is_file());
}

#[test]
fn biases_and_the_lack_of_an_encoding_are_told() {
    let lab = Lab::trained();
    let alibi = short(lab, "alibi", &["model.position=alibi"]);
    let table = positions(&[&alibi]).ok().stdout;
    let head = table
        .lines()
        .find(|line| line.starts_with("head 0"))
        .unwrap();
    // Three heads: 2^-4 and 2^-8 of two, then the first of four, 2^-2.
    assert!(
        head.contains("0.062500") && head.contains("-0.062"),
        "{table}"
    );
    assert!(table.contains("0.250000"), "{table}");
    let t5 = short(lab, "t5", &["model.position=t5_bias"]);
    let out = lab.at("positions-t5");
    positions(&[&t5, "--format", "npz,png", "--out", &out]).ok();
    let npz = lab.path("positions-t5/positions.npz");
    assert_eq!(array(&npz, "bias").0, [3, 23]);
    let mut npz = ZipArchive::new(File::open(npz).unwrap()).unwrap();
    let buckets = NpyFile::new(npz.by_name("buckets.npy").unwrap()).unwrap();
    let buckets: Vec<i64> = buckets.into_vec().unwrap();
    assert_eq!(buckets[..17], (0..16).chain([16]).collect::<Vec<i64>>()[..]);
    assert!(lab.path("positions-t5/position-bias-lines.png").is_file());

    let none = short(lab, "no-positions", &["model.position=none"]);
    let said = positions(&[&none]).ok().stdout;
    assert!(said.contains("only the causal mask"), "{said}");
    let json = positions(&[&none, "--json"]).ok().json();
    assert_eq!(json["stacks"][0]["numbers"]["mechanism"], "nothing");
    let drawn = positions(&[&none, "--format", "svg", "--out", &lab.at("nothing")]);
    drawn.fails(2, &["there is nothing to draw", "causal mask"]);
    assert!(!lab.path("nothing").exists());

    positions(&[&none, "--positions", "0"]).fails_by_clap(&["--positions"]);
    positions(&[&lab.at("absent")]).fails(1, &["absent"]);
    positions(&[&none, "--out", "x"]).fails(2, &["--out is about files"]);
}

#[test]
fn the_page_has_a_view_of_positions() {
    let Some(browser) = Browser::start(1366, 768) else {
        return;
    };
    let lab = Lab::trained();
    let (run, out) = (lab.at("run"), lab.at("page-positions"));
    let attend = [
        "--text",
        "The cat </script> sat.",
        "--format",
        "html",
        "--out",
        &out,
    ];
    sisun(&[&["attend", &run], &attend[..], &["--device", "cpu"]].concat()).ok();
    browser.open(&lab.path("page-positions/attention.html"));
    browser.click("#tab-positions");
    browser.wait_for("document.querySelectorAll('#view-positions .sheets button').length === 3");
    let angle = browser.eval(
        "{ const [c] = document.querySelectorAll('#view-positions canvas'); const b = c.getBoundingClientRect(); [b.left + b.width / 2, b.top + b.height / 2] }",
    );
    browser.point_at(angle[0].as_f64().unwrap(), angle[1].as_f64().unwrap());
    browser.wait_for("document.querySelector('#readout strong') !== null");
    browser.click("#view-positions [data-sheet=rope-cosine]");
    browser.wait_for("location.hash.includes('sheet=rope-cosine')");
    browser.choose("#language", "ko");
    browser.wait_for("document.querySelector('#view-positions .aside').textContent.includes('유사도') || document.querySelector('#view-positions .aside').textContent.includes('회전')");
    browser.click("#tab-model");
    browser.wait_for("document.body.dataset.view === 'model'");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
