//! What files and objects say of themselves: edits, tokens as they are, the files of an earlier
//! command, and options that would change nothing.

use crate::sisun::{Lab, Ran, root, sisun};
use npyz::NpyFile;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use zip::ZipArchive;

const TEXT: &str = "The cat sat on the mat.";

fn on(run: &str, command: &str, more: &[&str]) -> Ran {
    sisun(&[&[command, run, "--device", "cpu"], more].concat())
}

/// Read an array of texts of an NPZ file; `None` if there is none of this name.
fn texts(path: &Path, name: &str) -> Option<Vec<String>> {
    let mut npz = ZipArchive::new(File::open(path).unwrap()).unwrap();
    let file = NpyFile::new(npz.by_name(&format!("{name}.npy")).ok()?).unwrap();
    Some(file.into_vec().unwrap())
}

fn object(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Return the files below a folder, with their contents.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => {
                let bytes = fs::read(&path).unwrap();
                found.insert(path, bytes);
            }
        }
    }
    found.retain(|path, _| path.file_name().unwrap() != ".sisun");
    found
}

#[test]
fn files_of_another_text_or_model_are_kept_in_a_folder_of_their_own() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let (out, folder) = (lab.at("kept maps"), lab.path("kept maps"));
    let write = |text: &str, format: &str, more: &[&str]| {
        let options = ["--text", text, "--out", &out, "--format", format];
        on(&run, "attend", &[&options[..], more].concat()).ok()
    };
    let first = write(TEXT, "json,svg", &[]);
    assert!(!first.stderr.contains("earlier"), "{}", first.stderr);
    let of_first = files(&folder);
    // The same once more, and another format of it, replace and add.
    let again = write(TEXT, "json,npz", &[]);
    assert!(!again.stderr.contains("now in"), "{}", again.stderr);
    let names = |found: &BTreeMap<PathBuf, Vec<u8>>| -> Vec<String> {
        let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        found.keys().map(name).collect()
    };
    assert!(names(&files(&folder)).contains(&"attention.npz".to_owned()));
    let of_first = [of_first, files(&folder)].into_iter().flatten().collect();
    let second = write("The dog ran.", "json", &[]);
    assert!(
        second
            .stderr
            .contains("the earlier files of \"The cat sat on the mat.\""),
        "{}",
        second.stderr
    );
    let everything = files(&folder);
    assert_eq!(
        object(&folder.join("attention.json"))["text"],
        "The dog ran."
    );
    let moved: BTreeMap<PathBuf, Vec<u8>> = everything
        .into_iter()
        .filter(|(path, _)| path.parent() != Some(&folder))
        .collect();
    assert_eq!(names(&moved), names(&of_first));
    assert!(moved.values().eq(of_first.values()), "nothing is lost");
    let place = moved.keys().next().unwrap().parent().unwrap();
    let name = place.file_name().unwrap().to_str().unwrap();
    assert!(name.ends_with("The-cat-sat-on-the-mat"), "{name}");
    // An edited model is another one, and other analyses are left alone.
    on(
        &run,
        "lens",
        &["--text", TEXT, "--out", &out, "--format", "npz"],
    )
    .ok();
    write("The dog ran.", "json", &["--edit", "z 0.0 = zero"]);
    on(
        &run,
        "lens",
        &[
            "--text", TEXT, "--out", &out, "--format", "npz", "--into", "mlp",
        ],
    )
    .ok();
    let count = |name: &str| {
        let found = files(&folder);
        found.keys().filter(|path| path.ends_with(name)).count()
    };
    assert_eq!((count("attention.json"), count("lens.npz")), (3, 2));
    // Back and forth: a folder of its own for each, and one set in front.
    write(TEXT, "json", &[]);
    assert_eq!(count("attention.json"), 4);
    write("The dog ran.", "json", &[]);
    write(TEXT, "json", &[]);
    assert_eq!(count("attention.json"), 4);
}

#[test]
fn all_that_an_edited_model_writes_names_the_edits() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let (out, folder) = (lab.at("named edits"), lab.path("named edits"));
    let written = ["z 0.1 = zero", "mlp_out 1 = scale 0.5"];
    let edits = ["--edit", written[0], "--edit", written[1]];
    let named = Value::from(written.to_vec());
    let formats = ["--format", "html,json,npz,safetensors,svg", "--layers", "0"];
    let told = on(
        &run,
        "attend",
        &[
            &["--text", TEXT, "--out", &out, "--json"],
            &formats[..],
            &edits,
        ]
        .concat(),
    );
    assert_eq!(told.ok().json()["edits"], named);
    assert_eq!(object(&folder.join("attention.json"))["edits"], named);
    assert_eq!(
        texts(&folder.join("attention.npz"), "edits").unwrap(),
        written
    );
    let bytes = fs::read(folder.join("attention.safetensors")).unwrap();
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = metadata.metadata().as_ref().unwrap();
    assert_eq!(metadata["edits"], named.to_string());
    for name in ["heads.svg", "layer0-head1.svg", "attention.html"] {
        let shown = fs::read_to_string(folder.join(name)).unwrap();
        assert!(
            shown.contains("z 0.1 = zero; mlp_out 1 = scale 0.5"),
            "{name}"
        );
    }
    let plain = on(
        &run,
        "attend",
        &["--text", TEXT, "--out", &out, "--format", "json,npz"],
    );
    plain.ok();
    assert_eq!(
        object(&folder.join("attention.json"))["edits"],
        Value::from(Vec::<String>::new())
    );
    assert!(texts(&folder.join("attention.npz"), "edits").is_none());
    let windows = ["--windows", "2", "--json"];
    let found = on(&run, "eval", &[&windows[..], &edits].concat());
    assert_eq!(found.ok().json()["edits"], named);
    let lengths = ["--lengths", "8,16", "--windows", "2", "--json"];
    let found = on(&run, "eval", &[&lengths[..], &edits].concat());
    assert_eq!(found.ok().json()["edits"], named);
    for trace in ["named.json", "named.html"] {
        let trace = lab.at(trace);
        let options = [
            "--prompt", "The", "-n", "3", "--json", "--trace", &trace, "--force",
        ];
        let found = on(&run, "sample", &[&options[..], &edits].concat());
        assert_eq!(found.ok().json()["edits"], named);
        assert!(fs::read_to_string(&trace).unwrap().contains(written[0]));
    }
}

#[test]
fn tokens_are_written_as_they_are_and_shown_with_labels() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let (out, folder) = (lab.at("plain tokens"), lab.path("plain tokens"));
    let text = "The cat  sat.\n\nThe dog";
    let joined = |tokens: &Value| -> String {
        let tokens = tokens.as_array().unwrap().iter();
        tokens
            .map(|token| token["text"].as_str().unwrap())
            .collect()
    };
    let formats = ["--format", "json,npz,csv,svg,html"];
    let given = ["--text", text, "--out", &out, "--json"];
    let found = on(&run, "attend", &[&given[..], &formats].concat())
        .ok()
        .json();
    assert_eq!(joined(&found["tokens"]), text);
    assert_eq!(
        joined(&object(&folder.join("attention.json"))["tokens"]),
        text
    );
    assert_eq!(
        texts(&folder.join("attention.npz"), "tokens")
            .unwrap()
            .concat(),
        text
    );
    let csv = fs::read_to_string(folder.join("attention.csv")).unwrap();
    assert!(!csv.contains('⏎') && !csv.contains('␣'), "{csv}");
    for name in ["heads.svg", "attention.html"] {
        assert!(
            fs::read_to_string(folder.join(name)).unwrap().contains('⏎'),
            "{name}"
        );
    }
    let read = ["--text", text, "--json"];
    for (command, more) in [
        ("lens", &[][..]),
        ("attribute", &["--answer", "\n"]),
        ("heads", &["--fast"]),
        ("explain", &[]),
    ] {
        let mut found = on(&run, command, &[&read[..], more].concat()).ok().json();
        assert_eq!(joined(&found["tokens"]), text, "{command}");
        // The words of steps are for readers.
        found["steps"].take();
        let shown = found.to_string();
        assert!(
            !shown.contains('⏎') && !shown.contains('␣'),
            "{command}: {shown}"
        );
        if command == "explain" {
            let labels = found["keys"].as_array().unwrap().iter();
            let labels: String = labels.map(|key| key["label"].as_str().unwrap()).collect();
            assert_eq!(labels, text);
        }
    }
    let trace = lab.at("plain.json");
    let options = ["--prompt", text, "-n", "2", "--trace", &trace, "--force"];
    on(&run, "sample", &options).ok();
    let trace = object(Path::new(&trace));
    let tokens = trace["tokens"].as_array().unwrap().iter();
    let tokens: String = tokens.map(|token| token.as_str().unwrap()).collect();
    assert!(tokens.starts_with(text), "{tokens:?}");
    // On the terminal they are made visible.
    assert!(
        on(&run, "explain", &["--text", text, "--query", "0"])
            .ok()
            .stdout
            .contains('⏎')
    );
}

#[test]
fn patchings_say_what_is_patched_together_and_which_answers_are_unknown() {
    let shared = root().join("tests/peers/fixtures/hf/llama_tied");
    let shared = shared.to_str().unwrap();
    let texts = [
        "--clean",
        "the cat saw the kite and ran",
        "--corrupt",
        "the kite saw the cat and ran",
        "--answer",
        " on",
        "--against",
        " the",
    ];
    let patch = |more: &[&str]| on(shared, "patch", &[&texts[..], more].concat());
    let note = "note: 3 heads share each key and value";
    assert!(
        patch(&["--to-head", "1.2", "--into", "k"])
            .ok()
            .stderr
            .contains(note)
    );
    assert!(patch(&["--at", "v"]).ok().stderr.contains(note));
    assert!(!patch(&["--at", "q"]).ok().stderr.contains(note));
    patch(&["--at", "banana"]).fails_by_clap(&[
        "\"banana\"; choose from resid_pre, q, k, v, scores, pattern, z, attn_out, resid_mid, mlp_out, resid_post",
    ]);
    let lab = Lab::trained();
    let (out, folder) = (lab.at("patched"), lab.path("patched"));
    let given = ["--format", "html,npz,svg", "--out", &out];
    patch(&[&["--to-head", "1.2", "--into", "k"], &given[..]].concat()).ok();
    let page = fs::read_to_string(folder.join("patching.html")).unwrap();
    assert!(page.contains("3 heads share") && page.contains("recovered share"));
    let npz = folder.join("patching.npz");
    assert_eq!(self::texts(&npz, "activation").unwrap(), ["z"]);
    assert_eq!(self::texts(&npz, "into").unwrap(), ["k"]);

    // A vocabulary of a few words, in which every other one is [UNK].
    let words = Lab::new();
    let vocabulary = serde_json::json!({
        "version": "1.0",
        "added_tokens": [{
            "id": 2, "content": "<|endoftext|>", "special": true, "single_word": false,
            "lstrip": false, "rstrip": false, "normalized": false,
        }],
        "pre_tokenizer": { "type": "Whitespace" },
        "model": {
            "type": "WordLevel",
            "vocab": { "a": 0, "[UNK]": 1, "<|endoftext|>": 2, "The": 3, "cat": 4, "dog": 5, "sat": 6 },
            "unk_token": "[UNK]",
        },
    });
    fs::write(words.path("words.json"), vocabulary.to_string()).unwrap();
    let file = format!(
        "tokenizer={{kind=\"file\",path={:?}}}",
        words.at("words.json")
    );
    let settings = [file.as_str(), "train.steps=1", "train.warmup_steps=0"];
    let settings: Vec<&str> = settings.iter().flat_map(|one| ["--set", one]).collect();
    words.train("words", &settings).ok();
    let run = words.at("words");
    let given = ["--text", "The", "--answer", " 한", "--against", " a"];
    let told = on(&run, "attribute", &given).ok();
    assert!(
        told.stderr.contains("note: --answer \" 한\"") && told.stderr.contains("[UNK]"),
        "{}",
        told.stderr
    );
    let unknown = [
        "--clean",
        "The cat",
        "--corrupt",
        "The dog",
        "--answer",
        " a",
        "--against",
        " 한",
        "--at",
        "z",
    ];
    let told = on(&run, "patch", &unknown).ok();
    assert!(
        told.stderr.contains("note: --against \" 한\""),
        "{}",
        told.stderr
    );
}

#[test]
fn parts_that_have_added_nothing_predict_nothing() {
    let lab = Lab::trained();
    let run = lab.at("run");
    for part in ["attn", "mlp"] {
        let given = ["--text", TEXT, "--into", part];
        let found = on(&run, "lens", &[&given[..], &["--json"]].concat())
            .ok()
            .json();
        for cell in found["layers"][0]["positions"].as_array().unwrap() {
            assert_eq!(cell["top"].as_array().unwrap().len(), 0, "{cell}");
            assert!(cell["next"].is_null(), "{cell}");
        }
        assert_eq!(
            found["layers"][1]["positions"][0]["top"]
                .as_array()
                .unwrap()
                .len(),
            5
        );
        let table = on(&run, "lens", &given).ok().stdout;
        assert!(
            !table.contains("embed") && table.contains("layer 0"),
            "{table}"
        );
    }
    let whole = on(&run, "lens", &["--text", TEXT, "--into", "embed"])
        .ok()
        .stdout;
    assert!(whole.contains("embed"), "{whole}");
}

#[test]
fn options_that_would_change_nothing_are_refused() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let refused = |command: &str, more: &[&str], option: &str| {
        on(&run, command, more).fails(2, &[option, "changes only"]);
    };
    let out = lab.at("never");
    let attribute = ["--text", TEXT, "--answer", " a", "--out", &out];
    let svg = ["--format", "svg"];
    refused(
        "attribute",
        &[&attribute[..], &svg, &["--top", "3"]].concat(),
        "--top",
    );
    refused(
        "attribute",
        &[&attribute[..], &svg, &["--query", "3"]].concat(),
        "--query",
    );
    refused(
        "attribute",
        &["--text", TEXT, "--answer", " a", "--json", "--top", "3"],
        "--top",
    );
    refused(
        "lens",
        &["--text", TEXT, "--top", "3", "--format", "npz"],
        "--top",
    );
    refused("circuits", &["--top", "3", "--json"], "--top");
    refused(
        "embeddings",
        &["--top", "3", "--format", "npz", "--out", &out],
        "--top",
    );
    assert!(!lab.path("never").exists());
    // Where they count, they are taken.
    let given = ["--format", "npz", "--query", "1"];
    on(&run, "attribute", &[&attribute[..], &given].concat()).ok();
    on(&run, "circuits", &["--head", "1.1", "--top", "3", "--json"]).ok();
    on(
        &run,
        "lens",
        &[
            "--text", TEXT, "--top", "3", "--format", "html", "--out", &out,
        ],
    )
    .ok();
}
