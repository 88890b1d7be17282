//! Written files can be read by everyone whom the umask permits.

use crate::sisun::{Lab, command, root, sisun};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

fn files(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        all.push(path.clone());
        if path.is_dir() {
            files(&path, all);
        }
    }
}

#[test]
fn the_umask_decides_who_may_read() {
    for (umask, file, folder) in [
        ("022", 0o644, 0o755),
        ("027", 0o640, 0o750),
        ("077", 0o600, 0o700),
    ] {
        let lab = Lab::new();
        let run = |args: &[&str]| {
            let program = command(args);
            let mut shell = Command::new("sh");
            shell
                .args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")])
                .arg(program.get_program())
                .args(args);
            shell
                .current_dir(root())
                .env("SISUN_CACHE_DIR", lab.path("out/cache"));
            let output = shell.output().unwrap();
            assert!(
                output.status.success(),
                "{args:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        };
        let at = |name: &str| lab.at(&format!("out/{name}"));
        fs::create_dir(lab.path("out")).unwrap();
        let (trained, maps) = (at("run"), at("maps"));
        run(&[
            "train",
            &lab.at("lab.toml"),
            "--run",
            &trained,
            "--device",
            "cpu",
            "--set",
            "train.steps=4",
        ]);
        let formats = "html,png,svg,json,csv,npz,safetensors";
        run(&[
            "attend", &trained, "--text", "One day", "--out", &maps, "--format", formats,
            "--device", "cpu",
        ]);
        run(&[
            "sample",
            &trained,
            "-n",
            "3",
            "--trace",
            &at("why.html"),
            "--device",
            "cpu",
        ]);
        run(&["export", &trained, "--to", &at("hf")]);
        let text = lab.at("stories.txt");
        run(&[
            "tokenizer",
            "train",
            "--data",
            &text,
            "--vocab-size",
            "300",
            "--out",
            &at("tokenizer.json"),
        ]);
        run(&[
            "data",
            "make",
            "task",
            "--task",
            "copy",
            "--count",
            "3",
            "--out",
            &at("copy.jsonl"),
        ]);
        let small = "--set=tracks.language.eval_tokens=64";
        let compare = [
            "compare",
            "configs/compare-ablations.toml",
            "--budget",
            "smoke",
            "--set=seeds=1",
            small,
        ];
        run(&[
            &compare[..],
            &[
                "--set=train.steps=1",
                "--set=train.warmup_steps=0",
                "--out",
                &at("report"),
            ],
        ]
        .concat());
        let mut written = Vec::new();
        files(&lab.path("out"), &mut written);
        assert!(written.len() > 60, "{} files", written.len());
        for path in written {
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(
                mode,
                if path.is_dir() { folder } else { file },
                "{mode:o} {umask} {}",
                path.display()
            );
        }
    }
}

/// Paths that cannot be examined are not treated as missing: cyclic links, files in place of
/// folders. (Disk errors and missing permissions are tested in `faults.rs`.)
#[test]
fn what_cannot_be_looked_at_is_told_as_that() {
    use std::os::unix::fs::symlink;
    let lab = Lab::new();
    lab.train("run", &["--set", "train.steps=4"]).ok();
    symlink("circle", lab.path("circle")).unwrap();
    fs::write(lab.path("file"), "text").unwrap();
    let (run, circle, below) = (lab.at("run"), lab.at("circle"), lab.at("file/below"));
    let config = lab.at("lab.toml");
    let causes = [
        (&circle, "too many levels of symbolic links"),
        (&below, "not a folder"),
    ];
    for (path, cause) in causes {
        let sources = format!("data.sources=[{path:?}]");
        let model = format!("finetune.model={path}");
        let none = lab.at("none");
        let commands: [&[&str]; 11] = [
            &["sample", path, "--prompt", "One"],
            &["eval", path],
            &["info", path],
            &["export", path, "--to", &none],
            &["verify", path],
            &["eval", &run, "--data", path],
            &["tokenizer", "encode", path, "--text", "One"],
            &["train", &config, "--run", &none, "--set", &sources],
            &[
                "train",
                "configs/finetune.toml",
                "--run",
                &none,
                "--set",
                &model,
            ],
            &["train", &config, "--run", path],
            &["cache", "--dir", path],
        ];
        for args in commands {
            let ran = sisun(args);
            assert!(matches!(ran.code, Some(1 | 2)), "{args:?}: {ran:?}");
            assert!(
                ran.stderr.contains(cause) && ran.stderr.contains(path.as_str()),
                "{args:?}: {}",
                ran.stderr
            );
            for wrong in [
                "no such",
                "does not exist",
                "did you mean",
                "is not there",
                "os error",
            ] {
                assert!(!ran.stderr.contains(wrong), "{args:?}: {}", ran.stderr);
            }
        }
    }
    // Files within an opened folder.
    for (file, args) in [
        ("run/checkpoints/best", &["eval", &run][..]),
        ("run/checkpoints/last", &["eval", &run]),
        ("run/config.toml", &["eval", &run]),
        ("run/tokenizer.json", &["eval", &run]),
        ("run/generation_config.json", &["eval", &run]),
        (
            "run/samples/step-00000004.txt",
            &["train", "--resume", &run],
        ),
    ] {
        let (path, aside) = (lab.path(file), lab.path("aside"));
        let was_there = fs::rename(&path, &aside).is_ok();
        symlink(path.file_name().unwrap(), &path).unwrap();
        let ran = sisun(args);
        assert!(
            ran.stderr.contains("too many levels of symbolic links"),
            "{file}: {ran:?}"
        );
        assert!(matches!(ran.code, Some(1 | 2)), "{file}: {ran:?}");
        fs::remove_file(&path).unwrap();
        if was_there {
            fs::rename(&aside, &path).unwrap();
        }
    }
    let gone = sisun(&["eval", &run, "--data", &lab.at("gone.txt")]);
    assert!(
        gone.code == Some(1) && !gone.stderr.contains("os error"),
        "{}",
        gone.stderr
    );
}
