//! `sisun verify`: it passes for intact models and detects every kind of external damage.

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

/// Return the verdict and details of each check.
fn checks(ran: &Ran) -> BTreeMap<String, (String, String)> {
    let object: Value = ran.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let checks = object["checks"].as_array().unwrap().iter();
    checks
        .map(|check| {
            (
                text(&check["name"]),
                (text(&check["verdict"]), text(&check["found"])),
            )
        })
        .collect()
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
    // Two checkpoints are kept, ten steps apart: resuming reproduces the run's last one.
    let resuming = &checks["resuming"].1;
    assert!(
        resuming.starts_with("steps 140 to 150, stopped after 145: the same bits"),
        "{resuming}"
    );
    assert!(
        resuming.ends_with("the run's own checkpoint again, the same bits"),
        "{resuming}"
    );
    let text = sisun(&["verify", &lab.at("run"), "--quiet"]).ok().stdout;
    assert_eq!(text.lines().count(), CHECKS.len(), "{text}");
}

/// With one checkpoint, at the end of its schedule, steps are taken from the middle of the
/// schedule; dropout and gradient accumulation are resumed too.
#[test]
fn a_run_with_one_checkpoint_holds() {
    let lab = Lab::new();
    let more = [
        "--set",
        "train.checkpoint_every=40",
        "--set",
        "train.keep_checkpoints=1",
        "--set",
        "train.eval_every=40",
    ];
    lab.train("run", &more).ok();
    let checks = checks(&verify(&lab.at("run")).ok());
    let (verdict, found) = &checks["resuming"];
    assert!(
        verdict == "holds" && found.starts_with("steps 20 to 40, stopped after 30: the same bits"),
        "{found}"
    );
}

#[test]
fn a_hugging_face_directory_holds() {
    for name in ["gpt2_untied", "llama_biases", "qwen3", "neox"] {
        let dir = root().join("tests/peers/fixtures/hf").join(name);
        let checks = checks(&verify(dir.to_str().unwrap()).ok());
        for check in CHECKS {
            let expected = if ["checksums", "resuming"].contains(&check) {
                "not_checked"
            } else {
                "holds"
            };
            assert_eq!(
                checks[check].0, expected,
                "{name}, {check}: {}",
                checks[check].1
            );
        }
    }
}

#[test]
fn what_cannot_be_exported_or_read_is_left_out_with_the_reason() {
    let lab = Lab::new();
    lab.train("alibi", &["--set", "model.position=alibi"]).ok();
    fs::remove_file(lab.path("stories.txt")).unwrap();
    let checks = checks(&verify(&lab.at("alibi")).ok());
    for (name, reason) in [
        ("exported and imported", "alibi"),
        ("resuming", "stories.txt"),
        ("tokenizer round trip", "as told above"),
    ] {
        let (verdict, found) = &checks[name];
        assert!(
            verdict == "not_checked" && found.contains(reason),
            "{name}: {verdict}: {found}"
        );
    }
    assert!(
        checks["decoding with the cache"]
            .1
            .contains("random tokens")
    );
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
    // Checkpoints other than the one used for sampling are checked as well.
    for file in ["model.safetensors", "training.safetensors", "state.json"] {
        let found = broken(
            &format!("bit-{file}"),
            &format!("checkpoints/step-00000140/{file}"),
            &|mut bytes| {
                let at = bytes.len() / 2;
                bytes[at] ^= 4;
                bytes
            },
        );
        let (verdict, message) = &found["checksums"];
        assert!(
            verdict == "differs" && message.contains(file) && message.contains("step-00000140"),
            "{message}"
        );
    }
    // Without its decoder, a byte-level tokenizer returns its own alphabet instead of the text.
    let found = broken("decoder", "tokenizer.json", &|bytes| {
        let mut tokenizer: Value = serde_json::from_slice(&bytes).unwrap();
        tokenizer["decoder"] = Value::Null;
        tokenizer.to_string().into_bytes()
    });
    assert!(
        found.values().any(|(verdict, _)| verdict == "differs"),
        "{found:?}"
    );
}

/// The copies are removed before the message is read.
#[test]
fn a_run_that_diverges_is_told_by_its_own_name() {
    let lab = Lab::new();
    let more = [
        "--set",
        "train.lr_max=1e30",
        "--set",
        "train.grad_clip=0",
        "--set",
        "train.warmup_steps=0",
    ];
    let config = [
        "--set",
        "train.checkpoint_every=1",
        "--set",
        "train.eval_every=100",
    ];
    lab.train("run", &[&more[..], &config].concat())
        .fails(1, &["with a tenth of the learning rate"]);
    let listed = sisun(&["runs", &lab.at("")]).ok();
    assert!(listed.stdout.contains("diverged"), "{}", listed.stdout);
    assert!(!listed.stdout.contains("to go on"), "{}", listed.stdout);
    // Its weights are finite but so large that its logits are not: other checks may detect that.
    let found = checks(&verify(&lab.at("run")));
    let (verdict, told) = &found["resuming"];
    assert_eq!(verdict, "not_checked", "{told}");
    assert!(
        told.contains(&lab.at("run")) && told.contains("at step 2"),
        "{told}"
    );
    for (_, told) in found.values() {
        assert!(
            !told.contains("sisun-verify-")
                && !told.contains("through")
                && !told.contains("sisun train"),
            "{told}"
        );
    }
}

#[test]
fn without_a_mask_the_cache_is_not_checked() {
    let lab = Lab::new();
    lab.train("run", &["--set", "model.causal=false"]).ok();
    let found = checks(&verify(&lab.at("run")).ok());
    let (verdict, told) = &found["decoding with the cache"];
    assert!(
        verdict == "not_checked" && told.starts_with("model.causal = false: "),
        "{told}"
    );
    assert_eq!(found["captured attention"].0, "holds");
}

/// Two kinds of tokenizers whose vocabulary has no token for part of the text: not an error, and
/// reported alike.
#[test]
fn what_a_tokenizer_has_no_token_for_is_told_and_no_difference() {
    let lab = Lab::new();
    let letters: Vec<String> = "abcdefghijklmnopqrstuvwxyABCDEFGHIJKLMNOPQRSTUVWXYZ.,!?'\""
        .chars()
        .map(String::from)
        .collect();
    let words = fs::read_to_string(lab.path("stories.txt")).unwrap();
    let words: std::collections::BTreeSet<&str> = words
        .split(|c: char| !c.is_alphabetic())
        .filter(|w| w.len() > 1)
        .collect();
    let word_ids: BTreeMap<&str, usize> = ["<unk>", "<|endoftext|>"]
        .into_iter()
        .chain(words.into_iter().filter(|w| !w.contains('z')))
        .zip(0..)
        .collect();
    let pieces: Vec<Value> = ["<unk>", "<|endoftext|>", "▁"]
        .into_iter()
        .chain(letters.iter().map(String::as_str))
        .map(|piece| serde_json::json!([piece, -1.0]))
        .collect();
    let added = serde_json::json!([{
        "id": 1, "content": "<|endoftext|>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
        "special": true
    }]);
    let metaspace = serde_json::json!({ "type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": false });
    for (name, model, pre_tokenizer, decoder) in [
        (
            "unigram",
            serde_json::json!({ "type": "Unigram", "unk_id": 0, "vocab": pieces }),
            metaspace.clone(),
            metaspace,
        ),
        (
            "words",
            serde_json::json!({ "type": "WordLevel", "unk_token": "<unk>", "vocab": word_ids }),
            serde_json::json!({ "type": "Whitespace" }),
            Value::Null,
        ),
    ] {
        let json = serde_json::json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
            "pre_tokenizer": pre_tokenizer, "post_processor": null, "decoder": decoder, "model": model
        });
        let file = lab.at(&format!("{name}.json"));
        fs::write(&file, json.to_string()).unwrap();
        let tokenizer = format!("tokenizer={{kind=\"file\", path={file:?}}}");
        lab.train(
            name,
            &[
                "--set",
                &tokenizer,
                "--set",
                "train.steps=4",
                "--set",
                "train.warmup_steps=1",
            ],
        )
        .ok();
        let found = checks(&verify(&lab.at(name)).ok());
        let (verdict, told) = &found["tokenizer round trip"];
        assert!(
            verdict == "holds" && told.contains("lost as <unk>"),
            "{name}: {told}"
        );
        // Text that it has tokens for is still checked.
        let mut broken = json;
        broken["decoder"] =
            serde_json::json!({ "type": "Replace", "pattern": { "String": "e" }, "content": "3" });
        let run = lab.path(&format!("{name}-broken"));
        copy_folder(&lab.path(name), &run);
        fs::write(run.join("tokenizer.json"), broken.to_string()).unwrap();
        verify(run.to_str().unwrap()).fails(1, &["differs in"]);
    }
}

#[test]
#[cfg(unix)]
fn an_interrupt_leaves_no_copy() {
    use nix::sys::signal::{Signal, kill};
    use std::time::{Duration, Instant};
    let lab = Lab::new();
    lab.train(
        "run",
        &["--set", "train.steps=4", "--set", "train.warmup_steps=1"],
    )
    .ok();
    // Long enough to be interrupted.
    let config = fs::read_to_string(lab.path("run/config.toml")).unwrap();
    assert!(config.contains("steps = 4"), "{config}");
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let temporary = tempfile::tempdir().unwrap();
        let mut child = crate::sisun::command(&["verify", &lab.at("run"), "--quiet"]);
        let mut child = child
            .env("TMPDIR", temporary.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let left = || fs::read_dir(temporary.path()).unwrap().count();
        let began = Instant::now();
        while left() == 0 {
            assert!(
                began.elapsed() < Duration::from_secs(60) && child.try_wait().unwrap().is_none()
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        // The program registers the folder just after creating it.
        std::thread::sleep(Duration::from_millis(20));
        kill(
            nix::unistd::Pid::from_raw(child.id().try_into().unwrap()),
            signal,
        )
        .unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal}");
        assert_eq!(left(), 0, "{signal}");
    }
}

#[test]
fn what_is_no_model_is_told() {
    sisun(&["verify", "runs/none-such"]).fails(1, &["runs/none-such", "no such folder"]);
}
