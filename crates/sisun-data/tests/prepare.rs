//! From files to tokens: sources, documents, splits, the cache, and everything that can be wrong
//! with them.
#![allow(clippy::unwrap_used)]

mod desk;

use desk::{Desk, documents, text};
use sisun_config::{DataConfig, Documents, TokenizerConfig};
use sisun_data::{DataError, END_OF_TEXT, Tokenizer, Tokens, prepare, prepare_whole};
use std::{fs, path::Path};

#[test]
fn one_document_is_split_as_nanogpt_splits_it() {
    // 37 characters of one to four bytes; int(37 · 0.9) = 33.
    let whole: String = "가나다 abc \u{1F600}\n".chars().cycle().take(37).collect();
    let mut desk = Desk::new(&[("a.txt", whole.as_bytes())]);
    let corpus = desk.prepare().unwrap();
    let at = whole.char_indices().nth(33).unwrap().0;
    assert_eq!(text(&corpus, &corpus.train), whole[..at]);
    assert_eq!(text(&corpus, &corpus.validation), whole[at..]);
    assert_eq!((corpus.train.len(), corpus.validation.len()), (33, 4));
    assert_eq!(
        (corpus.train.bytes(), corpus.validation.bytes()),
        (at as u64, (whole.len() - at) as u64)
    );
    assert_eq!(corpus.tokenizer.end_of_text(), None);
    assert_eq!(corpus.train.documents(), 1);
}

#[test]
fn documents_are_followed_by_an_end_of_text_and_split_between() {
    let mut desk = Desk::new(&[(
        "a.txt",
        "one\n\n\ntwo\nzwei\n\t\n\n three\n\nfour".as_bytes(),
    )]);
    desk.data.documents = Documents::Paragraph;
    desk.data.validation_fraction = 0.5;
    let corpus = desk.prepare().unwrap();
    let with_end = |documents: &[&str]| {
        documents
            .iter()
            .map(|d| format!("{d}{END_OF_TEXT}"))
            .collect::<Vec<_>>()
    };
    // 3 + 8 + 6 + 4 = 21 characters: `three` is the first document that starts at or after number
    // 10.
    assert_eq!(
        documents(&corpus, &corpus.train),
        with_end(&["one", "two\nzwei"])
    );
    assert_eq!(
        documents(&corpus, &corpus.validation),
        with_end(&[" three", "four"])
    );
    assert_eq!((corpus.train.bytes(), corpus.validation.bytes()), (11, 10));

    desk.data.documents = Documents::Line;
    desk.data.validation_fraction = 0.01;
    let corpus = desk.prepare().unwrap();
    assert_eq!(
        documents(&corpus, &corpus.train),
        with_end(&["one", "two", "zwei", " three"])
    );
    assert_eq!(
        documents(&corpus, &corpus.validation),
        with_end(&["four"]),
        "at least one document is held out"
    );
}

#[test]
fn windows_line_endings_and_a_byte_order_mark_are_no_text_of_their_own() {
    let mut desk = Desk::new(&[("a.txt", "\u{FEFF}one\r\nuno\r\n\r\ntwo\r\n".as_bytes())]);
    desk.data.documents = Documents::Paragraph;
    let corpus = desk.prepare().unwrap();
    assert_eq!(
        documents(&corpus, &corpus.train),
        [format!("one\nuno{END_OF_TEXT}")]
    );
    assert_eq!(
        documents(&corpus, &corpus.validation),
        [format!("two{END_OF_TEXT}")]
    );
}

/// As Python's text mode reads a file.
#[test]
fn every_line_end_is_a_line_feed() {
    // A pair that the end of the first block cuts, and a lone one that it ends with.
    let cut = |ending: &str| {
        format!(
            "{}{ending}two\n\n{ending}three",
            "one ".repeat(1 << 16)[1..].to_owned()
        )
    };
    for ending in ["\r\n", "\r", "\n", "\r\r\n", "\r\n\r\n\n\r"] {
        let whole = cut(ending);
        for documents in [Documents::File, Documents::Line, Documents::Paragraph] {
            let read = |contents: &str| {
                let mut desk = Desk::new(&[("a.txt", contents.as_bytes())]);
                desk.data.documents = documents;
                let corpus = desk.prepare().unwrap();
                assert_eq!(corpus.sources.carriage_returns, contents.contains('\r'));
                (
                    text(&corpus, &corpus.train),
                    text(&corpus, &corpus.validation),
                    corpus.sha256,
                    corpus.sources.sha256,
                )
            };
            let python = whole.replace("\r\n", "\n").replace('\r', "\n");
            assert!(read(&whole) == read(&python), "{ending:?} {documents:?}");
        }
    }
}

/// Runs from before carriage returns were line ends everywhere recorded these fingerprints.
#[test]
fn the_fingerprint_of_a_text_is_stable() {
    let mut desk = Desk::new(&[("a.txt", "one\n\ntwo\n 하나\n\nthree\n".as_bytes())]);
    let mut sha256 = |documents| {
        desk.data.documents = documents;
        desk.prepare().unwrap().sha256[..16].to_owned()
    };
    assert_eq!(sha256(Documents::File), "dc4685bba7033ba2");
    assert_eq!(sha256(Documents::Paragraph), "0fcc11a9795a391d");
}

/// A cache entry is found again only under the same name, so a change of name must be intended.
#[test]
fn the_name_of_a_cache_entry_is_stable() {
    let lines = b"{\"text\": \"q\", \"a\": \"one\"}\n{\"text\": \"r\", \"a\": \"two\"}\n";
    let mut desk = Desk::new(&[("a.jsonl", lines)]);
    let name = |desk: &mut Desk| {
        let _ = fs::remove_dir_all(desk.cache());
        desk.prepare().unwrap();
        let entries = sisun_data::cache_entries(&desk.cache()).unwrap();
        let name = entries[0].path.file_name().unwrap().to_str().unwrap();
        name[..16].to_owned()
    };
    assert_eq!(name(&mut desk), "79cc9baa42ea6b6c");
    desk.data.jsonl_answer_field = Some("a".to_owned());
    assert_eq!(name(&mut desk), "25be8648fcf2f282");
    desk.data.normalize = sisun_config::Normalize::Nfc;
    assert_eq!(name(&mut desk), "21ae6223870d615b");
}

#[test]
fn folders_and_globs_are_sorted_and_no_file_is_read_twice() {
    let mut desk = Desk::new(&[
        ("corpus/b.txt", b"bb"),
        ("corpus/a.md", b"aa"),
        ("corpus/deep/c.TXT", b"cc"),
        ("corpus/.hidden.txt", b"hidden"),
        ("corpus/notes.pdf", b"pdf"),
        ("d.log", b"dd"),
        ("e.log", b"ee"),
    ]);
    desk.data.sources = vec![
        desk.path("corpus"),
        desk.path("*.log"),
        desk.path("corpus/b.txt"),
    ];
    let corpus = desk.prepare().unwrap();
    let all: Vec<String> = [
        documents(&corpus, &corpus.train),
        documents(&corpus, &corpus.validation),
    ]
    .concat();
    assert_eq!(all.concat().replace(END_OF_TEXT, "|"), "aa|bb|cc|dd|ee|");
}

#[test]
fn a_validation_file_is_not_trained_on() {
    let mut desk = Desk::new(&[("corpus/a.txt", b"training"), ("corpus/z.txt", b"held out")]);
    desk.data.sources = vec![desk.path("corpus")];
    desk.data.validation = vec![desk.path("corpus/z.txt")];
    let corpus = desk.prepare().unwrap();
    assert_eq!(
        text(&corpus, &corpus.train),
        "training",
        "one document on each side: no end of text"
    );
    assert_eq!(text(&corpus, &corpus.validation), "held out");
}

#[test]
fn json_lines_give_questions_and_answers_with_loss_on_the_answers() {
    let lines = "{\"q\": \"2+2=\", \"a\": \"4\"}\n\n{\"a\": \"넷\", \"q\": \"둘 더하기 둘은 \", \"id\": 7}\r\n{\"q\": \"x\", \"a\": \"\"}\n";
    let mut desk = Desk::new(&[("a.jsonl", lines.as_bytes())]);
    desk.data.jsonl_field = Some("q".to_owned());
    desk.data.jsonl_answer_field = Some("a".to_owned());
    let corpus = desk.prepare().unwrap();
    let end = END_OF_TEXT;
    assert_eq!(
        documents(&corpus, &corpus.train),
        [format!("2+2=4{end}"), format!("둘 더하기 둘은 넷{end}")]
    );
    assert_eq!(documents(&corpus, &corpus.validation), [format!("x{end}")]);
    let mut marks = Vec::new();
    corpus
        .train
        .read_loss_into(0..corpus.train.len(), &mut marks);
    let marks: String = marks.iter().map(|&on| if on { '1' } else { '.' }).collect();
    assert_eq!(marks, "....11.........11");
}

fn marks(tokens: &Tokens) -> String {
    let mut marks = Vec::new();
    tokens.read_loss_into(0..tokens.len(), &mut marks);
    marks.iter().map(|&on| if on { '1' } else { '.' }).collect()
}

#[test]
fn a_text_without_answers_counts_whole() {
    let lines =
        "{\"text\": \"2+2=\", \"answer\": \"4\"}\n{\"text\": \"1+2=\", \"answer\": \"3\"}\n";
    let mut desk = Desk::new(&[
        ("a.jsonl", lines.as_bytes()),
        ("b.txt", b"1=1"),
        ("c.txt", b"4-2=2"),
    ]);
    desk.data.jsonl_answer_field = Some("answer".to_owned());
    let corpus = desk.prepare().unwrap();
    assert_eq!(
        marks(&corpus.train),
        "....11....111111",
        "two answers, then a plain document"
    );
    assert_eq!(corpus.train.loss_tokens(), 8);
    assert!(
        !corpus.validation.has_loss_mask(),
        "nothing is left out: {}",
        marks(&corpus.validation)
    );

    // By itself it is what it is without the key, no end of text included.
    let plain = |answers: Option<&str>| {
        let mut data = DataConfig::with_sources(vec![desk.path("c.txt")]);
        data.jsonl_answer_field = answers.map(str::to_owned);
        prepare_whole(&data, &corpus.tokenizer, &desk.cache(), &mut |_| ()).unwrap()
    };
    let (with, without) = (plain(Some("answer")), plain(None));
    assert_eq!(with.read(0..with.len()), without.read(0..without.len()));
    assert_eq!((with.has_loss_mask(), with.len()), (false, 5));
}

#[test]
fn answers_that_are_all_empty_are_refused() {
    let lines = "{\"text\": \"2+2=\", \"answer\": \"\"}\n".repeat(9);
    let mut desk = Desk::new(&[("a.jsonl", lines.as_bytes())]);
    desk.data.jsonl_answer_field = Some("answer".to_owned());
    let error = desk.error();
    assert!(
        matches!(error, DataError::NoLossTokens { split: "training" }),
        "{error}"
    );
    assert!(
        error.to_string().contains("data.jsonl_answer_field"),
        "{error}"
    );
}

#[test]
fn one_text_is_prepared_once_and_leftovers_go() {
    let text = "the cat sat on the mat. ".repeat(4_000);
    let desk = Desk::new(&[("a.txt", text.as_bytes())]);
    let cache = desk.cache();
    fs::create_dir_all(cache.join(format!(".unfinished-{}-dead", "00ff".repeat(16)))).unwrap();
    fs::write(cache.join(format!("{}.lock", "00ff".repeat(16))), "").unwrap();
    let built = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let tokenizer = TokenizerConfig::Bpe {
                    vocab_size: 300,
                    specials: Vec::new(),
                };
                let mut progress = |line: &str| {
                    let builds = usize::from(line.starts_with("training a tokenizer"));
                    built.fetch_add(builds, std::sync::atomic::Ordering::Relaxed);
                };
                prepare(&desk.data, &tokenizer, 1, &cache, &mut progress).unwrap();
            });
        }
    });
    assert_eq!(built.into_inner(), 1);
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 1, "the entry alone");
}

#[test]
fn a_question_and_its_answer_are_tokenized_apart() {
    let line = format!(
        "{{\"text\": \"{0}a\", \"answer\": \"b{0}\"}}\n",
        "ab ".repeat(9)
    )
    .repeat(2);
    let mut desk = Desk::new(&[("a.jsonl", line.as_bytes())]);
    desk.data.jsonl_answer_field = Some("answer".to_owned());
    desk.tokenizer = TokenizerConfig::Bpe {
        vocab_size: 300,
        specials: Vec::new(),
    };
    let corpus = desk.prepare().unwrap();
    let mut expected = corpus
        .tokenizer
        .encode(&format!("{}a", "ab ".repeat(9)))
        .unwrap()
        .ids;
    expected.extend(
        corpus
            .tokenizer
            .encode(&format!("b{}", "ab ".repeat(9)))
            .unwrap()
            .ids,
    );
    expected.extend(corpus.tokenizer.end_of_text());
    assert_eq!(corpus.train.read(0..corpus.train.len()), expected);
}

/// Long text of many kinds, with stretches that have no white space.
fn long_text() -> String {
    let mut text = String::new();
    for i in 0..9_000 {
        text += [
            "Hana's kite",
            "하나는 연을",
            "1,234.5",
            "\n\n",
            "  ",
            "don't!",
            "\u{1F600}",
            "\r\n\t",
            "끝.",
        ][i * i % 97 % 9];
        text += if i % 5 == 0 { "\n" } else { " " };
        if i % 3_001 == 3_000 {
            text += &"가나다라".repeat(9_000);
            text += &"1a".repeat(45_000);
        }
    }
    text
}

#[test]
fn tokenizing_in_chunks_agrees_with_tokenizing_at_once() {
    let whole = long_text();
    assert!(whole.len() > 400_000);
    let mut desk = Desk::new(&[("a.txt", whole.as_bytes()), ("b.txt", b"held out")]);
    desk.data.sources.truncate(1);
    desk.data.validation = vec![desk.path("b.txt")];
    // A byte-level one of our own; one that puts a mark in front of every text; one of characters.
    desk.tokenizer = TokenizerConfig::Bpe {
        vocab_size: 400,
        specials: Vec::new(),
    };
    let bpe = desk.prepare().unwrap();
    let prefixed = fs::read_to_string(saved(&desk, &bpe.tokenizer)).unwrap();
    let prefixed = prefixed.replace("\"add_prefix_space\": false", "\"add_prefix_space\": true");
    fs::write(desk.path("prefixed.json"), prefixed).unwrap();
    let prefixed = TokenizerConfig::File {
        path: desk.path("prefixed.json").into(),
    };
    for tokenizer in [desk.tokenizer.clone(), prefixed, TokenizerConfig::Char] {
        desk.tokenizer = tokenizer;
        let corpus = desk.prepare().unwrap();
        let expected = corpus
            .tokenizer
            .encode(&sisun_config::with_line_feeds(&whole))
            .unwrap()
            .ids;
        assert!(
            corpus.train.read(0..corpus.train.len()) == expected,
            "{:?}",
            desk.tokenizer
        );
    }
}

fn saved(desk: &Desk, tokenizer: &Tokenizer) -> String {
    let path = desk.path("saved.json");
    tokenizer.save(Path::new(&path)).unwrap();
    path
}

#[test]
fn a_bpe_tokenizer_is_trained_on_the_training_part_only() {
    let training = "the cat sat on the mat. ".repeat(50);
    let mut desk = Desk::new(&[
        ("a.txt", training.as_bytes()),
        ("b.txt", "zyzzyva ".repeat(50).as_bytes()),
    ]);
    desk.data.sources.truncate(1);
    desk.data.validation = vec![desk.path("b.txt")];
    desk.tokenizer = TokenizerConfig::Bpe {
        vocab_size: 280,
        specials: Vec::new(),
    };
    let corpus = desk.prepare().unwrap();
    let expected = Tokenizer::train_bpe([training].iter(), 280, &[]).unwrap();
    assert_eq!(corpus.tokenizer.sha256(), expected.sha256());
}

#[test]
fn the_cache_is_used_for_renamed_files() {
    let mut desk = Desk::new(&[("a.txt", b"some text that is long enough")]);
    let first = desk.prepare().unwrap();
    fs::rename(desk.path("a.txt"), desk.path("b.txt")).unwrap();
    desk.data.sources = vec![desk.path("b.txt")];
    desk.messages.clear();
    let again = desk.prepare().unwrap();
    assert_eq!(desk.messages.last().unwrap(), "the tokens are in the cache");
    assert_eq!(again.sha256, first.sha256);

    desk.data.validation_fraction = 0.2;
    let other = desk.prepare().unwrap();
    assert_ne!(other.sha256, first.sha256);
    fs::write(desk.path("b.txt"), "some text that is long enougH").unwrap();
    assert_ne!(desk.prepare().unwrap().sha256, other.sha256);
}

#[test]
fn a_damaged_cache_is_made_anew() {
    let mut desk = Desk::new(&[(
        "a.txt",
        "one two three four five six\n".repeat(40).as_bytes(),
    )]);
    desk.data.documents = Documents::Line;
    let expected = {
        let corpus = desk.prepare().unwrap();
        (
            text(&corpus, &corpus.train),
            text(&corpus, &corpus.validation),
        )
    };
    let folder = fs::read_dir(desk.cache())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 6, "{names:?}");
    for name in names {
        let path = folder.join(&name);
        let good = fs::read(&path).unwrap();
        let mut altered = good.clone();
        altered[good.len() / 2] ^= 1;
        for damage in [
            Some(good[..good.len() - 1].to_vec()),
            Some(altered),
            Some(Vec::new()),
            None,
        ] {
            match damage {
                Some(bytes) => fs::write(&path, bytes).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            desk.messages.clear();
            let corpus = desk.prepare().unwrap();
            assert!(
                desk.messages
                    .iter()
                    .any(|message| message.contains("damaged")),
                "{name:?}: {:?}",
                desk.messages
            );
            assert_eq!(
                (
                    text(&corpus, &corpus.train),
                    text(&corpus, &corpus.validation)
                ),
                expected
            );
            assert_eq!(fs::read(&path).unwrap(), good);
        }
    }
    assert_eq!(
        fs::read_dir(desk.cache()).unwrap().count(),
        1,
        "nothing unfinished is left behind"
    );
}

#[test]
fn a_whole_text_is_one_split() {
    let desk = Desk::new(&[("a.txt", "나비야 나비야".as_bytes())]);
    let tokenizer = Tokenizer::characters("나비야 이리".chars(), false).unwrap();
    let tokens = prepare_whole(&desk.data, &tokenizer, &desk.cache(), &mut |_| ()).unwrap();
    assert_eq!(
        tokenizer.decode(&tokens.read(0..tokens.len())).unwrap(),
        "나비야 나비야"
    );
    let other = Tokenizer::characters("나".chars(), false).unwrap();
    let error = prepare_whole(&desk.data, &other, &desk.cache(), &mut |_| ()).unwrap_err();
    assert!(
        matches!(error, DataError::UnseenCharacters { ref characters, .. } if characters == &['비', '야', ' ']),
        "{error}"
    );
}

#[test]
fn missing_sources_suggest_the_nearest_name() {
    let mut desk = Desk::new(&[("shakespeare.txt", b"to be")]);
    desk.data.sources = vec![desk.path("shakspeare.txt")];
    let error = desk.error();
    assert!(error.to_string().contains("did you mean"), "{error}");
    assert!(error.to_string().contains("shakespeare.txt"), "{error}");
    desk.data.sources = vec![desk.path("*.csv")];
    assert!(matches!(desk.error(), DataError::NoFiles { .. }));
    desk.data.sources = vec![desk.path("[")];
    assert!(matches!(desk.error(), DataError::InvalidGlob { .. }));
    desk.data.sources = Vec::new();
    assert!(matches!(desk.error(), DataError::NoSources));
}

#[test]
fn text_that_is_none_is_refused_with_its_place() {
    // Past the first block, and a character cut by its end.
    let mut late = vec![b'a'; (256 << 10) - 1];
    late.extend("한".as_bytes());
    let sound = late.clone();
    late.extend(b"bc\xFFd");
    let mut cut = sound.clone();
    cut.truncate(sound.len() - 1);
    let size = sound.len() as u64;
    let invalid = |contents: &[u8]| match Desk::new(&[("a.txt", contents)]).error() {
        DataError::InvalidUtf8 { offset, byte, .. } => (offset, byte),
        other => panic!("{other}"),
    };
    assert_eq!(invalid(&late), (size + 2, 0xFF));
    assert_eq!(invalid(&cut), (size - 3, 0xED));
    assert_eq!(invalid(b"caf\xE9"), (3, 0xE9));
    Desk::new(&[("a.txt", &sound)]).prepare().unwrap();

    let binary = Desk::new(&[("a.txt", b"abc\0def\xFF")]).error();
    assert!(
        matches!(
            binary,
            DataError::Binary {
                offset: 3,
                hint: None,
                ..
            }
        ),
        "{binary}"
    );
    let utf16 = Desk::new(&[("a.txt", b"\xFF\xFEa\0b\0")]).error();
    assert!(utf16.to_string().contains("UTF-16"), "{utf16}");
    assert!(matches!(
        Desk::new(&[("a.txt", b"")]).error(),
        DataError::Empty { .. }
    ));
    let mut blank = Desk::new(&[("a.txt", b" \n\n")]);
    blank.data.documents = Documents::Line;
    assert!(matches!(blank.error(), DataError::Empty { .. }));
}

#[test]
fn json_lines_are_refused_with_their_line() {
    let error = |contents: &str| Desk::new(&[("a.jsonl", contents.as_bytes())]).error();
    let missing = error("{\"text\": \"a\"}\n\n{\"body\": \"b\", \"id\": 1}\n");
    assert!(
        matches!(missing, DataError::JsonField { line: 3, .. }),
        "{missing}"
    );
    assert!(
        missing.to_string().contains("fields: body, id"),
        "{missing}"
    );
    assert!(matches!(
        error("{\"text\": 5}\n"),
        DataError::JsonField { line: 1, .. }
    ));
    assert!(matches!(
        error("{\"text\": \"a\"}\n{\"text\": \"b\""),
        DataError::JsonLine { line: 2, .. }
    ));
    assert!(matches!(
        error("[1]\n"),
        DataError::JsonLine { line: 1, .. }
    ));
    assert!(matches!(
        error(&"[".repeat(100_000)),
        DataError::JsonLine { line: 1, .. }
    ));
}

#[test]
fn a_text_shorter_than_a_window_is_refused() {
    let desk = Desk::new(&[("a.txt", b"abcdefghij".repeat(10).as_slice())]);
    let prepare = |context_len| {
        prepare(
            &desk.data,
            &desk.tokenizer,
            context_len,
            &desk.cache(),
            &mut |_| (),
        )
    };
    // 90 characters and 10.
    prepare(9).unwrap();
    let error = prepare(10).unwrap_err();
    assert!(
        matches!(
            error,
            DataError::TooShort {
                split: "validation",
                tokens: 10,
                context_len: 10
            }
        ),
        "{error}"
    );
    assert!(matches!(
        prepare(90),
        Err(DataError::TooShort {
            split: "training",
            tokens: 90,
            ..
        })
    ));
}

#[test]
fn a_fraction_must_be_one() {
    let mut desk = Desk::new(&[("a.txt", b"abcdefghij")]);
    for value in [0.0, 1.0, -0.5, f64::NAN, f64::INFINITY] {
        desk.data.validation_fraction = value;
        assert!(
            matches!(desk.error(), DataError::ValidationFraction { .. }),
            "{value}"
        );
    }
}

#[test]
fn several_documents_need_an_end_of_text() {
    let mut desk = Desk::new(&[("a.txt", b"abc"), ("b.txt", b"abc")]);
    let tokenizer = Tokenizer::characters("abc".chars(), false).unwrap();
    desk.tokenizer = TokenizerConfig::File {
        path: saved(&desk, &tokenizer).into(),
    };
    assert!(matches!(desk.error(), DataError::NoEndOfText));
}

#[test]
fn a_broken_tokenizer_file_is_an_error() {
    let mut desk = Desk::new(&[("a.txt", b"abcabc")]);
    for contents in [
        "",
        "{}",
        "[]",
        "{\"model\": {\"type\": \"BPE\"}}",
        "{\"version\": \"1.0\", \"model\": null}",
    ] {
        fs::write(desk.path("t.json"), contents).unwrap();
        desk.tokenizer = TokenizerConfig::File {
            path: desk.path("t.json").into(),
        };
        let error = desk.error();
        assert!(
            matches!(error, DataError::TokenizerFile { .. }),
            "{contents}: {error}"
        );
    }
    desk.tokenizer = TokenizerConfig::File {
        path: desk.path("absent.json").into(),
    };
    assert!(matches!(desk.error(), DataError::Io { .. }));
}

#[test]
fn documents_begin_with_the_prefix_of_the_tokenizer() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/peers/fixtures/hf/llama_tied/tokenizer.json");
    let tokenizer = Tokenizer::from_file(&path).unwrap();
    let begin = tokenizer.prefix()[0];
    assert_eq!(
        (
            tokenizer.prefix().len(),
            tokenizer.token_text(begin).as_str()
        ),
        (1, "<s>")
    );

    let mut desk = Desk::new(&[("a.txt", b"the cat\n\nthe dog\n\nthe kite\n\nthe mat")]);
    desk.data.documents = Documents::Paragraph;
    desk.tokenizer = TokenizerConfig::File { path: path.clone() };
    let corpus = desk.prepare().unwrap();
    assert_eq!(corpus.train.documents(), 3);
    for i in 0..3 {
        let ids = corpus.train.read(corpus.train.document(i));
        let text = ["the cat", "the dog", "the kite"][i];
        let expected = [
            &tokenizer.encode_prompt(text).unwrap().ids[..],
            &[tokenizer.end_of_text().unwrap()],
        ]
        .concat();
        assert_eq!(ids, expected, "{text}");
    }
    // Tokens that came from no text stand for no bytes.
    assert_eq!(corpus.train.bytes(), 22);

    let mut desk = Desk::new(&[(
        "a.jsonl",
        b"{\"q\": \"the\", \"a\": \"cat\"}\n{\"q\": \"the\", \"a\": \"dog\"}\n",
    )]);
    desk.data.jsonl_field = Some("q".to_owned());
    desk.data.jsonl_answer_field = Some("a".to_owned());
    desk.tokenizer = TokenizerConfig::File { path: path.clone() };
    let asked = desk.prepare().unwrap().train;
    let (ids, mut marks) = (asked.read(0..asked.len()), Vec::new());
    asked.read_loss_into(0..asked.len(), &mut marks);
    let question = 1 + tokenizer.encode("the").unwrap().ids.len();
    assert_eq!(ids[0], begin);
    assert!(
        marks
            .iter()
            .enumerate()
            .all(|(i, &mark)| mark == (i >= question)),
        "{marks:?}"
    );

    // Of a tokenizer that puts nothing there, and of one that also puts something after a text.
    let mut json: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let prefix = |json: &serde_json::Value| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.json");
        fs::write(&path, json.to_string()).unwrap();
        Tokenizer::from_file(&path).unwrap().prefix().to_vec()
    };
    let after = serde_json::json!({ "SpecialToken": { "id": "<s>", "type_id": 0 } });
    json["post_processor"]["single"]
        .as_array_mut()
        .unwrap()
        .push(after);
    assert_eq!(prefix(&json), [begin]);
    json["post_processor"] = serde_json::Value::Null;
    assert_eq!(prefix(&json), [0; 0]);
}

#[test]
fn a_tokenizer_file_ends_documents_as_the_files_beside_it_say() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let text = "one\n\ntwo\n\nthree\n\nfour\n".repeat(9);
    std::fs::write(path("text.txt"), &text).unwrap();
    let specials = ["<|im_end|>".to_owned()];
    Tokenizer::train_bpe([text].iter(), 300, &specials)
        .unwrap()
        .save(&path("tokenizer.json"))
        .unwrap();
    let wanted = TokenizerConfig::File {
        path: path("tokenizer.json"),
    };
    let data = DataConfig {
        documents: Documents::Paragraph,
        ..DataConfig::with_sources(vec![path("text.txt").to_str().unwrap().to_owned()])
    };
    // One cache for all of them: what ends a text is part of what a cache is found by.
    let cache = path("cache");
    let separator = || {
        let corpus = prepare(&data, &wanted, 1, &cache, &mut |_| {}).unwrap();
        let first = corpus.train.read(corpus.train.document(0));
        assert_eq!(corpus.tokenizer.end_of_text(), first.last().copied());
        corpus.tokenizer.token_text(*first.last().unwrap())
    };
    assert_eq!(separator(), END_OF_TEXT);
    std::fs::write(
        path("tokenizer_config.json"),
        r#"{"eos_token": "<|im_end|>"}"#,
    )
    .unwrap();
    assert_eq!(separator(), "<|im_end|>");
    std::fs::remove_file(path("tokenizer_config.json")).unwrap();
    assert_eq!(separator(), END_OF_TEXT);
    std::fs::write(path("generation_config.json"), r#"{"eos_token_id": "two"}"#).unwrap();
    let message = prepare(&data, &wanted, 1, &cache, &mut |_| {})
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("generation_config.json") && message.contains("\"two\""),
        "{message}"
    );
}

/// A cache is of the text that its name stands for, or there is none.
#[test]
fn text_that_changes_while_it_is_read_leaves_nothing_behind() {
    let whole = "one two three four. ".repeat(50);
    let bpe = TokenizerConfig::Bpe {
        vocab_size: 260,
        specials: Vec::new(),
    };
    for (moment, tokenizer) in [
        ("tokenizing", TokenizerConfig::Char),
        ("training a tokenizer", bpe),
    ] {
        for change in [
            String::new(),
            whole.replace("three", "eerht"),
            whole.clone() + "five",
            whole[..90].to_owned(),
        ] {
            let desk = Desk::new(&[("a.txt", whole.as_bytes())]);
            let prepare = |change: Option<&str>| {
                prepare(&desk.data, &tokenizer, 1, &desk.cache(), &mut |message| {
                    if let Some(change) = change.filter(|_| message.starts_with(moment)) {
                        fs::write(desk.path("a.txt"), change).unwrap();
                    }
                })
            };
            let error = prepare(Some(&change)).unwrap_err();
            assert!(
                matches!(error, DataError::TextChanged { .. }),
                "{moment} {change:?}: {error}"
            );
            assert!(error.to_string().contains("a.txt"), "{error}");
            assert_eq!(
                fs::read_dir(desk.cache()).unwrap().count(),
                0,
                "nothing is kept"
            );
            fs::write(desk.path("a.txt"), &whole).unwrap();
            let corpus = prepare(None).unwrap();
            let text = text(&corpus, &corpus.train) + &text(&corpus, &corpus.validation);
            assert_eq!(text, whole);
        }
    }
}
