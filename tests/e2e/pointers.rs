//! Git LFS pointers in place of files: one message from every reader.

use crate::sisun::{Lab, copy_folder, root, sisun};
use std::fs;
use std::path::Path;

const POINTER: &str = "version https://git-lfs.github.com/spec/v1\n\
    oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 2200119864\n";

/// Put a pointer in place of a file while `look` runs.
fn without(path: &Path, look: impl FnOnce(&str)) {
    let whole = fs::read(path).unwrap();
    fs::write(path, POINTER).unwrap();
    look(path.file_name().unwrap().to_str().unwrap());
    fs::write(path, whole).unwrap();
}

#[test]
fn a_pointer_is_told_as_what_it_is() {
    let lab = Lab::trained();
    let told = ["pointer of Git LFS", "git lfs pull"];
    let told_of = |name: &str, args: &[&str]| {
        let _ = sisun(args).fails(1, &[&told[..], &[name]].concat());
    };
    for name in ["llama_tied", "llama_untied"] {
        let fixture = root().join("tests/peers/fixtures/hf").join(name);
        let model = lab.path(&format!("pointers-{name}"));
        copy_folder(&fixture, &model);
        let files: Vec<_> = fs::read_dir(&model)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        let read = |path: &&std::path::PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.ends_with(".safetensors")
                || name.ends_with("index.json")
                || ["config.json", "tokenizer.json"].contains(&name)
        };
        let mut looked = 0;
        for path in files
            .iter()
            .filter(read)
            .filter(|path| !path.ends_with("expected.safetensors"))
        {
            without(path, |name| {
                told_of(
                    name,
                    &[
                        "sample",
                        model.to_str().unwrap(),
                        "--prompt",
                        "the cat",
                        "--quiet",
                    ],
                )
            });
            looked += 1;
        }
        assert!(looked >= 3, "{name}: {looked}");
    }

    let run = lab.path("pointers-run");
    copy_folder(&lab.path("run"), &run);
    let at = run.to_str().unwrap();
    let best = run.join("checkpoints").join(
        fs::read_to_string(run.join("checkpoints/best"))
            .unwrap()
            .trim(),
    );
    for file in ["model.safetensors", "training.safetensors", "state.json"] {
        without(&best.join(file), |name| {
            told_of(name, &["sample", at, "--prompt", "One"])
        });
    }
    without(&run.join("tokenizer.json"), |name| {
        told_of(name, &["sample", at, "--prompt", "One"])
    });
    without(&run.join("config.toml"), |name| {
        sisun(&["sample", at, "--prompt", "One"]).fails(1, &[&told[..], &[name]].concat());
    });

    let text = lab.path("pointer.txt");
    fs::write(&text, POINTER).unwrap();
    let text = text.to_str().unwrap();
    told_of("pointer.txt", &["eval", at, "--data", text]);
    told_of("pointer.txt", &["sample", at, "--prompt-file", text]);
    told_of(
        "pointer.txt",
        &[
            "tokenizer",
            "train",
            "--data",
            text,
            "--out",
            &lab.at("none.json"),
        ],
    );
    told_of(
        "pointer.txt",
        &[
            "attend",
            at,
            "--text",
            "One",
            "--font",
            text,
            "--out",
            &lab.at("none"),
        ],
    );
    // For the configuration of an experiment it is wrong usage.
    sisun(&["train", text]).fails(2, &told);
}
