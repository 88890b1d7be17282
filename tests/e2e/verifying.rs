//! `sisun verify`: that it holds for whole models, and that each thing that can be broken from outside is found.

use crate::sisun::{Lab, Ran, copy_folder, root, sisun};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

const CHECKS: [&str; 9] = [
    "checksums",
    "model opens",
    "saved and read back",
    "resuming",
    "decoding with the cache",
    "captured attention",
    "devices agree",
    "exported and imported",
    "tokenizer round trip",
];

fn verify(path: &str) -> Ran {
    sisun(&["verify", path, "--json", "--quiet"])
}

/// Each check's verdict and what it found.
fn checks(ran: &Ran) -> BTreeMap<String, (String, String)> {
    let object: Value = ran.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let checks = object["checks"].as_array().unwrap().iter();
    checks.map(|check| (text(&check["name"]), (text(&check["verdict"]), text(&check["found"])))).collect()
}

#[test]
fn a_whole_run_holds() {
    let lab = Lab::trained();
    let ran = verify(&lab.at("run")).ok();
    let checks = checks(&ran);
    assert_eq!(ran.json()["holds"], true);
    for name in CHECKS {
        assert_eq!(checks[name].0, "holds", "{name}: {}", checks[name].1);
    }
    // Two checkpoints are kept, ten steps apart: the run's own last one comes out again.
    let resuming = &checks["resuming"].1;
    assert!(resuming.starts_with("steps 140 to 150, stopped after 145: the same bits"), "{resuming}");
    assert!(resuming.ends_with("the run's own checkpoint again, the same bits"), "{resuming}");
    let text = sisun(&["verify", &lab.at("run"), "--quiet"]).ok().stdout;
    assert_eq!(text.lines().count(), CHECKS.len(), "{text}");
}

/// With one checkpoint, at the end of its schedule, steps are made from the middle of it; dropout and accumulation are
/// resumed too.
#[test]
fn a_run_with_one_checkpoint_holds() {
    let lab = Lab::new();
    let more =
        ["--set", "train.checkpoint_every=40", "--set", "train.keep_checkpoints=1", "--set", "train.eval_every=40"];
    lab.train("run", &more).ok();
    let checks = checks(&verify(&lab.at("run")).ok());
    let (verdict, found) = &checks["resuming"];
    assert!(verdict == "holds" && found.starts_with("steps 20 to 40, stopped after 30: the same bits"), "{found}");
}

#[test]
fn a_hugging_face_directory_holds() {
    for name in ["gpt2_untied", "llama_biases", "qwen3", "neox"] {
        let dir = root().join("tests/peers/fixtures/hf").join(name);
        let checks = checks(&verify(dir.to_str().unwrap()).ok());
        for check in CHECKS {
            let expected = if ["checksums", "resuming"].contains(&check) { "not_checked" } else { "holds" };
            assert_eq!(checks[check].0, expected, "{name}, {check}: {}", checks[check].1);
        }
    }
}

#[test]
fn what_cannot_be_exported_or_read_is_left_out_with_the_reason() {
    let lab = Lab::new();
    lab.train("alibi", &["--set", "model.position=alibi"]).ok();
    fs::remove_file(lab.path("stories.txt")).unwrap();
    let checks = checks(&verify(&lab.at("alibi")).ok());
    for (name, reason) in
        [("exported and imported", "alibi"), ("resuming", "stories.txt"), ("tokenizer round trip", "as told above")]
    {
        let (verdict, found) = &checks[name];
        assert!(verdict == "not_checked" && found.contains(reason), "{name}: {verdict}: {found}");
    }
    assert!(checks["decoding with the cache"].1.contains("random tokens"));
}

#[test]
fn damage_is_found() {
    let lab = Lab::trained();
    let scratch = tempfile::tempdir().unwrap();
    let broken = |name: &str, file: &str, change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let run = scratch.path().join(name);
        copy_folder(&lab.path("run"), &run);
        let path = run.join(file);
        fs::write(&path, change(fs::read(&path).unwrap())).unwrap();
        let ran = verify(run.to_str().unwrap());
        let checks = checks(&ran);
        assert_eq!(ran.json()["holds"], false);
        ran.fails(1, &["differs in"]);
        checks
    };
    // A checkpoint that is not the one that sampling takes counts as well.
    for file in ["model.safetensors", "training.safetensors", "state.json"] {
        let found = broken(&format!("bit-{file}"), &format!("checkpoints/step-00000140/{file}"), &|mut bytes| {
            let at = bytes.len() / 2;
            bytes[at] ^= 4;
            bytes
        });
        let (verdict, message) = &found["checksums"];
        assert!(verdict == "differs" && message.contains(file) && message.contains("step-00000140"), "{message}");
    }
    // Without its decoder a byte-level tokenizer gives back its own alphabet instead of the text.
    let found = broken("decoder", "tokenizer.json", &|bytes| {
        let mut tokenizer: Value = serde_json::from_slice(&bytes).unwrap();
        tokenizer["decoder"] = Value::Null;
        tokenizer.to_string().into_bytes()
    });
    assert!(found.values().any(|(verdict, _)| verdict == "differs"), "{found:?}");
}

#[test]
fn what_is_no_model_is_told() {
    sisun(&["verify", "runs/none-such"]).fails(1, &["runs/none-such", "no such folder"]);
}
