//! Damaged checkpoints and paths that are not runs are refused, with a remedy.

use crate::damage::{apply, damage};
use crate::message;
use proptest::prelude::*;
use sisun_model::checkpoint::{Checkpoint, CheckpointState, WriteFile, folder_name, steps_in};
use sisun_model::{ModelError, Run};
use std::fs;
use std::io::Write;
use std::path::Path;
use tempfile::{TempDir, tempdir};

/// Placeholder for weights: a checkpoint stores arbitrary bytes.
const MODEL: [u8; 211] = [5; 211];

fn state(step: u64) -> CheckpointState {
    CheckpointState {
        step,
        tokens: step * 37,
        elapsed_s: 0.1 + 0.2,
        seed: u64::MAX,
        next_micro_step: 3 * step,
        best: Some((step - 1, 1.0 / 3.0)),
        data_sha256: "0".repeat(64),
        sources: None,
        made_with: None,
        files: Default::default(),
        base: None,
    }
}

/// Write a checkpoint with these files.
fn write(folder: &Path, step: u64, files: &[(&str, &[u8])]) -> Result<Checkpoint, ModelError> {
    let writers: Vec<_> = files
        .iter()
        .map(|&(name, bytes)| (name, move |file: &mut fs::File| file.write_all(bytes)))
        .collect();
    let files: Vec<(&str, &WriteFile<'_>)> = writers
        .iter()
        .map(|(name, write)| (*name, write as _))
        .collect();
    Checkpoint::write(folder, state(step), &files)
}

/// Create a folder with checkpoints of these steps.
fn checkpoints(steps: &[u64]) -> TempDir {
    let folder = tempdir().unwrap();
    for &step in steps {
        write(
            folder.path(),
            step,
            &[
                ("model.safetensors", &MODEL),
                ("training.safetensors", &[7; 23]),
            ],
        )
        .unwrap();
    }
    folder
}

#[test]
fn a_checkpoint_comes_back_as_it_was_written() {
    let folder = checkpoints(&[100, 200, 3]);
    assert_eq!(steps_in(folder.path()).unwrap(), [3, 100, 200]);
    let checkpoint = Checkpoint::open(&folder.path().join("step-00000200")).unwrap();
    let files = checkpoint.state.files.clone();
    assert_eq!(
        checkpoint.state,
        CheckpointState {
            files,
            ..state(200)
        }
    );
    assert_eq!(
        fs::read(checkpoint.file("training.safetensors")).unwrap(),
        [7; 23]
    );
    assert_eq!(
        fs::read(checkpoint.file("model.safetensors")).unwrap(),
        MODEL
    );
    // No other files remain, and writing the same step again replaces it.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    let again = write(folder.path(), 200, &[("training.safetensors", &[8])]).unwrap();
    let opened = Checkpoint::open(again.path()).unwrap();
    assert_eq!(opened.state.files.len(), 1);
    assert_eq!(fs::read(opened.file("training.safetensors")).unwrap(), [8]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[test]
fn what_cannot_be_written_leaves_nothing_behind() {
    let folder = checkpoints(&[100]);
    // A file cannot be created in a folder that does not exist.
    let error = write(
        folder.path(),
        200,
        &[
            ("model.safetensors", &[1]),
            ("none/training.safetensors", &[2]),
        ],
    )
    .unwrap_err();
    assert!(message(&error).starts_with("cannot write checkpoint "));
    assert_eq!(steps_in(folder.path()).unwrap(), [100]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// JSON has no NaN, and every written file must be readable.
#[test]
fn a_loss_that_is_no_number_is_no_best() {
    for loss in [f64::NAN, f64::INFINITY] {
        let folder = tempdir().unwrap();
        let state = CheckpointState {
            best: Some((20, loss)),
            ..state(20)
        };
        let written = Checkpoint::write(folder.path(), state, &[]).unwrap();
        assert_eq!(Checkpoint::open(written.path()).unwrap().state.best, None);
        // The form written by older versions.
        let file = written.path().join("state.json");
        let text = fs::read_to_string(&file)
            .unwrap()
            .replace("\"best\": null", "\"best\": [20, null]");
        assert!(text.contains("[20, null]"));
        fs::write(&file, &text).unwrap();
        fs::write(
            written.path().join("state.json.sha256"),
            format!("{}  state.json\n", sha256(&text)),
        )
        .unwrap();
        assert_eq!(Checkpoint::open(written.path()).unwrap().state.best, None);
    }
}

fn sha256(text: &str) -> String {
    let folder = tempdir().unwrap();
    let path = folder.path().join("text");
    fs::write(&path, text).unwrap();
    let state = CheckpointState {
        step: 1,
        ..state(1)
    };
    let copy: &WriteFile<'_> = &|to| std::io::copy(&mut fs::File::open(&path)?, to).map(drop);
    let sums = Checkpoint::write(folder.path(), state, &[("text", copy)]).unwrap();
    sums.state.files["text"].sha256.clone()
}

#[test]
fn the_remedy_names_no_damaged_checkpoint() {
    let folder = checkpoints(&[50, 100, 200]);
    let break_it = |step| {
        fs::write(
            folder
                .path()
                .join(folder_name(step))
                .join("model.safetensors"),
            "x",
        )
        .unwrap()
    };
    let told = || message(&Checkpoint::open(&folder.path().join(folder_name(200))).unwrap_err());
    break_it(200);
    break_it(100);
    let found = told();
    assert!(
        found.contains("damaged too")
            && found.contains("step-00000050")
            && !found.contains("step-00000100"),
        "{found}"
    );
    break_it(50);
    let found = told();
    assert!(
        found.contains("so is every older one") && !found.contains("step-00000050"),
        "{found}"
    );
}

/// Return the error of opening the checkpoint of step 200 after `damage` to one of its files.
fn damaged(steps: &[u64], name: &str, damage: impl FnOnce(&Path)) -> String {
    let folder = checkpoints(steps);
    let path = folder.path().join(folder_name(200));
    damage(&path.join(name));
    let error = Checkpoint::open(&path).unwrap_err();
    assert!(matches!(error, ModelError::Damaged { .. }), "{error}");
    let message = message(&error);
    assert!(
        message.starts_with(&format!("checkpoint {} is damaged: {name}", path.display())),
        "{message}"
    );
    message
}

#[test]
fn a_damaged_checkpoint_names_the_file_and_the_one_before() {
    let cut = |path: &Path| fs::write(path, &fs::read(path).unwrap()[..11]).unwrap();
    let flip = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        bytes[12] ^= 0x10;
        fs::write(path, bytes).unwrap();
    };
    let remove = |path: &Path| fs::remove_file(path).unwrap();
    // Every byte of the training progress counts: a seed or step off by one is as bad as a weight.
    let folder = checkpoints(&[100, 200]);
    let path = folder.path().join(folder_name(200));
    for name in ["state.json", "state.json.sha256"] {
        let before = fs::read(path.join(name)).unwrap();
        for i in 0..before.len() {
            let mut after = before.clone();
            after[i] ^= 1;
            fs::write(path.join(name), after).unwrap();
            let found = message(&Checkpoint::open(&path).unwrap_err());
            assert!(
                found.contains("state.json") && found.contains("step-00000100: "),
                "byte {i}: {found}"
            );
        }
        fs::write(path.join(name), before).unwrap();
    }
    Checkpoint::open(&path).unwrap();

    for name in ["model.safetensors", "training.safetensors", "state.json"] {
        for found in [
            damaged(&[50, 100, 200, 300], name, cut),
            damaged(&[50, 100, 200, 300], name, flip),
            damaged(&[50, 100, 200, 300], name, remove),
        ] {
            assert!(
                found.contains("the one before is ") && found.contains("step-00000100: "),
                "{found}"
            );
        }
    }
    assert!(damaged(&[200], "training.safetensors", cut).contains("has 11 bytes, expected 23"));
    assert!(
        damaged(&[200, 300], "training.safetensors", flip).contains("no older checkpoint is left")
    );

    let nowhere = tempdir().unwrap();
    let found = message(&Checkpoint::open(nowhere.path()).unwrap_err());
    assert!(
        found.contains("state.json cannot be read") && found.ends_with("restore it from a copy"),
        "{found}"
    );
}

#[test]
fn paths_that_are_no_run() {
    let folder = tempdir().unwrap();
    let (run, empty, file) = (
        folder.path().join("run"),
        folder.path().join("empty"),
        folder.path().join("file"),
    );
    fs::create_dir_all(run.join("checkpoints")).unwrap();
    fs::create_dir(&empty).unwrap();
    fs::write(&file, "x").unwrap();
    fs::write(run.join("config.toml"), "").unwrap();
    for path in [
        empty,
        file,
        folder.path().join("none"),
        run.join("checkpoints"),
        "/".into(),
        "".into(),
        "a\0b".into(),
    ] {
        let error = Run::open(&path).unwrap_err();
        assert!(
            matches!(
                error,
                ModelError::NotARun { .. } | ModelError::NoSuchRun { .. }
            ),
            "{path:?}: {error}"
        );
        message(&error);
    }

    let opened = Run::open(&run).unwrap();
    assert!(
        message(&opened.checkpoint().unwrap_err())
            .ends_with("is not a run: it has no checkpoint yet")
    );
    assert!(message(&opened.config().unwrap_err()).contains("is missing"));

    // Pointers to missing or arbitrary targets.
    write(&run.join("checkpoints"), 100, &[]).unwrap();
    write(&run.join("checkpoints"), 200, &[]).unwrap();
    for pointer in [
        &b"step-00000300"[..],
        b"step-100",
        b"\xff\xfe",
        b"a\0b",
        &[b'x'; 9999],
        b"",
        b"..",
        b"/",
    ] {
        fs::write(run.join("checkpoints/last"), pointer).unwrap();
        assert_eq!(opened.newest().unwrap().state.step, 200, "{pointer:?}");
        let named = Run::open(&run.join("checkpoints/last")).unwrap();
        assert_eq!(named.checkpoint().unwrap().state.step, 200, "{pointer:?}");
        let found = named.wrong_pointers().unwrap();
        // The best checkpoint according to these states no longer exists.
        assert!(
            found.len() == 2
                && found[0].contains("which is no checkpoint here: the newest is step-00000200"),
            "{found:?}"
        );
    }
    fs::write(run.join("checkpoints/last"), "step-00000100\n").unwrap();
    assert_eq!(opened.newest().unwrap().state.step, 100);
    assert_eq!(opened.checkpoint().unwrap().state.step, 100);
    for path in ["checkpoints/last", "checkpoints/step-00000100"] {
        let opened = Run::open(&run.join(path)).unwrap();
        assert_eq!(opened.checkpoint().unwrap().state.step, 100, "{path}");
        assert_eq!(opened.root(), run.canonicalize().unwrap());
    }
}

proptest! {
    #![proptest_config(crate::repeatable(500))]

    /// A checkpoint with a damaged file is refused, or still has its original contents.
    #[test]
    fn no_damage_goes_unnoticed(which in 0..4_usize, damage in damage()) {
        let folder = checkpoints(&[200]);
        let path = folder.path().join(folder_name(200));
        let written = Checkpoint::open(&path).unwrap().state;
        let file = path.join(["model.safetensors", "training.safetensors", "state.json", "state.json.sha256"][which]);
        let before = fs::read(&file).unwrap();
        let after = apply(damage, &before);
        fs::write(&file, &after).unwrap();
        match Checkpoint::open(&path) {
            Ok(opened) => {
                prop_assert!(after == before);
                prop_assert_eq!(opened.state, written);
            }
            Err(error) => { message(&error); }
        }
    }
}
