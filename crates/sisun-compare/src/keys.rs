//! The keys of a comparison's file.

use Shape::{Free, Kinds, Named, Numbers, Pair, Part, Table, Tables, Text, Texts, Truth, Whole, Wholes};
use sisun_config::{DOCUMENTS, Key, MODEL, MODEL_KEYS, Shape, TOKENIZER, TRAIN, TRAIN_KEYS};

/// The file, a budget merged in.
pub(crate) const FILE: Shape = Table(&[
    Key::needed("name", Text, "name of the comparison", "\"my-comparison\""),
    Key::needed("budget", Text, "which of the file's budgets", "\"class\""),
    Key::new("trial", Truth),
    Key::needed("seeds", Whole, "models of each variant", "8"),
    Key::new("baseline", Text),
    Key::new("vary", Free),
    Key::new("variants", Tables(VARIANT)),
    Key::new("sweep", Free),
    Key::needed("model", Part(MODEL_KEYS), "", ""),
    Key::needed("train", Part(TRAIN_KEYS), "", ""),
    Key::needed("tracks", Named(&TRACK), "what models are trained and judged on, a table for each", "{}"),
]);

/// What one model is trained with.
pub(crate) const SETTINGS: Shape = Table(&[Key::needed("model", MODEL, "", ""), Key::needed("train", TRAIN, "", "")]);

const VARIANT: &[Key] = &[
    Key::needed("name", Text, "how reports call it", "\"without residuals\""),
    Key::new("set", Free),
    Key::new("random_positions", Whole),
];

/// `[tracks.NAME]`.
pub(crate) const TRACK: Shape = Kinds {
    known: &[
        (
            "task",
            &[
                Key::needed("task", Text, "which one, as in sisun data make task --help", "\"copy\""),
                Key::needed("train_lengths", Pair, "shortest and longest length in training", "[1, 10]"),
                Key::needed("test_lengths", Wholes, "lengths that are tested", "[5, 10, 20]"),
                Key::new("examples", Whole),
                Key::new("set", Free),
            ],
        ),
        (
            "language",
            &[
                Key::needed("sources", Texts, "files, folders or globs to learn from", "[\"my-text.txt\"]"),
                Key::new("documents", DOCUMENTS),
                Key::new("tokenizer", TOKENIZER),
                Key::new("factors", Numbers),
                Key::new("eval_tokens", Whole),
                Key::new("set", Free),
            ],
        ),
    ],
    by_name: false,
};
