//! The keys of a comparison's file.

use Shape::{
    Bool, Free, Integer, Integers, Kinds, Named, Numbers, Pair, Part, Strings, Table, Tables, Text,
};
use sisun_config::{DOCUMENTS, Key, MODEL, MODEL_KEYS, Shape, TOKENIZER, TRAIN, TRAIN_KEYS};

/// The file, with a budget merged in.
pub(crate) const FILE: Shape = Table(&[
    Key::needed("name", Text, "name of the comparison", "\"my-comparison\""),
    Key::needed("budget", Text, "which of the file's budgets", "\"class\""),
    Key::new("trial", Bool),
    Key::needed("seeds", Integer, "models of each variant", "8"),
    Key::new("baseline", Text),
    Key::new("vary", Free),
    Key::new("variants", Tables(VARIANT)),
    Key::new("sweep", Free),
    Key::needed("model", Part(MODEL_KEYS), "", ""),
    Key::needed("train", Part(TRAIN_KEYS), "", ""),
    Key::needed(
        "tracks",
        Named(&TRACK),
        "what models are trained and judged on, a table for each",
        "{}",
    ),
]);

/// Settings of a model and its training.
pub(crate) const SETTINGS: Shape = Table(&[
    Key::needed("model", MODEL, "", ""),
    Key::needed("train", TRAIN, "", ""),
]);

const VARIANT: &[Key] = &[
    Key::needed("name", Text, "how reports call it", "\"without residuals\""),
    Key::new("set", Free),
    Key::new("random_positions", Integer),
];

/// `[tracks.NAME]`.
pub(crate) const TRACK: Shape = Kinds {
    known: &[
        (
            "task",
            &[
                Key::needed(
                    "task",
                    Text,
                    "which one, as in sisun data make task --help",
                    "\"copy\"",
                ),
                Key::needed(
                    "train_lengths",
                    Pair,
                    "shortest and longest length in training",
                    "[1, 10]",
                ),
                Key::needed(
                    "test_lengths",
                    Integers,
                    "lengths that are tested",
                    "[5, 10, 20]",
                ),
                Key::new("examples", Integer),
                Key::new("set", Free),
            ],
        ),
        (
            "language",
            &[
                Key::needed(
                    "sources",
                    Strings,
                    "files, folders or globs to learn from",
                    "[\"my-text.txt\"]",
                ),
                Key::new("documents", DOCUMENTS),
                Key::new("tokenizer", TOKENIZER),
                Key::new("factors", Numbers),
                Key::new("eval_tokens", Integer),
                Key::new("set", Free),
            ],
        ),
    ],
    by_name: false,
};

#[cfg(test)]
mod tests {
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
        tokenizer = { kind = "char" }
        factors = [1.0, 2.0]
        eval_tokens = 64
        set = { "train.steps" = 20 }
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
        let whole: Table = WHOLE.parse().expect("TOML");
        read(&whole).expect("a comparison");
        let mut all = Vec::new();
        keys("", &whole, &mut all);
        let mut refused = 0;
        for key in &all {
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
        }
        assert!(refused > 150, "only {refused} were refused");
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
