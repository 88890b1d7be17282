//! Notes about likely mistakes, and remedies that work.

use crate::sisun::{Lab, command, sisun};
use serde_json::Value;
use std::fs;

const DECOMPOSED: &str = "\u{1112}\u{1161}\u{11AB}\u{1100}\u{1173}\u{11AF}";

/// Train a Korean character model, which takes a moment.
fn korean(lab: &Lab, text: &str) {
    fs::write(lab.path("ko.txt"), text).unwrap();
    lab.write_config(
        "ko.toml",
        &format!(
            "name = \"ko\"\n[data]\nsources = [{:?}]\n[tokenizer]\nkind = \"char\"\n[model]\nd_model = 6\nn_layers = 1\nn_heads = 1\ncontext_len = 7\nposition = \"rope\"\n[train]\nsteps = 3\nbatch_size = 2\nlr_max = 1e-3\nlr_min = 1e-4\nwarmup_steps = 1\n",
            lab.at("ko.txt")
        ),
    );
}

#[test]
fn a_prompt_that_is_decomposed_is_told() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let out = tempfile::tempdir().unwrap();
    let out = out.path().join("maps");
    let commands: [&[&str]; 4] = [
        &["sample", &run, "--prompt", DECOMPOSED, "-n", "1"],
        &["explain", &run, "--text", DECOMPOSED],
        &[
            "attend",
            &run,
            "--text",
            DECOMPOSED,
            "--format",
            "npz",
            "--out",
            out.to_str().unwrap(),
        ],
        &["heads", &run, "--text", DECOMPOSED, "--fast"],
    ];
    for command in commands {
        let ran = sisun(command).ok();
        assert!(
            ran.stderr.contains("note: the text is decomposed (NFD"),
            "{command:?}: {}",
            ran.stderr
        );
        let composed: Vec<&str> = command
            .iter()
            .map(|&part| if part == DECOMPOSED { "한글" } else { part })
            .collect();
        assert!(
            !sisun(&composed).ok().stderr.contains("NFD"),
            "{composed:?}"
        );
    }
}

#[test]
fn text_with_new_characters_leads_to_a_run_with_a_tokenizer_of_its_own() {
    let lab = Lab::new();
    korean(&lab, &"하나는 둘을 보았다. ".repeat(20));
    let (config, run) = (lab.at("ko.toml"), lab.at("ko"));
    sisun(&["train", &config, "--run", &run, "--device", "cpu"]).ok();
    fs::write(lab.path("ko.txt"), "하나는 둘을 보았다. 뷁. ".repeat(20)).unwrap();
    let ran = sisun(&["train", "--resume", &run, "--set", "train.steps=5"])
        .fails(1, &["not the text that", "'뷁'", "in a new run: "]);
    let way = ran
        .stderr
        .lines()
        .find_map(|line| line.strip_prefix("in a new run: sisun "))
        .unwrap()
        .to_owned();
    assert!(!way.contains("finetune"), "{way}");
    sisun(&[way.split(' ').collect::<Vec<_>>(), vec!["--device", "cpu"]].concat()).ok();
    // A given tokenizer cannot be recreated.
    let given = format!(
        "{{ kind = \"file\", path = {:?} }}",
        lab.path("ko/tokenizer.json")
    );
    fs::write(lab.path("ko.txt"), "하나는 둘을 보았다. ".repeat(20)).unwrap();
    let run = lab.at("given");
    sisun(&[
        "train",
        &config,
        "--run",
        &run,
        "--device",
        "cpu",
        "--set",
        &format!("tokenizer={given}"),
    ])
    .ok();
    fs::write(lab.path("ko.txt"), "하나는 둘을 보았다. 뷁. ".repeat(20)).unwrap();
    let ran = sisun(&["train", "--resume", &run, "--set", "train.steps=5"])
        .fails(1, &["not the text that", "'뷁'"]);
    assert!(!ran.stderr.contains("in a new run"), "{}", ran.stderr);
}

#[test]
fn a_run_made_longer_says_that_its_learning_rate_rises() {
    let lab = Lab::new();
    let longer = |run: &str, schedule: &str| {
        let schedule = format!("train.schedule={schedule}");
        lab.train(run, &["--set", "train.steps=6", "--set", &schedule])
            .ok();
        lab.train(
            run,
            &["--resume", "--set", "train.steps=12", "--set", &schedule],
        )
        .ok()
        .stderr
    };
    let told = longer("cosine", "cosine");
    let note = told
        .lines()
        .find(|line| line.contains("the learning rate rises from"))
        .expect("a note");
    // The learning rates of the steps.
    let metrics = fs::read_to_string(lab.path("cosine/metrics.jsonl")).unwrap();
    let rates: Vec<f64> = metrics
        .lines()
        .filter_map(|line| {
            serde_json::from_str::<Value>(line)
                .unwrap()
                .get("lr")
                .and_then(Value::as_f64)
        })
        .collect();
    assert!(
        note.contains(&format!("from {:.2e} to {:.2e}", rates[5], rates[6])),
        "{note}\n{rates:?}"
    );
    assert!(!longer("constant", "constant").contains("the learning rate rises"));
}

#[test]
fn a_setting_that_nothing_reads_is_told() {
    let lab = Lab::new();
    let muon = ["--set", "train.steps=4", "--set", "train.muon_lr_max=0.5"];
    let note = "train.muon_lr_max has no effect";
    assert!(lab.train("adamw", &muon).ok().stderr.contains(note));
    let with_muon = [&muon[..], &["--set", "train.optimizer=muon"]].concat();
    assert!(!lab.train("muon", &with_muon).ok().stderr.contains(note));
}

#[test]
fn the_next_command_asks_a_question_that_was_learnt() {
    let lab = Lab::new();
    let records: String = (0..60)
        .map(|i| {
            format!(
                "{{\"text\": \"What is {i} and {i}?\\n\", \"answer\": \" It is {}.\"}}\n",
                2 * i
            )
        })
        .collect();
    fs::write(lab.path("qa.jsonl"), records).unwrap();
    let sources = format!("data.sources={:?}", [lab.at("qa.jsonl")]);
    let ran = lab
        .train(
            "qa",
            &[
                "--set",
                &sources,
                "--set",
                "data.jsonl_answer_field=answer",
                "--set",
                "train.steps=4",
            ],
        )
        .ok();
    // The file's own `[sample]` takes precedence; without it a question is used.
    let text = fs::read_to_string(lab.path("lab.toml")).unwrap();
    lab.write_config("lab.toml", text.split("[sample]").next().unwrap());
    let asked = lab
        .train(
            "qa2",
            &[
                "--set",
                &sources,
                "--set",
                "data.jsonl_answer_field=answer",
                "--set",
                "train.steps=4",
            ],
        )
        .ok();
    assert!(ran.stdout.contains("--prompt='One day'"), "{}", ran.stdout);
    assert!(
        asked.stdout.contains("--prompt='What is 0 and 0?\n'"),
        "{}",
        asked.stdout
    );
}

#[test]
fn files_of_an_earlier_command_are_told() {
    let run = Lab::trained().at("run");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("maps");
    let attend = |layers: &str| {
        let out = out.to_str().unwrap();
        sisun(&[
            "attend", &run, "--text", "One day", "--layers", layers, "--format", "svg", "--out",
            out,
        ])
        .ok()
        .stderr
    };
    assert!(!attend("0").contains("earlier"), "nothing was there");
    assert!(
        !attend("0").contains("earlier"),
        "the same files were there"
    );
    assert!(attend("1").contains("of an earlier command as well: layer0-head0.svg"));
    let file = folder.path().join("file");
    fs::write(&file, "mine").unwrap();
    sisun(&[
        "attend",
        &run,
        "--text",
        "One day",
        "--out",
        file.to_str().unwrap(),
    ])
    .fails(2, &["is a file", "--out"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn a_text_that_a_comment_says_how_to_make_is_told_with_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let root = crate::sisun::root();
    let train = |config: &str| {
        let mut command = command(&["train", config, "--run", "r", "--device", "cpu"]);
        crate::sisun::Ran::from(command.current_dir(folder.path()).output().unwrap())
    };
    let ran = train(root.join("configs/induction.toml").to_str().unwrap());
    let told = ran.fails(1, &["copy.jsonl", "to make it: sisun data make task"]);
    let way = told
        .stderr
        .lines()
        .last()
        .unwrap()
        .strip_prefix("to make it: sisun ")
        .unwrap();
    let made = command(&way.split(' ').collect::<Vec<_>>())
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(made.status.success() && folder.path().join("copy.jsonl").is_file());
}

#[test]
fn a_run_under_runs_is_found_by_its_name_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("runs/mine")).unwrap();
    let ran = command(&["sample", "mine"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    crate::sisun::Ran::from(ran).fails(1, &["mine is not a run", "did you mean runs/mine?"]);
}

#[test]
fn given_text_is_cut_into_documents_as_asked() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let text = tempfile::NamedTempFile::with_suffix(".txt").unwrap();
    fs::write(
        text.path(),
        "One day Mia saw a cat.\n\nTom sat.\n\nThe end came.\n",
    )
    .unwrap();
    let tokens = |documents: &[&str]| {
        let args = [
            &[
                "eval",
                &run,
                "--data",
                text.path().to_str().unwrap(),
                "--lengths",
                "5",
                "--json",
            ],
            documents,
        ]
        .concat();
        sisun(&args).ok().json()["tokens"].as_u64()
    };
    let by_run = tokens(&[]);
    assert!(by_run.is_some());
    assert_eq!(
        tokens(&["--documents", "paragraph"]),
        by_run,
        "as the run's own"
    );
    assert!(tokens(&["--documents", "file"]) != by_run);
    assert_eq!(
        sisun(&["eval", &run, "--documents", "line"]).code,
        Some(2),
        "there is nothing to cut"
    );
}

#[test]
fn what_cannot_be_done_at_the_end_is_told_at_the_beginning() {
    let lab = Lab::new();
    let long = format!("attend.text={}", "The cat sat. ".repeat(20));
    let ran = lab.train("long", &["--set", "model.position=learned", "--set", &long]);
    ran.fails(
        2,
        &["attend.text: its ", "more than the 23 learned positions"],
    );
    assert!(!lab.path("long").exists(), "no directory is in the way");
}

#[test]
fn a_place_that_is_no_run_is_not_taken_for_one() {
    let lab = Lab::new();
    fs::create_dir(lab.path("texts")).unwrap();
    fs::write(lab.path("texts/a.txt"), "mine").unwrap();
    for place in ["texts", "texts/a.txt"] {
        let ran = lab
            .train(place, &[])
            .fails(1, &["is there already and is no run", "--run DIR"]);
        assert!(!ran.stderr.contains("--resume"), "{}", ran.stderr);
    }
    assert_eq!(fs::read_to_string(lab.path("texts/a.txt")).unwrap(), "mine");
}

/// Errors that state the problem and the remedy in the terms of the file.
#[test]
fn errors_name_what_is_meant() {
    let lab = Lab::new();
    lab.train("run", &["--set", "train.steps=4"]).ok();
    let (run, none) = (lab.at("run"), lab.at("none"));
    // A source next to the configuration.
    let text = fs::read_to_string(lab.path("lab.toml")).unwrap();
    let text = text.replace(&lab.at("stories.txt"), "stories.txt");
    lab.write_config("beside.toml", &text);
    let beside = lab.at("beside.toml");
    let ran = sisun(&["train", &beside, "--run", &none, "--set", "train.steps=4"]).fails(
        1,
        &["start at the working directory", "--set train.steps=4"],
    );
    let from = format!(
        "from there: cd {} && sisun train beside.toml --run ",
        lab.at("").trim_end_matches('/')
    );
    assert!(ran.stderr.contains(&from), "{from}: {}", ran.stderr);
    let comparison = "seeds = 1\n[vary]\n\"model.position\" = [\"none\", \"rope\"]\n[model]\nd_model = 8\nn_layers = 1\nn_heads = 2\ncontext_len = 8\nposition = \"none\"\n[train]\nsteps = 2\nbatch_size = 2\nlr_max = 1e-3\n[tracks.words]\nkind = \"language\"\nsources = [\"stories.txt\"]\n[budgets.class]\n";
    lab.write_config("compared.toml", comparison);
    let there = format!("it is there from {}", lab.at("").trim_end_matches('/'));
    sisun(&[
        "compare",
        &lab.at("compared.toml"),
        "--out",
        &lab.at("compared"),
        "--device",
        "cpu",
    ])
    .fails(1, &["does not exist", &there]);
    // A separate cache of the run.
    let cache = lab.at("my cache");
    let told = lab.train(
        "cached",
        &[
            "--set",
            "train.steps=4",
            "--set",
            &format!("data.cache_dir={cache:?}"),
        ],
    );
    let told = told.ok().stderr;
    assert!(
        told.contains(&format!("`sisun cache --dir '{cache}'`")),
        "{told}"
    );
    sisun(&["cache", "--dir", &cache]).ok();
    sisun(&["cache", "--dir", &none]).fails(1, &["is no folder"]);
    // A head size that RoPE cannot rotate.
    let train = |set: &str| {
        sisun(&[
            "train",
            "configs/quickstart.toml",
            "--run",
            &none,
            "--set",
            set,
        ])
    };
    train("model.d_model=36").fails(
        2,
        &[
            "model.d_model = 36 makes heads of 9",
            "model.n_heads = 4",
            "32 and 40 are the nearest",
        ],
    );
    train(&format!("tokenizer={{kind=\"file\", path={run:?}}}"))
        .fails(1, &["it is a folder", "run/tokenizer.json"]);
    let home = std::env::home_dir().unwrap();
    let novel = home.join("no-such-novel.txt").display().to_string();
    train("data.sources=[\"~/no-such-novel.txt\"]").fails(1, &[&novel, "does not exist"]);
    sisun(&["eval", &run, "--data=~/novel.txt"]).fails(1, &["`~` is not read"]);
    // A pointer file, which other commands accept.
    let pointer = lab.at("run/checkpoints/last");
    assert_eq!(
        sisun(&["info", &pointer]).ok().stdout,
        sisun(&["info", &run]).ok().stdout
    );
    // Weights that are truncated or are LFS pointers.
    let hf = lab.at("hf");
    sisun(&["export", &run, "--to", &hf]).ok();
    sisun(&["heads", &hf, "--fast"]).fails(
        1,
        &["a Hugging Face directory, has no attend.text", "--text '"],
    );
    let weights = lab.path("hf/model.safetensors");
    let whole = fs::read(&weights).unwrap();
    let cut = whole.len() - 100;
    fs::write(&weights, &whole[..cut]).unwrap();
    let needed = format!("{cut} bytes are there, {} are needed", whole.len());
    sisun(&["sample", &hf, "--prompt", "a"]).fails(1, &["is cut short", &needed, "again"]);
    fs::write(&weights, "version https://git-lfs.github.com/spec/v1\n").unwrap();
    sisun(&["sample", &hf, "--prompt", "a"]).fails(1, &["Git LFS", "git lfs pull"]);
    // A damaged line of metrics: only the file's line number is given.
    let metrics = lab.path("run/metrics.jsonl");
    let lines = fs::read_to_string(&metrics).unwrap();
    fs::write(&metrics, lines.replacen("{", "x{", 1)).unwrap();
    let ran = lab
        .train("run", &["--resume", "--set", "train.steps=6"])
        .fails(1, &["line 1 of"]);
    assert!(!ran.stderr.contains("column"), "{}", ran.stderr);
}

#[test]
fn a_suggested_prompt_holds_no_token_that_ends_a_text() {
    let lab = Lab::new();
    let short = "Hi.\n\n".repeat(300);
    fs::write(lab.path("short.txt"), short).unwrap();
    let text = fs::read_to_string(lab.path("lab.toml")).unwrap();
    let text = text.replace(&lab.at("stories.txt"), &lab.at("short.txt"));
    lab.write_config("lab.toml", text.split("[sample]").next().unwrap());
    let told = lab.train("short", &["--set", "train.steps=4"]).ok().stdout;
    assert!(
        told.contains("--prompt=Hi.\n") && told.contains("--text=Hi. "),
        "{told}"
    );
    assert!(!told.contains("endoftext"), "{told}");
}

#[test]
fn a_single_token_is_too_short_for_heads() {
    let run = Lab::trained().at("run");
    sisun(&["heads", &run, "--text", "a", "--fast"])
        .fails(2, &["--text \"a\" is too short", "two tokens or more"]);
    sisun(&["heads", &run, "--text", "a cat", "--fast"]).ok();
}

#[cfg(unix)]
#[test]
fn a_link_without_its_folder_is_told_as_such() {
    let lab = Lab::new();
    std::os::unix::fs::symlink("gone", lab.path("runs")).unwrap();
    let ran = lab.train("runs/a", &[]).fails(
        1,
        &[
            "cannot make the folder",
            "is a link to gone, which does not exist",
        ],
    );
    assert!(!ran.stderr.contains("lock"), "{}", ran.stderr);
}

/// The time that is left is told once it is known, and is about right.
#[test]
fn what_a_run_needs_is_told_at_its_beginning() {
    let lab = Lab::new();
    let ran = lab
        .train("run", &["--set", "train.steps=400", "--json"])
        .ok();
    let first = ran
        .stderr
        .lines()
        .find(|line| line.starts_with("step 1/400"))
        .unwrap();
    assert!(!first.contains("left"), "{first}");
    let needs: Vec<&str> = ran
        .stderr
        .lines()
        .filter(|line| line.starts_with("needs: "))
        .collect();
    assert_eq!(needs.len(), 1, "{}", ran.stderr);
    // 400 steps of 5 windows of 23 tokens, twice.
    assert!(
        needs[0].contains("92,000 tokens")
            && needs[0].contains(" s and ")
            && needs[0].ends_with(" MB"),
        "{}",
        needs[0]
    );
    let outcome = ran.json();
    let expected = outcome["needs"]["expected_s"].as_f64().unwrap();
    let took = outcome["elapsed_s"].as_f64().unwrap();
    assert!(
        (0.3..3.0).contains(&(expected / took)),
        "{expected} s expected, {took} s taken"
    );
}

#[test]
fn a_path_that_is_not_the_one_meant_is_met_with_the_one_that_is() {
    let lab = Lab::trained();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("runs")).unwrap();
    for name in ["one", "two"] {
        crate::sisun::copy_folder(&lab.path("run"), &at("runs").join(name));
    }
    fs::copy(lab.path("lab.toml"), at("lab.toml")).unwrap();
    fs::copy(lab.path("stories.txt"), at("stories.txt")).unwrap();
    let cases: [(&[&str], i32, &[&str]); 12] = [
        (
            &["train", "leb.toml"],
            2,
            &["leb.toml: no such file", "did you mean lab.toml?"],
        ),
        (&["train", "lab"], 2, &["did you mean lab.toml?"]),
        (
            &["train", "stories.txt"],
            2,
            &["is a text", "sisun init stories.txt"],
        ),
        (
            &["info", "stories.txt"],
            2,
            &["is a text", "sisun init stories.txt"],
        ),
        (&["info", "lba.toml"], 2, &["did you mean lab.toml?"]),
        (
            &["train", "runs/one"],
            2,
            &["has done all of its 150 steps", "--set train.steps=300"],
        ),
        (&["sample", "one"], 1, &["did you mean runs/one?"]),
        (&["sample", "runs/tow"], 1, &["did you mean runs/two?"]),
        (
            &["sample", "runs"],
            1,
            &["it holds 2 models: name one, as runs/one"],
        ),
        (
            &["sample", "."],
            1,
            &["it holds 2 models: name one, as ./runs/one"],
        ),
        (
            &["eval", "runs/one/metrics.jsonl"],
            1,
            &["it is part of one: name runs/one"],
        ),
        (
            &["init", "runs/one"],
            2,
            &[
                "is a run, not a text",
                "sisun train runs/one/config.toml --run runs/NEW",
            ],
        ),
    ];
    for (args, code, parts) in cases {
        let ran: crate::sisun::Ran = command(args)
            .current_dir(folder.path())
            .output()
            .unwrap()
            .into();
        ran.fails(code, parts);
    }
}
