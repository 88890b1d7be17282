//! `sisun export` and importing its result.

use crate::sisun::{Lab, root, sisun};
use serde_json::Value;
use std::fs;

const CPU: [&str; 3] = ["--quiet", "--device", "cpu"];

fn run(args: &[&str]) -> crate::sisun::Ran {
    sisun(&[args, &CPU].concat())
}

/// Assert equality except for the last bits of numbers: a matrix keeps the layout of its file, so
/// sums are taken in another order.
#[track_caller]
fn assert_same(found: &Value, expected: &Value) {
    match (found, expected) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            assert!((a - b).abs() <= 1e-5, "{a} and {b}");
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len());
            a.iter().zip(b).for_each(|(a, b)| assert_same(a, b));
        }
        (Value::Object(a), Value::Object(b)) => {
            assert!(a.keys().eq(b.keys()));
            a.values()
                .zip(b.values())
                .for_each(|(a, b)| assert_same(a, b));
        }
        _ => assert_eq!(found, expected),
    }
}

#[test]
fn an_export_is_taken_wherever_a_run_is_and_says_the_same() {
    let lab = Lab::new();
    lab.train(
        "run",
        &["--set", "train.steps=20", "--set", "model.dropout=0.0"],
    )
    .ok();
    let (trained, exported) = (lab.at("run"), lab.at("exported/"));
    let told = run(&["export", &trained, "--to", &exported, "--json"])
        .ok()
        .json();
    assert_eq!(told["dtype"], "float32");
    let weights = fs::metadata(lab.path("exported/model.safetensors")).unwrap();
    assert_eq!(told["bytes"], weights.len());
    let config: Value =
        serde_json::from_slice(&fs::read(lab.path("exported/config.json")).unwrap()).unwrap();
    assert_eq!(config["architectures"][0], told["architecture"]);

    let prompt = [
        "--prompt",
        "One day",
        "--temperature",
        "0",
        "-n",
        "30",
        "--json",
    ];
    let sample = |model: &str| {
        run(&[&["sample", model], &prompt[..]].concat()).ok().json()["tokens"].clone()
    };
    assert_same(&sample(&exported), &sample(&trained));
    let maps = |model: &str, out: &str| {
        run(&[
            "attend",
            model,
            "--text",
            "One day Mina sat.",
            "--out",
            &lab.at(out),
            "--format",
            "json",
        ])
        .ok();
        let maps: Value =
            serde_json::from_slice(&fs::read(lab.path(out).join("attention.json")).unwrap())
                .unwrap();
        assert!(maps["layers"].is_array());
        maps["layers"].clone()
    };
    assert_same(&maps(&exported, "b"), &maps(&trained, "a"));

    // The output exists the second time.
    run(&["export", &trained, "--to", &exported]).fails(1, &["is there already", "--to"]);
    // Export with half the bits per number, and export the result again.
    let half = lab.at("half");
    run(&[
        "export",
        &exported,
        "--to",
        &half,
        "--dtype",
        "bfloat16",
        "--materialize-head",
    ])
    .ok();
    let (whole, half) = (
        weights.len(),
        fs::metadata(lab.path("half/model.safetensors"))
            .unwrap()
            .len(),
    );
    assert!(half < whole * 2 / 3, "{half} bytes of {whole}");
    run(&[
        "eval",
        &lab.at("half"),
        "--data",
        &lab.at("stories.txt"),
        "--windows",
        "2",
    ])
    .ok();
}

#[test]
fn what_others_cannot_compute_is_refused() {
    let lab = Lab::new();
    lab.train(
        "run",
        &["--set", "train.steps=4", "--set", "model.position=alibi"],
    )
    .ok();
    run(&["export", &lab.at("run"), "--to", &lab.at("out")]).fails(1, &["alibi", "transformers"]);
    assert!(!lab.path("out").exists());
    run(&["export", &lab.at("nothing"), "--to", &lab.at("out")]).fails(1, &["no such folder"]);
}

#[test]
fn what_was_fine_tuned_goes_out_with_what_came_along() {
    let lab = Lab::new();
    let base = lab.path("base");
    fs::create_dir(&base).unwrap();
    for entry in fs::read_dir(root().join("tests/peers/fixtures/hf/llama_tied")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, base.join(path.file_name().unwrap())).unwrap();
    }
    fs::write(
        base.join("generation_config.json"),
        r#"{"eos_token_id": [2, 17], "temperature": 0.6}"#,
    )
    .unwrap();
    fs::write(
        lab.path("text.txt"),
        "the cat saw the kite and ran home. ".repeat(100),
    )
    .unwrap();
    lab.write_config(
        "tune.toml",
        &format!(
            "[finetune]\nmodel = {base:?}\nlora = {{ rank = 3, alpha = 6.0 }}\n[data]\nsources = [{:?}]\n[train]\nsteps = 5\nbatch_size = 2\nlr_max = 0.01",
            lab.at("text.txt")
        ),
    );
    let (tuned, exported) = (lab.at("tuned"), lab.at("exported"));
    run(&["train", &lab.at("tune.toml"), "--run", &tuned]).ok();
    run(&["export", &tuned, "--to", &exported]).ok();
    for name in ["generation_config.json", "tokenizer_config.json"] {
        assert_eq!(
            fs::read(lab.path("exported").join(name)).unwrap(),
            fs::read(base.join(name)).unwrap(),
            "{name}"
        );
    }
    // The contents of all files are carried over.
    fs::write(base.join("generation_config.json"), r#"{"do_sample":true}"#).unwrap();
    fs::write(
        base.join("tokenizer_config.json"),
        r#"{"model_max_length": 92, "eos_token": "</s>"}"#,
    )
    .unwrap();
    let path = base.join("config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    config["eos_token_id"] = serde_json::json!([5, 17]);
    fs::write(&path, config.to_string()).unwrap();
    run(&[
        "train",
        &lab.at("tune.toml"),
        "--run",
        &lab.at("again"),
        "--set",
        "model.context_len=24",
    ])
    .ok();
    run(&["export", &lab.at("again"), "--to", &lab.at("out")]).ok();
    for file in ["config.json", "generation_config.json"] {
        let found: Value =
            serde_json::from_slice(&fs::read(lab.path("out").join(file)).unwrap()).unwrap();
        assert_eq!(
            found["eos_token_id"],
            serde_json::json!([5, 17, 2]),
            "{file}"
        );
    }
    let read = |file: &str| -> Value {
        serde_json::from_slice(&fs::read(lab.path("out").join(file)).unwrap()).unwrap()
    };
    assert_eq!(read("generation_config.json")["do_sample"], true);
    let tokenizer = read("tokenizer_config.json");
    assert_eq!(
        (&tokenizer["model_max_length"], &tokenizer["eos_token"]),
        (&24.into(), &"</s>".into())
    );
    // Damaged files are reported before they are copied.
    fs::write(lab.path("again/hf/generation_config.json"), "{").unwrap();
    for verb in [
        &["sample", "--prompt", "the"][..],
        &["export", "--to", &lab.at("no")],
    ] {
        let (verb, more) = (verb[0], &verb[1..]);
        run(&[&[verb, &lab.at("again")], more].concat())
            .fails(1, &["generation_config.json", "restore it"]);
    }
    let again = format!("finetune.model={}", lab.at("again"));
    run(&[
        "train",
        &lab.at("tune.toml"),
        "--run",
        &lab.at("third"),
        "--set",
        &again,
    ])
    .fails(1, &["finetune.model", "generation_config.json"]);

    let prompt = [
        "--prompt",
        "the cat",
        "--temperature",
        "0",
        "-n",
        "20",
        "--json",
    ];
    let sample = |model: &str| {
        run(&[&["sample", model], &prompt[..]].concat()).ok().json()["tokens"].clone()
    };
    assert_same(&sample(&exported), &sample(&tuned));
    assert_ne!(
        sample(&exported),
        sample(base.to_str().unwrap()),
        "nothing was learned"
    );
}

/// The next export removes the leftovers of killed exports to the same place and to another one
/// beside it, and no other files.
#[test]
fn what_killed_exports_left_goes_with_the_next() {
    let lab = Lab::trained();
    let beside = lab.path("exports");
    let left = |name: &str, files: &[&str]| {
        fs::create_dir_all(beside.join(name)).unwrap();
        files
            .iter()
            .for_each(|file| fs::write(beside.join(name).join(file), "x").unwrap());
    };
    left(
        ".out.4194304.partial",
        &["config.json", "model.safetensors"],
    );
    left(".other.4194304.partial", &[]);
    fs::write(beside.join(".other.lock"), "").unwrap();
    // Not from an export: other files, no lock, another name.
    left(".out.1.partial", &["mine.txt"]);
    left(".third.4194304.partial", &["config.json"]);
    left("out.4194304.partial", &["config.json"]);
    run(&[
        "export",
        &lab.at("run"),
        "--to",
        beside.join("out").to_str().unwrap(),
    ])
    .ok();
    let mut names: Vec<String> = fs::read_dir(&beside)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            ".out.1.partial",
            ".third.4194304.partial",
            "out",
            "out.4194304.partial"
        ]
    );
}
