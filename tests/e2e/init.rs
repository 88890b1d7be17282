//! `sisun init`: from a text to a configuration that trains.

use crate::sisun::{Lab, Ran, command, root};
use std::fs;
use std::path::Path;

/// Run the binary in a folder, on the CPU.
fn within(folder: &Path, args: &[&str]) -> Ran {
    let cache = folder.join("cache");
    let mut command = command(args);
    command.current_dir(folder).env("SISUN_CACHE_DIR", cache);
    command.output().unwrap().into()
}

/// Write a configuration with one option to be quick, and return its text.
fn init(folder: &Path, args: &[&str]) -> String {
    let ran = within(
        folder,
        &[&["init", "--device", "cpu", "--minutes", "0.1"], args].concat(),
    )
    .ok();
    let next = ran.stdout.lines().last().unwrap();
    let out = next
        .strip_prefix("next: sisun train ")
        .unwrap()
        .trim_matches('\'');
    fs::read_to_string(folder.join(out)).unwrap()
}

fn stories(bytes: usize) -> String {
    let text = fs::read_to_string(root().join("data/stories-en.txt")).unwrap();
    text[..text[..bytes].rfind("\n\n").unwrap()].to_owned()
}

fn korean(bytes: usize) -> String {
    let text = fs::read_to_string(root().join("data/stories-ko.txt")).unwrap();
    let end = text.floor_char_boundary(bytes);
    text[..text[..end].rfind("\n\n").unwrap()].to_owned()
}

/// The command that `init` prints trains, and the model is better than one that knows the frequencies
/// of characters only.
#[test]
fn the_next_command_trains() {
    let lab = Lab::new();
    let folder = lab.path("한글 & it's");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("my stories.txt"), stories(60_000)).unwrap();
    let ran = within(
        &folder,
        &[
            "init",
            "my stories.txt",
            "--device",
            "cpu",
            "--minutes",
            "0.2",
        ],
    )
    .ok();
    let next = ran.stdout.lines().last().unwrap();
    assert_eq!(next, "next: sisun train 'my stories.toml'");
    let ran = within(
        &folder,
        &["train", "my stories.toml", "--device", "cpu", "--json"],
    )
    .ok();
    let outcome = ran.json();
    assert!(
        ran.stderr.contains("the tokens are in the cache"),
        "{}",
        ran.stderr
    );
    let bits = outcome["validation"]["bits_per_byte"].as_f64().unwrap();
    // Frequencies of characters alone give 4.5; how many steps fit the time depends on the machine.
    assert!(bits < 4.0, "{bits}");
    for key in ["parameters", "tokens", "memory_bytes"] {
        assert!(outcome["needs"][key].as_u64().unwrap() > 0, "{key}");
    }
    assert!(folder.join("runs/my stories/maps/heads.png").is_file());
    // A second run has a name of its own.
    let text = init(&folder, &["my stories.txt", "--force"]);
    assert!(text.contains("name = \"my stories-2\""), "{text}");
}

/// `--force` replaces an earlier configuration, never the text or another configuration.
#[test]
fn the_text_is_never_replaced() {
    let lab = Lab::new();
    let folder = lab.path("here");
    fs::create_dir_all(folder.join("code/deep")).unwrap();
    let text = stories(20_000);
    for name in ["a.txt", "code/a.py", "code/deep/b.py"] {
        fs::write(folder.join(name), &text).unwrap();
    }
    let init = |args: &[&str]| {
        within(
            &folder,
            &[&["init", "--device", "cpu", "--minutes", "0.1"], args].concat(),
        )
    };
    for out in ["a.txt", "./a.txt", "code/../a.txt"] {
        init(&["a.txt", "--out", out, "--force"])
            .fails(2, &["is the text itself", "--out my.toml"]);
    }
    init(&["code/**/*.py", "--out", "code/deep/b.py", "--force"]).fails(2, &["the text itself"]);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("a.txt", folder.join("link.toml")).unwrap();
        init(&["a.txt", "--out", "link.toml", "--force"]).fails(2, &["the text itself"]);
    }
    assert_eq!(fs::read_to_string(folder.join("a.txt")).unwrap(), text);
    // A pattern gives the name of its folder.
    let ran = init(&["code/**/*.py"]).ok();
    assert!(
        ran.stdout.contains("next: sisun train code.toml"),
        "{}",
        ran.stdout
    );
    let config = fs::read_to_string(folder.join("code.toml")).unwrap();
    init(&["code.toml", "--force"])
        .fails(2, &["is a configuration already", "sisun train code.toml"]);
    assert_eq!(
        fs::read_to_string(folder.join("code.toml")).unwrap(),
        config
    );
}

#[test]
fn script_and_layout_decide() {
    let lab = Lab::new();
    let at = |name: &str| lab.path(name);
    fs::write(at("stories-two.txt"), stories(300_000)).unwrap();
    fs::write(at("ko.txt"), korean(150_000)).unwrap();
    let reviews: String = (0..400)
        .map(|i| format!("review {i} {}\n", "good ".repeat(i % 17)))
        .collect();
    fs::write(at("reviews.txt"), &reviews).unwrap();
    let wrapped =
        "It was a long day and the cat sat on the mat all of it until the night\n".repeat(90);
    fs::write(at("book.txt"), wrapped).unwrap();
    let code = fs::read_to_string(root().join("crates/sisun-cli/src/commands/train.rs")).unwrap();
    fs::write(at("code.rs"), code).unwrap();
    let qa: String = (0..300)
        .map(|i| {
            format!(
                "{{\"question\": \"What is {i} and {i}?\", \"answer\": \" {}.\", \"id\": {i}}}\n",
                2 * i
            )
        })
        .collect();
    fs::write(at("qa.jsonl"), qa).unwrap();
    let run_together: String = (0..300)
        .map(|i| {
            format!(
                "{{\"prompt\": \"Double {i}.\", \"answer\": \"It is {}\"}}\n",
                2 * i
            )
        })
        .collect();
    fs::write(at("double.jsonl"), run_together).unwrap();
    let table: String = (0..99)
        .map(|i| format!("{i},word {i},\"a, b\"\n"))
        .collect();
    fs::write(at("table.csv"), format!("id,text,rest\n{table}")).unwrap();
    let array: Vec<String> = (0..300)
        .map(|i| {
            format!(
                "{{\"title\": \"t{i}\", \"body\": \"A text about {} things.\"}}",
                i * 7
            )
        })
        .collect();
    fs::write(at("array.json"), format!("[{}]", array.join(",\n "))).unwrap();
    fs::create_dir(at("letters")).unwrap();
    for i in 0..30 {
        fs::write(
            at("letters").join(format!("{i}.txt")),
            &stories(4_000)[i * 10..],
        )
        .unwrap();
    }
    let decomposed = "\u{1112}\u{1161}\u{11AB}\u{1100}\u{1173}\u{11AF} ".repeat(300);
    fs::write(at("nfd.txt"), decomposed).unwrap();
    for (text, parts) in [
        (
            "stories-two.txt",
            &[
                "documents = \"paragraph\"",
                "kind = \"bpe\"",
                "in Latin letters",
            ][..],
        ),
        (
            "ko.txt",
            &["documents = \"paragraph\"", "kind = \"bpe\"", "in Korean"],
        ),
        ("reviews.txt", &["documents = \"line\"", "kind = \"char\""]),
        (
            "book.txt",
            &["documents = \"file\"", "one text from beginning to end"],
        ),
        ("code.rs", &["documents = \"file\"", "source code"]),
        (
            "qa.jsonl",
            &[
                "jsonl_field = \"question\"",
                "jsonl_answer_field = \"answer\"",
                "prompt = \"What is 0 and 0?\"",
            ],
        ),
        (
            "double.jsonl",
            &[
                "jsonl_answer_field = \"answer\"",
                "jsonl_separator = \"\\n\"",
                "prompt = \"Double 0.\\n\"",
                "text = \"Double 0.\\nIt is 0\"",
            ],
        ),
        (
            "table.csv",
            &[
                "# The table table.csv is read with its commas",
                "table.jsonl",
            ],
        ),
        (
            "array.json",
            &[
                "jsonl_field = \"body\"",
                "# Of the records, body is read and title left out",
                "prompt = \"A text about\"",
            ],
        ),
        (
            "letters",
            &["documents = \"file\"", "each file is a document"],
        ),
        ("nfd.txt", &["normalize = \"nfc\""]),
    ] {
        let written = init(lab.folder.path(), &[text]);
        for part in parts {
            assert!(written.contains(part), "{text}: no {part:?} in\n{written}");
        }
    }
    // Every one of them can be trained.
    for name in ["ko", "qa", "double", "array", "nfd"] {
        let config = lab.at(&format!("{name}.toml"));
        let short = ["--set", "train.steps=12", "--device", "cpu", "-q"];
        within(
            lab.folder.path(),
            &[&["train", &config], &short[..]].concat(),
        )
        .ok();
    }
}

#[test]
fn text_that_is_none_is_refused_with_a_remedy() {
    let lab = Lab::new();
    let at = |name: &str| lab.path(name);
    fs::write(at("empty.txt"), "").unwrap();
    fs::write(at("blank.txt"), "\n \n").unwrap();
    fs::write(at("short.txt"), "Hello.").unwrap();
    fs::write(at("binary.txt"), b"\x7fELF\x02\x01\0\0\0\0\0\0\0").unwrap();
    let utf16: Vec<u8> = "\u{FEFF}Once upon a time"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    fs::write(at("utf16.txt"), utf16).unwrap();
    // 한글 이야기 in CP949.
    fs::write(
        at("old ko.txt"),
        b"\xc7\xd1\xb1\xdb \xc0\xcc\xbe\xdf\xb1\xe2".repeat(50),
    )
    .unwrap();
    fs::write(at("numbers.jsonl"), "{\"id\": 1}\n".repeat(30)).unwrap();
    let turns = r#"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}"#;
    fs::write(at("talk.jsonl"), format!("{turns}\n").repeat(30)).unwrap();
    fs::create_dir_all(at("pictures/deep")).unwrap();
    let code = "fn main() {\n    println!(\"{}\", 1);\n}\n".repeat(60);
    fs::write(at("pictures/deep/code.rs"), code).unwrap();
    for (text, code, parts) in [
        ("empty.txt", 1, &["`empty.txt` holds no text"][..]),
        ("blank.txt", 1, &["holds no text"]),
        (
            "short.txt",
            2,
            &["short.txt: 6 characters are too few", "at least 200"],
        ),
        ("binary.txt", 1, &["`binary.txt` is a binary file"]),
        (
            "utf16.txt",
            1,
            &["to convert it: iconv -f UTF-16 -t UTF-8 utf16.txt > utf16-utf8.txt"],
        ),
        (
            "old ko.txt",
            1,
            &["iconv -f CP949 -t UTF-8 'old ko.txt' > 'old ko-utf8.txt'"],
        ),
        ("numbers.jsonl", 1, &["no field holds text", "`id`"]),
        (
            "talk.jsonl",
            1,
            &[
                "`messages`",
                "jq -c '{prompt: .messages[0].content, answer: .messages[1].content}' talk.jsonl > talk.pairs.jsonl",
            ],
        ),
        (
            "pictures",
            1,
            &["holds no text files", "sisun init 'pictures/**/*.rs'"],
        ),
        ("none.txt", 1, &["`none.txt` does not exist"]),
        ("-", 2, &["standard input", "save the text in a file"]),
    ] {
        within(lab.folder.path(), &["init", text, "--device", "cpu"]).fails(code, parts);
    }
    assert!(!fs::read_dir(lab.folder.path()).unwrap().any(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.ends_with(".toml") && name != "lab.toml"
    }));
    within(
        lab.folder.path(),
        &[
            "init",
            "pictures/**/*.rs",
            "--out",
            "code.toml",
            "--device",
            "cpu",
            "--minutes",
            "0.1",
        ],
    )
    .ok();
    // The command that is suggested converts.
    #[cfg(unix)]
    {
        let convert = "iconv -f CP949 -t UTF-8 'old ko.txt' > 'old ko-utf8.txt' && mv 'old ko-utf8.txt' 'old ko.txt'";
        let mut shell = std::process::Command::new("sh");
        let done = shell
            .args(["-c", convert])
            .current_dir(lab.folder.path())
            .status();
        if done.is_ok_and(|status| status.success()) {
            init(lab.folder.path(), &["old ko.txt"]);
        }
    }
    // A configuration is never replaced unasked.
    fs::write(at("mine.toml"), "# mine").unwrap();
    within(
        lab.folder.path(),
        &[
            "init",
            "stories.txt",
            "--out",
            "mine.toml",
            "--device",
            "cpu",
        ],
    )
    .fails(2, &["mine.toml exists already", "--out", "--force"]);
    assert_eq!(fs::read_to_string(at("mine.toml")).unwrap(), "# mine");
    within(
        lab.folder.path(),
        &["init", "stories.txt", "--minutes", "0"],
    )
    .fails_by_clap(&["must be from 0.1 to 10000"]);
}

/// Of a long text only a sample is read, which is fast.
#[test]
fn a_long_text_is_sampled() {
    let lab = Lab::new();
    let part = stories(1_000_000);
    let long = format!("{part}\n\n").repeat(60);
    fs::write(lab.path("long.txt"), &long).unwrap();
    let written = init(lab.folder.path(), &["long.txt"]);
    assert!(
        written.contains("documents = \"paragraph\"")
            && written.contains("validation_fraction = 0.01"),
        "{written}"
    );
    assert!(!lab.path("cache").exists(), "nothing was tokenized");
    let megabytes = format!("{:.1} MB", long.len() as f64 / 1e6);
    assert!(written.contains(&megabytes), "{written}");
}

#[test]
fn the_demo_is_that_of_the_repository() {
    let lab = Lab::new();
    for (language, config, text) in [
        (&[][..], "quickstart.toml", "stories-en.txt"),
        (&["ko"], "quickstart-ko.toml", "stories-ko.txt"),
    ] {
        let args = [&["init", "--demo"], language].concat();
        let ran = within(lab.folder.path(), &args).ok();
        assert_eq!(ran.stdout, format!("next: sisun train {config}\n"));
        let same = |a: &Path, b: &Path| fs::read(a).unwrap() == fs::read(b).unwrap();
        let (here, there) = (lab.path("data").join(text), root().join("data").join(text));
        assert!(same(&here, &there), "{text}");
        let written = fs::read_to_string(lab.path(config)).unwrap();
        let theirs = fs::read_to_string(root().join("configs").join(config)).unwrap();
        let command = |prefix: &str| format!("sisun train {prefix}{config}");
        let theirs: String = theirs
            .split_inclusive('\n')
            .filter(|line| !line.starts_with("#:schema"))
            .collect();
        assert_eq!(written, theirs.replace(&command("configs/"), &command("")));
        // Again changes nothing, and nothing else is replaced.
        within(lab.folder.path(), &args).ok();
        fs::write(&here, "mine").unwrap();
        within(lab.folder.path(), &args).fails(2, &["exists already", "--force"]);
        assert_eq!(fs::read_to_string(&here).unwrap(), "mine");
        within(lab.folder.path(), &[&args[..], &["--force"]].concat()).ok();
        let short = ["--set", "train.steps=12", "--device", "cpu"];
        within(
            lab.folder.path(),
            &[&["train", config], &short[..]].concat(),
        )
        .ok();
    }
    within(lab.folder.path(), &["init", "--demo", "fr"]).fails_by_clap(&[
        "'fr'",
        "en, ko, induction, positions, ablations, dates, reverse, translation",
    ]);
}

#[test]
fn every_demo_runs() {
    let lab = Lab::new();
    let steps = ["--set", "train.steps=12", "--set", "train.warmup_steps=1"];
    for (name, command) in [
        (
            "induction",
            [&["train", "induction.toml"][..], &steps].concat(),
        ),
        (
            "positions",
            vec!["compare", "compare-positions.toml", "--budget", "smoke"],
        ),
        (
            "ablations",
            vec!["compare", "compare-ablations.toml", "--budget", "smoke"],
        ),
        ("dates", [&["train", "dates-gru.toml"][..], &steps].concat()),
        (
            "reverse",
            [&["train", "reverse-gru-dot.toml"][..], &steps].concat(),
        ),
        (
            "translation",
            [&["train", "translation-transformer.toml"][..], &steps].concat(),
        ),
    ] {
        let ran = within(lab.folder.path(), &["init", "--demo", name]).ok();
        let next = format!("next: sisun {} {}\n", command[0], command[1]);
        assert_eq!(ran.stdout, next);
        within(
            lab.folder.path(),
            &[&command[..], &["--device", "cpu"]].concat(),
        )
        .ok();
    }
    // As the configurations say that they are made.
    for (config, text) in [
        ("induction.toml", "copy.jsonl"),
        ("dates-gru.toml", "dates.jsonl"),
        ("reverse-gru-dot.toml", "reverse.jsonl"),
        ("translation-transformer.toml", "translation.jsonl"),
    ] {
        let config = fs::read_to_string(lab.path(config)).unwrap();
        let made = config
            .lines()
            .find_map(|line| line.strip_prefix("#   sisun data"));
        let again = format!("again-{text}");
        let made = made.unwrap().replace(text, &again);
        let made: Vec<&str> = ["data"]
            .into_iter()
            .chain(made.split_whitespace())
            .collect();
        within(lab.folder.path(), &made).ok();
        let read = |name: &str| fs::read(lab.path(name)).unwrap();
        assert!(read(text) == read(&again), "{text}");
    }
    // Records with two sides can be learnt as pairs, which the configuration of a language model says.
    within(
        lab.folder.path(),
        &["init", "dates.jsonl", "--device", "cpu"],
    )
    .ok();
    let written = fs::read_to_string(lab.path("dates.toml")).unwrap();
    assert!(written.contains("[pairs] with source_field"), "{written}");
}

#[test]
fn train_without_a_configuration_says_both_ways() {
    let lab = Lab::new();
    within(lab.folder.path(), &["train"]).fails(
        2,
        &[
            "sisun init my.txt && sisun train my.toml",
            "sisun init --demo && sisun train quickstart.toml",
        ],
    );
    within(lab.folder.path(), &["train", "stories.txt"])
        .fails(2, &["is a text", "sisun init stories.txt"]);
    within(lab.folder.path(), &["train", "--run", "x"]).fails(2, &["sisun init --demo"]);
}
