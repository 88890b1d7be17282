//! Pairs from files to batches.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use sisun_config::{Normalize, PairsConfig, TokenizerConfig};
use sisun_data::Tokenizer;
use sisun_data::pairs::{
    Alignment, Link, Pair, PairBuckets, PairCorpus, PairFiles, PairTokenizers,
    PairTokenizersConfig, PairTokens, Pairs, TokenLink, make_pair_tokenizers, prepare_pairs,
    read_pairs, split_pairs, tokenize_pair, tokenize_pairs,
};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), bytes).unwrap();
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Read the pairs of one file.
    fn read(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<PairCorpus, String> {
        self.read_with(name, bytes, |_| {})
    }

    fn read_with(
        &self,
        name: &str,
        bytes: impl AsRef<[u8]>,
        change: impl FnOnce(&mut PairsConfig),
    ) -> Result<PairCorpus, String> {
        let mut config = PairsConfig::with_sources(vec![self.write(name, bytes)]);
        change(&mut config);
        read_pairs(PairFiles::training(&config), &config, &mut "".as_bytes())
            .map_err(|error| error.to_string())
    }
}

fn pair(source: &str, target: &str) -> Pair {
    Pair {
        source: source.to_owned(),
        target: target.to_owned(),
        alignment: None,
    }
}

#[test]
fn the_three_layouts_give_the_same_pairs() {
    let desk = Desk::new();
    let expected = [pair("배를 먹었다", "ate a pear"), pair("안녕", "hello")];
    let tsv = desk
        .read(
            "a.tsv",
            "\u{FEFF}배를 먹었다\tate a pear\r\n\r\n안녕\thello",
        )
        .unwrap();
    assert_eq!(tsv.pairs, expected);
    assert_eq!(tsv.places, [(0, 1), (0, 3)]);
    let lines = "{\"ko\": \"배를 먹었다\", \"n\": [1, {}], \"en\": \"ate a pear\"}\n\n{\"en\": \"hello\", \"ko\": \"안녕\"}\n";
    let named = |config: &mut PairsConfig| {
        config.source_field = "ko".to_owned();
        config.target_field = "en".to_owned();
    };
    let json = desk.read_with("a.jsonl", lines, named).unwrap();
    assert_eq!(
        (json.pairs, json.places),
        (tsv.pairs.clone(), tsv.places.clone())
    );
    let array = desk
        .read_with(
            "a.json",
            "[{\"ko\": \"배를 먹었다\", \"en\": \"ate a pear\"},\n {\"ko\": \"안녕\",\n  \"en\": \"hello\"}]",
            named,
        )
        .unwrap();
    assert_eq!(array.pairs, expected);
    let targets = desk.write("a.en", "ate a pear\n\nhello\n");
    let parallel = desk
        .read_with("a.ko", "배를 먹었다\n\n안녕\n", |config| {
            config.targets = vec![targets]
        })
        .unwrap();
    assert_eq!(parallel.pairs, expected);
    assert_eq!(parallel.places, [(0, 1), (0, 3)]);
    let from_stdin = {
        let config = PairsConfig::with_sources(vec!["-".to_owned()]);
        let mut stdin = "배를 먹었다\tate a pear\n안녕\thello\n".as_bytes();
        read_pairs(PairFiles::training(&config), &config, &mut stdin).unwrap()
    };
    assert_eq!(from_stdin.pairs, expected);
    assert_ne!(tsv.sha256, parallel.sha256);
}

#[test]
fn an_alignment_is_read_and_follows_composed_characters() {
    let desk = Desk::new();
    let line = "{\"source\": \"\u{1112}\u{1161}\u{11AB}b\", \"target\": \"han\", \"alignment\": {\"sure\": [[0, 3, 0, 3]], \"possible\": [[2, 3, 3, 4]]}}";
    let link = |target, source| Link { target, source };
    let plain = desk.read("a.jsonl", line).unwrap();
    assert_eq!(
        plain.pairs[0].alignment,
        Some(Alignment {
            sure: vec![link(0..3, 0..3)],
            possible: vec![link(2..3, 3..4)],
        })
    );
    let composed = desk
        .read_with("a.jsonl", line, |config| config.normalize = Normalize::Nfc)
        .unwrap();
    assert_eq!(composed.pairs[0].source, "한b");
    assert_eq!(
        composed.pairs[0].alignment,
        Some(Alignment {
            sure: vec![link(0..3, 0..1)],
            possible: vec![link(2..3, 1..2)],
        })
    );
    let absent = "{\"source\": \"a\", \"target\": \"b\", \"alignment\": null}\n{\"source\": \"a\", \"target\": \"b\"}";
    let read = desk.read("a.jsonl", absent).unwrap();
    assert!(read.pairs.iter().all(|pair| pair.alignment.is_none()));
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let desk = Desk::new();
    let json = |rest: &str| format!("{{\"source\": \"a\", \"target\": \"b\"}}\n{rest}\n");
    let cases: [(&str, Vec<u8>, &[&str]); 18] = [
        (
            "a.tsv",
            b"a\tb\nc\t\n".into(),
            &["line 2", "target is empty"],
        ),
        (
            "a.tsv",
            b"a\tb\n  \tc\n".into(),
            &["line 2", "source is empty"],
        ),
        (
            "a.tsv",
            b"a\tb\n\t\n".into(),
            &["line 2", "source is empty"],
        ),
        (
            "a.tsv",
            b"a\tb\n\nc d\n".into(),
            &["line 3", "no tab", "pairs.targets"],
        ),
        (
            "a.tsv",
            b"a\tb\tc\n".into(),
            &["line 1", "3 fields", "cut -f1,2"],
        ),
        ("a.tsv", b"\n \n".into(), &["holds no text"]),
        (
            "a.tsv",
            b"a\tb\xB0\xA1\n".into(),
            &["not valid UTF-8", "byte 3"],
        ),
        ("a.tsv", b"a\tb\0\n".into(), &["NUL byte"]),
        (
            "a.tsv",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n".into(),
            &["git lfs pull"],
        ),
        (
            "a.jsonl",
            json("{\"source\": \"a\"}").into(),
            &[
                "line 2",
                "no field `target`",
                "fields: source",
                "pairs.target_field",
            ],
        ),
        (
            "a.jsonl",
            json("{\"source\": 3, \"target\": \"b\"}").into(),
            &["line 2", "`source` is not a string", "pairs.source_field"],
        ),
        (
            "a.jsonl",
            json("{\"source\": null, \"target\": \"b\"}").into(),
            &["line 2", "`source` is not a string"],
        ),
        (
            "a.jsonl",
            json("{\"source\": \"\", \"target\": \"b\"}").into(),
            &["line 2", "source is empty"],
        ),
        (
            "a.jsonl",
            json("source").into(),
            &["line 2", "not a JSON object"],
        ),
        (
            "a.jsonl",
            json(
                "{\"source\": \"a\", \"target\": \"b\", \"alignment\": {\"sure\": [[0, 2, 0, 1]]}}",
            )
            .into(),
            &["line 2", "0..2 of a target of 1"],
        ),
        (
            "a.jsonl",
            json(
                "{\"source\": \"a\", \"target\": \"b\", \"alignment\": {\"sure\": [[0, 0, 0, 1]]}}",
            )
            .into(),
            &["line 2", "[0, 0, 0, 1] has an empty range"],
        ),
        (
            "a.jsonl",
            json("{\"source\": \"a\", \"target\": \"b\", \"alignment\": [[0, 1]]}").into(),
            &["line 2", "`alignment` is not an alignment", "target start"],
        ),
        (
            "a.jsonl",
            json("{\"source\": \"a\", \"target\": \"b\", \"alignment\": {\"sur\": []}}").into(),
            &["line 2", "`alignment`", "sur"],
        ),
    ];
    for (name, bytes, expected) in cases {
        let about = String::from_utf8_lossy(&bytes).into_owned();
        let problem = desk.read(name, bytes).unwrap_err();
        for part in expected {
            assert!(problem.contains(part), "{about}: {problem}");
        }
    }
    let missing = PairsConfig::with_sources(vec![desk.path("none.tsv").display().to_string()]);
    let problem =
        read_pairs(PairFiles::training(&missing), &missing, &mut "".as_bytes()).unwrap_err();
    assert!(problem.to_string().contains("does not exist"), "{problem}");
}

#[test]
fn parallel_files_of_unequal_length_are_refused() {
    let desk = Desk::new();
    let read = |sources: &str, targets: &str| {
        let targets = desk.write("a.en", targets);
        desk.read_with("a.ko", sources, |config| config.targets = vec![targets])
            .unwrap_err()
    };
    let problem = read("a\nb\nc\n", "a\nb\n");
    for part in ["has 3 lines", "has 2", "line 3 of", "a.ko` has no partner"] {
        assert!(problem.contains(part), "{problem}");
    }
    let problem = read("a\n", "a\nb\n");
    assert!(
        problem.contains("line 2 of") && problem.contains("a.en` has no partner"),
        "{problem}"
    );
    let problem = read("a\nb\n", "a\n\nb\n");
    assert!(problem.contains("line 3 of"), "{problem}");
    let problem = read("a\nb\n", "a\n \n");
    assert!(
        problem.contains("a.en` line 2: the target is empty"),
        "{problem}"
    );
    let one = desk.write("a.en", "a\n");
    let problem = desk
        .read_with("a.ko", "a\n", |config| {
            config.targets = vec![one.clone(), desk.write("b.en", "b")]
        })
        .unwrap_err();
    assert!(
        problem.contains("pairs.sources names 1 file and pairs.targets 2"),
        "{problem}"
    );
}

fn corpus(pairs: Vec<Pair>) -> PairCorpus {
    PairCorpus {
        places: (1..=pairs.len() as u64).map(|line| (0, line)).collect(),
        pairs,
        sha256: String::new(),
        files: vec!["pairs.tsv".into()],
    }
}

#[test]
fn equal_sources_are_held_out_together() {
    let all = corpus(
        (0..400)
            .map(|i| pair(&format!("s{}", i % 100), &format!("t{i}")))
            .collect(),
    );
    let (train, validation) = split_pairs(&all, 0.1).unwrap();
    assert_eq!((train.len(), validation.len()), (360, 40));
    let sources = |indexes: &[usize]| -> BTreeSet<String> {
        indexes
            .iter()
            .map(|&at| all.pairs[at].source.clone())
            .collect()
    };
    assert!(sources(&train).is_disjoint(&sources(&validation)));
    // Half as many pairs: those that are held out stay so.
    let first = corpus(all.pairs[..50].to_vec());
    let (_, fewer) = split_pairs(&first, 0.05).unwrap();
    assert!(fewer.iter().filter(|at| validation.contains(at)).count() >= 2);
    let (train, validation) = split_pairs(&corpus(all.pairs[..2].to_vec()), 0.001).unwrap();
    assert_eq!((train.len(), validation.len()), (1, 1));
    let one = split_pairs(&corpus(vec![pair("a", "b"), pair("a", "c")]), 0.1).unwrap_err();
    assert!(one.to_string().contains("only one source"), "{one}");
}

fn characters(texts: &[&str]) -> Tokenizer {
    Tokenizer::characters(texts.iter().flat_map(|text| text.chars()), false).unwrap()
}

#[test]
fn links_of_characters_become_links_of_tokens() {
    let link = |target, source| Link { target, source };
    let aligned = Pair {
        source: "어제 배를 탔다".to_owned(),
        target: "rode a boat yesterday".to_owned(),
        alignment: Some(Alignment {
            sure: vec![link(0..4, 6..8), link(7..11, 3..4), link(12..21, 0..2)],
            possible: vec![link(5..6, 3..4)],
        }),
    };
    let by_characters = PairTokenizers::separate(
        characters(&[&aligned.source]),
        characters(&[&aligned.target]),
    );
    let tokens = tokenize_pair(&aligned, &by_characters).unwrap();
    let links = tokens.links.unwrap();
    // 4 + 4 + 9 characters of words, and the article.
    assert_eq!(links.len(), 18);
    let of = |target| links.iter().find(|link| link.target == target).unwrap();
    assert_eq!((&of(3).source, of(3).possible), (&(6..8), false));
    assert_eq!((&of(5).source, of(5).possible), (&(3..4), true));
    assert_eq!((&of(20).source, of(20).possible), (&(0..2), false));
    // Byte-level BPE: several tokens for a syllable, one for a common word.
    let texts = vec![aligned.target.clone(); 20];
    let bpe = Tokenizer::train_bpe(texts.iter(), 300, &[]).unwrap();
    let tokens = tokenize_pair(&aligned, &PairTokenizers::shared(bpe.clone())).unwrap();
    let offsets = bpe.encode(&aligned.source).unwrap().offsets;
    let links = tokens.links.unwrap();
    let words = bpe.encode(&aligned.target).unwrap().offsets;
    let boat = words
        .iter()
        .position(|&(start, end)| start <= 7 && 7 < end)
        .unwrap();
    let of_boat: Vec<&TokenLink> = links.iter().filter(|link| link.target == boat).collect();
    let bytes = of_boat[0].source.clone();
    assert!(of_boat.len() == 1 && bytes.len() == 3, "{of_boat:?}");
    assert!(
        bytes.clone().all(|at| offsets[at] == (3, 4)),
        "the three bytes of 배"
    );
}

#[test]
fn the_target_has_two_rows_more_than_its_tokens() {
    let shared = PairTokenizers::shared(characters(&["abc"]));
    assert_eq!((shared.source_vocab(), shared.target_vocab()), (3, 5));
    assert_eq!(
        (shared.begin(), shared.end(), shared.is_shared()),
        (3, 4, true)
    );
    let separate = PairTokenizers::separate(characters(&["abc"]), characters(&["가나"]));
    assert_eq!((separate.source_vocab(), separate.target_vocab()), (3, 4));
    assert_eq!(
        (separate.begin(), separate.end(), separate.is_shared()),
        (2, 3, false)
    );
}

#[test]
fn tokenizers_are_made_of_their_side() {
    let (first, second) = (
        corpus(vec![pair("가나", "ab")]),
        corpus(vec![pair("다", "c")]),
    );
    let char = TokenizerConfig::Char;
    let make = |config| make_pair_tokenizers(config, &[&first, &second], Normalize::None).unwrap();
    let separate = make(PairTokenizersConfig::Separate {
        source: &char,
        target: &char,
    });
    assert_eq!((separate.source_vocab(), separate.target_vocab()), (3, 5));
    let shared = make(PairTokenizersConfig::Shared(&char));
    assert_eq!((shared.source_vocab(), shared.target_vocab()), (6, 8));
    let bpe = TokenizerConfig::Bpe {
        vocab_size: 300,
        specials: Vec::new(),
    };
    let mixed = make(PairTokenizersConfig::Separate {
        source: &bpe,
        target: &char,
    });
    assert!(mixed.source_vocab() >= 257 && mixed.target_vocab() == 5);
}

#[test]
fn a_configuration_becomes_tokenized_pairs() {
    let desk = Desk::new();
    let text: String = (0..50).map(|i| format!("{i:02}\tx{i:02}\n")).collect();
    let config = PairsConfig::with_sources(vec![desk.write("a.tsv", text)]);
    let prepare =
        |config: &PairsConfig, tokenizers: Option<PairTokenizers>| -> Result<Pairs, String> {
            let settings = PairTokenizersConfig::Shared(&TokenizerConfig::Char);
            prepare_pairs(config, settings, tokenizers, &mut "".as_bytes())
                .map_err(|error| error.to_string())
        };
    let pairs = prepare(&config, None).unwrap();
    assert_eq!(
        (pairs.train.tokens.len(), pairs.validation.tokens.len()),
        (45, 5)
    );
    assert_eq!(pairs.tokenizers.source_vocab(), 11);
    let fits = |source, target| {
        pairs
            .train
            .check_lengths(source, target)
            .map_err(|error| error.to_string())
    };
    assert_eq!(fits(2, 4), Ok(()));
    let problem = fits(2, 3).unwrap_err();
    for part in [
        "a.tsv` line ",
        "4 tokens with its end",
        "seq2seq.max_target_len is 3",
    ] {
        assert!(problem.contains(part), "{problem}");
    }
    assert!(
        fits(1, 4)
            .unwrap_err()
            .contains("seq2seq.max_source_len is 1")
    );
    // Other pairs with the tokenizer of these: characters that it does not know.
    let mut apart = config.clone();
    apart.validation = vec![desk.write("b.tsv", "01\tx01\n0한\tx\n")];
    let problem = prepare(&apart, Some(pairs.tokenizers.clone())).unwrap_err();
    for part in ["b.tsv` line 2", "the source", "'한' (U+D55C)"] {
        assert!(problem.contains(part), "{problem}");
    }
    let both = prepare(&apart, None).unwrap();
    assert_eq!(
        (both.train.tokens.len(), both.validation.tokens.len()),
        (50, 2)
    );
}

/// Pairs without an alignment go through a faster encoder.
#[test]
fn pairs_have_the_same_tokens_with_and_without_an_alignment() {
    let plain: Vec<Pair> = (0..9000)
        .map(|i| {
            pair(
                &format!("배를 {i} 개 먹었다. {}", i % 7),
                &format!("I ate {i} pears, it's {}", i % 5),
            )
        })
        .collect();
    let aligned = plain.iter().cloned().map(|pair| Pair {
        alignment: Some(Alignment::default()),
        ..pair
    });
    let (plain, aligned) = (corpus(plain.clone()), corpus(aligned.collect()));
    let bpe = TokenizerConfig::Bpe {
        vocab_size: 400,
        specials: Vec::new(),
    };
    for config in [&bpe, &TokenizerConfig::Char] {
        let shared = PairTokenizersConfig::Shared(config);
        let tokenizers = make_pair_tokenizers(shared, &[&plain], Normalize::None).unwrap();
        let (fast, slow) = (
            tokenize_pairs(&plain, &tokenizers).unwrap(),
            tokenize_pairs(&aligned, &tokenizers).unwrap(),
        );
        assert_eq!(fast.len(), 9000);
        for (at, (fast, slow)) in fast.iter().zip(&slow).enumerate() {
            assert_eq!(
                (&fast.source, &fast.target),
                (&slow.source, &slow.target),
                "pair {at}"
            );
            assert_eq!((&fast.links, &slow.links), (&None, &Some(Vec::new())));
        }
    }
    // The first pair in order is named, although another thread may find a later one before it.
    let mut odd = plain.clone();
    odd.pairs[8500].source.push('한');
    odd.pairs[4321].target.push('글');
    let of_texts = PairTokenizersConfig::Shared(&TokenizerConfig::Char);
    let tokenizers = make_pair_tokenizers(of_texts, &[&plain], Normalize::None).unwrap();
    let problem = tokenize_pairs(&odd, &tokenizers).unwrap_err().to_string();
    assert!(
        problem.contains("line 4322") && problem.contains("the target"),
        "{problem}"
    );
}

fn tokens(source: usize, target: usize) -> PairTokens {
    PairTokens {
        source: vec![1; source],
        target: vec![2; target],
        links: None,
    }
}

#[test]
fn batches_are_of_like_length_and_drawn_again_the_same() {
    let pairs: Vec<PairTokens> = (0..4000)
        .map(|i| tokens(4 + i % 37, 4 + i * 7 % 37))
        .collect();
    let buckets = PairBuckets::new(&*pairs, 16, 9, 10);
    let (mut real, mut all) = (0, 0);
    for step in 0..200 {
        let batch = buckets.random_batch(5, step);
        assert_eq!(
            batch,
            PairBuckets::new(&*pairs, 16, 9, 10).random_batch(5, step)
        );
        assert_eq!(batch.rows, 16);
        real += batch.loss_tokens();
        all += batch.rows * batch.target_len;
    }
    assert!(
        real as f64 > 0.9 * all as f64,
        "{real} of {all} target tokens are not padding"
    );
    assert_ne!(buckets.random_batch(5, 1), buckets.random_batch(6, 1));
    // Fewer pairs than a batch: all of them.
    assert_eq!(
        PairBuckets::new(&pairs[..3], 16, 9, 10)
            .random_batch(1, 0)
            .rows,
        3
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn an_epoch_and_an_evaluation_have_every_pair_once(
        count in 1_usize..300, batch_size in 1_usize..20, seed in 0_u64..9, epoch in 0_u64..4,
    ) {
        // Each pair has an id of its own.
        let pairs: Vec<PairTokens> = (0..count)
            .map(|i| PairTokens { source: vec![i as u32; 1 + i % 5], target: vec![7; 1 + i % 3], links: None })
            .collect();
        let buckets = PairBuckets::new(&*pairs, batch_size, 8, 9);
        let per_epoch = buckets.batches_per_epoch() as u64;
        let mut seen = Vec::new();
        for step in epoch * per_epoch..(epoch + 1) * per_epoch {
            let batch = buckets.epoch_batch(seed, step);
            prop_assert!(batch.rows <= batch_size);
            seen.extend((0..batch.rows).map(|row| batch.source[row * batch.source_len]));
        }
        seen.sort_unstable();
        prop_assert_eq!(seen, (0..count as u32).collect::<Vec<_>>());
        let mut evaluated = Vec::new();
        for (indexes, batch) in buckets.evaluation_batches(None) {
            prop_assert_eq!(indexes.len(), batch.rows);
            for (row, &index) in indexes.iter().enumerate() {
                prop_assert_eq!(batch.source[row * batch.source_len], index as u32);
                evaluated.push(index);
            }
        }
        evaluated.sort_unstable();
        prop_assert_eq!(evaluated, (0..count).collect::<Vec<_>>());
        let some: usize = buckets.evaluation_batches(Some(7)).map(|(_, batch)| batch.rows).sum();
        prop_assert_eq!(some, count.min(7));
    }

    #[test]
    fn no_line_makes_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let desk = Desk::new();
        let _ = desk.read("a.jsonl", &bytes);
        let _ = desk.read("a.tsv", &bytes);
    }
}
