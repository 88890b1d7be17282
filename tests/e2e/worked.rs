//! The steps from the embedding to the next token, as pages show them in a browser: those of the
//! program, and of matrices that are typed in.

use crate::browser::Browser;
use crate::sisun::{Lab, sisun};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

const TEXT: &str = "The cat sat on the mat.";

/// Write the attention page of a text, and return its path.
fn written(lab: &Lab, name: &str, more: &[&str]) -> PathBuf {
    let (run, out) = (lab.at("run"), lab.at(name));
    let fixed = [
        "attend",
        &run,
        "--text",
        TEXT,
        "--out",
        &out,
        "--format",
        "html",
        "--device",
        "cpu",
        "--language",
        "en",
    ];
    sisun(&[&fixed, more].concat()).ok();
    PathBuf::from(out).join("attention.html")
}

/// Return the program's explanation of a text.
fn explained(lab: &Lab, text: &str, more: &[&str]) -> Value {
    let run = lab.at("run");
    let fixed = [
        "explain", &run, "--text", text, "--json", "--device", "cpu", "--quiet",
    ];
    sisun(&[&fixed, more].concat()).ok().json()
}

/// Return the steps that a page shows, as title, formula and sentences.
fn steps_shown(browser: &Browser, host: &str) -> Value {
    browser.eval(&format!(
        "[...document.querySelectorAll('{host} ol.steps > li')].map(step => [step.querySelector('h3').textContent, \
         step.querySelector('.formula').textContent.replaceAll('\\u00a0', ' '), \
         ...[...step.querySelectorAll(':scope > .said')].map(said => said.textContent)])"
    ))
}

/// Return the steps of an explanation in the same form.
fn steps_told(found: &Value) -> Value {
    let texts = |step: &Value| {
        let of = |name: &str| step[name].as_str().unwrap().to_owned();
        let mut texts = vec![of("title"), format!("{}: {}", of("operation"), of("shape"))];
        let sentences = step["sentences"].as_array().unwrap().iter();
        texts.extend(sentences.map(|text| text.as_str().unwrap().to_owned()));
        texts
    };
    let steps = found["steps"].as_array().unwrap();
    json!(steps.iter().map(texts).collect::<Vec<_>>())
}

#[test]
fn the_page_and_the_program_tell_the_same_steps() {
    let Some(browser) = Browser::start(1280, 900) else {
        return;
    };
    let lab = Lab::trained();
    let page = written(lab, "steps", &[]);
    let explain = |more: &[&str]| explained(lab, TEXT, more);
    // The same layer, head and query, unless another is asked for.
    browser.open(&page.with_file_name("attention.html#view=worked"));
    assert_eq!(
        steps_shown(&browser, "#view-worked"),
        steps_told(&explain(&[]))
    );
    for (at, more) in [
        (
            "layer=0&head=2&query=3",
            [
                "--layer",
                "0",
                "--head",
                "2",
                "--query",
                "3",
                "--language",
                "en",
            ],
        ),
        (
            "layer=1&head=1&query=5&language=ko",
            [
                "--layer",
                "1",
                "--head",
                "1",
                "--query",
                "5",
                "--language",
                "ko",
            ],
        ),
    ] {
        browser.open(&page.with_file_name(format!("attention.html#unit=token&view=worked&{at}")));
        browser.wait_for("document.querySelectorAll('#view-worked ol.steps > li').length > 10");
        // Vectors are drawn once they are in sight.
        browser
            .eval("document.querySelector('#view-worked canvas.strip').scrollIntoView() ?? true");
        browser.wait_for("{ const strip = document.querySelector('#view-worked canvas.strip'); strip.getContext('2d').getImageData(0, 0, strip.width, strip.height).data.some((byte) => byte > 0) }");
        let found = explain(&more);
        assert_eq!(
            steps_shown(&browser, "#view-worked"),
            steps_told(&found),
            "{at}"
        );
        // Vectors of the stream begin with the same numbers.
        let shown = browser.eval(
            "JSON.parse(document.querySelector('#view-worked li[data-step=embedding] td.vector').dataset.values)",
        );
        let x = found["stream"]["embedding"].as_array().unwrap();
        for (shown, x) in shown.as_array().unwrap().iter().zip(x) {
            assert!((shown.as_f64().unwrap() - x.as_f64().unwrap()).abs() < 1e-6);
        }
        let shown = browser.eval(
            "[...document.querySelectorAll('#view-worked .points td[data-value]')].map(cell => Number(cell.dataset.value))",
        );
        let points = found["stream"]["next"]["points"].as_array().unwrap();
        assert_eq!(shown.as_array().unwrap().len(), points.len());
        for (shown, point) in shown.as_array().unwrap().iter().zip(points) {
            let p = point["probability"].as_f64().unwrap();
            assert!(
                (shown.as_f64().unwrap() - p).abs() < 1e-6,
                "{shown} {point}"
            );
        }
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn the_page_of_an_edited_model_agrees_with_the_program() {
    let Some(browser) = Browser::start(1280, 900) else {
        return;
    };
    let lab = Lab::trained();
    for (edit, name) in [
        ("pattern 1.0 @3 = first", "pattern"),
        ("z 1.0 = scale 2", "z"),
    ] {
        let page = written(lab, &format!("edited-{name}"), &["--edit", edit]);
        browser.open(
            &page.with_file_name("attention.html#unit=token&view=worked&layer=1&head=0&query=3"),
        );
        let found = explained(lab, TEXT, &["--query", "3", "--edit", edit]);
        assert_eq!(found["edited"], json!([name]));
        assert_eq!(
            steps_shown(&browser, "#view-worked"),
            steps_told(&found),
            "{name}"
        );
        let z = browser.eval("JSON.parse(document.querySelector('#worked-z').dataset.values)");
        for (shown, z) in z
            .as_array()
            .unwrap()
            .iter()
            .zip(found["z"].as_array().unwrap())
        {
            // The page stores weights to 16 bits.
            assert!(
                (shown.as_f64().unwrap() - z.as_f64().unwrap()).abs() < 1e-4,
                "{name}"
            );
        }
    }
}

#[test]
fn given_matrices_are_typed_in_and_follow_at_once() {
    let Some(browser) = Browser::start(1280, 900) else {
        return;
    };
    let lab = Lab::new();
    let html = lab.at("own.html");
    let told = |from: &str, language: &str| {
        let fixed = [
            "explain",
            "--matrices",
            from,
            "--json",
            "--language",
            language,
        ];
        sisun(&fixed).ok().json()
    };
    let fixed = [
        "explain",
        "--matrices",
        "baekgopa",
        "--format",
        "html",
        "--out",
        &html,
    ];
    sisun(&fixed).ok();
    browser.open(&PathBuf::from(&html));
    assert_eq!(
        steps_shown(&browser, "#own"),
        steps_told(&told("baekgopa", "en"))
    );
    let notes = |browser: &Browser| {
        browser.eval("[...document.querySelectorAll('#own .own-note')].map(note => note.textContent.slice(2))")
    };
    let of_k = "k of “배”, no. 1, 2, 3, 4: the note prints [0.33, 0.31, 0.27, 0.30], it is [0.30, 0.29, 0.22, 0.36].";
    assert!(
        notes(&browser).as_array().unwrap().contains(&of_k.into()),
        "{}",
        notes(&browser)
    );
    browser.choose("select#language", "ko");
    assert_eq!(
        steps_shown(&browser, "#own"),
        steps_told(&told("baekgopa", "ko"))
    );
    browser.choose("select#own-preset", "mat");
    assert_eq!(
        steps_shown(&browser, "#own"),
        steps_told(&told("mat", "ko"))
    );

    // A mask, and a number: the file that the page offers gives the same in the program.
    browser.click("#own-mask");
    browser.eval(
        "{ const cell = document.querySelector('input[data-matrix=V][data-row=\"0\"][data-column=\"1\"]'); \
           cell.value = '7.5'; cell.dispatchEvent(new Event('input')); 0 }",
    );
    let toml = browser.eval("document.querySelector('#own textarea').value");
    let file = lab.at("typed.toml");
    fs::write(&file, toml.as_str().unwrap()).unwrap();
    let found = told(&file, "ko");
    assert_eq!(steps_shown(&browser, "#own"), steps_told(&found));
    assert_eq!(
        notes(&browser),
        json!([]),
        "the numbers are not the note's any more"
    );
    let z = browser.eval("window.sisun.found.rows.map(row => [...row.z])");
    let rows = found["matrices"]["rows"].as_array().unwrap();
    for (shown, row) in z.as_array().unwrap().iter().zip(rows) {
        for (shown, z) in shown
            .as_array()
            .unwrap()
            .iter()
            .zip(row["z"].as_array().unwrap())
        {
            assert!((shown.as_f64().unwrap() - z.as_f64().unwrap()).abs() < 1e-12);
        }
    }
    // What is no number is told, and nothing is computed from it.
    browser.eval(
        "{ const cell = document.querySelector('input[data-matrix=V][data-row=\"0\"][data-column=\"1\"]'); \
           cell.value = 'x'; cell.dispatchEvent(new Event('input')); 0 }",
    );
    let trouble = browser.eval("document.querySelector('.own-trouble').textContent");
    assert_eq!(trouble, "V, 0행 1열이 수가 아닙니다. 0.25처럼 입력하세요.");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn the_page_that_computes_tells_the_steps_of_a_typed_text() {
    let Some(browser) = Browser::start(1280, 900) else {
        return;
    };
    let lab = Lab::trained();
    let (run, out) = (lab.at("run"), lab.at("steps-live.html"));
    let fixed = [
        "page",
        &run,
        "--text",
        TEXT,
        "--out",
        &out,
        "--device",
        "cpu",
        "--language",
        "en",
    ];
    sisun(&fixed).ok();
    let settled = || {
        browser.wait_for("window.sisun.live?.shown !== null && window.sisun.live !== null");
        browser.eval("window.sisun.live.settled()");
        browser.wait_for("document.querySelectorAll('#view-worked .points tbody tr').length === 5");
    };
    browser.open(&PathBuf::from(format!("{out}#view=worked")));
    settled();
    assert_eq!(
        steps_shown(&browser, "#view-worked"),
        steps_told(&explained(lab, TEXT, &[]))
    );
    browser.eval(
        "{ const box = document.querySelector('#text'); box.value = 'The dog saw a kite'; \
           box.dispatchEvent(new Event('input', { bubbles: true })); 0 }",
    );
    browser.wait_for(
        "window.sisun.views[0].tokens.map(token => token.text).join('').includes('kite')",
    );
    settled();
    let found = explained(lab, "The dog saw a kite", &[]);
    assert_eq!(steps_shown(&browser, "#view-worked"), steps_told(&found));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
