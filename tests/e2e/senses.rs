//! `sisun senses`: the same word in several texts.

use crate::browser::Browser;
use crate::sisun::{Lab, Ran, root, sisun};
use npyz::NpyFile;
use serde_json::Value;
use std::fs::{self, File};
use std::path::Path;
use tempfile::TempDir;
use zip::ZipArchive;

fn senses(args: &[&str]) -> Ran {
    sisun(&[&["senses"], args, &["--device", "cpu"]].concat())
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

/// Read a float32 array of an NPZ file.
fn floats(path: &Path, name: &str) -> (Vec<u64>, Vec<f32>) {
    let mut npz = ZipArchive::new(File::open(path).unwrap()).unwrap();
    let file = NpyFile::new(npz.by_name(&format!("{name}.npy")).unwrap()).unwrap();
    (file.shape().to_vec(), file.into_vec().unwrap())
}

#[test]
fn what_comes_after_a_word_cannot_reach_it_through_a_causal_mask() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let texts = [
        "--text",
        "the cat sat on",
        "--text",
        "the cat ran to",
        "--text",
        "She saw the cat",
    ];
    let asked = [&[&run[..], "--word", "cat"], &texts[..]].concat();
    let table = senses(&asked).ok().stdout;
    assert!(
        table.contains("1 – 2: no token differs up to the end of the word"),
        "{table}"
    );
    assert!(
        table.contains("causal mask hides what comes after"),
        "{table}"
    );
    let last = table
        .lines()
        .find(|line| line.starts_with("layer 1"))
        .unwrap();
    let cells: Vec<&str> = last.split_whitespace().collect();
    assert_eq!(cells[2], "same", "{table}");
    assert!(cells[3].parse::<f64>().unwrap() > 1e-4, "{table}");

    let found = senses(&[&asked[..], &["--json"]].concat()).ok().json();
    assert_eq!(found["same"], serde_json::json!([[0, 1]]));
    assert_eq!(found["rows"].as_array().unwrap().len(), 3);
    for row in found["rows"].as_array().unwrap() {
        let distances = numbers(&row["distances"]);
        // The vectors are the same to the last bits, and the note above is right.
        assert!(distances[1].abs() < 1e-6, "{row}");
        assert_eq!(distances[2], distances[6]);
    }
    let place = &found["places"][2];
    let tokens = found["texts"][2]["tokens"].as_array().unwrap();
    let covered = place["tokens"].as_array().unwrap().iter();
    let word: String = covered
        .map(|at| {
            tokens[at.as_u64().unwrap() as usize]["text"]
                .as_str()
                .unwrap()
        })
        .collect();
    assert!(word.contains("cat"), "{word}");
    let moved: Vec<f64> = found["heads"]
        .as_array()
        .unwrap()
        .iter()
        .map(|head| number(&head["moved"]))
        .collect();
    assert!(moved.len() == 6 && moved.is_sorted_by(|a, b| a >= b) && moved[0] > 0.0);

    // One text alone separates nothing.
    let same = [
        &run,
        "--word",
        "cat",
        "--text",
        "the cat sat",
        "--text",
        "the cat ran",
    ];
    let told = senses(&same).ok().stdout;
    assert!(
        told.contains("the vectors do not separate in any layer"),
        "{told}"
    );
}

#[test]
fn vectors_are_those_of_the_stream() {
    let lab = Lab::trained();
    let model = root().join("tests/peers/fixtures/hf/gpt2");
    let model = model.to_str().unwrap();
    let out = lab.at("senses-gpt2");
    let texts = [
        "--text",
        "the cat saw the kite",
        "--text",
        "a cat </script><b>ran</b>",
    ];
    let files = ["--format", "npz,png,svg,html", "--out", &out];
    senses(&[&[model, "--word", "cat"], &texts[..], &files].concat()).ok();
    let npz = lab.path("senses-gpt2/senses.npz");
    let (shape, vectors) = floats(&npz, "vectors");
    let found = senses(&[&[model, "--word", "cat"], &texts[..], &["--json"]].concat())
        .ok()
        .json();
    let [rows, places, d] = shape[..] else {
        panic!("{shape:?}")
    };
    assert_eq!(
        (rows as usize, places),
        (found["rows"].as_array().unwrap().len(), 2)
    );
    let d = d as usize;
    for (row, of_row) in vectors.chunks_exact(2 * d).enumerate() {
        let (a, b) = of_row.split_at(d);
        let dot = |a: &[f32], b: &[f32]| -> f64 {
            a.iter()
                .zip(b)
                .map(|(&a, &b)| f64::from(a) * f64::from(b))
                .sum()
        };
        let distance = 1.0 - dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
        let told = &found["rows"][row];
        assert!((number(&told["mean"]) - distance).abs() < 1e-6, "{told}");
        // Two points lie on a line through their middle, half their distance from it.
        let half = a
            .iter()
            .zip(b)
            .map(|(a, b)| f64::from(a - b).powi(2))
            .sum::<f64>()
            .sqrt()
            / 2.0;
        let plane = numbers(&told["plane"]);
        assert!((plane[0].abs() - half).abs() < 1e-3 * half.max(1.0) && plane[1].abs() < 1e-3);
    }
    for name in ["senses-distance", "senses-heads", "senses-planes"] {
        let svg = fs::read_to_string(lab.path(&format!("senses-gpt2/{name}.svg"))).unwrap();
        assert!(svg.starts_with("<svg") && !svg.contains("<b>"), "{name}");
        let png = fs::read(lab.path(&format!("senses-gpt2/{name}.png"))).unwrap();
        assert!(png.starts_with(b"\x89PNG") && png.len() > 3000, "{name}");
    }
    let Some(browser) = Browser::start(1280, 900) else {
        return;
    };
    browser.open(&lab.path("senses-gpt2/senses.html"));
    browser.wait_for("document.querySelectorAll('#sheets [role=tab]').length === 3");
    browser.click("#sheets button:nth-child(3)");
    browser.wait_for("location.hash.includes('sheet=2')");
    let at = browser.eval("sisun.cellCentre(1, 0)");
    browser.point_at(at["x"].as_f64().unwrap(), at["y"].as_f64().unwrap());
    browser.wait_for(
        "document.querySelector('#readout strong')?.textContent.includes('</script>') === true",
    );
    browser.choose("#language", "ko");
    browser.wait_for("document.querySelector('#story').textContent.includes('주성분')");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn occurrences_are_all_taken_or_one_is_chosen() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let twice = [&run[..], "--word", "the", "--text", "the cat saw the kite"];
    let found = senses(&[&twice[..], &["--json"]].concat()).ok().json();
    let places = found["places"].as_array().unwrap();
    let chosen: Vec<u64> = places
        .iter()
        .map(|one| one["occurrence"].as_u64().unwrap())
        .collect();
    assert_eq!(chosen, [1, 2]);
    let one = senses(&[&twice[..], &["--occurrence", "2"]].concat());
    one.fails(2, &["occurs once in all", "two places are compared"]);
    let third = senses(&[&twice[..], &["--occurrence", "3"]].concat());
    third.fails(2, &["--occurrence", "2 times", "occurrence 3"]);
    senses(&[&twice[..], &["--occurrence", "0"]].concat()).fails_by_clap(&["--occurrence"]);
}

#[test]
fn what_senses_cannot_take_is_refused() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let asked = |word: &str, texts: &[&str]| {
        let mut args = vec![&run[..], "--word", word];
        for &text in texts {
            args.extend(["--text", text]);
        }
        senses(&args)
    };
    asked("dog", &["the dog sat", "the cat sat"])
        .fails(2, &["\"dog\" is not in text 2", "the cat sat"]);
    asked("cat", &["the cat sat"]).fails(2, &["two places are compared", "another text"]);
    asked(" ", &["a b", "c d"]).fails(2, &["the word is empty"]);
    asked("cat", &["the cat", ""]).fails(2, &["the text is empty"]);
    senses(&[&run, "--word", "cat"]).fails_by_clap(&["--text"]);
    senses(&[&run, "--text", "the cat"]).fails_by_clap(&["--word"]);
    let many = "the cat ".repeat(70);
    asked("cat", &[&many]).fails(2, &["occurs 70 times", "64 places"]);
    let files = [
        &run, "--word", "cat", "--text", "a cat", "--text", "cat", "--out", "x",
    ];
    senses(&files).fails(2, &["--out is about files"]);
    let gpt2 = root().join("tests/peers/fixtures/hf/gpt2");
    let long = "cat word ".repeat(60);
    senses(&[gpt2.to_str().unwrap(), "--word", "cat", "--text", &long]).fails(1, &["92"]);
}

/// A folder with pairs in which 배 is a stomach, a boat or a pear.
fn translated(seq2seq: &str, run: &str, folder: &TempDir) -> String {
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let pairs = at("pairs.jsonl");
    sisun(&[
        "data",
        "make",
        "pairs",
        "--task",
        "translation",
        "--language",
        "ko",
        "--count",
        "2000",
        "--out",
        &pairs,
    ])
    .ok();
    let config = format!(
        "name = 'senses'\n[pairs]\nsources = [{pairs:?}]\n[source_tokenizer]\nkind = 'char'\n[target_tokenizer]\nkind = 'bpe'\nvocab_size = 300\n\
         [seq2seq]\n{seq2seq}\n[train]\nsteps = 10\nbatch_size = 16\nlr_max = 1e-3\n"
    );
    let path = at("senses.toml");
    fs::write(&path, config).unwrap();
    sisun(&["train", &path, "--run", &at(run), "--device", "cpu"]).ok();
    at(run)
}

#[test]
fn the_encoder_of_a_sequence_to_sequence_run_sees_both_sides() {
    let folder = TempDir::new().unwrap();
    let transformer =
        "kind = 'transformer'\nd_model = 32\nn_layers = 2\nn_heads = 2\nposition = 'sinusoidal'";
    let run = translated(transformer, "run", &folder);
    let texts = [
        "--text",
        "민수는 어제 배를 탔다.",
        "--text",
        "민수는 어제 배를 먹었다.",
    ];
    let asked = [&[&run[..], "--word", "배"], &texts[..]].concat();
    let found = senses(&[&asked[..], &["--json"]].concat()).ok().json();
    assert_eq!(
        (&found["causal"], &found["same"]),
        (&Value::from(false), &serde_json::json!([]))
    );
    // The same characters at the same position: equal before any layer, and no longer after the first.
    let means: Vec<f64> = found["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| number(&row["mean"]))
        .collect();
    assert!(means[0].abs() < 1e-6 && means[1] > 1e-6, "{means:?}");
    let table = senses(&asked).ok().stdout;
    assert!(table.contains("Every token sees the whole text"), "{table}");
    let out = folder.path().join("maps");
    let out = out.to_str().unwrap();
    senses(&[&asked[..], &["--format", "html", "--out", out]].concat()).ok();
    let page = fs::read_to_string(folder.path().join("maps/senses.html")).unwrap();
    assert!(page.contains("lang=\"ko\"") && page.contains("모든 토큰이 앞뒤의 글 전체를 보므로"));

    let both = sisun(&["positions", &run, "--json", "--device", "cpu"])
        .ok()
        .json();
    let parts: Vec<&str> = both["stacks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stack| stack["part"].as_str().unwrap())
        .collect();
    assert_eq!(parts, ["encoder", "decoder"]);
    sisun(&[
        "positions",
        &run,
        "--format",
        "svg,html",
        "--out",
        out,
        "--device",
        "cpu",
    ])
    .ok();
    assert!(
        folder
            .path()
            .join("maps/decoder-position-cosine.svg")
            .is_file()
    );

    let unknown = senses(&[&run, "--word", "배", "--text", "배 漢", "--text", "배"]);
    unknown.fails(1, &["漢"]);
    let recurrent =
        "kind = 'recurrent'\nencoder = 'gru'\ncontext = 'additive'\nd_embed = 8\nd_hidden = 16";
    let run = translated(recurrent, "recurrent", &folder);
    senses(&[&[&run[..], "--word", "배"], &texts[..]].concat())
        .fails(2, &["recurrent", "transformer"]);
    let told = sisun(&["positions", &run, "--device", "cpu"]).ok().stdout;
    assert!(told.contains("the model is recurrent"), "{told}");
}
