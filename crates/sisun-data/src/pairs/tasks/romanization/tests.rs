use super::romanize;
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    official: Vec<(String, String)>,
    romanizations: Vec<(String, String, String)>,
}

/// Made by Python (`tests/peers/reference_pairs.py`).
fn fixture() -> Fixture {
    serde_json::from_str(include_str!(
        "../../../../../../tests/peers/fixtures/pairs.json"
    ))
    .expect("the fixture is JSON")
}

#[test]
fn the_official_examples_come_out() {
    let official = fixture().official;
    assert!(official.len() > 60);
    for (word, expected) in official {
        assert_eq!(romanize(&word), expected, "{word}");
    }
}

#[test]
fn two_other_programs_agree() {
    let all = fixture().romanizations;
    let differ: Vec<String> = all
        .iter()
        .filter(|(word, ko_pron, koroman)| ![ko_pron, koroman].contains(&&romanize(word)))
        .map(|(word, a, b)| format!("{word} {} ({a}, {b})", romanize(word)))
        .collect();
    assert_eq!(differ, Vec::<String>::new());
}
