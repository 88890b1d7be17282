//! `sisun explain`: the explanation of one query as text and as JSON.

use crate::sisun::{Lab, Ran, sisun};
use std::fs;
use unicode_width::UnicodeWidthStr;

const TEXT: &str = "The cat sat on the mat.";

fn explain(lab: &Lab, run: &str, more: &[&str]) -> Ran {
    sisun(
        &[
            &["explain", &lab.at(run), "--quiet", "--device", "cpu"],
            more,
        ]
        .concat(),
    )
}

/// Assert that these parts occur in this order.
#[track_caller]
fn in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        rest = rest
            .split_once(part)
            .unwrap_or_else(|| panic!("no {part:?} where it should be in\n{text}"))
            .1;
    }
}

/// Return the rows of the table after this heading, up to the empty line, without the table's
/// header.
fn table<'a>(text: &'a str, heading: &str) -> Vec<&'a str> {
    let (_, after) = text
        .split_once(heading)
        .unwrap_or_else(|| panic!("no {heading:?} in\n{text}"));
    let lines = after
        .lines()
        .skip_while(|line| !line.contains("──"))
        .skip(1);
    lines
        .take_while(|line| !line.is_empty())
        .filter(|line| !line.contains("──"))
        .collect()
}

#[test]
fn steps_come_in_order_with_their_shapes() {
    let text = explain(Lab::trained(), "run", &["--text", TEXT, "--query", "1"])
        .ok()
        .stdout;
    let n = explain(Lab::trained(), "run", &["--text", TEXT, "--json"])
        .ok()
        .json()["keys"]
        .as_array()
        .unwrap()
        .len();
    let product = format!("(1 × 12) × (12 × {n}) = (1 × {n})");
    let sum = format!("(1 × {n}) × ({n} × 12) = (1 × 12)");
    in_order(
        &text,
        &[
            "layer 1, head 0",
            "Step 1: embedding (x)",
            "RoPE brings the position in at step 5",
            "Step 2: residual stream before layer 1 (h)",
            "Step 3: norm (x̂)",
            "Step 4: q, k, v (x̂ · W)",
            "(1 × 36) × (36 × 12) = (1 × 12)",
            "x̂ · W_Q[:, 0] = ",
            "Step 5: position: rotation",
            "Step 6: similarity (q · Kᵀ)",
            &product,
            "Step 7: scaling",
            "÷ √12",
            "Step 8: mask",
            "hidden",
            "-∞",
            "Step 9: softmax",
            "Step 10: weighted sum (z = A · V)",
            &sum,
            "Step 11: the head's share (z · W_O)",
            "Step 12: residual addition (h + ΔE)",
            "Step 13: feed-forward network",
            "Step 14: next token",
            "layer 1 attention",
            "All steps, with shapes",
            &product,
            &sum,
            "looks most at",
        ],
    );
    let sums = table(&text, ": softmax").pop().unwrap();
    assert!(
        sums.trim_start().starts_with('Σ') && sums.matches(" 1.0000").count() == 2,
        "{sums}"
    );
    assert!(!text.contains('\x1b'), "colours in a pipe");
}

#[test]
fn the_same_in_korean() {
    let text = explain(
        Lab::trained(),
        "run",
        &["--text", TEXT, "--query", "1", "--language", "ko"],
    )
    .ok()
    .stdout;
    in_order(
        &text,
        &[
            "어디를 볼까요",
            "1단계: 임베딩 (x)",
            "5단계: 위치 반영: q와 k의 회전 (RoPE)",
            "6단계: 유사도 계산 (q · Kᵀ)",
            "7단계: 스케일 조정",
            "8단계: 마스크",
            "가려짐",
            "-∞",
            "9단계: softmax 적용",
            "10단계: 가중합 계산 (z = A · V)",
            "12단계: 잔차 연결 (h + ΔE)",
            "14단계: 다음 토큰",
            "전체 과정 요약 (shape 포함)",
            "가장 많이 보는 토큰",
        ],
    );
    assert!(!text.contains("Step") && !text.contains("hidden"));
}

#[test]
fn tables_line_up_and_fit_whatever_the_text() {
    let long = format!(
        "미나가 배를 먹었다. {} \u{1b}[31m</p>\n\t끝",
        "Mina gave the kite to Daniel. ".repeat(4)
    );
    for text in [TEXT, "배가 고파서 치킨을 먹었다 🙂👩‍💻", "a", &long] {
        for more in [
            &[][..],
            &["--language", "ko"],
            &["--full"],
            &["--query", "0"],
            &["--layer", "0", "--head", "2"],
        ] {
            let shown = explain(Lab::trained(), "run", &[&["--text", text], more].concat())
                .ok()
                .stdout;
            assert!(
                !shown.contains('\x1b'),
                "a text reached the terminal as it was"
            );
            for line in shown.lines() {
                assert!(line.width() <= 100, "{} columns: {line}", line.width());
            }
            // Numbers are right-aligned: the column of exponentials ends where its title does.
            let (_, softmax) = shown.split_once(": softmax").unwrap();
            let title = softmax
                .lines()
                .find(|line| line.contains("exp(") && line.contains('#'))
                .unwrap();
            let end = title.split_inclusive(')').next().unwrap().width();
            for row in table(&shown, ": softmax") {
                let mut column = 0;
                let cut: String = row
                    .chars()
                    .take_while(|c| {
                        column += c.to_string().width();
                        column <= end
                    })
                    .collect();
                assert!(
                    cut.ends_with(|c: char| c.is_ascii_digit()),
                    "{row}\n{shown}"
                );
                assert!(
                    row.chars()
                        .nth(cut.chars().count())
                        .is_none_or(|c| c == ' '),
                    "{row}\n{shown}"
                );
            }
        }
    }
}

#[test]
fn of_a_long_text_the_heaviest_keys_are_shown_and_the_sums_are_of_all() {
    let long = "The dog ran home. ".repeat(12);
    let shown = |more: &[&str]| {
        explain(Lab::trained(), "run", &[&["--text", &long], more].concat())
            .ok()
            .stdout
    };
    let (short, full) = (shown(&[]), shown(&["--full"]));
    let (few, all) = (table(&short, ": softmax"), table(&full, ": softmax"));
    assert!(
        few.len() < 30 && all.len() > 40,
        "{} and {} rows",
        few.len(),
        all.len()
    );
    assert!(short.contains('⋮') && !full.contains('⋮'));
    let words = |rows: &[&'_ str]| {
        rows.last()
            .unwrap()
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(words(&few), words(&all), "the sums");
    let weights = |rows: &[&str]| {
        let weight = |row: &&str| {
            row.split_whitespace()
                .rev()
                .find_map(|word| word.parse::<f64>().ok())
                .unwrap()
        };
        rows[..rows.len() - 1].iter().map(weight).sum::<f64>()
    };
    // Each weight is rounded to four decimals.
    assert!((weights(&few) - 1.0).abs() < 2e-3 && (weights(&all) - 1.0).abs() < 5e-3);
    // q, with twelve complete numbers per line.
    let q = short
        .split_once("q · Kᵀ)")
        .unwrap()
        .1
        .lines()
        .find(|line| line.trim_start().starts_with('['))
        .unwrap();
    assert_eq!(q.matches(',').count(), 11, "{q}");
}

#[test]
fn json_agrees_with_the_attention_maps() {
    let lab = Lab::trained();
    let (run, out) = (lab.at("run"), lab.at("explained-maps"));
    let quiet = ["--quiet", "--device", "cpu"];
    sisun(
        &[
            &[
                "attend", &run, "--text", TEXT, "--out", &out, "--format", "json",
            ],
            &quiet[..],
        ]
        .concat(),
    )
    .ok();
    let maps: serde_json::Value =
        serde_json::from_slice(&fs::read(lab.path("explained-maps/attention.json")).unwrap())
            .unwrap();
    for (layer, head, query) in [(0, 0, 0), (0, 2, 3), (1, 1, 6)] {
        let [l, h, q] = [layer, head, query].map(|number: usize| number.to_string());
        let more = [
            "--text", TEXT, "--json", "--layer", &l, "--head", &h, "--query", &q,
        ];
        let found = explain(lab, "run", &more).ok().json();
        let row = maps["layers"][layer]["heads"][head]["pattern"][query]
            .as_array()
            .unwrap();
        assert_eq!(found["tokens"], maps["tokens"]);
        assert_eq!(found["query_label"], maps["tokens"][query]["text"]);
        for (key, weight) in found["keys"].as_array().unwrap().iter().zip(row) {
            let weight = weight.as_f64().unwrap();
            assert!((key["weight"].as_f64().unwrap() - weight).abs() < 1e-5);
            assert!((key["pattern"].as_f64().unwrap() - weight).abs() < 1e-7);
        }
        assert!(found["differences"]["z"].as_f64().unwrap() < 1e-5);
        // Recompute z from the printed numbers.
        let keys = found["keys"].as_array().unwrap();
        for (d, z) in found["z"].as_array().unwrap().iter().enumerate() {
            let sum: f64 = keys
                .iter()
                .map(|k| k["weight"].as_f64().unwrap() * k["v"][d].as_f64().unwrap())
                .sum();
            assert!((sum - z.as_f64().unwrap()).abs() < 1e-12);
        }
    }
}

#[test]
fn bias_and_shared_keys_are_told() {
    let lab = Lab::new();
    let set = |what| ["--set", what];
    let alibi = [
        set("train.steps=4"),
        set("model.position=alibi"),
        set("model.n_kv_heads=1"),
    ]
    .concat();
    lab.train("alibi", &alibi).ok();
    let text = explain(
        &lab,
        "alibi",
        &["--text", TEXT, "--head", "1", "--query", "3"],
    )
    .ok()
    .stdout;
    in_order(
        &text,
        &[
            "the position comes in at step 7, as a bias of the scores",
            "(alibi)",
            "Heads 0 to 2 share",
            "Step 7: position (+ bias)",
            "0.0039",
            "+ bias",
            "Step 8: mask",
            "+ bias",
        ],
    );
    let found = explain(
        &lab,
        "alibi",
        &["--text", TEXT, "--head", "1", "--query", "3", "--json"],
    )
    .ok()
    .json();
    // The second slope of three heads equals the second of two: 2^(−8).
    assert_eq!(found["keys"][1]["bias"], -2.0 / 256.0);
    assert_eq!(
        (&found["kv_head"], &found["n_kv_heads"]),
        (&0.into(), &1.into())
    );
    let whole = [
        set("train.steps=4"),
        set("model.causal=false"),
        set("model.scaled_scores=false"),
    ]
    .concat();
    lab.train("whole", &whole).ok();
    let text = explain(&lab, "whole", &["--text", TEXT, "--query", "1"])
        .ok()
        .stdout;
    in_order(
        &text,
        &[
            "hides nothing",
            "does not divide",
            "Step 8: softmax",
            "left out by this model",
        ],
    );
    assert!(!text.contains("mask"));
}

#[test]
fn queries_layers_and_heads_that_do_not_exist() {
    let lab = Lab::trained();
    let fails = |more: &[&str], parts: &[&str]| {
        explain(lab, "run", &[&["--text", TEXT], more].concat()).fails(2, parts);
    };
    fails(&["--layer", "2"], &["no layer 2", "0 to 1"]);
    fails(&["--head", "9"], &["no head 9", "0 to 2"]);
    fails(&["--query", "99"], &["no token 99", "0 \"T\", 1 \"he\""]);
    fails(
        &["--query", "elephant"],
        &["no token \"elephant\"", "0 \"T\""],
    );
    fails(
        &["--query", "at"],
        &["--query", "\"at\"", "several tokens", "3, 5, 9"],
    );
    explain(lab, "run", &["--text", ""]).fails(2, &["text is empty"]);
    assert_eq!(
        explain(lab, "run", &["--text", TEXT, "--language", "fr"]).code,
        Some(2)
    );
    fails(
        &["--layer", "-3"],
        &["no layer -3", "-2 to -1 from the end"],
    );
    explain(lab, "nowhere", &["--text", TEXT]).fails(1, &["nowhere"]);
    let shown = explain(lab, "run", &["--text", TEXT, "--query", "the"])
        .ok()
        .stdout;
    assert!(shown.starts_with("Where “␣the” looks"), "{shown}");
}

#[test]
fn the_words_of_the_steps_are_in_the_json() {
    for (language, first, last) in [
        ("en", "embedding (x)", "next token"),
        ("ko", "임베딩 (x)", "다음 토큰"),
    ] {
        let more = ["--text", TEXT, "--json", "--language", language];
        let found = explain(Lab::trained(), "run", &more).ok().json();
        let steps = found["steps"].as_array().unwrap();
        let title = |step: &serde_json::Value| step["title"].as_str().unwrap().to_owned();
        assert!(title(&steps[0]).contains(first) && title(&steps[steps.len() - 1]).contains(last));
        let stream = &found["stream"];
        assert_eq!(stream["embedding"].as_array().unwrap().len(), 36);
        let points = stream["next"]["points"].as_array().unwrap();
        assert_eq!(
            points.len(),
            5,
            "embedding, and attention and network of two layers"
        );
    }
}

#[test]
fn an_edited_model_shows_its_edited_numbers() {
    let lab = Lab::trained();
    let edit = [
        "--text",
        TEXT,
        "--query",
        "3",
        "--edit",
        "pattern 1.0 @3 = first",
    ];
    let text = explain(lab, "run", &edit).ok().stdout;
    let told = "Edited (pattern 1.0 @3 = first): the weights below are the edited ones";
    let plain: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(plain.contains(told), "{text}");
    let found = explain(lab, "run", &[&edit[..], &["--json"]].concat())
        .ok()
        .json();
    assert_eq!(found["keys"][0]["weight"], 1.0);
    assert_eq!(found["keys"][0]["pattern"], 1.0);
    assert!(found["differences"]["z"].as_f64().unwrap() < 1e-5);
    assert_eq!(found["edited"], serde_json::json!(["pattern"]));
    explain(
        lab,
        "run",
        &["--text", TEXT, "--edit", "pattern 9.0 = first"],
    )
    .fails(2, &["no layer 9", "0 to 1"]);
}

#[test]
fn given_matrices_are_worked_through_without_a_model() {
    let lab = Lab::new();
    let own = |more: &[&str]| sisun(&[&["explain", "--matrices"], more].concat());
    let text = own(&["mat"]).ok().stdout;
    in_order(
        &text,
        &[
            "The cat sat on the mat",
            "Step 1: similarity (q · Kᵀ)",
            "4.0000",
            "Step 3: softmax",
            "the note prints 20.979, it is 20.980",
            "Step 4: weighted sum (z = A · V)",
            "[0.157, 0.157, 0.132, 0.157]",
            "“sat” looks most at",
            "A and Z of all tokens",
        ],
    );
    let korean = own(&["baekgopa", "--language", "ko"]).ok().stdout;
    in_order(
        &korean,
        &[
            "1단계: q, k, v (X · W)",
            "“배”의 k, 1, 2, 3, 4번째 수: 노트에 적힌 값은",
            "4단계: softmax 적용",
            "5단계: 가중합 계산",
            "[0.202, 0.179, 0.189, 0.209]",
        ],
    );
    let found = own(&["baekgopa", "--json"]).ok().json();
    assert_eq!(found["matrices"]["query"], 2);
    assert!((found["matrices"]["rows"][2]["z"][0].as_f64().unwrap() - 0.201654).abs() < 1e-6);
    assert_eq!(found["steps"].as_array().unwrap().len(), 5);
    let other = own(&["baekgopa", "--query", "치킨을", "--json"])
        .ok()
        .json();
    assert_eq!(other["matrices"]["query"], 5);

    // An example as a file to start from, and a page of it.
    let (toml, html) = (lab.at("mine.toml"), lab.at("mine.html"));
    own(&["mat", "--format", "toml", "--out", &toml]).ok();
    assert_eq!(own(&[&toml]).ok().stdout, text);
    let written = fs::read_to_string(&toml).unwrap();
    fs::write(&toml, written.replace("mask = false", "mask = true")).unwrap();
    let masked = own(&[&toml, "--json"]).ok().json();
    assert_eq!(masked["matrices"]["rows"][2]["keys"][3]["weight"], 0.0);
    own(&[&toml, "--format", "html", "--out", &html]).ok();
    assert!(fs::read_to_string(&html).unwrap().contains("\"mask\":true"));
    own(&[&toml, "--format", "html", "--out", &html]).fails(2, &["--out", "mine.html", "--force"]);

    fs::write(&toml, "Q = [[1, 2], [3]]\nK = [[1]]\nV = [[1]]").unwrap();
    own(&[&toml]).fails(2, &["mine.toml", "Q: row 1 has 1 numbers", "row 0 has 2"]);
    fs::write(&toml, "W = [[1]]").unwrap();
    own(&[&toml]).fails(2, &["mine.toml", "unknown field `W`", "W_Q"]);
    own(&["matt"]).fails(2, &["matt", "mat and baekgopa"]);
    own(&["mat", "--query", "dog"]).fails(2, &["query = \"dog\"", "2 \"sat\""]);
    assert_eq!(own(&["mat", "--text", "a"]).code, Some(2));
    assert_eq!(own(&["mat", "--format", "html"]).code, Some(2));
    assert_eq!(sisun(&["explain"]).code, Some(2));
}
