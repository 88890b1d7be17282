//! `sisun heads`: results agree with those of other commands and of TransformerLens.

use crate::browser::Browser;
use crate::sisun::{Lab, Ran, root, sisun};
use serde_json::Value;
use std::fs;
use tempfile::TempDir;

const TEXT: &str = "The cat sat on the mat.";

fn on_cpu(args: &[&str]) -> Ran {
    sisun(&[args, &["--device", "cpu"]].concat())
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap())
        .collect()
}

#[test]
fn what_heads_do_follows_from_their_patterns() {
    let lab = Lab::trained();
    let (run, out) = (lab.at("run"), lab.at("heads"));
    let found = sisun(&["heads", &run, "--text", TEXT, "--json", "--device", "cpu"])
        .ok()
        .json();
    let eval = sisun(&["eval", &run, "--windows", "32", "--json", "--device", "cpu"])
        .ok()
        .json();
    assert!((found["loss"].as_f64().unwrap() - eval["loss"].as_f64().unwrap()).abs() < 1e-6);
    sisun(&[
        "attend", &run, "--text", TEXT, "--out", &out, "--format", "json", "--device", "cpu",
    ])
    .ok();
    let maps: Value =
        serde_json::from_str(&fs::read_to_string(lab.path("heads/attention.json")).unwrap())
            .unwrap();
    let heads = found["heads"].as_array().unwrap();
    assert_eq!(heads.len(), 6);
    for row in heads {
        let [layer, head] = ["layer", "head"].map(|key| row[key].as_u64().unwrap() as usize);
        let pattern: Vec<Vec<f64>> = maps["layers"][layer]["heads"][head]["pattern"]
            .as_array()
            .unwrap()
            .iter()
            .map(numbers)
            .collect();
        let n = pattern.len() as f64;
        let (mut entropy, mut distance, mut previous, mut first) = (0.0, 0.0, 0.0, 0.0);
        for (query, weights) in pattern.iter().enumerate() {
            entropy += weights
                .iter()
                .filter(|p| **p > 0.0)
                .map(|p| -p * p.ln())
                .sum::<f64>()
                / n;
            distance += weights
                .iter()
                .enumerate()
                .map(|(key, p)| p * (query as f64 - key as f64))
                .sum::<f64>()
                / n;
            if query > 0 {
                previous += weights[query - 1] / (n - 1.0);
                first += weights[0] / (n - 1.0);
            }
        }
        for (key, expected) in [
            ("entropy", entropy),
            ("distance", distance),
            ("previous", previous),
            ("first", first),
        ] {
            let found = row[key].as_f64().unwrap();
            assert!(
                (found - expected).abs() < 1e-5,
                "{key} of {layer}.{head}: {found}, not {expected}"
            );
        }
        for key in ["same", "induction"] {
            assert!((0.0..=1.0).contains(&row[key].as_f64().unwrap()), "{row}");
        }
        assert!(
            row["silenced"].as_f64().unwrap().abs() > 1e-6,
            "every head of so small a model does something: {row}"
        );
    }
    for row in found["rollout"].as_array().unwrap() {
        assert!((numbers(row).iter().sum::<f64>() - 1.0).abs() < 1e-5);
    }
}

#[test]
fn the_table_names_every_head_and_the_strongest() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let table = sisun(&["heads", &run, "--fast", "--device", "cpu"])
        .ok()
        .stdout;
    for head in ["0.0", "0.2", "1.1"] {
        assert!(
            table
                .lines()
                .any(|line| line.trim_start().starts_with(head)),
            "{table}"
        );
    }
    assert!(
        table.contains("induction")
            && table
                .lines()
                .any(|line| line.trim_start().starts_with("chance")),
        "{table}"
    );
    // Each measurement is reported as a finding with its chance level, or as none.
    let told = table
        .lines()
        .filter(|line| line.contains("(chance ") || line.contains("no head stands out"))
        .count();
    assert_eq!(told, 5, "{table}");
    assert!(
        !table.contains("is missed most"),
        "nothing was ablated: {table}"
    );
    sisun(&["heads", &run, "--data", "nowhere.txt", "--device", "cpu"]).fails(1, &["nowhere.txt"]);
    sisun(&["heads", &run, "--text", "", "--device", "cpu"]).fails(2, &["text is empty"]);
}

/// An untrained model, and one whose weights are not finite.
#[test]
fn what_chance_gives_is_no_finding_and_what_is_no_number_is_not_shown() {
    let lab = Lab::new();
    lab.train(
        "run",
        &[
            "--quiet",
            "--set",
            "train.steps=4",
            "--set",
            "train.lr_max=1e-9",
        ],
    )
    .ok();
    let run = lab.at("run");
    let table = sisun(&["heads", &run, "--fast", "--device", "cpu"])
        .ok()
        .stdout;
    assert_eq!(table.matches("no head stands out").count(), 5, "{table}");
    let found = sisun(&["heads", &run, "--fast", "--json", "--device", "cpu"])
        .ok()
        .json();
    let n = found["tokens"].as_array().unwrap().len();
    // Uniform attention over the visible keys.
    let expected = (1..n).map(|query| 1.0 / (query + 1) as f64).sum::<f64>() / (n - 1) as f64;
    for key in ["previous", "first"] {
        assert!(
            (found["chance"][key].as_f64().unwrap() - expected).abs() < 1e-12,
            "{}",
            found["chance"]
        );
    }
    for head in found["heads"].as_array().unwrap() {
        for key in ["previous", "first", "same", "induction"] {
            let (weight, chance) = (
                head[key].as_f64().unwrap(),
                found["chance"][key].as_f64().unwrap(),
            );
            assert!(
                (weight - chance).abs() < 0.1,
                "{key}: {weight}, by chance {chance}"
            );
        }
    }
}

/// Patterns of tiny Hugging Face models by TransformerLens' head detector, and value-weighted
/// attention as norms of vectors.
#[test]
fn scores_are_those_of_transformer_lens() {
    let fixtures = root().join("tests/peers/fixtures");
    let expected = fs::read_to_string(fixtures.join("head_scores.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let text = expected["text"].as_str().unwrap();
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("maps");
    for case in expected["models"].as_array().unwrap() {
        let model = fixtures.join(case["model"].as_str().unwrap());
        let model = model.to_str().unwrap();
        let found = on_cpu(&["heads", model, "--text", text, "--fast", "--json"])
            .ok()
            .json();
        on_cpu(&[
            "attend",
            model,
            "--text",
            text,
            "--weighting",
            "values",
            "--format",
            "json,npz,png",
            "--out",
            out.to_str().unwrap(),
        ])
        .ok();
        let maps = fs::read_to_string(out.join("attention.json")).unwrap();
        let maps: Value = serde_json::from_str(&maps).unwrap();
        assert!(out.join("values-heads.png").is_file());
        let ids: Vec<&Value> = found["tokens"]
            .as_array()
            .unwrap()
            .iter()
            .map(|token| &token["id"])
            .collect();
        let n = ids.len();
        let with_earlier = (0..n).filter(|&i| ids[..i].contains(&ids[i])).count();
        assert!(with_earlier > 1, "the text repeats tokens");
        let close = |what: &str, found: f64, expected: f64| {
            assert!(
                (found - expected).abs() < 2e-5 * expected.abs().max(1.0),
                "{model}: {what} is {found}, not {expected}"
            );
        };
        for (row, case) in found["heads"]
            .as_array()
            .unwrap()
            .iter()
            .zip(case["heads"].as_array().unwrap())
        {
            assert_eq!(
                (&row["layer"], &row["head"]),
                (&case["layer"], &case["head"])
            );
            // Theirs are shares of all weights, which sum to n.
            let previous = number(&row["previous"]) * (n - 1) as f64 / n as f64;
            close("previous", previous, number(&case["previous_token_head"]));
            let duplicate = number(&row["duplicate"]) * with_earlier as f64 / n as f64;
            close(
                "duplicate",
                duplicate,
                number(&case["duplicate_token_head"]),
            );
            let offsets = row["offsets"].as_array().unwrap();
            let diagonals = numbers(&case["diagonals"]);
            assert_eq!(offsets.len(), n / 2 + 1);
            for offset in offsets {
                let distance = offset["offset"].as_i64().unwrap().unsigned_abs() as usize;
                let expected = match distance {
                    // Theirs has the first query, which sees nothing else.
                    0 => (diagonals[0] * n as f64 - 1.0) / (n - 1) as f64,
                    _ => diagonals[distance],
                };
                close("an offset", number(&offset["share"]), expected);
            }
            let largest = offsets
                .iter()
                .map(|offset| number(&offset["share"]))
                .fold(0.0, f64::max);
            close("the largest", number(&row["offset"]["share"]), largest);

            let [layer, head] = ["layer", "head"].map(|key| row[key].as_u64().unwrap() as usize);
            let map = &maps["layers"][layer]["heads"][head];
            assert_eq!(
                map["pattern"],
                Value::Null,
                "not under the name of a pattern"
            );
            let rows = map["value_weighted"].as_array().unwrap();
            let (mut previous, mut first) = (0.0, 0.0);
            for (query, (row, expected)) in rows
                .iter()
                .zip(case["value_weighted"].as_array().unwrap())
                .enumerate()
            {
                let (row, expected) = (numbers(row), numbers(expected));
                for (found, expected) in row.iter().zip(&expected) {
                    close("a value-weighted cell", *found, *expected);
                }
                if query > 0 {
                    let sum: f64 = row.iter().sum();
                    previous += row[query - 1] / sum / (n - 1) as f64;
                    first += row[0] / sum / (n - 1) as f64;
                }
            }
            close("previous*", number(&row["weighted"]["previous"]), previous);
            close("first*", number(&row["weighted"]["first"]), first);
        }
    }
}

/// Zero, mean and resample ablation are the edits of `--edit`.
#[test]
fn ablations_are_the_edits_of_the_same_name() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let other = "One day Mina had a red kite and the dog ran after it.";
    let found = on_cpu(&["heads", &run, "--windows", "3", "--other", other, "--json"])
        .ok()
        .json();
    let eval = |edit: &[&str]| {
        let args = ["eval", &run, "--windows", "3", "--json"];
        number(&on_cpu(&[&args, edit].concat()).ok().json()["loss"])
    };
    let whole = eval(&[]);
    assert!((whole - number(&found["loss"])).abs() < 1e-9);
    let mut rises = Vec::new();
    for (kind, change) in [
        ("zero", "zero".to_owned()),
        ("mean", format!("mean '{other}'")),
        ("resample", format!("resample '{other}'")),
    ] {
        let rise = eval(&["--edit", &format!("z 1.2 = {change}")]) - whole;
        let row = found["heads"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["layer"] == 1 && row["head"] == 2)
            .unwrap();
        let given = number(&row["ablated"][kind]);
        assert!((given - rise).abs() < 1e-6, "{kind}: {given}, not {rise}");
        rises.push(rise);
    }
    assert!(rises[0] != rises[1] && rises[1] != rises[2], "{rises:?}");
    let row = &found["heads"][0];
    assert_eq!(row["silenced"], row["ablated"]["zero"]);
    // Without a text of its own the outputs are those on the held-out text.
    let own = on_cpu(&["heads", &run, "--windows", "3", "--json"])
        .ok()
        .json();
    assert_eq!(own["ablated_from"], 3 * 23);
    assert_ne!(own["heads"][0]["ablated"]["mean"], row["ablated"]["mean"]);
    on_cpu(&["heads", &run, "--fast", "--other", "a"]).fails(2, &["--other", "--fast"]);
    let table = on_cpu(&["heads", &run, "--windows", "3"]).ok().stdout;
    assert!(!table.contains("-0.000"), "{table}");
    assert!(
        table
            .lines()
            .all(|line| !line.contains("head ") || line.len() < 100),
        "{table}"
    );
    for kind in ["(zero)", "(mean)", "(resample)"] {
        assert!(table.contains(kind), "{table}");
    }
}

#[test]
fn heads_are_followed_over_checkpoints_and_seeds() {
    let lab = Lab::new();
    for (run, seed) in [("a", 1), ("b", 2), ("c", 3)] {
        let seed = format!("train.seed={seed}");
        let more = ["--set", &seed, "--set", "train.keep_checkpoints=9"];
        lab.train(run, &more).ok();
    }
    let runs = ["a", "b", "c"].map(|run| lab.at(run));
    let [a, b, c] = runs.each_ref().map(String::as_str);
    let out = lab.at("forming");
    let found = on_cpu(&[
        "heads",
        a,
        b,
        c,
        "--checkpoints",
        "--json",
        "--threshold",
        "0.35",
        "--format",
        "png,svg",
        "--out",
        &out,
    ])
    .ok()
    .json();
    let of = found["runs"].as_array().unwrap();
    assert_eq!(of.len(), 3);
    for (run, measured) in runs.iter().zip(of) {
        assert_eq!(measured["steps"], serde_json::json!([0, 10, 20, 30, 40]));
        // Each checkpoint has the scores of the command without --checkpoints.
        let one = format!("{run}/checkpoints/step-00000030");
        let alone = on_cpu(&["heads", &one, "--fast", "--json"]).ok().json();
        for curve in measured["curves"].as_array().unwrap() {
            assert_eq!(curve["threshold"], 0.35);
            let score = curve["score"].as_str().unwrap();
            let values = curve["values"][3].as_array().unwrap();
            for (value, head) in values.iter().zip(alone["heads"].as_array().unwrap()) {
                let expected = match score {
                    "positional" => &head["positional"]["share"],
                    _ => &head[score],
                };
                assert_eq!(value, expected, "{score}");
            }
        }
    }
    // The summary follows from the curves.
    for score in found["scores"].as_array().unwrap() {
        let name = &score["score"];
        let mut steps = Vec::new();
        for run in of {
            let curves = run["curves"].as_array().unwrap();
            let curve = curves.iter().find(|curve| curve["score"] == *name).unwrap();
            let rows = curve["values"].as_array().unwrap();
            let passes = |row: &Value, head: usize| row[head].as_f64().is_some_and(|x| x >= 0.35);
            let heads = rows[0].as_array().unwrap().len();
            // From which checkpoint on a head keeps to the threshold.
            let kept = (0..heads).map(|head| {
                let fails = rows.iter().rposition(|row| !passes(row, head));
                fails.map_or(0, |last| last + 1)
            });
            let first = kept.filter(|from| *from < rows.len()).min();
            steps.push(first.map(|at| 10 * at as u64));
        }
        let given: Vec<Option<u64>> = score["runs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|run| run["step"].as_u64())
            .collect();
        assert_eq!(given, steps, "{name}");
        assert_eq!(score["share"]["passed"], steps.iter().flatten().count());
        assert_eq!(score["step"]["confidence"], 0.75);
        for format in ["png", "svg"] {
            let name = format!("forming/heads-{}.{format}", name.as_str().unwrap());
            assert!(
                fs::metadata(lab.path(&name)).unwrap().len() > 1000,
                "{name}"
            );
        }
    }
    let table = on_cpu(&["heads", a, b, "--checkpoints"]).ok().stdout;
    assert!(
        table.contains("of 2") && table.contains("median step"),
        "{table}"
    );

    let few = Lab::trained().at("run");
    on_cpu(&["heads", a, b]).fails(2, &["--checkpoints"]);
    on_cpu(&["heads", a, "--threshold", "0.5"]).fails(2, &["--threshold", "--checkpoints"]);
    on_cpu(&["heads", a, "--checkpoints", "--threshold", "2"]).fails(2, &["--threshold 2"]);
    on_cpu(&["heads", a, "--checkpoints", "--data", "x.txt"]).fails(2, &["--data"]);
    let one = Lab::new();
    one.train("one", &["--set", "train.keep_checkpoints=1", "--quiet"])
        .ok();
    let kept = fs::read_dir(one.path("one/checkpoints")).unwrap();
    let folders: Vec<_> = kept
        .filter(|entry| entry.as_ref().unwrap().path().is_dir())
        .collect();
    if folders.len() == 1 {
        let remedy = ["train.keep_checkpoints", "train.checkpoint_every"];
        on_cpu(&["heads", &one.at("one"), "--checkpoints"]).fails(1, &remedy);
    } else {
        on_cpu(&["heads", &few, "--checkpoints"]).ok();
    }
}

/// The page shows the same shares.
#[test]
fn the_page_weighs_attention_by_values() {
    let Some(browser) = Browser::start(1280, 900) else {
        return;
    };
    let lab = Lab::trained();
    let (run, out) = (lab.at("run"), lab.at("weighted"));
    for (format, weights) in [("html", "attention"), ("json", "values")] {
        on_cpu(&[
            "attend",
            &run,
            "--text",
            TEXT,
            "--out",
            &out,
            "--format",
            format,
            "--weighting",
            weights,
        ])
        .ok();
    }
    on_cpu(&[
        "attend",
        &run,
        "--text",
        TEXT,
        "--out",
        &out,
        "--format",
        "html",
        "--weighting",
        "values",
    ])
    .fails(2, &["--weighting values"]);
    let maps = fs::read_to_string(lab.path("weighted/attention.json")).unwrap();
    let maps: Value = serde_json::from_str(&maps).unwrap();
    browser.open(&lab.path("weighted/attention.html#unit=token"));
    let value = |layer: usize, head: usize, query: usize, key: usize| {
        let read = format!(
            "window.sisun.load().then(() => window.sisun.value({layer}, {head}, {query}, {key}))"
        );
        browser.eval(&read).as_f64().unwrap()
    };
    let plain = value(1, 2, 5, 3);
    browser.choose("#weights", "values");
    browser.wait_for("location.hash.includes('weights=values')");
    for (layer, head, query, key) in [(1, 2, 5, 3), (0, 0, 1, 0), (0, 1, 4, 4)] {
        let row = numbers(&maps["layers"][layer]["heads"][head]["value_weighted"][query]);
        let expected = row[key] / row.iter().sum::<f64>();
        let found = value(layer, head, query, key);
        assert!((found - expected).abs() < 1e-4, "{found}, not {expected}");
    }
    assert_ne!(value(1, 2, 5, 3), plain);
    let legend = "document.querySelector('#legend').textContent";
    assert!(browser.eval(legend).as_str().unwrap().contains("Kobayashi"));
    browser.choose("#language", "ko");
    assert!(
        browser
            .eval(legend)
            .as_str()
            .unwrap()
            .contains("헤드 출력에서")
    );
    browser.choose("#weights", "attention");
    browser.wait_for("!location.hash.includes('weights=values')");
    assert_eq!(value(1, 2, 5, 3), plain);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
