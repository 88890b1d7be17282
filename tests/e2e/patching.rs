//! Edits and patching: the numbers of TransformerLens (`tests/peers/patching.py`), attribution
//! patching against finite differences, files, and what is refused.

use crate::sisun::{Lab, Ran, root, sisun};
use burn::tensor::{Device, Int, Tensor, TensorData};
use npyz::NpyFile;
use serde_json::Value;
use sisun_infer::{
    AttentionInput, HeadIndex, HeadName, LanguageModel, PatchOptions, Patching, PathOptions, Reach,
    WrittenEdit,
};
use sisun_model::{Activation, Capture, Change, Edit, Pass, to_host};
use std::fs::{self, File};
use std::path::PathBuf;
use tempfile::TempDir;
use zip::ZipArchive;

const MODELS: [&str; 5] = ["gpt2", "llama_tied", "llama_untied", "qwen3", "neox"];

fn folder(name: &str) -> PathBuf {
    root().join("tests/peers/fixtures/hf").join(name)
}

fn model(name: &str) -> LanguageModel {
    let found = sisun_hf::open_as_stored(&folder(name), &Device::flex()).unwrap();
    LanguageModel::new(found.name, None, found.model, found.tokenizer)
}

fn reference(name: &str) -> Value {
    let path = root().join(format!("tests/peers/fixtures/patching/{name}.json"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|one| match one {
            Value::Array(_) => numbers(one),
            one => vec![one.as_f64().unwrap()],
        })
        .collect()
}

fn options(reference: &Value) -> PatchOptions {
    let text = |key: &str| reference[key].as_str().unwrap().to_owned();
    PatchOptions {
        clean: text("clean"),
        corrupt: text("corrupt"),
        answer: text("answer"),
        against: text("against"),
        at_tokens: Vec::new(),
    }
}

#[track_caller]
fn assert_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let far = (found - expected).abs();
        assert!(
            far <= tolerance * expected.abs().max(1.0),
            "{what}: {found} for {expected}"
        );
    }
}

fn last_logits(loaded: &LanguageModel, text: &str, edits: &[Edit]) -> Vec<f64> {
    let ids: Vec<i32> = loaded
        .tokens(text)
        .unwrap()
        .iter()
        .map(|token| token.id as i32)
        .collect();
    let shape = [1, ids.len()];
    let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, shape), &loaded.model.device());
    let logits = loaded.model.forward_last(ids, Pass::editing(edits));
    to_host(logits).1.into_iter().map(f64::from).collect()
}

#[test]
fn every_kind_of_edit_gives_the_logits_of_transformer_lens() {
    for name in MODELS {
        let (loaded, reference) = (model(name), reference(name));
        let text = reference["clean"].as_str().unwrap();
        let n = loaded.tokens(text).unwrap().len();
        let reach = Reach {
            what: "text",
            tokens: n,
            longest: n,
        };
        let cases = reference["edits"].as_object().unwrap();
        assert!(cases.len() > 14);
        let plain = last_logits(&loaded, text, &[]);
        for (written, expected) in cases {
            let edit: WrittenEdit = written.parse().unwrap();
            let edits = loaded.edits(&[edit], reach).unwrap();
            let found = last_logits(&loaded, text, &edits.list);
            assert_close(
                &format!("{name}, {written}"),
                &found,
                &numbers(expected),
                1e-4,
            );
            assert_ne!(found, plain, "{name}, {written}");
        }
    }
}

#[test]
fn patching_recovers_the_shares_of_transformer_lens() {
    for name in MODELS {
        let (loaded, reference) = (model(name), reference(name));
        let options = options(&reference);
        for (site, expected) in reference["patching"].as_object().unwrap() {
            let found = loaded.patch(&options, site.parse().unwrap()).unwrap();
            let what = format!("{name}, {site}");
            let ends = [found.clean.difference, found.corrupt.difference];
            assert_close(&what, &ends, &numbers(&reference["differences"]), 1e-5);
            assert_close(&what, &found.recovered, &numbers(expected), 1e-4);
            assert_eq!(found.layers.len() * found.columns, found.recovered.len());
        }
    }
}

#[test]
fn paths_recover_the_shares_of_transformer_lens() {
    for name in MODELS {
        let (loaded, reference) = (model(name), reference(name));
        let options = options(&reference);
        for path in reference["paths"].as_array().unwrap() {
            let [to, into] = ["to", "into"].map(|key| path[key].as_str().unwrap());
            let into: Vec<AttentionInput> =
                into.split(',').map(|one| one.parse().unwrap()).collect();
            let to: HeadIndex = to.parse().unwrap();
            let to = to.of(loaded.model.config()).unwrap();
            let all = PathOptions {
                from: None,
                to,
                into,
            };
            let found = loaded.patch_path(&options, &all).unwrap();
            let what = format!("{name}, {path}");
            assert_close(&what, &found.recovered, &numbers(&path["recovered"]), 1e-4);
            // One sender alone gives what it gives among all.
            let from = Some(HeadName { layer: 0, head: 1 });
            let one = loaded
                .patch_path(&options, &PathOptions { from, ..all })
                .unwrap();
            assert!((one.at(0, 1) - found.at(0, 1)).abs() < 1e-5, "{what}");
            assert!(one.at(0, 0).is_nan());
        }
    }
}

#[test]
fn the_whole_clean_run_recovers_everything() {
    for name in MODELS {
        let (loaded, reference) = (model(name), reference(name));
        let options = options(&reference);
        let n = loaded.tokens(&options.clean).unwrap().len();
        let reach = Reach {
            what: "text",
            tokens: n,
            longest: n,
        };
        let clean = last_logits(&loaded, &options.clean, &[]);
        let all = format!("resid_pre 0 = from '{}'", options.clean);
        let edits = loaded.edits(&[all.parse().unwrap()], reach).unwrap();
        assert_eq!(
            last_logits(&loaded, &options.corrupt, &edits.list),
            clean,
            "{name}"
        );
        let found = loaded.patch(&options, Activation::ResidPost).unwrap();
        // The last token's final residual stream decides; earlier tokens' comes too late.
        assert!((found.at(1, n - 1) - 1.0).abs() < 1e-4, "{name}");
        assert!((0..n - 1).all(|at| found.at(1, at).abs() < 1e-4), "{name}");
        // Tokens that both texts begin with are the same.
        let found = loaded.patch(&options, Activation::ResidPre).unwrap();
        let same = |at: &usize| found.clean.tokens[*at].id == found.corrupt.tokens[*at].id;
        for at in (0..n).filter(same) {
            assert!(found.at(0, at).abs() < 1e-4, "{name}, {at}");
        }
    }
}

/// The slope along the way from the corrupt to the clean value, by central differences.
#[test]
fn attribution_patching_is_the_slope_of_patching() {
    const STEP: f64 = 0.02;
    for name in MODELS {
        let (loaded, reference) = (model(name), reference(name));
        let recording = sisun_hf::open(&folder(name), &Device::flex().autodiff()).unwrap();
        let options = options(&reference);
        for site in [
            Activation::ResidPre,
            Activation::MlpOut,
            Activation::Z,
            Activation::Q,
            Activation::K,
            Activation::V,
            Activation::Pattern,
        ] {
            let found = loaded.patch_fast(&recording.model, &options, site).unwrap();
            let what = format!("{name}, {site}");
            let (clean, corrupt) = (
                run(&loaded, &options.clean, site),
                run(&loaded, &options.corrupt, site),
            );
            let mut slopes = Vec::new();
            for layer in 0..2 {
                let way = clean[layer].clone() - corrupt[layer].clone();
                for column in 0..found.columns {
                    let difference = |step: f64| {
                        let edit =
                            step_edit(&found, &loaded, site, layer, column, way.clone() * step);
                        let logits = last_logits(&loaded, &options.corrupt, &[edit]);
                        logits[found.answer.id as usize] - logits[found.against.id as usize]
                    };
                    // Richardson's extrapolation removes the curvature of the third order.
                    let central = |step| (difference(step) - difference(-step)) / (2.0 * step);
                    let slope = (4.0 * central(STEP / 2.0) - central(STEP)) / 3.0;
                    slopes.push(slope / (found.clean.difference - found.corrupt.difference));
                }
            }
            let largest = slopes.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
            for (slope, found) in slopes.iter().zip(&found.recovered) {
                assert!(
                    (slope - found).abs() < 0.01 * largest + 5e-3,
                    "{what}: {found} for {slope}"
                );
            }
            let fast = found.fast.unwrap();
            let exact = loaded.patch(&options, site).unwrap();
            let group = if matches!(site, Activation::K | Activation::V) {
                exact.columns / loaded.model.config().kv_heads()
            } else {
                1
            };
            assert_eq!(fast.cells, exact.recovered.len() / group, "{what}");
            let correlation = fast.correlation.unwrap();
            assert!(correlation > -1.0 && correlation <= 1.0, "{what}");
        }
    }
}

/// An activation of each layer on a text, `[1, head, pos, width]`.
fn run(loaded: &LanguageModel, text: &str, site: Activation) -> Vec<Tensor<4>> {
    let heads: Vec<usize> = (0..loaded.model.config().n_heads).collect();
    let mut capture = Capture::new(&[site], &[0, 1], &heads);
    let ids: Vec<i32> = loaded
        .tokens(text)
        .unwrap()
        .iter()
        .map(|token| token.id as i32)
        .collect();
    let shape = [1, ids.len()];
    let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, shape), &loaded.model.device());
    loaded.model.forward(ids, Pass::capturing(&mut capture));
    let tensor = |found: sisun_model::Captured| {
        let shape: [usize; 4] = match found.shape[..] {
            [batch, heads, n, width] => [batch, heads, n, width],
            _ => [1, 1, found.shape[1], found.shape[2]],
        };
        Tensor::from_data(TensorData::new(found.values, shape), &loaded.model.device())
    };
    capture.into_found().into_iter().map(tensor).collect()
}

fn step_edit(
    found: &Patching,
    loaded: &LanguageModel,
    site: Activation,
    layer: usize,
    column: usize,
    way: Tensor<4>,
) -> Edit {
    let edit = |change| Edit::new(site, layer, change);
    if !site.is_per_head() {
        return edit(Change::Add(way.narrow(2, column, 1))).at(vec![column]);
    }
    let group = match site {
        Activation::K | Activation::V => found.columns / loaded.model.config().kv_heads(),
        _ => 1,
    };
    let first = column / group * group;
    edit(Change::Add(way.narrow(1, first, group))).of_heads((first..first + group).collect())
}

fn patch(run: &str, more: &[&str]) -> Ran {
    let texts = [
        "--clean",
        "The cat sat on the mat.",
        "--corrupt",
        "The hat sat on the mat.",
    ];
    sisun(&[&["patch", run, "--device", "cpu"][..], &texts, more].concat())
}

const ANSWERS: [&str; 4] = ["--answer", " The", "--against", " He"];

#[test]
fn tables_files_and_json_tell_the_same() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let out = TempDir::new().unwrap();
    let folder = out.path().join("out");
    let at = |site: &'static str| [&["--at", site][..], &ANSWERS].concat();
    let files = [
        "--format",
        "npz,png,svg",
        "--json",
        "--out",
        folder.to_str().unwrap(),
    ];
    for (site, columns) in [("resid_mid", None), ("z", Some(3))] {
        let found = patch(&run, &[&at(site)[..], &files].concat()).ok().json();
        let n = found["clean"]["tokens"].as_array().unwrap().len();
        let columns = columns.unwrap_or(n);
        let path = folder.join("patching.npz");
        let mut npz = ZipArchive::new(File::open(&path).unwrap()).unwrap();
        let file = NpyFile::new(npz.by_name("recovered.npy").unwrap()).unwrap();
        assert_eq!(file.shape(), [2, columns as u64]);
        let values: Vec<f64> = file.into_vec().unwrap();
        assert_close(site, &values, &numbers(&found["recovered"]), 1e-12);
        for picture in ["patching.png", "patching.svg"] {
            assert!(folder.join(picture).metadata().unwrap().len() > 500);
        }
    }
    let table = patch(&run, &at("z")).ok().stdout;
    assert!(
        table.contains("head 2") && table.contains("recovered share, by z"),
        "{table}"
    );
    let fast = patch(&run, &[&at("resid_pre")[..], &["--fast"]].concat())
        .ok()
        .stdout;
    assert!(fast.contains("correlation"), "{fast}");
    let path = patch(
        &run,
        &[&ANSWERS[..], &["--to-head", "1.2", "--into", "k"]].concat(),
    )
    .ok();
    assert!(
        path.stdout.contains("paths into k of head 1.2"),
        "{}",
        path.stdout
    );
    let bf16 = patch(
        &run,
        &[&at("z")[..], &["--precision", "bf16", "--json"]].concat(),
    );
    assert_eq!(bf16.ok().json()["heads"], 3);
}

#[test]
fn patchings_that_make_no_sense_are_refused_with_the_remedy() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let with = |more: &[&str]| patch(&run, &[more, &ANSWERS].concat());
    with(&["--at", "hook_z"]).fails_by_clap(&["unknown activation"]);
    with(&[]).fails_by_clap(&["--at"]);
    with(&["--at", "pos_embed"]).fails(2, &["there is no pos_embed"]);
    with(&["--at", "logits"]).fails(2, &["belongs to no layer; choose from resid_pre"]);
    with(&["--at", "z", "--at-token", "99"]).fails(2, &["no token 99 in the clean text", "0 "]);
    with(&["--to-head", "0.1"]).fails(2, &["only heads of layers before it"]);
    with(&["--to-head", "1.7"]).fails(2, &["heads 0 to 2"]);
    with(&["--to-head", "x"]).fails_by_clap(&["names no head", "as in 1.2"]);
    let same = ["--at", "z", "--answer", " The", "--against", " The"];
    patch(&run, &same).fails(2, &["begin with the same token"]);
    let other = |more: &[&str]| {
        let texts = [
            "--clean",
            "The cat sat.",
            "--corrupt",
            "The yellow dog sat.",
        ];
        sisun(
            &[
                &["patch", &run, "--device", "cpu"][..],
                &texts,
                &ANSWERS,
                more,
            ]
            .concat(),
        )
    };
    other(&["--at", "resid_pre"])
        .fails(2, &["--at-token CLEAN:CORRUPT", "clean: 0 ", "corrupt: 0 "]);
    let found = other(&["--at", "resid_pre", "--at-token", "0:0,1:2", "--json"])
        .ok()
        .json();
    assert_eq!(found["positions"], serde_json::json!([[0, 0], [1, 2]]));
    assert!(found["recovered"][0][0].as_f64().unwrap().abs() < 1e-3);
    other(&["--at", "pattern", "--at-token", "0:0"]).fails(2, &["same number of tokens"]);
    let several = patch(
        &run,
        &["--at", "z", "--answer", " Thexyz", "--against", " He"],
    )
    .ok();
    assert!(
        several.stderr.contains("the first is taken"),
        "{}",
        several.stderr
    );
    let same = ["--clean", "The cat", "--corrupt", "The cat", "--at", "z"];
    sisun(&[&["patch", &run, "--device", "cpu"][..], &same, &ANSWERS].concat())
        .fails(2, &["no difference"]);
}
