//! The keys of a comparison's file, as its serde types describe them.

use crate::grid::FILE;
use serde_json::Value;
use sisun_config::{Key, Limits, Shape, schema};
use std::sync::LazyLock;

/// The file as it is written, with all of its budgets.
pub static COMPARISON: LazyLock<Shape> = LazyLock::new(|| {
    let mut keys: Vec<Key> = file_keys().to_vec();
    keys.retain(|key| key.name != "budget");
    keys.push(Key {
        name: "budgets",
        shape: Shape::Named(&Shape::Free),
        docs: "Sizes of the comparison, of which `--budget` chooses one (`class` by default). Its \
               keys replace those of the same name outside.",
        required: true,
        fixed_default: None,
        limits: Limits::default(),
        unit: None,
        example: Some(
            "{ class = {}, smoke = { trial = true, seeds = 2, train = { steps = 20 } } }",
        ),
    });
    Shape::Table(keys.leak())
});

fn file_keys() -> &'static [Key] {
    match *FILE {
        Shape::Table(keys) => keys,
        _ => unreachable!("the file of a comparison is a table"),
    }
}

/// Return the schema of a comparison's file, as `sisun config --schema compare` prints it.
pub fn comparison_schema() -> Value {
    let mut head = schema::document(
        "A comparison for sisun compare",
        "sisun-compare.schema.json",
    );
    let Shape::Table(keys) = *COMPARISON else {
        unreachable!("the file of a comparison is a table")
    };
    // Every other key may stand in the budgets.
    let Value::Object(mut file) = schema::table(keys, vec!["tracks", "budgets"]) else {
        unreachable!("the schema of a table is an object")
    };
    let mut budget = schema::part_of(&FILE);
    for key in ["name", "budget"] {
        if let Some(properties) = budget["properties"].as_object_mut() {
            properties.remove(key);
        }
    }
    file["properties"]["budgets"]["additionalProperties"] = budget;
    head.append(&mut file);
    Value::Object(head)
}

#[cfg(test)]
mod tests {
    use super::{COMPARISON, comparison_schema};
    use crate::Grid;
    use toml::{Table, Value};

    const WHOLE: &str = r#"
        name = "whole"
        budget = "class"
        trial = false
        seeds = 2
        baseline = "none"
        [vary]
        "model.position" = ["none", "rope"]
        [[variants]]
        name = "rope, random positions"
        set = { "model.position" = "rope" }
        random_positions = 64
        [sweep]
        "train.lr_max" = [1e-3, 1e-2]
        [model]
        d_model = 8
        n_layers = 1
        n_heads = 2
        context_len = 8
        position = "none"
        [train]
        steps = 10
        batch_size = 4
        lr_max = 1e-3
        [tracks.copy]
        kind = "task"
        task = "copy"
        train_lengths = [1, 3]
        test_lengths = [3, 4]
        examples = 3
        set = { "train.steps" = 20 }
        [tracks.text]
        kind = "language"
        sources = ["a.txt"]
        documents = "line"
        jsonl_field = "story"
        tokenizer = { kind = "char" }
        factors = [1.0, 2.0]
        eval_tokens = 64
        set = { "train.steps" = 20 }
    "#;
    const PAIRS: &str = r#"
        name = "pairs"
        budget = "class"
        seeds = 2
        [[variants]]
        name = "dot"
        set = { "seq2seq.context" = "dot" }
        [[variants]]
        name = "transformer"
        set = { seq2seq = { kind = "transformer", d_model = 8, n_layers = 1, n_heads = 2, position = "rope" } }
        [sweep]
        "train.lr_max" = [1e-3, 1e-2]
        [seq2seq]
        kind = "recurrent"
        encoder = "gru"
        context = "last"
        d_embed = 4
        d_hidden = 8
        [train]
        steps = 10
        batch_size = 4
        lr_max = 1e-3
        [tracks.reverse]
        kind = "pair_task"
        task = "reverse"
        lengths = [2, 6]
        train_pairs = 30
        test_pairs = 8
        groups = 2
        set = { "train.steps" = 20 }
        [tracks.files]
        kind = "pairs"
        pairs = { sources = ["a.jsonl"] }
        source_tokenizer = { kind = "char" }
        target_tokenizer = { kind = "char" }
        alignment = false
        groups = 3
    "#;
    const VALUES: [&str; 10] = [
        "\"x\"",
        "\"\"",
        "-3",
        "1.5",
        "nan",
        "true",
        "[]",
        "[\"x\", 1]",
        "{}",
        "[{ a = 1 }]",
    ];
    const RUST: [&str; 13] = [
        "f64", "usize", "u64", "struct", "enum", "tuple", "map", "sequence", "None", "invalid",
        "integer", "string", "boolean",
    ];

    fn read(table: &Table) -> Result<Grid, String> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), table.to_string()).expect("written");
        Grid::reopen(file.path()).map_err(|error| error.to_string())
    }

    fn keys(at: &str, table: &Table, all: &mut Vec<String>) {
        for (key, value) in table {
            let path = format!("{at}/{key}");
            if let Value::Table(inner) = value {
                keys(&path, inner, all);
            }
            all.push(path);
        }
    }

    fn at<'t>(table: &'t mut Table, path: &str) -> &'t mut Value {
        let path = path.trim_start_matches('/');
        match path.split_once('/') {
            None => table.get_mut(path).expect("the key is there"),
            Some((first, rest)) => at(
                table
                    .get_mut(first)
                    .and_then(Value::as_table_mut)
                    .expect("a table"),
                rest,
            ),
        }
    }

    #[test]
    fn every_key_is_read_and_a_wrong_value_is_told_in_words_of_the_file() {
        let mut refused = 0;
        for whole in [WHOLE, PAIRS] {
            let whole: Table = whole.parse().expect("TOML");
            read(&whole).expect("a comparison");
            let mut all = Vec::new();
            keys("", &whole, &mut all);
            for key in &all {
                refused += refusals(&whole, key);
            }
        }
        assert!(refused > 350, "only {refused} were refused");
    }

    /// Return the number of values that a key refuses, each in words of the file.
    fn refusals(whole: &Table, key: &str) -> usize {
        let mut refused = 0;
        for text in VALUES {
            let value = format!("v = {text}")
                .parse::<Table>()
                .expect("TOML")
                .remove("v")
                .expect("v");
            let mut table = whole.clone();
            *at(&mut table, key) = value;
            let Err(message) = read(&table) else { continue };
            refused += 1;
            let leaf = key.rsplit('/').next().unwrap_or(key);
            assert!(
                message.contains(leaf) || key.contains("vary") || key.contains("set/"),
                "{key} = {text}: {message}"
            );
            for word in message.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-') {
                assert!(!RUST.contains(&word), "{key} = {text}: {word} in {message}");
            }
        }
        refused
    }

    /// What is said of each key of a comparison is what happens: its default and its range.
    #[test]
    fn defaults_and_ranges_are_those_that_are_checked() {
        let with = |path: &str, value: Option<Value>| {
            let pairs = ["/tracks/reverse/", "/tracks/files/"];
            let whole = match pairs.iter().any(|track| path.starts_with(track)) {
                true => PAIRS,
                false => WHOLE,
            };
            let mut table: Table = whole.parse().expect("TOML");
            match (path.rsplit_once('/'), value) {
                (_, Some(value)) => *at(&mut table, path) = value,
                (Some(("", name)), None) => _ = table.remove(name),
                (Some((parent, name)), None) => {
                    _ = at(&mut table, parent)
                        .as_table_mut()
                        .expect("a table")
                        .remove(name);
                }
                (None, None) => unreachable!("a path begins with a slash"),
            }
            read(&table)
        };
        let (mut defaults, mut bounds) = (0, 0);
        for table in COMPARISON.tables() {
            for setting in table.settings {
                let track = match setting.kinds.first() {
                    Some(&"task") => "copy",
                    Some(&"pair_task") => "reverse",
                    Some(&"pairs") => "files",
                    _ => "text",
                };
                let path = format!("/{}", setting.path.replace("NAME", track).replace('.', "/"));
                // An example for the lists of tables and the tokenizer's kinds; the rest is there.
                if path.contains("variants") || path.contains("tokenizer/") || path == "/budgets" {
                    continue;
                }
                // Those of an experiment's [pairs].
                if path.contains("/pairs/") {
                    continue;
                }
                if let Some(default) = setting.key.fixed_default {
                    let absent = with(&path, None);
                    let stated = with(&path, Some(default.parse().expect(default)));
                    // The text of the settings differs.
                    let same = |grid: &Result<Grid, String>| {
                        grid.as_ref()
                            .map(|g| (g.tracks.clone(), g.cells.clone(), g.trial))
                            .ok()
                    };
                    assert_eq!(same(&absent), same(&stated), "{path} = {default}");
                    defaults += 1;
                }
                let limits = setting.key.limits;
                for (bound, step) in [(limits.min, -1.0), (limits.max, 1.0)] {
                    let Some(bound) = bound else { continue };
                    let value = |x: f64| Some(Value::Integer(x as i64));
                    // Ten thousand seeds are too many cells for some grids, and that is said.
                    if let Err(told) = with(&path, value(bound.value)) {
                        assert!(
                            told.contains("these are"),
                            "{path} = {}: {told}",
                            bound.value
                        );
                    }
                    let told = with(&path, value(bound.value + step)).expect_err(&path);
                    assert!(told.contains(setting.key.name), "{told}");
                    bounds += 1;
                }
            }
        }
        assert!(defaults > 6 && bounds > 4, "{defaults}, {bounds}");
    }

    #[test]
    fn the_committed_schema_is_the_one_of_these_types() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../configs/sisun-compare.schema.json");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            serde_json::from_str::<serde_json::Value>(&text).ok() == Some(comparison_schema()),
            "write it anew: sisun config --schema compare > configs/sisun-compare.schema.json"
        );
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let mut table: Table = WHOLE.parse().expect("TOML");
        *at(&mut table, "/seeds") = Value::String("two".to_owned());
        *at(&mut table, "/tracks/copy/examples") = Value::Boolean(true);
        at(&mut table, "/train")
            .as_table_mut()
            .expect("a table")
            .insert("learning_rate".to_owned(), Value::Float(0.1));
        let message = read(&table).expect_err("three things are wrong");
        for part in [
            "seeds = \"two\": expected a whole number",
            "tracks.copy.examples = true: expected a whole number",
            "unknown key train.learning_rate; did you mean train.lr_max?",
        ] {
            assert!(message.contains(part), "no {part:?} in {message}");
        }
    }
}
