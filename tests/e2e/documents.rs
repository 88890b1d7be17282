//! Every command in the README, the guide, the help and the configurations is run as written, in
//! order, in a copy of the files it refers to. Commands added there are run automatically.

use crate::sisun::{copy_folder, root, sisun};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Arguments added to commands by prefix, so that minutes become a second: the duration of a test
/// is not documented.
const SHORTER: [(&str, &str); 22] = [
    ("sisun init --demo", "--force"),
    ("sisun init 'novels", "--force"),
    ("sisun init", "--out written.toml --force --minutes 0.1"),
    (
        "sisun train configs/finetune.toml",
        "--set model.context_len=16 --set finetune.lora.rank=2 --set train.steps=2 --set train.warmup_steps=1 --set sample.tokens=3",
    ),
    ("sisun train my.toml --resume", "--set train.steps=4"),
    (
        "sisun train configs/quickstart.toml --resume",
        "--set train.steps=4 --set train.warmup_steps=1 --set train.eval_windows=2",
    ),
    (
        "sisun train --resume runs/rope --set train.steps=2000",
        "--set train.steps=6 --set train.warmup_steps=1",
    ),
    (
        "sisun train --resume",
        "--set train.steps=4 --set train.warmup_steps=1",
    ),
    (
        "sisun train",
        "--set train.steps=2 --set train.warmup_steps=1 --set train.eval_windows=2",
    ),
    ("sisun compare merge", ""),
    ("sisun compare", "--set seeds=1"),
    (
        "sisun bench",
        "--steps 1 --warmup 0 --set train.batch_size=1 --set model.context_len=32 --set model.n_layers=1",
    ),
    // Models that are hardly trained may write nothing.
    ("sisun attend runs/numbers-gru", "--target 35207"),
    ("sisun attend runs/romanization-gru", "--target dongnimmun"),
    ("sisun attend runs/reverse-gru-dot", "--target egabbacdedaf"),
    (
        "sisun attend runs/translation-transformer",
        "--target 'Minsu rode a boat yesterday.'",
    ),
    ("sisun attend runs/dates-gru --text", "--target 1997-03-05"),
    ("sisun explain runs/dates-gru", "--target 1997-03-05"),
    ("sisun heads runs/quickstart --checkpoints", ""),
    ("sisun heads runs/circuit --checkpoints", ""),
    ("sisun heads", "--windows 2"),
    ("sisun eval", ""),
];

/// Replacements of placeholders and of work that would take an hour.
const INSTEAD: [(&str, &str); 6] = [
    ("cargo run --release --", "sisun"),
    ("--budget overnight", "--budget smoke"),
    (
        "--budget tuned",
        "--budget smoke --set 'sweep={\"train.lr_max\"=[1e-3,2e-3]}'",
    ),
    // The model of the fixtures has two layers.
    ("--layers 21 --heads 0", "--layers 1 --heads 0"),
    ("model.context_len=512", "model.context_len=32"),
    ("--count 40000", "--count 400"),
];

/// Lines of the README's code blocks about the repository itself, including this test.
const NOT_OURS: [&str; 1] = ["cargo test --release --workspace"];

#[test]
fn every_command_that_is_shown_works() {
    let began = Instant::now();
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::new(folder.path());
    let mut shown = BTreeSet::new();
    for line in documents() {
        let line = INSTEAD
            .iter()
            .fold(line, |line, (theirs, ours)| line.replace(theirs, ours));
        desk.before(&line);
        let run = shortened(&line);
        if shown.insert(run.clone()) {
            desk.run(&run);
        }
    }
    assert!(shown.len() > 85, "only {} commands were found", shown.len());
    eprintln!(
        "{} commands in {:.0} s",
        shown.len(),
        began.elapsed().as_secs_f64()
    );
}

/// Return the commands of the README in both languages, then of the guide, of all help, and of the configurations.
fn documents() -> Vec<String> {
    let mut all = commands(&root().join("README.md"));
    all.extend(commands(&root().join(".github/README.ko.md")));
    let guide = root().join("crates/sisun/guide");
    for chapter in sorted_files(&guide) {
        all.extend(commands(&chapter));
    }
    gather_help(&mut Vec::new(), &mut all);
    for config in sorted_files(&root().join("configs")) {
        let text = fs::read_to_string(config).unwrap();
        let lines = text
            .lines()
            .filter_map(|line| line.strip_prefix("#   "))
            .map(without_comment);
        all.extend(lines.filter(|line| is_ours(line)));
    }
    all
}

fn sorted_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Return the commands in the blocks of shell of a document.
fn commands(document: &Path) -> Vec<String> {
    let mut all = Vec::new();
    let text = fs::read_to_string(document).unwrap();
    for (i, block) in text.split("```").enumerate().filter(|(i, _)| i % 2 == 1) {
        let Some(block) = block.strip_prefix("sh\n") else {
            continue;
        };
        let lines: Vec<String> = block
            .lines()
            .map(without_comment)
            .filter(|line| !line.is_empty())
            .collect();
        let ours = lines
            .into_iter()
            .filter(|line| !NOT_OURS.contains(&line.as_str()));
        all.extend(ours.inspect(|line| {
            assert!(
                is_ours(line),
                "block {i} of {} has {line:?}, which is not tried",
                document.display()
            )
        }));
    }
    all
}

fn is_ours(line: &str) -> bool {
    line.starts_with("sisun ")
        || line.starts_with("cargo run --release -- ")
        || line.contains("| sisun ")
}

/// Remove `   # why` and `   (why)`.
fn without_comment(line: &str) -> String {
    let end = ["  #", " # ", "  ("]
        .iter()
        .filter_map(|mark| line.find(mark))
        .min()
        .unwrap_or(line.len());
    line[..end].trim().to_owned()
}

/// Collect the lines of `Examples:` (and of `A first run:`) in the help of every command.
fn gather_help(at: &mut Vec<String>, all: &mut Vec<String>) {
    let mut args: Vec<&str> = at.iter().map(String::as_str).collect();
    args.push("--help");
    let help = sisun(&args).ok().stdout;
    let mut lines = help.lines().peekable();
    while let Some(line) = lines.next() {
        if line != "Examples:" && line != "A first run:" {
            continue;
        }
        while let Some(example) = lines.next_if(|line| line.starts_with("  ")) {
            let example = example.trim();
            match all.last_mut() {
                // A long line is wrapped.
                Some(before) if !is_ours(example) => *before = format!("{before} {example}"),
                _ => all.push(example.to_owned()),
            }
        }
    }
    // The program groups its commands under several headings.
    let commands = help
        .lines()
        .skip_while(|line| *line != "Commands:" && *line != "Train:")
        .take_while(|line| *line != "Options:");
    for command in commands.filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
        let name = command.split_whitespace().next().unwrap();
        // Arguments are in brackets.
        if name != "help" && name.starts_with(char::is_alphabetic) {
            at.push(name.to_owned());
            gather_help(at, all);
            at.pop();
        }
    }
}

fn shortened(line: &str) -> String {
    let line = match line {
        _ if line.starts_with("sisun compare c") && !line.contains("--budget") => {
            format!("{line} --budget smoke")
        }
        _ => line.to_owned(),
    };
    // Ignore the program that reads the output.
    let line = line.split(" | jq ").next().unwrap_or_default().to_owned();
    let more = SHORTER
        .iter()
        .find(|(beginning, _)| line.starts_with(beginning))
        .map_or("", |(_, more)| *more);
    let (command, into) = line
        .split_once(" > ")
        .map_or((line.as_str(), None), |(c, into)| (c, Some(into)));
    let into = into.map_or(String::new(), |into| format!(" > {into}"));
    // The shorter value takes the place of the one that is shown, as a key is set once only.
    let is_replaced = |set: &str| {
        let key = set.split('=').next().unwrap_or_default();
        more.contains(&format!("--set {key}="))
    };
    let (command, sets) = command.split_once(" --set ").unwrap_or((command, ""));
    let kept: String = sets
        .split(" --set ")
        .filter(|set| !set.is_empty() && !is_replaced(set))
        .map(|set| format!(" --set {set}"))
        .collect();
    format!("{}{kept} {more}{into}", command.trim())
        .replace("  ", " ")
        .trim()
        .to_owned()
}

/// A folder with the files of a checkout and those that the documents assume.
struct Desk {
    folder: PathBuf,
}

impl Desk {
    fn new(folder: &Path) -> Self {
        let desk = Self {
            folder: folder.to_owned(),
        };
        for part in ["configs", "data"] {
            copy_folder(&root().join(part), &desk.folder.join(part));
        }
        let models = root().join("tests/peers/fixtures/hf");
        copy_folder(&models.join("gpt2"), &desk.folder.join("models/gpt2"));
        copy_folder(
            &models.join("llama_tied"),
            &desk.folder.join("home/models/TinyLlama-1.1B-Chat-v1.0"),
        );
        let stories = fs::read_to_string(root().join("data/stories-en.txt")).unwrap();
        fs::write(
            desk.folder.join("novel.txt"),
            &stories[..stories[..40_000].rfind("\n\n").unwrap()],
        )
        .unwrap();
        let text = &stories[..stories[..20_000].rfind("\n\n").unwrap()];
        fs::write(desk.folder.join("my.txt"), text).unwrap();
        fs::create_dir(desk.folder.join("novels")).unwrap();
        fs::write(desk.folder.join("novels/one.txt"), text).unwrap();
        let reviews: String = (0..300)
            .map(|i| format!("{{\"text\": \"Review {i} is short.\"}}\n"))
            .collect();
        fs::write(desk.folder.join("reviews.jsonl"), reviews).unwrap();
        for (file, line) in [
            ("held-out.ko", "1997년 3월 5일\n"),
            ("held-out.en", "1997-03-05\n"),
        ] {
            fs::write(desk.folder.join(file), line.repeat(3)).unwrap();
        }
        let font = root().join("crates/sisun-viz/assets/Pretendard-Regular.otf");
        fs::copy(font, desk.folder.join("NanumMyeongjo.ttf")).unwrap();
        fs::create_dir(desk.folder.join("bin")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_sisun"), desk.folder.join("bin/sisun"))
            .unwrap();
        let my = fs::read_to_string(root().join("configs/quickstart.toml"))
            .unwrap()
            .replace("quickstart", "my");
        let my = my
            .replace("d_model = 128", "d_model = 32")
            .replace("warmup_steps = 10", "warmup_steps = 1");
        fs::write(
            desk.folder.join("my.toml"),
            my.replace("steps = 900", "steps = 2"),
        )
        .unwrap();
        desk
    }

    /// Perform the steps that the documents assume before a command.
    fn before(&self, line: &str) {
        let tiny = "--set model.d_model=32 --set train.steps=2 --set train.warmup_steps=1 --set train.eval_windows=2";
        let missing = |path: &str| line.contains(path) && !self.folder.join(path).exists();
        if line.starts_with("sisun train") {
            if line.contains("my.toml --resume") {
                self.run("sisun train my.toml");
            }
            return;
        }
        for run in ["runs/rope", "runs/alibi", "runs/quickstart-ko"] {
            if missing(run) {
                let language = if run.ends_with("-ko") {
                    "quickstart-ko"
                } else {
                    "quickstart"
                };
                self.run(&format!(
                    "sisun train configs/{language}.toml --run {run} {tiny}"
                ));
            }
        }
        // Parts from other machines, in the command that joins them.
        if line.starts_with("sisun compare merge") {
            for (part, shard) in [
                ("part2", "2/3"),
                ("part3", "3/3"),
                ("reports/second", "2/2"),
            ] {
                if missing(part) {
                    let positions =
                        "sisun compare configs/compare-positions.toml --budget smoke --set seeds=1";
                    self.run(&format!("{positions} --shard {shard} --out {part}"));
                }
            }
        }
    }

    fn run(&self, line: &str) {
        // A reader would choose another output if it exists already.
        if line.contains(" --to ") {
            let _ = fs::remove_dir_all(self.folder.join(after(line, "--to").unwrap()));
        }
        if line.starts_with("sisun train") && !line.contains("--resume") {
            let named = line.split(" --set name=").nth(1);
            let named = named.and_then(|rest| rest.split(' ').next());
            let named = named.map(|name| format!("runs/{name}"));
            let run = after(line, "--run").or(named).unwrap_or_else(|| {
                let config = line.split_whitespace().nth(2).unwrap();
                format!(
                    "runs/{}",
                    Path::new(config).file_stem().unwrap().to_str().unwrap()
                )
            });
            let _ = fs::remove_dir_all(self.folder.join(run));
        }
        if line.starts_with("sisun compare merge") {
            let _ = fs::remove_dir_all(self.folder.join(after(line, "--out").unwrap()));
        }
        if let (true, Some(made)) = (line.starts_with("sisun data make"), after(line, "--out")) {
            let _ = fs::remove_file(self.folder.join(made));
        }
        if let Some(trace) = after(line, "--trace") {
            let _ = fs::remove_file(self.folder.join(trace));
        }
        // A server is ended once it has printed its address.
        let served = format!(
            "{line} > served & served=$!; until grep -q http: served; do kill -0 $served || exit 1; sleep 0.05; done; kill $served; wait $served"
        );
        let command = match line.starts_with("sisun live") {
            true => &served,
            false => line,
        };
        let began = Instant::now();
        let path = format!(
            "{}:{}",
            self.folder.join("bin").display(),
            std::env::var("PATH").unwrap()
        );
        let output = Command::new("sh")
            .args(["-c", command])
            .current_dir(&self.folder)
            .env("PATH", path)
            .env("HOME", self.folder.join("home"))
            .env("SISUN_CACHE_DIR", self.folder.join("cache"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}\n{stderr}");
        eprintln!("{:5.1} s  {line}", began.elapsed().as_secs_f64());
        for option in ["--out", "--to", "--trace", "--run"] {
            if let Some(path) = after(line, option) {
                assert!(self.folder.join(&path).exists(), "{line} left no {path}");
            }
        }
    }
}

/// Return the word after an option.
fn after(line: &str, option: &str) -> Option<String> {
    line.split_whitespace()
        .skip_while(|word| *word != option)
        .nth(1)
        .map(str::to_owned)
}
