//! The pages of `sisun attend --format html` and `sisun sample --trace`, in a browser.

use crate::browser::Browser;
use crate::sisun::{Lab, root, sisun};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

/// Text that could break out of a page or be mistaken for something else.
const TEXT: &str =
    "Mina said \"한글\" </script><b>&amp; 👩‍👩‍👧 שלום\n\tand\u{1} left: 'yes' `no` ${1} <!--";

/// Write the page of a text, and return its path with the numbers that it must show.
fn written(lab: &Lab, runs: &[&str], text: &str, more: &[&str]) -> (PathBuf, Value) {
    let out = lab.at(&format!(
        "page-{}",
        more.concat().replace(['/', ' ', '.'], "-")
    ));
    // A folder of its own, as both show something else if the page has several models.
    let numbers = format!("{out}-numbers");
    let runs: Vec<String> = runs.iter().map(|run| lab.at(run)).collect();
    let attend = |runs: &[String], format: &str, out: &str, more: &[&str]| {
        let mut args = vec!["attend"];
        args.extend(runs.iter().map(String::as_str));
        args.extend([
            "--text", text, "--out", out, "--format", format, "--device", "cpu",
        ]);
        args.extend(more);
        sisun(&args).ok();
    };
    attend(&runs, "html", &out, &[&["--by", "token"], more].concat());
    let activations = ["--activations", "pattern,z"];
    attend(&runs[..1], "json", &numbers, &activations);
    let numbers = fs::read_to_string(PathBuf::from(numbers).join("attention.json")).unwrap();
    (
        PathBuf::from(out).join("attention.html"),
        serde_json::from_str(&numbers).unwrap(),
    )
}

fn weight(numbers: &Value, layer: usize, head: usize, query: usize, key: usize) -> f64 {
    numbers["layers"][layer]["heads"][head]["pattern"][query][key]
        .as_f64()
        .unwrap()
}

/// Point at a cell and read the page's readout: labels of query and key, and the value.
fn pointed(browser: &Browser, query: usize, key: usize) -> Value {
    let reads = format!(
        "document.querySelector('#readout').dataset.query == {query} && document.querySelector('#readout').dataset.key == {key}"
    );
    // During layout the cell may still move.
    browser.act_until(&reads, || {
        let centre = format!("{{ const p = window.sisun.cellCentre({query}, {key}); [p.x, p.y] }}");
        let at = browser.eval(&centre);
        browser.point_at(at[0].as_f64().unwrap(), at[1].as_f64().unwrap());
    });
    browser.eval(
        "{ const r = document.querySelector('#readout'); ({ value: Number(r.dataset.value), text: r.textContent }) }",
    )
}

fn shown(browser: &Browser, selector: &str) -> bool {
    browser.eval(&format!(
        "document.querySelector({selector:?})?.checkVisibility() === true"
    )) == true
}

#[test]
fn the_page_shows_the_models_own_numbers() {
    let Some(browser) = Browser::start(1280, 900) else {
        return;
    };
    let lab = Lab::trained();
    let (page, numbers) = written(lab, &["run"], TEXT, &["--language", "en"]);
    browser.open(&page);
    assert_eq!(browser.complaints(), Vec::<String>::new());
    // With labels, which the numbers have not.
    let tokens = browser.eval("window.sisun.views[0].tokens");
    let tokens = tokens.as_array().unwrap();
    let n = tokens.len();
    assert_eq!(n, numbers["tokens"].as_array().unwrap().len());
    assert_eq!(browser.eval("document.querySelector('html').lang"), "en");
    assert_eq!(browser.eval("window.sisun.page.text"), TEXT);
    assert!(
        browser
            .eval("document.body.textContent")
            .as_str()
            .unwrap()
            .contains("</script><b>&amp;")
    );
    assert_eq!(
        browser
            .eval("document.querySelectorAll('#view-grid button[data-layer][data-head]').length"),
        6
    );

    // One head: the value under the pointer.
    browser.click("#view-grid button[data-layer='1'][data-head='2']");
    browser.wait_for("document.querySelector('#heatmap')?.checkVisibility() === true");
    let error = browser
        .eval("window.sisun.views[0].patterns.error")
        .as_f64()
        .unwrap();
    assert!(error < 1e-4);
    for (query, key) in [(0, 0), (n - 1, 0), (n - 1, n - 1), (n / 2, n / 3), (7, 6)] {
        let told = pointed(&browser, query, key);
        let exact = weight(&numbers, 1, 2, query, key);
        assert!(
            (told["value"].as_f64().unwrap() - exact).abs() <= error,
            "{query} {key}: {told} beside {exact}"
        );
        let text = told["text"].as_str().unwrap();
        for label in [&tokens[query], &tokens[key]] {
            assert!(
                text.contains(label["text"].as_str().unwrap()),
                "{text} of {label}"
            );
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
    browser.wait_for("location.hash.includes('query=6')");
    let link = browser.eval("location.hash").as_str().unwrap().to_owned();
    assert!(
        // The last layer is the one that a page begins with.
        !link.contains("layer=") && link.contains("head=2") && link.contains("query=6"),
        "{link}"
    );
    browser.open(&page.with_file_name(format!("attention.html{link}")));
    assert!(shown(&browser, "#heatmap"));
    assert_eq!(
        browser.eval("Number(document.querySelector('#readout').dataset.query)"),
        6
    );

    // Step by step: the computed weights equal the captured ones.
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
            assert!(
                (value.as_f64().unwrap() - exact).abs() < 2e-5,
                "{column} {key}: {value} beside {exact}"
            );
        }
    }
    let z = browser.eval("JSON.parse(document.querySelector('#worked-z').dataset.values)");
    for (found, exact) in z
        .as_array()
        .unwrap()
        .iter()
        .zip(numbers["layers"][1]["heads"][2]["z"][6].as_array().unwrap())
    {
        assert!(
            (found.as_f64().unwrap() - exact.as_f64().unwrap()).abs() < 1e-5,
            "{found} beside {exact}"
        );
    }
    assert_eq!(z.as_array().unwrap().len(), 12);

    // Every view displays something, without errors.
    for view in ["grid", "head", "text", "worked", "table", "own"] {
        browser.click(&format!("button[data-view='{view}']"));
        browser.wait_for(&format!(
            "document.querySelector('#view-{view}').checkVisibility() === true"
        ));
    }
    browser.choose("select#language", "ko");
    assert_eq!(browser.eval("document.querySelector('html').lang"), "ko");
    assert!(
        browser
            .eval("document.body.textContent")
            .as_str()
            .unwrap()
            .contains("헤드")
    );
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn words_and_characters_add_up() {
    let Some(browser) = Browser::start(1000, 800) else {
        return;
    };
    let lab = Lab::trained();
    let (page, numbers) = written(lab, &["run"], "한국어 words together", &[]);
    browser.open(&page);
    assert_eq!(
        browser.eval("document.querySelector('html').lang"),
        "ko",
        "Korean text, Korean page"
    );
    browser.click("#view-grid button[data-layer='0'][data-head='1']");
    browser.wait_for("document.querySelector('#heatmap')?.checkVisibility() === true");
    let error = browser
        .eval("window.sisun.views[0].patterns.error")
        .as_f64()
        .unwrap();
    for (unit, list) in [("word", "words"), ("character", "characters")] {
        browser.choose("select#unit", unit);
        let of = browser.eval(&format!("window.sisun.views[0].{list}.of"));
        let of: Vec<u64> = of
            .as_array()
            .unwrap()
            .iter()
            .map(|unit| unit.as_u64().unwrap())
            .collect();
        let members = |unit: u64| {
            (0..of.len())
                .filter(|token| of[*token] == unit)
                .collect::<Vec<_>>()
        };
        let last = *of.last().unwrap();
        for (query, key) in [(last, 0), (last, last), (1, 0)] {
            let queries = members(query);
            let of_query = |&q: &usize| {
                members(key)
                    .iter()
                    .map(|&k| weight(&numbers, 0, 1, q, k))
                    .sum::<f64>()
            };
            let exact = queries.iter().map(of_query).sum::<f64>() / queries.len() as f64;
            let told = pointed(&browser, query as usize, key as usize)["value"]
                .as_f64()
                .unwrap();
            assert!(
                (told - exact).abs() <= error * of.len() as f64,
                "{unit} {query} {key}: {told} beside {exact}"
            );
        }
    }
    assert!(
        browser
            .eval("window.sisun.views[0].characters.text")
            .as_array()
            .unwrap()
            .contains(&"한".into())
    );
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn checkpoints_over_time_and_runs_side_by_side() {
    let Some(browser) = Browser::start(1400, 900) else {
        return;
    };
    let lab = Lab::new();
    for (run, position) in [("rope", "rope"), ("alibi", "alibi")] {
        lab.train(
            run,
            &[
                "--set",
                &format!("model.position={position}"),
                "--set",
                "train.keep_checkpoints=9",
            ],
        )
        .ok();
    }
    let (page, numbers) = written(&lab, &["rope"], "One day Mina sat.", &["--checkpoints"]);
    browser.open(&page);
    assert_eq!(browser.eval("window.sisun.page.kind"), "time");
    assert_eq!(
        browser.eval("window.sisun.views.map(view => view.step)"),
        serde_json::json!([0, 10, 20, 30, 40])
    );
    assert!(shown(&browser, "#time"));
    let last = browser
        .eval("window.sisun.load().then(() => window.sisun.value(1, 0, 3, 1))")
        .as_f64()
        .unwrap();
    browser.choose("#time", "0");
    browser.wait_for("location.hash.includes('time=0')");
    let first = browser
        .eval("window.sisun.load().then(() => window.sisun.value(1, 0, 3, 1))")
        .as_f64()
        .unwrap();
    assert_ne!(first, last, "training moved it");
    // The exported numbers are those of the best checkpoint; compare with the same step of the
    // page.
    let step = numbers["model"]
        .as_str()
        .unwrap()
        .trim_end_matches(')')
        .rsplit(' ')
        .next()
        .unwrap();
    let time = step.parse::<usize>().unwrap() / 10;
    browser.choose("#time", &time.to_string());
    browser.wait_for(&format!("window.sisun.state.time === {time}"));
    let shown = browser
        .eval("window.sisun.load().then(() => window.sisun.value(1, 0, 3, 1))")
        .as_f64()
        .unwrap();
    assert!(
        (shown - weight(&numbers, 1, 0, 3, 1)).abs() < 1e-4,
        "step {step}"
    );
    assert_eq!(browser.complaints(), Vec::<String>::new());

    let (page, _) = written(&lab, &["rope", "alibi"], "One day Mina sat.", &[]);
    browser.open(&page);
    assert_eq!(browser.eval("window.sisun.page.kind"), "variants");
    assert_eq!(
        browser.eval("window.sisun.views.map(view => view.position)"),
        serde_json::json!(["rope", "alibi"])
    );
    browser.click("button[data-view='head']");
    browser.wait_for("document.querySelector('#heatmap-1')?.checkVisibility() === true");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_trace_tells_how_each_token_was_chosen() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let sample = |more: &[&str]| {
        let mut args = vec![
            "sample",
            &run,
            "--prompt",
            "One day </script> 한",
            "-n",
            "30",
            "--seed",
            "3",
            "--device",
            "cpu",
        ];
        args.extend([
            "--temperature",
            "0.9",
            "--top-k",
            "12",
            "--top-p",
            "0.8",
            "--min-p",
            "0.05",
            "--json",
        ]);
        args.extend(more);
        sisun(&args).ok().json()
    };
    let plain = sample(&[]);
    let (json, html) = (lab.at("trace.json"), lab.at("trace.html"));
    let traced = sample(&["--trace", &json]);
    assert_eq!(traced["text"], plain["text"], "watching changes nothing");
    assert_eq!(traced["tokens"], plain["tokens"]);
    sample(&["--trace", &html]);
    let trace: Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    let steps = trace["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 30);
    let prompt_tokens = trace["prompt_tokens"].as_u64().unwrap() as usize;
    assert_eq!(
        trace["tokens"].as_array().unwrap().len(),
        prompt_tokens + 30
    );
    for (number, (step, token)) in steps
        .iter()
        .zip(plain["tokens"].as_array().unwrap())
        .enumerate()
    {
        assert_eq!(
            (&step["id"], &step["logprob"]),
            (&token["id"], &token["logprob"])
        );
        let left = &step["left"];
        let [all, top_k, top_p, min_p] =
            ["vocabulary", "top_k", "top_p", "min_p"].map(|key| left[key].as_u64().unwrap());
        assert!(
            all >= top_k && top_k == 12 && top_p <= 12 && min_p <= top_p && min_p >= 1,
            "{left}"
        );
        let candidates = step["candidates"].as_array().unwrap();
        let kept: Vec<&Value> = candidates
            .iter()
            .filter(|candidate| candidate["removed"].is_null())
            .collect();
        // The tokens left are the most likely, so all of them are among the candidates.
        assert_eq!(kept.len() as u64, min_p);
        let drawn: f64 = kept
            .iter()
            .map(|candidate| candidate["drawn"].as_f64().unwrap())
            .sum();
        assert!((drawn - 1.0).abs() < 1e-9);
        let chosen = candidates
            .iter()
            .find(|candidate| candidate["id"] == step["id"])
            .unwrap();
        assert!(chosen["removed"].is_null());
        assert!(
            (chosen["probability"].as_f64().unwrap().ln() - step["logprob"].as_f64().unwrap())
                .abs()
                < 1e-9
        );
        // The visible keys: all earlier tokens that fit into the 23 tokens of context.
        let keys = prompt_tokens + number - step["from"].as_u64().unwrap() as usize;
        assert!(
            keys <= 23 && (step["from"] == 0) == (prompt_tokens + number <= 23),
            "{keys} keys"
        );
        for head in step["attention"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|layer| layer.as_array().unwrap())
        {
            let weights: Vec<f64> = head
                .as_array()
                .unwrap()
                .iter()
                .map(|p| p.as_f64().unwrap())
                .collect();
            assert_eq!(weights.len(), keys);
            assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-5);
        }
    }
    sisun(&["sample", &run, "--prompt", "a", "--trace", "x.txt"])
        .fails(2, &["--trace x.txt", ".html or a .json"]);
    sisun(&[
        "sample",
        &run,
        "--prompt",
        "a",
        "--trace",
        &json,
        "--samples",
        "2",
    ])
    .fails(2, &["--samples"]);

    let Some(browser) = Browser::start(1200, 900) else {
        return;
    };
    browser.open(&PathBuf::from(html));
    assert_eq!(browser.complaints(), Vec::<String>::new());
    assert_eq!(
        browser.eval("document.querySelectorAll('button[data-step]').length"),
        30
    );
    browser.click("button[data-step='17']");
    browser.wait_for("document.querySelector('#step').value === '17'");
    for candidate in steps[17]["candidates"].as_array().unwrap() {
        let id = &candidate["id"];
        let row = browser.eval(&format!(
            "({{ ...document.querySelector('tr[data-id=\"{id}\"]').dataset }})"
        ));
        for key in ["probability", "drawn"] {
            let shown: f64 = row[key].as_str().unwrap().parse().unwrap();
            assert_eq!(shown, candidate[key].as_f64().unwrap(), "{key} of {id}");
        }
    }
    let attention = browser.eval("Array.from(window.sisun.attention(17, 1, 2))");
    let exact = steps[17]["attention"][1][2].as_array().unwrap();
    assert_eq!(attention.as_array().unwrap().len(), exact.len());
    for (shown, exact) in attention.as_array().unwrap().iter().zip(exact) {
        assert!((shown.as_f64().unwrap() - exact.as_f64().unwrap()).abs() < 1e-5);
    }
    browser.choose("select#language", "ko");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// Every page that the program writes, of runs and of Hugging Face directories, has working scripts
/// and no empty parts.
#[test]
fn pages_of_every_kind_open() {
    let Some(browser) = Browser::start(1200, 900) else {
        return;
    };
    let lab = Lab::new();
    lab.train("run", &["--set", "train.keep_checkpoints=9"])
        .ok();
    // Other kinds of runs: one fine-tuned from another's weights, one with adapters.
    let gpt2 = root().join("tests/peers/fixtures/hf/gpt2");
    let from = format!("finetune.model={}", gpt2.display());
    let tuned = lab.at("tuned");
    let mut finetune = vec![
        "train",
        "configs/finetune.toml",
        "--run",
        &tuned,
        "--device",
        "cpu",
        "--set",
        &from,
    ];
    let sources = format!("data.sources=[{:?}]", lab.at("stories.txt"));
    for set in [
        sources.as_str(),
        "train.steps=4",
        "train.warmup_steps=1",
        "model.context_len=16",
    ] {
        finetune.extend(["--set", set]);
    }
    sisun(&finetune).ok();
    let mut models: Vec<(String, String)> = [
        "run",
        "run/checkpoints/last",
        "run/checkpoints/step-00000000",
        "tuned",
    ]
    .map(|run| (run.to_owned(), lab.at(run)))
    .into();
    for entry in fs::read_dir(root().join("tests/peers/fixtures/hf")).unwrap() {
        let path = entry.unwrap().path();
        models.push((
            path.file_name().unwrap().to_string_lossy().into_owned(),
            path.to_str().unwrap().to_owned(),
        ));
    }
    let holds = |path: &PathBuf, elements: &str| {
        assert_eq!(
            browser.complaints(),
            Vec::<String>::new(),
            "{}",
            path.display()
        );
        assert!(
            browser
                .eval(&format!("document.querySelectorAll({elements:?}).length"))
                .as_u64()
                .unwrap()
                > 0
        );
        let text = browser.eval("document.body.innerText");
        let text = text.as_str().unwrap();
        for word in ["undefined", "NaN", "null", "[object"] {
            assert!(!text.contains(word), "{}: {word} in {text}", path.display());
        }
    };
    for (number, (name, model)) in models.iter().enumerate() {
        let trace = lab.path(&format!("trace{number}.html"));
        for (prompt, tokens) in [("the cat", "6"), ("the cat", "0")] {
            let path = trace.to_str().unwrap();
            sisun(&[
                "sample", model, "--prompt", prompt, "-n", tokens, "--trace", path, "--device",
                "cpu",
            ])
            .ok();
            browser.open(&trace);
            holds(&trace, "main");
            browser.choose("select#language", "ko");
            holds(&trace, "main");
        }
        let out = lab.at(&format!("maps{number}"));
        sisun(&[
            "attend", model, "--text", "the cat", "--out", &out, "--format", "html,svg",
            "--device", "cpu",
        ])
        .ok();
        let page = PathBuf::from(&out).join("attention.html");
        browser.open(&page);
        holds(&page, "#view-grid button[data-layer]");
        browser.click("#view-grid button[data-layer='0'][data-head='0']");
        browser.wait_for("document.querySelector('#heatmap')?.checkVisibility() === true");
        browser.choose("select#language", "ko");
        holds(&page, "#heatmap");
        if number == 0 {
            for picture in fs::read_dir(&out)
                .unwrap()
                .map(|entry| entry.unwrap().path())
            {
                if picture.extension().is_some_and(|ending| ending == "svg") {
                    browser.open_still(&picture);
                    assert_eq!(
                        browser.eval("document.documentElement.tagName"),
                        "svg",
                        "{}",
                        picture.display()
                    );
                    assert_eq!(browser.complaints(), Vec::<String>::new(), "{name}");
                }
            }
        }
    }
    // Several models on one page, and one over time.
    let out = lab.at("several");
    let (run, gpt2) = (lab.at("run"), gpt2.to_str().unwrap().to_owned());
    let text = [
        "--text", "the cat", "--out", &out, "--format", "html", "--device", "cpu",
    ];
    let page = PathBuf::from(&out).join("attention.html");
    for more in [
        &["attend", &run, &gpt2][..],
        &["attend", &gpt2, &run],
        &["attend", &run, "--checkpoints"],
    ] {
        sisun(&[more, &text[..]].concat()).ok();
        browser.open(&page);
        holds(&page, "main");
    }
    let stories = lab.at("stories.txt");
    for model in [&run, &gpt2] {
        let ablate = [
            "attend",
            model,
            "--ablate",
            "--data",
            &stories,
            "--windows",
            "2",
        ];
        sisun(&[&ablate[..], &text[..]].concat()).ok();
        browser.open(&page);
        holds(&page, "main");
    }
    // Reports.
    for report in ["run/report.html", "tuned/report.html"] {
        browser.open_still(&lab.path(report));
        holds(&lab.path(report), "svg");
    }
    let compared = lab.at("compared");
    sisun(&[
        "compare",
        "configs/compare-positions.toml",
        "--budget",
        "smoke",
        "--out",
        &compared,
        "--device",
        "cpu",
    ])
    .ok();
    browser.open_still(&lab.path("compared/report.html"));
    holds(&lab.path("compared/report.html"), "svg");
}

/// A checkpoint whose process was killed while removing it, or that is damaged otherwise.
#[test]
fn a_page_over_time_leaves_out_what_is_damaged() {
    let lab = Lab::new();
    lab.train(
        "run",
        &[
            "--set",
            "train.keep_checkpoints=9",
            "--set",
            "train.steps=30",
            "--set",
            "train.eval_every=30",
        ],
    )
    .ok();
    let (run, out) = (lab.at("run"), lab.at("maps"));
    let attend = || {
        sisun(&[
            "attend",
            &run,
            "--text",
            "One",
            "--out",
            &out,
            "--format",
            "html",
            "--checkpoints",
            "--device",
            "cpu",
        ])
    };
    let whole = |step: u64, file: &str| lab.path(&format!("run/checkpoints/step-{step:08}/{file}"));
    fs::remove_file(whole(10, "model.safetensors")).unwrap();
    let ran = attend().ok();
    assert!(
        ran.stderr.contains("note: left out, because ") && ran.stderr.contains("step-00000010"),
        "{}",
        ran.stderr
    );
    let page = fs::read_to_string(lab.path("maps/attention.html")).unwrap();
    assert!(page.contains("step-00000010 is damaged and left out."));
    if let Some(browser) = Browser::start(1000, 800) {
        browser.open(&lab.path("maps/attention.html"));
        assert_eq!(
            browser.eval("window.sisun.views.map(view => view.step)"),
            serde_json::json!([0, 20, 30])
        );
        assert_eq!(browser.complaints(), Vec::<String>::new());
    }
    fs::remove_file(whole(20, "state.json")).unwrap();
    fs::remove_dir_all(lab.path("run/checkpoints/step-00000000")).unwrap();
    attend().fails(1, &["fewer than two are whole"]);
}

#[test]
fn what_a_page_cannot_show_is_said() {
    let lab = Lab::trained();
    let (run, out) = (lab.at("run"), lab.at("none"));
    let attend = |more: &[&str]| {
        let mut args = vec![
            "attend", &run, "--text", "One", "--out", &out, "--device", "cpu",
        ];
        args.extend(more);
        sisun(&args)
    };
    attend(&["--format", "png", "--checkpoints"])
        .fails(2, &["--checkpoints", "add html to --format"]);
    attend(&["--format", "npz", "--language", "ko"])
        .fails(2, &["--language", "add html, png or svg"]);
    attend(&["--format", "npz", "--by", "word"]).fails(2, &["--by", "add html, png or svg"]);
    attend(&["--format", "png", "--by", "sentence"])
        .fails_by_clap(&["sentence", "token, word, character"]);
    attend(&["--format", "png", "--ablate"]).fails(2, &["--ablate", "add html to --format"]);
    for (more, parts) in [
        (["--format", "html", "--language", "de"], ["de", "en or ko"]),
        (
            ["--format", "htm", "--language", "ko"],
            ["htm", "npz, safetensors, html"],
        ),
    ] {
        let refused = attend(&more);
        assert!(
            refused.code == Some(2) && parts.iter().all(|part| refused.stderr.contains(part)),
            "{}",
            refused.stderr
        );
    }
    attend(&[&run, "--format", "html,png"]).fails(2, &["png", "only html"]);
    attend(&[&run, "--format", "html", "--checkpoints"])
        .fails(2, &["--checkpoints", "name one run"]);
    attend(&["--format", "html", "--windows", "4"]).fails(2, &["--windows", "add --ablate"]);
    attend(&["--format", "html", "--cell", "9"]).fails(2, &["--cell", "add png or svg"]);
    sisun(&["heads", &run, "--fast", "--windows", "4"]).fails(2, &["--windows", "--fast"]);
    attend(&["--format", "html", "--layers", "2"]).fails(2, &["no layer 2"]);
    let best = lab.at("run/checkpoints/best");
    let one = Lab::new();
    one.train(
        "one",
        &[
            "--set",
            "train.keep_checkpoints=1",
            "--set",
            "train.steps=10",
        ],
    )
    .ok();
    let checkpoints = fs::read_dir(one.path("one/checkpoints")).unwrap();
    for folder in checkpoints
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.ends_with("step-00000000"))
    {
        fs::remove_dir_all(folder).unwrap();
    }
    let run = one.at("one");
    sisun(&[
        "attend",
        &run,
        "--text",
        "One",
        "--out",
        &out,
        "--format",
        "html",
        "--checkpoints",
        "--device",
        "cpu",
    ])
    .fails(1, &["1 checkpoint", "train.keep_checkpoints"]);
    // A checkpoint can be used like a run, and the page's table includes ablation.
    sisun(&[
        "attend", &best, "--text", "One", "--out", &out, "--format", "html", "--ablate",
        "--device", "cpu",
    ])
    .ok();
    let page = fs::read_to_string(PathBuf::from(&out).join("attention.html")).unwrap();
    assert!(page.contains("\"silenced\":") && !page.contains("\"silenced\":null"));
}
