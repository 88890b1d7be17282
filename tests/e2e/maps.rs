//! `sisun attend`: its files, and that other software can read them.

use crate::sisun::{Lab, peer, root, sisun};
use npyz::NpyFile;
use safetensors::SafeTensors;
use std::fs::{self, File};
use std::path::Path;
use zip::ZipArchive;

#[test]
fn maps_in_every_format_agree_and_open() {
    let lab = Lab::trained();
    let (run, out) = (lab.at("run"), lab.at("maps"));
    let text = "Mina said \"한글\" </script> 🙂\n\tand left.";
    let all = "png,svg,json,csv,npz,safetensors";
    let ran = sisun(&[
        "attend",
        &run,
        "--text",
        text,
        "--out",
        &out,
        "--format",
        all,
        "--activations",
        "pattern,scores,q,k,v,z",
        "--json",
        "--quiet",
        "--device",
        "cpu",
    ])
    .ok()
    .json();
    let labels: Vec<&str> = ran["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["text"].as_str().unwrap())
        .collect();
    assert!(
        labels.iter().any(|label| label.starts_with("<0x")),
        "{labels:?}"
    );
    let n = labels.len();

    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(lab.path("maps/attention.json")).unwrap()).unwrap();
    assert_eq!(json["text"], text);
    let bytes = fs::read(lab.path("maps/attention.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    for layer in 0..2 {
        let (shape, pattern) = array(&lab.path("maps/attention.npz"), &format!("layer{layer}"));
        assert_eq!(shape, [3, n as u64, n as u64]);
        for row in pattern.chunks_exact(n) {
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }
        let view = tensors.tensor(&format!("layer{layer}")).unwrap();
        let same: Vec<f32> = view
            .data()
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect();
        assert_eq!(pattern, same);
    }
    for file in [
        "heads.png",
        "heads.svg",
        "layer0-head0.png",
        "layer1-head2.svg",
        "attention.csv",
    ] {
        assert!(
            fs::metadata(lab.path("maps").join(file)).unwrap().len() > 500,
            "{file}"
        );
    }
    peer("attention_files_check.py", &lab.path("maps"));
    peer("tensorboard_check.py", &lab.path("run"));
}

/// Read one array of an NPZ file: shape and values.
fn array(path: &Path, name: &str) -> (Vec<u64>, Vec<f32>) {
    let mut npz = ZipArchive::new(File::open(path).unwrap()).unwrap();
    let file = NpyFile::new(npz.by_name(&format!("{name}.npy")).unwrap()).unwrap();
    (file.shape().to_vec(), file.into_vec().unwrap())
}

/// Every requested activation is in one of the files, or nothing is written.
#[test]
fn every_activation_is_written_or_refused_in_every_format() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let attend = |formats: &str, activations: &str, out: &str| {
        let at = lab.at(out);
        let options = [
            "--format",
            formats,
            "--activations",
            activations,
            "--out",
            &at,
            "--quiet",
            "--device",
            "cpu",
        ];
        sisun(&[&["attend", &run, "--text", "The cat"], &options[..]].concat())
    };
    for activation in ["pattern", "scores", "q", "k", "v", "z"] {
        for format in ["png", "svg", "json", "csv", "npz", "safetensors", "html"] {
            let written = match format {
                "png" | "svg" => ["pattern", "scores"].contains(&activation),
                "csv" => activation == "pattern",
                "html" => activation != "z",
                _ => true,
            };
            let out = format!("{activation}-{format}");
            let ran = attend(format, activation, &out);
            if written {
                assert!(ran.ok().stdout.lines().count() > 0, "{out}");
            } else {
                ran.fails(2, &["--activations", activation, format, "npz"]);
                assert!(!lab.path(&out).exists(), "{out}");
            }
        }
    }
    attend("svg,csv", "z", "none").fails(2, &["svg", "pattern"]);
    attend("csv,npz", "scores", "none").fails(2, &["csv holds only pattern"]);
    attend("png", "pattern,q", "none").fails(2, &["--activations q", "png holds pattern, scores"]);
    let unknown = attend("png", "foo", "none");
    assert!(
        unknown.code == Some(2)
            && unknown
                .stderr
                .contains("choose from pattern, scores, q, k, v, z"),
        "{unknown:?}"
    );
    attend("npz", "logits", "none")
        .fails(2, &["logits", "choose from pattern, scores, q, k, v, z"]);
    assert!(!lab.path("none").exists());
    attend("png,npz", "pattern,q", "both").ok();
}

#[test]
fn chosen_layers_and_heads_only() {
    let lab = Lab::trained();
    let (run, out) = (lab.at("run"), lab.at("some-maps"));
    let args = [
        "attend",
        &run,
        "--text",
        "The cat sat.",
        "--out",
        &out,
        "--format",
        "npz,png",
        "--layers",
        "1",
        "--heads",
        "0,2",
    ];
    sisun(&args).ok();
    let npz = ZipArchive::new(File::open(lab.path("some-maps/attention.npz")).unwrap()).unwrap();
    let names: Vec<&str> = npz.file_names().collect();
    assert!(
        names.contains(&"layer1.npy") && !names.contains(&"layer0.npy"),
        "{names:?}"
    );
    assert!(
        lab.path("some-maps/layer1-head2.png").is_file()
            && !lab.path("some-maps/layer1-head1.png").exists()
    );
}

#[test]
fn a_text_past_learned_positions_is_refused_and_past_others_told() {
    let lab = Lab::new();
    let short = ["--set", "train.steps=4"];
    lab.train(
        "learned",
        &[&short[..], &["--set", "model.position=learned"]].concat(),
    )
    .ok();
    let long = "The dog ran home. ".repeat(12);
    let attend = |run: &str| {
        sisun(&[
            "attend",
            &lab.at(run),
            "--text",
            &long,
            "--out",
            &lab.at("maps"),
            "--format",
            "npz",
        ])
    };
    attend("learned").fails(1, &["23 learned positions", "context_len"]);
    lab.train("rope", &short).ok();
    let ran = attend("rope").ok();
    assert!(ran.stderr.contains("more than the 23"), "{}", ran.stderr);
}

#[test]
fn pictures_are_drawn_as_asked() {
    let lab = Lab::trained();
    let (run, out) = (lab.at("run"), lab.at("pictures"));
    let attend = |more: &[&str]| {
        let args = [
            "attend",
            &run,
            "--text",
            "The cat sat.",
            "--out",
            &out,
            "--format",
            "svg,png",
            "--layers",
            "1",
        ];
        sisun(&[&args[..], &["--device", "cpu"], more].concat())
    };
    let font = root().join("crates/sisun-viz/assets/Pretendard-Regular.otf");
    let options = [
        "--colours",
        "cividis",
        "--values",
        "never",
        "--font-size",
        "26",
        "--font",
        font.to_str().unwrap(),
    ];
    attend(&options).ok();
    let svg = fs::read_to_string(lab.path("pictures/layer1-head0.svg")).unwrap();
    // Labels and the title in proportion, the font by its name.
    for part in [
        "font-size=\"26\"",
        "font-size=\"32\"",
        "font-family=\"&apos;Pretendard&apos;, Pretendard",
    ] {
        assert!(svg.contains(part), "no {part} in {svg}");
    }
    assert_eq!(
        svg.matches("\n0.").count(),
        4,
        "numbers beside the colour bar only: {svg}"
    );

    attend(&["--font", "Cargo.toml"])
        .fails(1, &["Cargo.toml", "no TrueType or OpenType font", ".otf"]);
    attend(&["--font", "nowhere.ttf"]).fails(1, &["nowhere.ttf"]);
    attend(&["--font-size", "1000"]).fails(2, &["--font-size 1000", "4 to 200"]);
    attend(&["--cell", "9", "--values", "always"]).fails(2, &["--cell 9", "or more"]);
    for (option, value) in [
        ("--colours", "jet"),
        ("--values", "maybe"),
        ("--font-size", "big"),
    ] {
        let ran = attend(&[option, value]);
        assert_eq!(ran.code, Some(2));
        assert!(ran.stderr.contains(value), "{}", ran.stderr);
    }
    assert!(
        attend(&["--colours", "jet"])
            .stderr
            .contains("blues, viridis, cividis, magma")
    );
}

#[test]
fn a_label_that_begins_with_a_mark_no_font_has_is_drawn() {
    let lab = Lab::trained();
    let (run, out) = (lab.at("run"), lab.at("marks"));
    // A combining mark, which forms a grapheme with the preceding character in the SVG source.
    let args = [
        "attend",
        &run,
        "--text",
        "\u{1ab0} & \u{93f}",
        "--out",
        &out,
        "--format",
        "png",
        "--device",
        "cpu",
    ];
    sisun(&args).ok();
}
