//! `sisun heads`: results agree with those of other commands.

use crate::sisun::{Lab, sisun};
use serde_json::Value;
use std::fs;

const TEXT: &str = "The cat sat on the mat.";

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
    assert_eq!(told, 4, "{table}");
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
    assert_eq!(table.matches("no head stands out").count(), 4, "{table}");
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
