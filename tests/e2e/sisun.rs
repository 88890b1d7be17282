//! Helpers to run the binary, and small experiments.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;
use tempfile::TempDir;

/// Output of a run of the binary.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }
}

impl Ran {
    /// Assert success.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Assert an exit code, a message with all of these parts, and no panic.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, parts: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        let message = self
            .stderr
            .lines()
            .skip_while(|line| !line.starts_with("sisun: "))
            .collect::<Vec<_>>()
            .join("\n");
        assert!(!message.is_empty(), "no message: {}", self.stderr);
        for part in parts {
            assert!(message.contains(part), "no {part:?} in: {message}");
        }
        self
    }

    /// Assert wrong usage that the argument parser reports with all of these parts.
    #[track_caller]
    pub(crate) fn fails_by_clap(self, parts: &[&str]) -> Self {
        assert_eq!(self.code, Some(2), "{}\n{}", self.stdout, self.stderr);
        for part in parts {
            assert!(
                self.stderr.contains(part),
                "no {part:?} in: {}",
                self.stderr
            );
        }
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// Return a command that runs the binary, on the CPU by default, with a token cache for tests.
pub(crate) fn command(args: &[&str]) -> Command {
    static CACHE: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_sisun"));
    command
        .args(args)
        .env("SISUN_CACHE_DIR", CACHE.path())
        .current_dir(root())
        .stdin(Stdio::null());
    command
}

/// Run the binary to its end.
pub(crate) fn sisun(args: &[&str]) -> Ran {
    command(args).output().unwrap().into()
}

/// Return the root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

/// Run a script of `tests/peers` that reads our output with third-party software, if `.ci/run` has
/// installed it.
pub(crate) fn peer(script: &str, folder: &Path) {
    let Some(python) = std::env::var_os("SISUN_PEERS_PYTHON") else {
        eprintln!("NOT RUN: {script} (SISUN_PEERS_PYTHON is not set; .ci/run sets it)");
        return;
    };
    let script = root().join("tests/peers").join(script);
    let output = Command::new(python)
        .arg(script)
        .arg(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
}

/// Copy a folder with its contents.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// A folder with a small experiment.
pub(crate) struct Lab {
    pub(crate) folder: TempDir,
}

impl Lab {
    /// Create a quick experiment: a two-layer model on a few stories, with dropout and gradient
    /// accumulation, so that every kind of training state is used.
    pub(crate) fn new() -> Self {
        let lab = Self {
            folder: TempDir::new().unwrap(),
        };
        let stories = fs::read_to_string(root().join("data/stories-en.txt")).unwrap();
        let end = stories[..30_000].rfind("\n\n").unwrap();
        fs::write(lab.path("stories.txt"), &stories[..end]).unwrap();
        lab.write_config("lab.toml", &config(&lab.path("stories.txt")));
        lab
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Return the path of a file as text.
    pub(crate) fn at(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write_config(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Run `sisun train lab.toml --run NAME --device cpu …`.
    pub(crate) fn train(&self, run: &str, more: &[&str]) -> Ran {
        self.train_command(run, more).output().unwrap().into()
    }

    pub(crate) fn train_command(&self, run: &str, more: &[&str]) -> Command {
        let (config, run) = (self.at("lab.toml"), self.at(run));
        let mut args = vec!["train", &config, "--run", &run];
        // A device given by the test replaces the usual one.
        if !more.contains(&"--device") {
            args.extend(["--device", "cpu"]);
        }
        args.extend(more);
        command(&args)
    }

    /// Return a run shared by many tests, trained once per test binary.
    pub(crate) fn trained() -> &'static Self {
        static LAB: LazyLock<Lab> = LazyLock::new(|| {
            let lab = Lab::new();
            lab.train(
                "run",
                &["--set", "train.steps=150", "--set", "model.dropout=0.0"],
            )
            .ok();
            lab
        });
        &LAB
    }
}

fn config(text: &Path) -> String {
    format!(
        r#"
name = "lab"
[data]
sources = [{text:?}]
documents = "paragraph"
validation_fraction = 0.2
[tokenizer]
kind = "bpe"
vocab_size = 320
[model]
d_model = 36
n_layers = 2
n_heads = 3
context_len = 23
position = "rope"
dropout = 0.1
[train]
steps = 40
batch_size = 5
gradient_accumulation_steps = 2
lr_max = 1e-2
warmup_steps = 3
eval_every = 20
eval_windows = 7
checkpoint_every = 10
keep_checkpoints = 2
log_every = 1
[sample]
prompt = "One day"
tokens = 20
every = 20
[attend]
text = "The cat sat on the mat."
"#
    )
}
