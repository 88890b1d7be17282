//! Whatever is written can be read by those whom the umask lets read.

use crate::sisun::{Lab, command, root};
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
    for (umask, file, folder) in [("022", 0o644, 0o755), ("027", 0o640, 0o750), ("077", 0o600, 0o700)] {
        let lab = Lab::new();
        let run = |args: &[&str]| {
            let program = command(args);
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")]).arg(program.get_program()).args(args);
            shell.current_dir(root()).env("SISUN_CACHE_DIR", lab.path("out/cache"));
            let output = shell.output().unwrap();
            assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        };
        let at = |name: &str| lab.at(&format!("out/{name}"));
        fs::create_dir(lab.path("out")).unwrap();
        let (trained, maps) = (at("run"), at("maps"));
        run(&["train", &lab.at("lab.toml"), "--run", &trained, "--device", "cpu", "--set", "train.steps=4"]);
        let formats = "html,png,svg,json,csv,npz,safetensors";
        run(&["attend", &trained, "--text", "One day", "--out", &maps, "--format", formats, "--device", "cpu"]);
        run(&["sample", &trained, "-n", "3", "--trace", &at("why.html"), "--device", "cpu"]);
        run(&["export", &trained, "--to", &at("hf")]);
        let text = lab.at("stories.txt");
        run(&["tokenizer", "train", "--data", &text, "--vocab-size", "300", "--out", &at("tokenizer.json")]);
        run(&["data", "make", "task", "--task", "copy", "--count", "3", "--out", &at("copy.jsonl")]);
        let small = "--set=tracks.language.eval_tokens=64";
        let compare = ["compare", "configs/compare-ablations.toml", "--budget", "smoke", "--set=seeds=1", small];
        run(&[&compare[..], &["--set=train.steps=1", "--set=train.warmup_steps=0", "--out", &at("report")]].concat());
        let mut written = Vec::new();
        files(&lab.path("out"), &mut written);
        assert!(written.len() > 60, "{} files", written.len());
        for path in written {
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, if path.is_dir() { folder } else { file }, "{mode:o} {umask} {}", path.display());
        }
    }
}
