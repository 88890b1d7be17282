//! The pages of `sisun attend --format html` and `sisun sample --trace`, in a browser.

use crate::browser::Browser;
use crate::sisun::{Lab, sisun};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

/// Everything that could break out of a page or look like something else.
const TEXT: &str = "Mina said \"한글\" </script><b>&amp; 👩‍👩‍👧 שלום\n\tand\u{1} left: 'yes' `no` ${1} <!--";

/// The page of a text and, beside it, the numbers that it must show.
fn written(lab: &Lab, runs: &[&str], text: &str, more: &[&str]) -> (PathBuf, Value) {
    let out = lab.at(&format!("page-{}", more.concat().replace(['/', ' ', '.'], "-")));
    let runs: Vec<String> = runs.iter().map(|run| lab.at(run)).collect();
    let attend = |runs: &[String], format: &str, more: &[&str]| {
        let mut args = vec!["attend"];
        args.extend(runs.iter().map(String::as_str));
        args.extend(["--text", text, "--out", &out, "--format", format, "--device", "cpu"]);
        args.extend(more);
        sisun(&args).ok();
    };
    attend(&runs, "html", more);
    attend(&runs[..1], "json", &["--activations", "pattern,z"]);
    let numbers = fs::read_to_string(PathBuf::from(&out).join("attention.json")).unwrap();
    (PathBuf::from(out).join("attention.html"), serde_json::from_str(&numbers).unwrap())
}

fn weight(numbers: &Value, layer: usize, head: usize, query: usize, key: usize) -> f64 {
    numbers["layers"][layer]["heads"][head]["pattern"][query][key].as_f64().unwrap()
}

/// Points at a cell and reads what the page says of it: labels of query and key, and the value.
fn pointed(browser: &Browser, query: usize, key: usize) -> Value {
    let at =
        browser.eval(&format!("{{ const p = window.sisun.cellCentre({query}, {key}); [p.x ?? p[0], p.y ?? p[1]] }}"));
    browser.point_at(at[0].as_f64().unwrap(), at[1].as_f64().unwrap());
    browser.wait_for(&format!(
        "document.querySelector('#readout').dataset.query == {query} && document.querySelector('#readout').dataset.key == {key}"
    ));
    browser.eval(
        "{ const r = document.querySelector('#readout'); ({ value: Number(r.dataset.value), text: r.textContent }) }",
    )
}

fn shown(browser: &Browser, selector: &str) -> bool {
    browser.eval(&format!("document.querySelector({selector:?})?.checkVisibility() === true")) == true
}

#[test]
fn the_page_shows_the_models_own_numbers() {
    let Some(browser) = Browser::start(1280, 900) else { return };
    let lab = Lab::trained();
    let (page, numbers) = written(lab, &["run"], TEXT, &["--language", "en"]);
    browser.open(&page);
    assert_eq!(browser.complaints(), Vec::<String>::new());
    let tokens = numbers["tokens"].as_array().unwrap();
    let n = tokens.len();
    assert_eq!(browser.eval("document.querySelector('html').lang"), "en");
    assert_eq!(browser.eval("window.sisun.page.text"), TEXT);
    assert!(browser.eval("document.body.textContent").as_str().unwrap().contains("</script><b>&amp;"));
    assert_eq!(browser.eval("document.querySelectorAll('#view-grid button[data-layer][data-head]').length"), 6);

    // One head: the value under the pointer.
    browser.click("#view-grid button[data-layer='1'][data-head='2']");
    browser.wait_for("document.querySelector('#heatmap')?.checkVisibility() === true");
    let error = browser.eval("window.sisun.views[0].patterns.error").as_f64().unwrap();
    assert!(error < 1e-4);
    for (query, key) in [(0, 0), (n - 1, 0), (n - 1, n - 1), (n / 2, n / 3), (7, 6)] {
        let told = pointed(&browser, query, key);
        let exact = weight(&numbers, 1, 2, query, key);
        assert!((told["value"].as_f64().unwrap() - exact).abs() <= error, "{query} {key}: {told} beside {exact}");
        let text = told["text"].as_str().unwrap();
        for label in [&tokens[query], &tokens[key]] {
            assert!(text.contains(label["text"].as_str().unwrap()), "{text} of {label}");
        }
    }
    // The keyboard moves the cell.
    browser.eval("document.querySelector('#heatmap').focus()");
    pointed(&browser, 5, 3);
    browser.press("ArrowLeft");
    browser.wait_for("document.querySelector('#readout').dataset.key == 2");
    browser.press("ArrowDown");
    browser.wait_for("document.querySelector('#readout').dataset.query == 6");

    // A link opens exactly this view.
    let link = browser.eval("location.hash").as_str().unwrap().to_owned();
    assert!(link.contains("layer=1") && link.contains("head=2") && link.contains("query=6"), "{link}");
    browser.eval("location.hash = ''");
    browser.open(&page.with_file_name(format!("attention.html{link}")));
    assert!(shown(&browser, "#heatmap"));
    assert_eq!(browser.eval("Number(document.querySelector('#readout').dataset.query)"), 6);

    // The working: its weights are the captured ones.
    browser.click("button[data-view='worked']");
    browser.wait_for(
        "document.querySelectorAll('#worked-keys tbody tr, #worked-keys tr td[data-column=weight]').length > 0",
    );
    for column in ["weight", "pattern"] {
        let values = browser.eval(&format!(
            "[...document.querySelectorAll('#worked-keys td[data-column={column}]')].map(cell => Number(cell.dataset.value))"
        ));
        let values = values.as_array().unwrap();
        assert!(values.len() >= 7, "keys up to the query: {values:?}");
        for (key, value) in values.iter().enumerate().take(7) {
            let exact = weight(&numbers, 1, 2, 6, key);
            assert!((value.as_f64().unwrap() - exact).abs() < 2e-5, "{column} {key}: {value} beside {exact}");
        }
    }
    let z = browser.eval("JSON.parse(document.querySelector('#worked-z').dataset.values)");
    for (found, exact) in z.as_array().unwrap().iter().zip(numbers["layers"][1]["heads"][2]["z"][6].as_array().unwrap())
    {
        assert!((found.as_f64().unwrap() - exact.as_f64().unwrap()).abs() < 1e-5, "{found} beside {exact}");
    }
    assert_eq!(z.as_array().unwrap().len(), 12);

    // What every view owes: it shows, and nothing complains.
    for view in ["grid", "head", "text", "worked", "table"] {
        browser.click(&format!("button[data-view='{view}']"));
        browser.wait_for(&format!("document.querySelector('#view-{view}').checkVisibility() === true"));
    }
    browser.choose("select#language", "ko");
    assert_eq!(browser.eval("document.querySelector('html').lang"), "ko");
    assert!(browser.eval("document.body.textContent").as_str().unwrap().contains("헤드"));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn words_and_characters_add_up() {
    let Some(browser) = Browser::start(1000, 800) else { return };
    let lab = Lab::trained();
    let (page, numbers) = written(lab, &["run"], "한국어 words together", &[]);
    browser.open(&page);
    assert_eq!(browser.eval("document.querySelector('html').lang"), "ko", "Korean text, Korean page");
    browser.click("#view-grid button[data-layer='0'][data-head='1']");
    browser.wait_for("document.querySelector('#heatmap')?.checkVisibility() === true");
    let error = browser.eval("window.sisun.views[0].patterns.error").as_f64().unwrap();
    for (unit, list) in [("word", "words"), ("character", "characters")] {
        browser.choose("select#unit", unit);
        let of = browser.eval(&format!("window.sisun.views[0].{list}.of"));
        let of: Vec<u64> = of.as_array().unwrap().iter().map(|unit| unit.as_u64().unwrap()).collect();
        let members = |unit: u64| (0..of.len()).filter(|token| of[*token] == unit).collect::<Vec<_>>();
        let last = *of.last().unwrap();
        for (query, key) in [(last, 0), (last, last), (1, 0)] {
            let queries = members(query);
            let of_query = |&q: &usize| members(key).iter().map(|&k| weight(&numbers, 0, 1, q, k)).sum::<f64>();
            let exact = queries.iter().map(of_query).sum::<f64>() / queries.len() as f64;
            let told = pointed(&browser, query as usize, key as usize)["value"].as_f64().unwrap();
            assert!((told - exact).abs() <= error * of.len() as f64, "{unit} {query} {key}: {told} beside {exact}");
        }
    }
    assert!(browser.eval("window.sisun.views[0].characters.text").as_array().unwrap().contains(&"한".into()));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn checkpoints_over_time_and_runs_side_by_side() {
    let Some(browser) = Browser::start(1400, 900) else { return };
    let lab = Lab::new();
    for (run, position) in [("rope", "rope"), ("alibi", "alibi")] {
        lab.train(run, &["--set", &format!("model.position={position}"), "--set", "train.keep_checkpoints=9"]).ok();
    }
    let (page, numbers) = written(&lab, &["rope"], "One day Mina sat.", &["--checkpoints"]);
    browser.open(&page);
    assert_eq!(browser.eval("window.sisun.page.kind"), "time");
    assert_eq!(browser.eval("window.sisun.views.map(view => view.step)"), serde_json::json!([10, 20, 30, 40]));
    assert!(shown(&browser, "#time"));
    let first = browser.eval("window.sisun.value(1, 0, 3, 1)").as_f64().unwrap();
    browser.choose("#time", "3");
    browser.wait_for("location.hash.includes('time=3')");
    let last = browser.eval("window.sisun.value(1, 0, 3, 1)").as_f64().unwrap();
    assert_ne!(first, last, "training moved it");
    assert!((last - weight(&numbers, 1, 0, 3, 1)).abs() < 1e-4 || numbers["model"] != "lab (step 40)");
    assert_eq!(browser.complaints(), Vec::<String>::new());

    let (page, _) = written(&lab, &["rope", "alibi"], "One day Mina sat.", &[]);
    browser.open(&page);
    assert_eq!(browser.eval("window.sisun.page.kind"), "variants");
    assert_eq!(browser.eval("window.sisun.views.map(view => view.position)"), serde_json::json!(["rope", "alibi"]));
    browser.click("button[data-view='head']");
    browser.wait_for("document.querySelector('#heatmap-1')?.checkVisibility() === true");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
