//! The logit lens, attribution and circuits: the numbers of TransformerLens, files, and what is
//! refused.

use crate::browser::Browser;
use crate::sisun::{Lab, Ran, root, sisun};
use npyz::NpyFile;
use safetensors::SafeTensors;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use tempfile::TempDir;
use zip::ZipArchive;

const TEXT: &str = "the cat saw the kite and ran";

fn on_cpu(args: &[&str]) -> Ran {
    sisun(&[args, &["--device", "cpu"]].concat())
}

/// Shape and values, row-major.
type Array = (Vec<u64>, Vec<f64>);

/// Read one float64 or float32 array of an NPZ file.
fn array(path: &Path, name: &str) -> Array {
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

/// Read an array of texts of an NPZ file.
fn texts(path: &Path, name: &str) -> Vec<String> {
    let mut npz = ZipArchive::new(File::open(path).unwrap()).unwrap();
    let file = NpyFile::new(npz.by_name(&format!("{name}.npy")).unwrap()).unwrap();
    file.into_vec().unwrap()
}

/// A fixture of TransformerLens: tensors by name, and what it says about itself.
fn fixture(name: &str) -> (BTreeMap<String, Array>, Value) {
    let path = root().join("tests/peers/fixtures/interpret");
    let bytes = fs::read(path.join(format!("{name}.safetensors"))).unwrap();
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    let made = &metadata.metadata().as_ref().unwrap()["made"];
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let read = |(name, tensor): (String, safetensors::tensor::TensorView<'_>)| {
        let shape = tensor.shape().iter().map(|&size| size as u64).collect();
        let values = tensor.data().chunks_exact(4);
        let values = values.map(|bytes| f64::from(f32::from_le_bytes(bytes.try_into().unwrap())));
        (name, (shape, values.collect()))
    };
    let of_floats = tensors
        .tensors()
        .into_iter()
        .filter(|(_, tensor)| tensor.dtype() == safetensors::Dtype::F32);
    (
        of_floats.map(read).collect(),
        serde_json::from_str(made).unwrap(),
    )
}

#[test]
fn analyses_have_the_numbers_of_transformer_lens() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().to_str().unwrap();
    for name in [
        "gpt2",
        "llama_tied",
        "llama_untied",
        "llama_biases",
        "qwen3",
        "neox",
        "export_gpt2_learned",
        "export_llama",
    ] {
        let (expected, made) = fixture(name);
        let model = root()
            .join("tests/peers/fixtures")
            .join(made["model"].as_str().unwrap());
        let model = model.to_str().unwrap();
        let [text, answer, against] =
            ["text", "answer", "against"].map(|key| made[key].as_str().unwrap());
        let files = ["--format", "npz", "--out", out];
        on_cpu(&[&["lens", model, "--text", text], &files[..]].concat()).ok();
        let options = ["--text", text, "--answer", answer, "--against", against];
        on_cpu(&[&["attribute", model], &options[..], &files].concat()).ok();
        on_cpu(&[&["circuits", model], &files[..]].concat()).ok();
        let parts: Vec<&str> = made["parts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|x| x.as_str().unwrap())
            .collect();
        assert_eq!(
            texts(&folder.path().join("attribution.npz"), "parts"),
            parts
        );
        let arrays = [
            ("lens.npz", "logits", "lens"),
            ("attribution.npz", "logit_difference", "attribution"),
            ("circuits.npz", "copying", "copying"),
            ("circuits.npz", "composition_q", "composition_q"),
            ("circuits.npz", "composition_k", "composition_k"),
            ("circuits.npz", "composition_v", "composition_v"),
        ];
        for (file, array_name, of) in arrays {
            let (shape, values) = array(&folder.path().join(file), array_name);
            let Some((expected_shape, expected)) = expected.get(of) else {
                // Not defined by weights alone: no number.
                assert!(
                    of.ends_with(['q', 'k']) && values.iter().all(|x| x.is_nan()),
                    "{name} {of}"
                );
                continue;
            };
            assert_eq!(&shape, expected_shape, "{name} {of}");
            for (found, expected) in values.iter().zip(expected) {
                assert!(
                    (found - expected).abs() < 1e-4,
                    "{name} {of}: {found}, {expected}"
                );
            }
        }
    }
}

#[test]
fn the_parts_add_up_to_the_logit_that_is_shown() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let args = [
        "attribute",
        &run,
        "--text",
        "The cat sat",
        "--answer",
        " on",
        "--json",
    ];
    let found = on_cpu(&args).ok().json();
    let numbers = |value: &Value| -> Vec<f64> {
        value
            .as_array()
            .unwrap()
            .iter()
            .map(|x| x.as_f64().unwrap())
            .collect()
    };
    let own = numbers(&found["logit_difference"]);
    let mut sums = vec![0.0; own.len()];
    for part in found["parts"].as_array().unwrap() {
        sums.iter_mut()
            .zip(numbers(&part["adds"]))
            .for_each(|(sum, x)| *sum += x);
    }
    for (sum, own) in sums.iter().zip(&own) {
        assert!((sum - own).abs() < 1e-4, "{sum}, {own}");
    }
    assert!(found["largest_error"].as_f64().unwrap() < 1e-4);

    // The lens of the last layer has the same logit.
    let out = lab.at("analysis-sum");
    on_cpu(&[
        "lens",
        &run,
        "--text",
        "The cat sat",
        "--format",
        "npz",
        "--out",
        &out,
    ])
    .ok();
    let (shape, logits) = array(&lab.path("analysis-sum/lens.npz"), "logits");
    let [rows, n, vocab] = shape[..] else {
        panic!("{shape:?}")
    };
    assert_eq!((rows, n as usize), (3, own.len()));
    let id = found["answer"]["id"].as_u64().unwrap();
    for (at, own) in own.iter().enumerate() {
        let logit = logits[(2 * n as usize + at) * vocab as usize + id as usize];
        assert!((logit - own).abs() < 1e-4, "{logit}, {own}");
    }

    // The table ends with the sum and the model's own logit, which agree.
    let table = on_cpu(&args[..args.len() - 1]).ok().stdout;
    let lines: Vec<&str> = table.lines().collect();
    let value = |name: &str| {
        lines
            .iter()
            .find_map(|line| line.strip_prefix(name))
            .unwrap()
            .trim()
    };
    assert_eq!(value("sum"), value("of the model"), "{table}");
    let last: f64 = value("sum").parse().unwrap();
    assert!((last - own[own.len() - 1]).abs() < 1e-3, "{table}");
}

#[test]
fn the_lens_lists_tokens_by_layer_and_position() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let found = on_cpu(&["lens", &run, "--text", "The cat sat", "--json"])
        .ok()
        .json();
    let tokens = found["tokens"].as_array().unwrap();
    let layers = found["layers"].as_array().unwrap();
    let names: Vec<&str> = layers
        .iter()
        .map(|layer| layer["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["embed", "layer 0", "layer 1"]);
    for layer in layers {
        let positions = layer["positions"].as_array().unwrap();
        assert_eq!(positions.len(), tokens.len());
        for (at, cell) in positions.iter().enumerate() {
            let top = cell["top"].as_array().unwrap();
            assert_eq!(top.len(), 5);
            let next = tokens.get(at + 1).map(|token| &token["id"]);
            assert_eq!(cell["next"].get("id"), next);
        }
    }
    let table = on_cpu(&["lens", &run, "--text", "The cat sat", "--top", "2"])
        .ok()
        .stdout;
    assert!(
        table.lines().all(|line| line.chars().count() <= 80),
        "{table}"
    );
    let best = layers[2]["positions"][0]["top"][0]["text"]
        .as_str()
        .unwrap();
    assert!(table.contains(&format!("{best:?} ")), "{table}");
}

#[test]
fn analyses_are_drawn_and_shown_on_pages() {
    let lab = Lab::trained();
    let (run, out) = (lab.at("run"), lab.at("analysis"));
    let files = ["--format", "png,svg,html,npz", "--out", &out];
    let text = "The <b>cat</b> said \"한글\" 🙂\n</script>";
    on_cpu(&[&["lens", &run, "--text", text], &files[..]].concat()).ok();
    let options = ["--text", text, "--answer", " on", "--against", " the"];
    on_cpu(&[&["attribute", &run], &options[..], &files].concat()).ok();
    let distance = ["circuits", &run, "--distance", "1"];
    on_cpu(&[&distance, &files[..]].concat()).ok();
    for name in [
        "lens",
        "lens-next",
        "attribution",
        "copying",
        "composition-q",
        "composition-k",
        "composition-v",
    ] {
        let png = fs::read(lab.path(&format!("analysis/{name}.png"))).unwrap();
        assert!(png.starts_with(b"\x89PNG") && png.len() > 2000, "{name}");
        let svg = fs::read_to_string(lab.path(&format!("analysis/{name}.svg"))).unwrap();
        assert!(svg.starts_with("<svg") && !svg.contains("<b>"), "{name}");
    }
    let Some(browser) = Browser::start(1280, 900) else {
        return;
    };
    let (shape, parts) = array(&lab.path("analysis/attribution.npz"), "logit_difference");
    browser.open(&lab.path("analysis/attribution.html"));
    let sheet = |expression: &str| browser.eval(&format!("sisun.sheets[0].{expression}"));
    assert_eq!(sheet("rows.length").as_u64().unwrap(), shape[0] + 1);
    let shown = sheet("value({ row: 3, column: 2 })").as_f64().unwrap();
    let own = parts[3 * shape[1] as usize + 2];
    assert!((shown - own).abs() < 1e-5, "{shown}, {own}");
    browser.eval("document.querySelector('#view-sheet canvas').focus()");
    browser.press("ArrowDown");
    browser.press("ArrowRight");
    browser.wait_for("location.hash.includes('row=1') && location.hash.includes('column=1')");
    let said = browser.eval("document.querySelector('#readout strong').textContent");
    let cell = format!("{:.4}", parts[shape[1] as usize + 1]).replace('-', "−");
    assert_eq!(said.as_str().unwrap(), cell);
    browser.choose("#language", "ko");
    browser.wait_for("document.querySelector('#story').textContent.includes('로짓')");

    browser.open(&lab.path("analysis/lens.html"));
    browser.wait_for("document.querySelectorAll('#sheets [role=tab]').length === 2");
    browser.click("#sheets button:nth-child(2)");
    browser.wait_for("location.hash.includes('sheet=1')");
    browser.open(&lab.path("analysis/circuits.html"));
    browser.wait_for("document.querySelectorAll('#sheets [role=tab]').length === 4");
    let complaints = browser.complaints();
    assert!(complaints.is_empty(), "{complaints:?}");
}

#[test]
fn a_head_has_its_circuits_over_the_vocabulary() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let head = ["circuits", &run, "--head", "1.2"];
    let found = on_cpu(&[&head[..], &["--token", " the", "--json"]].concat())
        .ok()
        .json();
    assert_eq!(found["ov"]["of_token"].as_array().unwrap().len(), 5);
    let values = found["ov"]["largest"].as_array().unwrap();
    let values: Vec<f64> = values
        .iter()
        .map(|pair| pair["value"].as_f64().unwrap())
        .collect();
    assert!(values.is_sorted_by(|a, b| a >= b));
    assert!(found["qk"].is_null());
    assert!(
        found["qk_undefined"]
            .as_str()
            .unwrap()
            .contains("--distance")
    );
    let at = on_cpu(&[&head[..], &["--distance", "1", "--json"]].concat())
        .ok()
        .json();
    assert_eq!(at["qk"]["largest"].as_array().unwrap().len(), 5);
    let table = on_cpu(&head).ok().stdout;
    assert!(
        table.contains("raises") && table.contains("--distance"),
        "{table}"
    );
}

#[test]
fn what_an_analysis_cannot_take_is_refused() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let gpt2 = root().join("tests/peers/fixtures/hf/gpt2");
    let gpt2 = gpt2.to_str().unwrap();
    let attribute = |answer: &str, more: &[&str]| {
        let args = ["attribute", &run, "--text", "The cat", "--answer", answer];
        on_cpu(&[&args[..], more].concat())
    };
    attribute("", &[]).fails(2, &["the answer is empty"]);
    attribute(" the", &["--against", " the"]).fails(2, &["the same token", "\" the\""]);
    attribute(" the", &["--query", "9999"]).fails(2, &["--query", "no token 9999"]);
    attribute(" the", &["--language", "ko"]).fails(2, &["add html to --format"]);
    attribute(" the", &["--out", "x"]).fails(2, &["--out is about files", "--format"]);
    attribute(" the", &["--format", "csv"]).fails_by_clap(&["csv", "npz, png, svg, html"]);
    let several = attribute(" catapult house", &[]).ok();
    assert!(
        several.stderr.contains("tokens: the first"),
        "{}",
        several.stderr
    );
    let lens = |more: &[&str]| on_cpu(&[&["lens", &run, "--text", "The cat"], more].concat());
    lens(&["--into", "heads"]).fails_by_clap(&["embed, attn, mlp"]);
    lens(&["--top", "0"]).fails_by_clap(&["--top"]);
    on_cpu(&["lens", &run, "--text", ""]).fails(2, &["the text is empty"]);
    let circuits = |more: &[&str]| on_cpu(&[&["circuits", &run], more].concat());
    circuits(&["--head", "9.0"]).fails(2, &["there is no layer 9", "layers 0 to 1"]);
    circuits(&["--head", "0.9"]).fails(2, &["there is no head 9", "heads 0 to 2"]);
    circuits(&["--head", "one"]).fails_by_clap(&["layer and its number, as in 1.2"]);
    circuits(&["--head", "0.0", "--token", "The cat"]).fails(2, &["--token", "several tokens"]);
    circuits(&["--token", "a"]).fails_by_clap(&["--head"]);
    on_cpu(&["circuits", gpt2, "--distance", "2"]).fails(2, &["--distance = 2", "rotary"]);
    let long = "word ".repeat(400);
    on_cpu(&["lens", gpt2, "--text", &long]).fails(1, &["92"]);

    let post = [
        "--set",
        "model.norm_placement=post",
        "--set",
        "train.steps=2",
        "--set",
        "train.warmup_steps=1",
    ];
    lab.train("post", &post).ok();
    let post = lab.at("post");
    let refused = [
        "not defined for this model",
        "model.norm_placement = \"post\"",
    ];
    on_cpu(&["attribute", &post, "--text", "The cat", "--answer", " a"]).fails(2, &refused);
    on_cpu(&["lens", &post, "--text", "The cat", "--into", "attn"]).fails(2, &refused);
    let whole = on_cpu(&["lens", &post, "--text", "The cat"]).ok();
    assert!(whole.stderr.contains("no final norm"), "{}", whole.stderr);
    let single = [
        "--set",
        "model.ffn=none",
        "--set",
        "train.steps=2",
        "--set",
        "train.warmup_steps=1",
        "--set",
        "model.n_layers=1",
    ];
    lab.train("single", &single).ok();
    let single = lab.at("single");
    on_cpu(&["lens", &single, "--text", "The cat", "--into", "mlp"])
        .fails(2, &["no mlp", "model.ffn"]);
    let said = on_cpu(&["circuits", &single, "--distance", "1"])
        .ok()
        .stdout;
    assert!(
        said.contains("one layer, so no head reads another"),
        "{said}"
    );
}

#[test]
fn bfloat16_has_a_lens_too() {
    let model = root().join("tests/peers/fixtures/hf/llama_tied");
    let args = ["lens", model.to_str().unwrap(), "--text", TEXT, "--json"];
    let [exact, rounded] = [&[][..], &["--precision", "bf16"]].map(|more| {
        let found = on_cpu(&[&args[..], more].concat()).ok().json();
        found["layers"][2]["positions"][3]["top"][0]["logit"]
            .as_f64()
            .unwrap()
    });
    assert!(
        (exact - rounded).abs() < 0.2 && exact != rounded,
        "{exact}, {rounded}"
    );
}

#[test]
fn embeddings_are_listed_drawn_and_shown() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let near = on_cpu(&["embeddings", &run, "--near", " the", "--json"])
        .ok()
        .json();
    let near = near["nearest"].as_array().unwrap();
    let cosines: Vec<f64> = near
        .iter()
        .map(|one| one["cosine"].as_f64().unwrap())
        .collect();
    assert!(near.len() == 5 && cosines.is_sorted_by(|a, b| a >= b));
    assert!(cosines.iter().all(|cosine| cosine.abs() <= 1.0));
    let table = on_cpu(&["embeddings", &run]).ok().stdout;
    assert!(
        table.contains("tokens 1") && !table.contains("positions"),
        "{table}"
    );

    // GPT-2's positions are added.
    let gpt2 = root().join("tests/peers/fixtures/hf/gpt2");
    let gpt2 = gpt2.to_str().unwrap();
    let out = lab.at("embeddings");
    let files = ["--format", "npz,png,svg,html", "--out", &out];
    on_cpu(&[&["embeddings", gpt2], &files[..]].concat()).ok();
    let npz = lab.path("embeddings/embeddings.npz");
    let (shape, coordinates) = array(&npz, "token_components");
    assert_eq!(
        (shape[1], shape[0] as usize),
        (2, texts(&npz, "tokens").len())
    );
    assert_eq!(array(&npz, "position_components").0, [92, 2]);
    for name in ["embeddings", "positions"] {
        let svg = fs::read_to_string(lab.path(&format!("embeddings/{name}.svg"))).unwrap();
        assert_eq!(svg.contains("<polyline"), name == "positions");
        let png = fs::read(lab.path(&format!("embeddings/{name}.png"))).unwrap();
        assert!(png.starts_with(b"\x89PNG") && png.len() > 5000, "{name}");
    }
    let Some(browser) = Browser::start(1280, 900) else {
        return;
    };
    browser.open(&lab.path("embeddings/embeddings.html"));
    let x = browser.eval("sisun.sheets[0].value({ row: 7, column: 0 })");
    assert!((x.as_f64().unwrap() - coordinates[14]).abs() < 1e-5);
    let place = browser.eval("sisun.cellCentre(7, 0)");
    let [x, y] = ["x", "y"].map(|key| place[key].as_f64().unwrap());
    browser.point_at(x, y);
    browser.wait_for("document.querySelector('#readout strong') !== null");
    let complaints = browser.complaints();
    assert!(complaints.is_empty(), "{complaints:?}");
}

#[test]
fn a_neuron_has_passages_and_tokens() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let neuron = ["neuron", &run, "1.7"];
    let found = on_cpu(&[&neuron[..], &["--windows", "9", "--top", "3", "--json"]].concat())
        .ok()
        .json();
    let passages = found["passages"].as_array().unwrap();
    let active: Vec<f64> = passages
        .iter()
        .map(|one| one["activation"].as_f64().unwrap())
        .collect();
    assert!(
        active.len() == 3 && active.is_sorted_by(|a, b| a >= b),
        "{active:?}"
    );
    assert_eq!(found["raises"].as_array().unwrap().len(), 3);
    let told = on_cpu(&neuron).ok().stdout;
    assert!(told.contains("raises: ") && told.contains('['), "{told}");
    on_cpu(&["neuron", &run, "9.0"]).fails(2, &["there is no layer 9"]);
    on_cpu(&["neuron", &run, "0.9999"]).fails(2, &["there is no neuron 9999"]);
    on_cpu(&["neuron", &run, "seven"]).fails_by_clap(&["as in 1.2"]);
    on_cpu(&["embeddings", &run, "--near", "The cat sat"]).fails(2, &["--near", "several tokens"]);
    let gpt2 = root().join("tests/peers/fixtures/hf/gpt2");
    on_cpu(&["neuron", gpt2.to_str().unwrap(), "0.0"]).fails(1, &["give one with --data"]);
}
