//! The JSON Schema agrees with what is accepted.

use crate::schema::{experiment_schema, seq2seq_schema};
use crate::tests::{VALUES, WHOLE, at, paths, tables};
use crate::{Config, ConfigError};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use toml::{Table, Value};

/// The whole configuration and its variants, with every value in the place of every key, and the
/// program's verdict on each.
fn cases() -> Vec<Json> {
    let whole: Table = WHOLE.parse().expect("TOML");
    let mut tried = BTreeSet::new();
    let mut cases = Vec::new();
    for table in tables() {
        let mut keys = Vec::new();
        paths("", &table, &mut keys);
        let kinds =
            |key: &String| key.starts_with("model.position") || key.starts_with("tokenizer");
        let keys = keys.into_iter().filter(|key| table == whole || kinds(key));
        for key in keys {
            for text in VALUES {
                let mut table = table.clone();
                let value: Value = text.parse().expect("TOML");
                // JSON has neither; and the type of a text within a text is checked by the program
                // alone, as is whether a number is too large for one.
                let told = ["nan", "-inf", "1979-05-27", "\"[1]\"", "1e300"].contains(&text);
                *at(&mut table, &key) = value;
                let toml = toml::to_string(&table).expect("TOML");
                if told || !tried.insert(toml.clone()) {
                    continue;
                }
                let read = Config::parse(Path::new("a.toml"), &toml);
                let accepted = read.is_ok();
                let wrong = read.err().is_some_and(|error| {
                    error.problems().iter().any(|problem| {
                        matches!(
                            problem,
                            ConfigError::Wrong { .. } | ConfigError::UnknownKey { .. }
                        )
                    })
                });
                cases.push(json!({
                    "value": table, "accepted": accepted, "wrong": wrong,
                    "what": format!("{key} = {text}"),
                }));
            }
        }
    }
    cases
}

#[test]
fn a_validator_agrees_with_the_program() {
    let Some(python) = std::env::var_os("SISUN_PEERS_PYTHON") else {
        let told = "NOT RUN: schema_check.py (SISUN_PEERS_PYTHON is not set; .ci/run sets it)";
        // A closed stderr must not fail the test.
        let _ = writeln!(std::io::stderr().lock(), "{told}");
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/schema_check.py");
    let mut check = Command::new(python)
        .arg(script)
        .arg("--cases")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let lines: Vec<String> = cases().iter().map(Json::to_string).collect();
    let mut stdin = check.stdin.take().expect("a pipe");
    // A script that fails at once closes the pipe; its message follows.
    let _ = stdin.write_all(lines.join("\n").as_bytes());
    drop(stdin);
    let output = check.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn the_committed_schemas_are_those_of_these_types() {
    for (file, option, schema) in [
        ("sisun.schema.json", "", experiment_schema()),
        ("sisun-seq2seq.schema.json", " seq2seq", seq2seq_schema()),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
        let text = std::fs::read_to_string(path.join(file)).unwrap_or_default();
        assert!(
            serde_json::from_str::<Json>(&text).ok() == Some(schema),
            "write it anew: sisun config --schema{option} > configs/{file}"
        );
    }
}
