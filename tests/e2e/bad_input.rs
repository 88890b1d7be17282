//! Wrong input: clear messages, correct exit codes, no data loss.

use crate::sisun::{Lab, command, sisun};
use std::fs;
use std::path::Path;

/// Train on one file with these bytes.
fn train_on(bytes: &[u8], code: i32, parts: &[&str]) {
    let lab = Lab::new();
    fs::write(lab.path("input.txt"), bytes).unwrap();
    let sources = format!("data.sources=[{:?}]", lab.at("input.txt"));
    lab.train("run", &["--set", &sources]).fails(code, parts);
    assert!(
        !lab.path("run").exists(),
        "a run that could not start left a folder"
    );
}

/// A folder in place of a configuration is reported as such by every command.
#[test]
fn a_folder_is_no_configuration() {
    let lab = Lab::trained();
    let (run, empty) = (lab.at("run"), lab.at("no-run"));
    std::fs::create_dir_all(&empty).unwrap();
    for command in [
        &["bench", "train"][..],
        &["bench", "decode"],
        &["bench", "attend"],
        &["compare"],
        &["train"],
    ] {
        for dir in [&run, &empty] {
            let ran = sisun(&[command, &[dir]].concat()).fails(2, &[dir, "is a"]);
            assert!(
                !ran.stderr.contains("os error"),
                "{command:?}: {}",
                ran.stderr
            );
        }
        if command[0] != "train" {
            sisun(&[command, &[&run]].concat()).fails(2, &["directory", "run/config.toml"]);
        }
    }
    sisun(&["info", &empty]).fails(1, &[&empty]);
}

#[test]
fn text_that_cannot_be_used() {
    train_on(b"", 1, &["input.txt", "no text"]);
    train_on(b"abc\0def", 1, &["binary"]);
    train_on(b"good \xff\xfe bad", 1, &["UTF-8", "byte 5"]);
    train_on(b"too short", 1, &["context_len"]);
    let lab = Lab::new();
    lab.train("run", &["--set", "data.sources=[\"/nowhere/at-all.txt\"]"])
        .fails(1, &["/nowhere/at-all.txt"]);
    lab.train("run", &["--set", "model.context_len=100000"])
        .fails(1, &["context_len = 100000"]);
}

#[test]
fn settings_that_cannot_be_used() {
    let lab = Lab::new();
    for (set, parts) in [
        ("train.lr_mx=1", &["train.lr_mx", "train.lr_max"][..]),
        ("model.d_model=37", &["model.d_model = 37", "n_heads = 3"]),
        ("model.n_kv_heads=2", &["model.n_kv_heads = 2"]),
        ("model.position=rop", &["model.position", "rop"]),
        (
            "model.position={kind=\"rope\",fraction=2.0}",
            &["model.position.fraction = 2"],
        ),
        ("model.dropout=1.0", &["model.dropout = 1"]),
        ("train.steps=0", &["train.steps = 0"]),
        ("train.steps=\"many\"", &["train.steps", "many"]),
        ("train.lr_max=nan", &["train.lr_max"]),
        ("train.beta2=1.0", &["train.beta2 = 1"]),
        ("tokenizer.vocab_size=12", &["tokenizer.vocab_size = 12"]),
        ("model.vocab_size=7", &["model.vocab_size = 7", "320"]),
        ("nonsense", &["--set nonsense"]),
        ("name=\"../elsewhere\"", &["name"]),
        ("sample.prompt=\"\"", &["sample.prompt"]),
    ] {
        lab.train("run", &["--set", set]).fails(2, parts);
        assert!(!lab.path("run").exists(), "{set} left a folder");
    }
    fs::write(lab.path("broken.toml"), "name = \"x\n").unwrap();
    sisun(&["train", &lab.at("broken.toml")]).fails(2, &["broken.toml", "TOML"]);
    sisun(&["train", &lab.at("missing.toml")]).fails(2, &["missing.toml"]);
    // As PowerShell writes it.
    let utf16 = "\u{FEFF}name = \"x\"\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes);
    fs::write(lab.path("utf16.toml"), utf16.collect::<Vec<u8>>()).unwrap();
    sisun(&["train", &lab.at("utf16.toml")]).fails(
        2,
        &["utf16.toml is not UTF-8 text", "iconv -f UTF-16 -t UTF-8 "],
    );
}

#[test]
fn prompts_layers_and_heads_that_do_not_exist() {
    let lab = Lab::trained();
    let run = lab.at("run");
    sisun(&["sample", &run, "--prompt", ""]).fails(2, &["prompt is empty"]);
    sisun(&["sample", &run, "--prompt", "a", "--temperature", "-1"])
        .fails(2, &["temperature = -1"]);
    sisun(&["sample", &run, "--prompt", "a", "--top-p", "0"]).fails(2, &["top-p = 0"]);
    sisun(&["sample", &lab.at("nowhere"), "--prompt", "a"]).fails(1, &["nowhere", "sisun train"]);
    sisun(&["sample", &lab.at(""), "--prompt", "a"]).fails(1, &["config.toml"]);
    let out = lab.at("bad-maps");
    let attend = |more: &[&str]| sisun(&[&["attend", &run, "--out", &out], more].concat());
    attend(&["--text", ""]).fails(2, &["text is empty"]);
    attend(&["--text", "a", "--layers", "2"]).fails(2, &["no layer 2", "0 to 1"]);
    attend(&["--text", "a", "--heads", "0,9"]).fails(2, &["no head 9", "0 to 2"]);
    attend(&["--text", "a", "--heads", "x"]).fails(2, &["--heads", "x"]);
    attend(&["--text", "a", "--activations", "resid_pre"]).fails(2, &["resid_pre", "pattern"]);
    assert_eq!(attend(&["--text", "a", "--format", "gif"]).code, Some(2));
    assert!(!Path::new(&out).exists());
}

#[test]
fn a_character_model_names_the_characters_it_never_saw() {
    let lab = Lab::new();
    lab.train(
        "run",
        &[
            "--set",
            "tokenizer={kind=\"char\"}",
            "--set",
            "train.steps=4",
        ],
    )
    .ok();
    sisun(&["sample", &lab.at("run"), "--prompt", "One 한글 day"]).fails(1, &["한", "글"]);
    lab.train(
        "bad",
        &[
            "--set",
            "tokenizer={kind=\"char\"}",
            "--set",
            "sample.prompt=\"한\"",
        ],
    )
    .fails(1, &["sample.prompt", "한"]);
    assert!(
        !lab.path("bad").exists(),
        "what it began is in the way of the next start"
    );
}

#[test]
fn a_run_that_was_cut_off_before_its_first_checkpoint_says_so() {
    let lab = Lab::new();
    std::fs::create_dir(lab.path("run")).unwrap();
    std::fs::copy(lab.path("lab.toml"), lab.path("run/config.toml")).unwrap();
    for more in [&[][..], &["--resume"]] {
        lab.train("run", more)
            .fails(1, &["never saved", "delete it"]);
    }
}

#[test]
fn a_damaged_checkpoint_is_told_and_the_one_before_offered() {
    let lab = Lab::new();
    lab.train("run", &[]).ok();
    let model = lab.path("run/checkpoints/step-00000040/model.safetensors");
    let good = fs::read(&model).unwrap();
    fs::write(&model, &good[..good.len() / 2]).unwrap();
    let last = lab.at("run/checkpoints/last");
    sisun(&["sample", &last, "--prompt", "a"]).fails(
        1,
        &[
            "step-00000040",
            "damaged",
            "model.safetensors",
            "step-00000030",
        ],
    );
    lab.train("run", &["--resume", "--set", "train.steps=50"])
        .fails(1, &["damaged", "step-00000030"]);
    let mut altered = good.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    fs::write(&model, altered).unwrap();
    sisun(&["sample", &last, "--prompt", "a"]).fails(1, &["altered"]);
    // As the message suggests: without the damaged checkpoint, the run resumes from the previous
    // one.
    fs::remove_dir_all(model.parent().unwrap()).unwrap();
    let ran = lab
        .train("run", &["--resume", "--set", "train.steps=50"])
        .ok();
    assert!(ran.stderr.contains("from step 30"), "{}", ran.stderr);
}

#[test]
fn a_vocabulary_that_does_not_match_is_told() {
    let lab = Lab::new();
    lab.train("run", &["--set", "train.steps=4"]).ok();
    let train = [
        "tokenizer",
        "train",
        "--data",
        &lab.at("stories.txt"),
        "--vocab-size",
        "400",
        "--force",
        "--out",
    ];
    sisun(&[&train[..], &[&lab.at("run/tokenizer.json")]].concat()).ok();
    sisun(&["sample", &lab.at("run"), "--prompt", "a"]).fails(1, &["tokenizer.json was altered"]);
}

#[test]
fn a_loss_that_is_no_number_stops_the_run() {
    let lab = Lab::new();
    lab.train(
        "run",
        &["--set", "train.lr_max=1e38", "--set", "train.grad_clip=0.0"],
    )
    .fails(
        1,
        &[
            "loss became",
            "at step",
            "learning rate",
            "checkpoints/step-",
            "train.lr_max",
        ],
    );
    // Earlier checkpoints are intact.
    sisun(&["sample", &lab.at("run"), "--prompt", "a", "-n", "3"]).ok();
}

#[cfg(unix)]
#[test]
fn a_full_disk_loses_nothing() {
    let lab = Lab::new();
    lab.train("run", &["--set", "train.steps=20"]).ok();
    // A limit on file size has the effect of a full disk: the write fails. 40 blocks of 512 or 1024
    // bytes are less than a checkpoint's weights. This first run fills the token cache, so that the
    // checkpoint is the first file that is too large.
    lab.train("run", &["--resume", "--set", "train.steps=21"])
        .ok();
    let train = lab.train_command("run", &["--resume"]);
    let mut shell = std::process::Command::new("sh");
    shell
        .args(["-c", "trap '' XFSZ; ulimit -f 40; exec \"$0\" \"$@\""])
        .arg(train.get_program())
        .args(train.get_args());
    for (key, value) in train.get_envs() {
        shell.env(key, value.unwrap());
    }
    let ran = crate::sisun::Ran::from(shell.output().unwrap());
    ran.fails(1, &["cannot write checkpoint", "step-000000"]);
    assert!(
        !fs::read_dir(lab.path("run/checkpoints")).unwrap().any(|e| {
            e.unwrap()
                .file_name()
                .to_string_lossy()
                .ends_with(".partial")
        })
    );
    lab.train("run", &["--resume"]).ok();
    assert!(lab.path("run/checkpoints/step-00000040").is_dir());
}

#[test]
fn readers_that_leave_early_are_no_error() {
    let lab = Lab::trained();
    let mut child = command(&[
        "sample",
        &lab.at("run"),
        "--prompt",
        "One day",
        "-n",
        "200",
        "--quiet",
    ])
    .stdout(std::process::Stdio::piped())
    .stderr(std::process::Stdio::piped())
    .spawn()
    .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}
