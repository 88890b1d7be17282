//! Given matrices: against the page's scripts, the notes' errors in fractions, and bad input.

use super::{LANGUAGES, close, node};
use serde_json::{Value, json};
use sisun_infer::{Language, OwnNumbers, PRESETS};
use sisun_tests::fixtures::text;
use sisun_viz::worked::{StepContext, printed_sentences, steps};

/// Return matrices of many shapes, masked and divided in every way.
fn some_numbers() -> Vec<OwnNumbers> {
    let mut all: Vec<OwnNumbers> = PRESETS.iter().map(|preset| preset.numbers()).collect();
    for toml in [
        "mask = true\nscale = false\nQ = [[1, -2], [0.5, 3], [2, 2]]\nK = [[1, 0], [0, 1], [4, 4]]\nV = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]",
        "query = 0\nmask = true\nscale = 3.5\nX = [[1, 2, 3], [4, 5, 6]]\nW_Q = [[1], [0], [2]]\nW_K = [[1], [1], [1]]\nW_V = [[1, 0], [0, 1], [-1, 1e3]]",
        "Q = [[40]]\nK = [[50]]\nV = [[-0.0]]\n[printed]\nscores = [\"2000\"]\nweights = [\"0.9\"]",
        "Q = [[30, 0], [0, 30]]\nK = [[30, 0], [0, 30]]\nV = [[1], [2]]",
    ] {
        all.push(OwnNumbers::read(toml).unwrap());
    }
    all
}

#[test]
fn the_page_computes_given_matrices_as_the_program_does() {
    let all = some_numbers();
    let requests: Vec<Value> = all.iter().map(|given| json!({ "given": given })).collect();
    let Some(answers) = node(&requests) else {
        return;
    };
    for (given, answer) in all.iter().zip(answers) {
        let found = given.explain().unwrap();
        assert_eq!(answer["tokens"], json!(found.tokens));
        assert_eq!(answer["query"], json!(found.query));
        let matrix =
            |value: &Value| -> Vec<Vec<f64>> { serde_json::from_value(value.clone()).unwrap() };
        for (name, rows) in [("Q", &found.q), ("K", &found.k), ("V", &found.v)] {
            close(name, &matrix(&answer[name]).concat(), &rows.concat());
        }
        for (row, answer) in found.rows.iter().zip(answer["rows"].as_array().unwrap()) {
            let keys = answer["keys"].as_array().unwrap();
            for (key, answer) in row.keys.iter().zip(keys) {
                for (name, value) in [
                    ("dot", key.dot),
                    ("scaled", key.scaled),
                    ("exp", key.exp),
                    ("weight", key.weight),
                ] {
                    let far = (answer[name].as_f64().unwrap() - value).abs();
                    assert!(far <= 1e-12 * value.abs().max(1.0), "{name}: {far:e}");
                }
                assert_eq!(answer["hidden"], json!(key.hidden));
            }
            let z: Vec<f64> = serde_json::from_value(answer["z"].clone()).unwrap();
            close("z", &z, &row.z);
        }
        let expected = LANGUAGES.map(|language| {
            steps(
                &StepContext::of_own(&found, str::to_owned, language),
                language,
            )
        });
        assert_eq!(answer["steps"], json!(expected), "{}", given.title);
        let notes = LANGUAGES.map(|language| printed_sentences(&found, false, language));
        assert_eq!(answer["notes"], json!(notes), "{}", given.title);
        let wrong = |found: &Value| -> Vec<(String, u64, u64)> {
            let wrong = found.as_array().unwrap().iter();
            wrong
                .map(|one| {
                    let text = one["table"].as_str().unwrap().to_owned();
                    (
                        text,
                        one["row"].as_u64().unwrap(),
                        one["column"].as_u64().unwrap(),
                    )
                })
                .collect()
        };
        assert_eq!(
            wrong(&answer["deviations"]),
            wrong(&json!(found.deviations))
        );
        // What the page offers as a file is read as the same matrices.
        let written = OwnNumbers::read(answer["toml"].as_str().unwrap()).unwrap();
        assert_eq!(written.explain().unwrap().rows, found.rows);
    }
}

#[test]
fn what_a_note_prints_wrong_is_what_was_found_in_fractions() {
    let published: Value = serde_json::from_str(&text("worked_examples.json")).unwrap();
    for preset in PRESETS {
        let found = preset.numbers().explain().unwrap();
        let rows = &published[preset.name];
        for (name, row) in rows["weights"].as_array().unwrap().iter().zip(&found.rows) {
            let expected: Vec<f64> = serde_json::from_value(name.clone()).unwrap();
            let weights: Vec<f64> = row.keys.iter().map(|key| key.weight).collect();
            close("weights", &weights, &expected);
        }
        let location = |table: &str| match (preset.name, table) {
            ("mat", "sum") => "step 3, sum of exp",
            (_, "Q") => "Q = X W_Q",
            (_, "K") => "K = X W_K",
            (_, "V") => "V = X W_V",
            (_, "scores") => "Q Kᵀ",
            (_, "scaled") => "Q Kᵀ scaled",
            (_, "exp") => "exp of row 3",
            (_, "sum") => "sum of exp of row 3",
            (_, "weights") => "attention weights",
            (_, "z") => "attention output",
            (_, other) => panic!("{other}"),
        };
        let given = found.deviations.iter().map(|wrong| {
            let row = if matches!(wrong.table, "exp" | "sum") {
                0
            } else {
                wrong.row
            };
            (
                location(wrong.table).to_owned(),
                row as u64,
                wrong.column as u64,
            )
        });
        let mut given: Vec<_> = given.collect();
        let mut expected: Vec<(String, u64, u64)> = published["deviations"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["document"] == preset.name && one["row"].is_u64())
            // Printed once more below the whole tables.
            .filter(|one| {
                !matches!(
                    one["location"].as_str().unwrap(),
                    "softmax of row 3" | "output of row 3"
                )
            })
            .map(|one| {
                let location = one["location"].as_str().unwrap().to_owned();
                (
                    location,
                    one["row"].as_u64().unwrap(),
                    one["column"].as_u64().unwrap(),
                )
            })
            .collect();
        given.sort();
        expected.sort();
        assert_eq!(given, expected, "{}", preset.name);
    }
    let found = PRESETS[1].numbers().explain().unwrap();
    let told = printed_sentences(&found, false, Language::English);
    let told = &told["qkv"];
    assert!(told.contains(&"k of “배”, no. 1, 2, 3, 4: the note prints [0.33, 0.31, 0.27, 0.30], it is [0.30, 0.29, 0.22, 0.36].".to_owned()), "{told:?}");
}

#[test]
fn bad_matrices_are_told_with_key_value_and_remedy() {
    let good = "Q = [[1, 2]]\nK = [[1, 2]]\nV = [[1, 2]]";
    let many = format!("[{}]", vec!["[0]"; 65].join(", "));
    for (toml, parts) in [
        ("", &["no matrix", "missing Q, K, V"][..]),
        ("Q = [[1]]", &["only Q", "missing K, V"]),
        (
            "X = [[1]]\nW_Q = [[1]]",
            &["only X, W_Q", "missing W_K, W_V"],
        ),
        ("X = [[1]]\nQ = [[1]]", &["X and Q", "one or the other"]),
        (
            "Q = []\nK = [[1]]\nV = [[1]]",
            &["Q = []", "at least one row"],
        ),
        ("Q = [[]]\nK = [[1]]\nV = [[1]]", &["Q = []"]),
        (
            "Q = [[1, 2], [3]]\nK = [[1]]\nV = [[1]]",
            &["Q: row 1 has 1 numbers", "row 0 has 2"],
        ),
        (
            "Q = [[1, 2]]\nK = [[1]]\nV = [[1]]",
            &["Q is 1 × 2 and K is 1 × 1", "same number of columns"],
        ),
        (
            "Q = [[1]]\nK = [[1], [2]]\nV = [[1]]",
            &["K is 2 × 1", "row in each"],
        ),
        (
            "X = [[1, 2]]\nW_Q = [[1]]\nW_K = [[1]]\nW_V = [[1]]",
            &["X is 1 × 2 and W_Q is 1 × 1", "as many rows"],
        ),
        (
            "Q = [[nan]]\nK = [[1]]\nV = [[1]]",
            &["Q, row 0, column 0 = NaN", "finite"],
        ),
        (
            "Q = [[1]]\nK = [[inf]]\nV = [[1]]",
            &["K, row 0, column 0 = inf"],
        ),
        ("Q = [[1]]\nK = [[1e200]]\nV = [[1]]", &["1e100"]),
        (
            &format!("{good}\nscale = 0"),
            &["scale = 0", "greater than 0"],
        ),
        (&format!("{good}\nscale = -1.5"), &["scale = -1.5"]),
        (&format!("{good}\nscale = nan"), &["scale = NaN"]),
        (&format!("{good}\nquery = 7"), &["query = 7", "0 \"0\""]),
        (
            &format!("{good}\nquery = \"x\"\ntokens = [\"a\"]"),
            &["query = \"x\"", "0 \"a\""],
        ),
        (
            &format!("{good}\ntokens = [\"a\", \"b\"]"),
            &["2 labels", "1 rows"],
        ),
        (
            &format!("{good}\n[printed]\nscores = [\"1 2\"]"),
            &["printed.scores", "give 1"],
        ),
        (
            &format!("{good}\n[printed]\nscores = [\"a\"]"),
            &["printed.scores", "\"a\""],
        ),
        (
            &format!("{good}\n[printed]\nscores = [\"0.{}\"]", "1".repeat(40)),
            &["printed.scores", "42 characters", "at most 30"],
        ),
        (
            &format!("{good}\n[printed]\nz = [\"1 2\", \"1 2\"]"),
            &["printed.z", "2 rows"],
        ),
        (
            &format!("Q = {many}\nK = {many}\nV = {many}"),
            &["Q has 65 rows", "at most 64"],
        ),
        ("W_q = [[1]]", &["W_q", "expected one of", "W_Q"]),
        ("Q = [[1]", &["line 1"]),
        ("Q = 3", &["Q", "expected a sequence"]),
        (&format!("{good}\nmask = \"yes\""), &["mask", "boolean"]),
    ] {
        let told = OwnNumbers::read(toml).and_then(|given| given.explain());
        let told = told.unwrap_err().to_string();
        for part in parts {
            assert!(told.contains(part), "{toml}\n{told}\nlacks {part:?}");
        }
    }
    let twice =
        "tokens = [\"a\", \"a\"]\nquery = \"a\"\nQ = [[1], [1]]\nK = [[1], [1]]\nV = [[1], [1]]";
    let told = OwnNumbers::read(twice).unwrap().explain().unwrap_err();
    assert!(told.to_string().contains("0, 1"), "{told}");
}
