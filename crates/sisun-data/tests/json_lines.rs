//! Records of JSON: what is read as such whatever it is called, and what is said where it cannot
//! be.
#![allow(clippy::unwrap_used)]

mod desk;

use desk::{Desk, documents, text};
use sisun_config::Documents;
use sisun_data::{DataError, END_OF_TEXT, prepare_whole};
use std::fs;

const LINES: &str =
    "{\"id\": 1, \"body\": \"one\"}\n\n{\"id\": 2, \"body\": \"two\"}\n{\"body\": \"three\"}\n";
const ARRAY: &str = "[\n {\"id\": 1, \"body\": \"one\"},\n {\"id\": 2,\n  \"body\": \"two\"},{\"body\": \"three\"}]\n";

fn read(desk: &mut Desk) -> Vec<String> {
    let corpus = desk.prepare().unwrap();
    [
        documents(&corpus, &corpus.train),
        documents(&corpus, &corpus.validation),
    ]
    .concat()
}

fn with_end(documents: &[&str]) -> Vec<String> {
    documents
        .iter()
        .map(|document| format!("{document}{END_OF_TEXT}"))
        .collect()
}

#[test]
fn a_configured_field_is_read_from_any_file_name() {
    for name in [
        "a.jsonl",
        "a.JSONL",
        "a.ndjson",
        "a.NDJson",
        "a.json",
        "a.jsonl.txt",
        "a.txt",
        "a",
        "a.data",
    ] {
        for contents in [
            LINES.to_owned(),
            ARRAY.to_owned(),
            format!("\u{FEFF}\r\n {}", LINES.replace('\n', "\r\n")),
        ] {
            let mut desk = Desk::new(&[(name, contents.as_bytes())]);
            desk.data.jsonl_field = Some("body".to_owned());
            assert_eq!(
                read(&mut desk),
                with_end(&["one", "two", "three"]),
                "{name}: {contents}"
            );
            assert!(
                !desk
                    .messages
                    .iter()
                    .any(|message| message.starts_with("note")),
                "{:?}",
                desk.messages
            );
        }
    }
}

#[test]
fn folders_globs_validation_and_texts_of_their_own_follow_the_same_rule() {
    let mut desk = Desk::new(&[
        ("in/a.json", ARRAY.as_bytes()),
        ("in/b.ndjson", b"{\"body\": \"four\"}"),
        ("in/notes.txt", b"plain"),
        ("in/sizes.json", b"{\n  \"rows\": 3\n}"),
        ("held.json", b"{\"body\": \"five\"}"),
    ]);
    desk.data.jsonl_field = Some("body".to_owned());
    desk.data.validation = vec![desk.path("held.json")];
    for source in ["in", "in/[abn]*"] {
        desk.data.sources = vec![desk.path(source)];
        assert_eq!(
            read(&mut desk),
            with_end(&["one", "two", "three", "four", "plain", "five"]),
            "{source}"
        );
    }
    desk.data.sources = vec![desk.path("held.json")];
    let tokenizer = desk.prepare_tokenizer("five");
    let tokens = prepare_whole(&desk.data, &tokenizer, &desk.cache(), &mut |_| ()).unwrap();
    assert_eq!(
        tokenizer.decode(&tokens.read(0..tokens.len())).unwrap(),
        "five"
    );
}

#[test]
fn without_a_field_the_file_name_decides() {
    let mut desk = Desk::new(&[("a.ndjson", LINES.replace("body", "text").as_bytes())]);
    assert_eq!(read(&mut desk), with_end(&["one", "two", "three"]));
    for (contents, kind) in [(LINES, "JSON lines"), (ARRAY, "JSON array")] {
        let mut desk = Desk::new(&[
            ("a.json", contents.as_bytes()),
            ("b.txt", contents.as_bytes()),
        ]);
        desk.data.sources.truncate(1);
        let corpus = desk.prepare().unwrap();
        assert_eq!(
            text(&corpus, &corpus.train) + &text(&corpus, &corpus.validation),
            contents
        );
        let notes: Vec<&String> = desk
            .messages
            .iter()
            .filter(|message| message.starts_with("note"))
            .collect();
        assert!(
            notes.len() == 1
                && notes[0].contains("data.jsonl_field")
                && notes[0].contains("a.json"),
            "{notes:?}"
        );
        assert!(notes[0].contains(kind), "{notes:?}");
    }
    let mut prose = Desk::new(&[(
        "a.txt",
        b"{braces} and [brackets], \"quotes\"\n{\n\"a\": 1}".as_slice(),
    )]);
    prose.prepare().unwrap();
    assert!(
        !prose
            .messages
            .iter()
            .any(|message| message.starts_with("note")),
        "{:?}",
        prose.messages
    );
}

#[test]
fn a_field_that_nothing_has_is_refused() {
    let mut desk = Desk::new(&[
        ("a.txt", b"just some words"),
        ("b.txt", b"{\n \"body\": \"not on one line\"\n}"),
    ]);
    desk.data.jsonl_field = Some("body".to_owned());
    let error = desk.error();
    assert!(matches!(error, DataError::NoJsonLines { .. }), "{error}");
    assert!(
        error.to_string().contains("data.jsonl_field = \"body\"")
            && error.to_string().contains("a.txt"),
        "{error}"
    );
    desk.data.jsonl_field = None;
    desk.data.jsonl_answer_field = Some("answer".to_owned());
    assert!(
        desk.error()
            .to_string()
            .contains("data.jsonl_answer_field = \"answer\"")
    );
    // The name that runs stated when it was left out.
    desk.data.jsonl_answer_field = None;
    desk.data.jsonl_field = Some("text".to_owned());
    desk.prepare().unwrap();
    assert!(
        desk.messages
            .iter()
            .any(|message| message.contains("has no effect")),
        "{:?}",
        desk.messages
    );
    // A sound source beside it is enough.
    fs::write(desk.path("b.txt"), LINES).unwrap();
    desk.data.jsonl_field = Some("body".to_owned());
    assert_eq!(read(&mut desk).len(), 4);
}

#[test]
fn a_value_that_is_not_text_is_refused_by_its_kind() {
    let error = |line: &str| {
        let text = format!("{{\"text\": \"sound\"}}\r\n{line}\r\n{{\"text\": \"sound\"}}\r\n");
        let error = Desk::new(&[("a.jsonl", text.as_bytes())]).error();
        assert!(
            matches!(error, DataError::JsonField { line: 2, .. }),
            "{error}"
        );
        error.to_string()
    };
    for (value, parts) in [
        ("12", ["a number", "quotes"]),
        ("NaN", ["a number", "quotes"]),
        ("true", ["true or false", "quotes"]),
        ("[\"a\", \"b\"]", ["a list", "join"]),
        ("{\"a\": 1}", ["an object", "field"]),
    ] {
        let told = error(&format!("{{\"text\": {value}}}"));
        assert!(
            parts.iter().all(|part| told.contains(part)),
            "{value}: {told}"
        );
        assert!(
            told.contains("`text`")
                && told.contains("a.jsonl")
                && told.contains("data.jsonl_field"),
            "{told}"
        );
    }
    let missing = error("{\"meta\": {\"text\": \"nested\"}, \"id\": NaN}");
    assert!(
        missing.contains("no field `text` (fields: meta, id)"),
        "{missing}"
    );
    for line in [
        "\"just a string\"",
        "7",
        "[1]",
        "null",
        "{\"text\": \"a\"",
        "{\"text\": \"a\u{1}\"}",
    ] {
        let text = format!("{{\"text\": \"sound\"}}\n{line}\n");
        let error = Desk::new(&[("a.jsonl", text.as_bytes())]).error();
        assert!(
            matches!(error, DataError::JsonLine { line: 2, .. }),
            "{error}"
        );
    }
}

/// Null and NaN, as pandas and `datasets` write them for a missing text.
#[test]
fn records_without_a_text_are_skipped_with_a_note() {
    let lines =
        "{\"text\": \"one\"}\n{\"text\": null}\n{\"text\": \"two\"}\n{\"text\": null, \"id\": 3}\n";
    let mut desk = Desk::new(&[("a.jsonl", lines.as_bytes())]);
    for contents in [
        lines.to_owned(),
        format!("[{}]", lines.trim().replace('\n', ",\n")),
    ] {
        fs::write(desk.path("a.jsonl"), contents).unwrap();
        desk.messages.clear();
        assert_eq!(read(&mut desk), with_end(&["one", "two"]));
        let notes: Vec<&String> = desk
            .messages
            .iter()
            .filter(|message| message.starts_with("note"))
            .collect();
        assert!(
            notes.len() == 1 && notes[0].contains("2 records left out"),
            "{notes:?}"
        );
        assert!(
            notes[0].contains("`text` is null") && notes[0].contains("a.jsonl` line 2"),
            "{notes:?}"
        );
    }
    let mut answers = Desk::new(&[(
        "a.jsonl",
        b"{\"text\": \"q\", \"a\": null}\n{\"text\": \"p\", \"a\": \"r\"}\n{\"text\": \"p\", \"a\": \"r\"}",
    )]);
    answers.data.jsonl_answer_field = Some("a".to_owned());
    assert_eq!(read(&mut answers), with_end(&["pr", "pr"]));
    assert!(
        answers
            .messages
            .iter()
            .any(|message| message.contains("`a` is null")),
        "{:?}",
        answers.messages
    );
    let error = Desk::new(&[("a.jsonl", b"{\"text\": null}")]).error();
    assert!(
        matches!(error, DataError::Empty { .. }) && error.to_string().contains("text is null"),
        "{error}"
    );
}

#[test]
fn json_of_python_is_read() {
    let lines = "\u{FEFF}{\"text\": \"a cut \\ud83d emoji\"}\r\n{\"text\": \"x\", \"score\": NaN}\n{\"text\": \"\"}\n\
                 {\"text\": \"dup\", \"text\": \"second\"}\n{\"text\": \"a\u{2028}b\\r\\n\\u0000\"}\n{\"text\": \"end\"}";
    let mut desk = Desk::new(&[("a.jsonl", lines.as_bytes())]);
    let expected = [
        "a cut \u{FFFD} emoji",
        "x",
        "",
        "second",
        "a\u{2028}b\r\n\0",
        "end",
    ];
    assert_eq!(read(&mut desk), with_end(&expected));
    let long = format!(
        "{{\"text\": \"{}\"}}\n{{\"text\": \"b\"}}\n",
        "ab ".repeat(1 << 20)
    );
    let mut desk = Desk::new(&[("a.jsonl", long.as_bytes())]);
    assert_eq!(read(&mut desk)[0].len(), (3 << 20) + END_OF_TEXT.len());
}

#[test]
fn an_array_is_refused_with_the_line_of_its_element() {
    let error = |contents: &str| {
        let mut desk = Desk::new(&[("a.json", contents.as_bytes())]);
        desk.data.jsonl_field = Some("text".to_owned());
        desk.error().to_string()
    };
    assert!(
        error("[{\"text\": \"a\"},\n{\"text\": 1}]").contains("line 2: field `text` is a number")
    );
    assert!(
        error("[{\"text\": \"a\"},\n{\"text\":\n\"b\" 1}]").contains("line 3: not a JSON object")
    );
    assert!(error("[{\"text\": \"a\"},\n{\"text\": \"b\"}").contains("no end"));
    assert!(error("[{\"text\": \"a\"}]\n[{\"text\": \"b\"}]").contains("line 2"));
    assert!(error("[{\"text\": \"a\"}, 5]").contains("it is a number"));
}

#[test]
fn a_setting_for_plain_text_is_told_and_so_is_a_file_that_is_named_twice() {
    let records = "{\"text\": \"one two three four\"}\n".repeat(9);
    let notes = |documents: Documents, more: &[&str]| {
        let mut desk = Desk::new(&[("a.jsonl", records.as_bytes())]);
        desk.data.documents = documents;
        for name in more {
            desk.data.sources.push(desk.path(name));
        }
        desk.prepare().unwrap();
        let notes = |line: &&String| line.starts_with("note: ");
        desk.messages
            .iter()
            .filter(notes)
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(notes(Documents::File, &[]), [""; 0]);
    for (documents, name) in [
        (Documents::Line, "line"),
        (Documents::Paragraph, "paragraph"),
    ] {
        let told = notes(documents, &[]);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains(&format!("data.documents = {name:?} has no effect")),
            "{told:?}"
        );
    }
    let told = notes(Documents::File, &["a.jsonl", "*.jsonl"]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("named more than once and read once") && told[0].ends_with("a.jsonl"));
}
