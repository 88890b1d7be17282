//! Pages that compute (`sisun page`), in a browser.

use crate::browser::Browser;
use crate::sisun::{Lab, root, sisun};
use serde_json::{Value, json};
use sisun_tests::compare::largest_difference;
use sisun_tests::devices::cpu;
use sisun_tests::fixtures::Forward;
use sisun_tests::pages::{model_of, page, rows, text_of, visible_pattern};
use std::fs;
use std::path::{Path, PathBuf};

/// Text that could break out of a page or be mistaken for something else.
const HOSTILE: &str =
    "Mina </script><img src=x onerror=alert(1)> <!-- \"한글\" 👩‍👩‍👧 שלום\n\tand\u{1} ${1} {{data}}";

/// Open a page and wait until its model has computed the page's own text.
fn open(browser: &Browser, path: &Path) {
    browser.open(path);
    settle(browser);
}

/// Wait until the newest text has been computed and drawn.
fn settle(browser: &Browser) {
    browser.wait_for("window.sisun.live?.shown !== null && window.sisun.live !== null");
    browser.eval("window.sisun.live.settled()");
}

/// Enter a text as a reader does.
fn enter(browser: &Browser, text: &str) {
    let text = json!(text);
    browser.eval(&format!(
        "{{ const box = document.querySelector('#text'); box.value = {text}; box.dispatchEvent(new Event('input', {{ bubbles: true }})); true }}"
    ));
    settle(browser);
}

/// Write the page of a run.
fn written(lab: &Lab, run: &str, text: &str, more: &[&str]) -> PathBuf {
    let (run, out) = (lab.at(run), lab.path(&format!("{run}.html")));
    let mut args = vec!["page", &run, "--text", text, "--out", out.to_str().unwrap()];
    args.extend(["--force", "--device", "cpu"]);
    args.extend(more);
    sisun(&args).ok();
    out
}

/// Return the attention maps of a text, as the program computes them.
fn attended(lab: &Lab, run: &str, text: &str) -> Value {
    let (run, out) = (lab.at(run), lab.at("maps-of-pages"));
    sisun(&[
        "attend", &run, "--text", text, "--out", &out, "--format", "json", "--device", "cpu",
    ])
    .ok();
    let json = fs::read_to_string(PathBuf::from(out).join("attention.json")).unwrap();
    serde_json::from_str(&json).unwrap()
}

/// Return the tokens that may come first after a prompt: text and probability, the likeliest first.
fn expected_next(lab: &Lab, run: &str, prompt: &str) -> Vec<(u64, f64)> {
    let (run, trace) = (lab.at(run), lab.at("next.json"));
    sisun(&[
        "sample", &run, "--prompt", prompt, "--tokens", "1", "--trace", &trace, "--force",
        "--device", "cpu",
    ])
    .ok();
    let trace: Value = serde_json::from_str(&fs::read_to_string(trace).unwrap()).unwrap();
    let candidates = trace["steps"][0]["candidates"].as_array().unwrap();
    candidates[..10]
        .iter()
        .map(|one| {
            (
                one["id"].as_u64().unwrap(),
                one["probability"].as_f64().unwrap(),
            )
        })
        .collect()
}

fn shown_next(browser: &Browser) -> Vec<(u64, f64)> {
    let shown = browser.eval("[...document.querySelectorAll('#next button')].map(b => [Number(b.dataset.token), Number(b.dataset.probability)])");
    let pair = |one: &Value| (one[0].as_u64().unwrap(), one[1].as_f64().unwrap());
    shown.as_array().unwrap().iter().map(pair).collect()
}

/// Compare all patterns on the page with the exported ones.
fn compare_patterns(browser: &Browser, numbers: &Value) {
    for layer in numbers["layers"].as_array().unwrap() {
        for head in layer["heads"].as_array().unwrap() {
            let (l, h) = (&layer["layer"], &head["head"]);
            for (query, row) in head["pattern"].as_array().unwrap().iter().enumerate() {
                let found = browser.eval(&format!(
                    "[...Array({}).keys()].map(key => window.sisun.value({l}, {h}, {query}, key))",
                    row.as_array().unwrap().len()
                ));
                for (found, exact) in found
                    .as_array()
                    .unwrap()
                    .iter()
                    .zip(row.as_array().unwrap())
                {
                    let far = (found.as_f64().unwrap() - exact.as_f64().unwrap()).abs();
                    assert!(
                        far < 3e-5,
                        "layer {l} head {h} query {query}: {found} beside {exact}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_page_computes_what_the_program_does() {
    let Some(browser) = Browser::start(1366, 900) else {
        return;
    };
    let lab = Lab::trained();
    let page = written(lab, "run", "One day Mina sat.", &["--language", "en"]);
    open(&browser, &page);
    assert_eq!(browser.complaints(), Vec::<String>::new());
    assert_eq!(
        browser.eval("document.querySelector('#text').value"),
        "One day Mina sat."
    );
    let stated = browser.eval("window.sisun.live.accuracy.found");
    assert!(
        stated["logit"].as_f64().unwrap() < 1e-4 && stated["weight"].as_f64().unwrap() < 5e-5,
        "{stated}"
    );
    let text = browser.eval("document.querySelector('#live-accuracy').textContent");
    assert!(
        text.as_str().unwrap().contains("float32, unchanged"),
        "{text}"
    );
    let kernel = browser.eval("document.querySelector('#live-status').textContent");
    assert!(kernel.as_str().unwrap().contains("WebAssembly"), "{kernel}");

    // Letter by letter, with the cache, and then something else.
    let mut typed = String::new();
    for letter in "The dog ran, 밥".chars() {
        typed.push(letter);
        enter(&browser, &typed);
    }
    for text in [typed.as_str(), "The dog sat. \"No!\"", HOSTILE] {
        enter(&browser, text);
        let numbers = attended(lab, "run", text);
        // The page has labels, the numbers have texts as they are.
        let places = |tokens: &Value| -> Vec<[Value; 3]> {
            let tokens = tokens.as_array().unwrap().iter();
            tokens
                .map(|token| ["id", "start", "end"].map(|key| token[key].clone()))
                .collect()
        };
        assert_eq!(
            places(&browser.eval("window.sisun.views[0].tokens")),
            places(&numbers["tokens"])
        );
        compare_patterns(&browser, &numbers);
    }
    let prompt = "Once upon a";
    enter(&browser, prompt);
    let (found, expected) = (shown_next(&browser), expected_next(lab, "run", prompt));
    for ((id, p), (expected_id, expected_p)) in found.iter().zip(&expected) {
        assert_eq!(id, expected_id);
        assert!((p - expected_p).abs() < 1e-5, "{p} beside {expected_p}");
    }
    assert_eq!(found.len(), 10);

    // A click appends the token, and the link opens the same text.
    browser.click("#next button");
    settle(&browser);
    let appended = browser
        .eval("document.querySelector('#text').value")
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        appended.starts_with(prompt) && appended.len() > prompt.len(),
        "{appended}"
    );
    browser.wait_for(&format!(
        "decodeURIComponent(location.hash).includes({})",
        json!(appended)
    ));
    let link = browser.eval("location.hash").as_str().unwrap().to_owned();
    open(&browser, &page.with_file_name(format!("run.html{link}")));
    browser.wait_for(&format!(
        "document.querySelector('#text').value === {}",
        json!(appended)
    ));
    browser.click("#undo");
    settle(&browser);
    assert_eq!(
        browser.eval("document.querySelector('#text').value"),
        prompt
    );

    // The sampler shows what it removes.
    browser.eval("{ const e = document.querySelector('#top-k'); e.value = 3; e.dispatchEvent(new Event('input')); true }");
    assert_eq!(
        browser.eval("document.querySelectorAll('#next button.removed').length"),
        7
    );
    let drawn = browser.eval("[...document.querySelectorAll('#next button')].reduce((sum, b) => sum + Number(b.dataset.drawn), 0)");
    assert!((drawn.as_f64().unwrap() - 1.0).abs() < 1e-9, "{drawn}");
    browser.click("#write-on");
    browser.wait_for("window.sisun.views[0].tokens.length > 20");
    browser.click("#write-on");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn heads_are_ablated_and_weights_are_set() {
    let Some(browser) = Browser::start(1366, 900) else {
        return;
    };
    let lab = Lab::trained();
    let text = "One day Mina sat.";
    let page = written(lab, "run", text, &["--language", "en"]);
    open(&browser, &page);
    let before = shown_next(&browser);
    browser.click("button[data-ablate-layer='0'][data-ablate-head='1']");
    settle(&browser);
    browser.wait_for("document.querySelector('button[data-ablate-layer=\"0\"][data-ablate-head=\"1\"]').dataset.way === 'zero'");
    browser.wait_for("document.querySelectorAll('#next .change').length === 10");
    let after = shown_next(&browser);
    assert_ne!(before, after);
    // The first layer does not see it, the second does.
    let same = "(l) => { const { views } = window.sisun; const live = window.sisun.live; const n = views[0].n; let most = 0;\
        for (let h = 0; h < 3; h++) for (let q = 0; q < n; q++) for (let k = 0; k <= q; k++) \
        most = Math.max(most, Math.abs(views[0].matrix(l, h).value(q, k) - live.app.untouched.matrix(l, h).value(q, k))); return most; }";
    assert_eq!(browser.eval(&format!("({same})(0)")), 0);
    assert!(browser.eval(&format!("({same})(1)")).as_f64().unwrap() > 1e-4);
    browser.click("button[data-ablate-layer='0'][data-ablate-head='1']");
    settle(&browser);
    browser.wait_for("location.hash.includes('ablate=0.1%3Amean')");
    assert_ne!(shown_next(&browser), after, "the mean is not zero");
    let link = browser.eval("location.hash").as_str().unwrap().to_owned();
    open(&browser, &page.with_file_name(format!("run.html{link}")));
    browser.wait_for("document.querySelectorAll('#next .change').length === 10");
    browser.click("#restore");
    settle(&browser);
    browser.wait_for("document.querySelectorAll('#next .change').length === 0");
    assert_eq!(shown_next(&browser), before);

    // A weight of one head.
    browser.eval("{ location.hash = 'view=head&layer=1&head=0&query=4&key=2'; true }");
    browser.wait_for("document.querySelector('#cell-edit').checkVisibility()");
    browser.choose("#cell-weight", "0.9");
    settle(&browser);
    browser.wait_for("window.sisun.live.app.untouched !== null");
    let row = browser.eval("[...Array(5).keys()].map(key => window.sisun.value(1, 0, 4, key))");
    let row: Vec<f64> = row
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p.as_f64().unwrap())
        .collect();
    assert!(
        (row[2] - 0.9).abs() < 1e-4 && (row.iter().sum::<f64>() - 1.0).abs() < 1e-4,
        "{row:?}"
    );
    browser.wait_for("document.querySelector('#readout .change') !== null");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn every_variant_in_the_browser_is_what_numpy_computes() {
    let Some(browser) = Browser::start(1000, 800) else {
        return;
    };
    let lab = Lab::new();
    for fixture in Forward::all() {
        let name = &fixture.name;
        let (row, loaded) = (rows(&fixture)[0], model_of(&fixture, &cpu()));
        let path = lab.path(&format!("{name}.html"));
        fs::write(&path, page(&loaded, &text_of(row), None)).unwrap();
        open(&browser, &path);
        let logits = browser.eval("[...window.sisun.live.shown.answer.untouched.logits]");
        let logits: Vec<f32> = serde_json::from_value(logits).unwrap();
        let (shape, expected) = &fixture.expected["logits"];
        let expected = &expected[(shape[1] - 1) * shape[2]..][..shape[2]];
        let far = largest_difference(&logits, expected);
        assert!(far <= 1e-4, "{name}: logits differ by {far:e}");
        for layer in 0..fixture.config.n_layers {
            let codes = browser.eval(&format!(
                "[...window.sisun.live.shown.answer.untouched.patterns[{layer}]]"
            ));
            let codes: Vec<f32> = serde_json::from_value(codes).unwrap();
            let found: Vec<f32> = codes.iter().map(|code| code / 65_535.0).collect();
            let expected: Vec<f32> = (0..fixture.config.n_heads)
                .flat_map(|head| visible_pattern(&fixture, 0, layer, head))
                .collect();
            let far = largest_difference(&found, &expected);
            assert!(far <= 2e-5, "{name}: patterns differ by {far:e}");
        }
        assert_eq!(browser.complaints(), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn nothing_that_is_typed_runs_or_is_fetched() {
    let Some(browser) = Browser::start(1000, 800) else {
        return;
    };
    let lab = Lab::new();
    let name = "<img src=x onerror=alert(1)>";
    lab.train(
        "run",
        &[
            "--set",
            &format!("name={}", json!(name)),
            "--set",
            "train.steps=10",
        ],
    )
    .ok();
    let page = written(&lab, "run", HOSTILE, &[]);
    open(&browser, &page);
    enter(
        &browser,
        "</textarea><script>window.hacked = 1</script><img src=http://127.0.0.1/x onerror='window.hacked = 1'>",
    );
    let hostile = "view=grid&text=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E&ablate=9.9:zero,0.0:evil,__proto__.0:zero&cells=0.0.1.0:1e9,a,0.0.9999.0:0.5";
    open(
        &browser,
        &page.with_file_name(format!("run.html#{hostile}")),
    );
    browser.wait_for("document.querySelector('#text').value.startsWith('<img')");
    settle(&browser);
    assert_eq!(browser.eval("window.hacked ?? null"), Value::Null);
    assert_eq!(browser.eval("document.querySelectorAll('img').length"), 0);
    assert_eq!(browser.eval("Object.keys(window.sisun.live.edits.ablated).length + window.sisun.live.edits.cells.length"), 0);
    // Neither the page nor its worker may evaluate text or fetch. (What the test itself evaluates may, until it waits.)
    let tried = browser.eval("(async () => { const out = []; await new Promise(done => setTimeout(done)); try { (0, eval)('1'); out.push('eval'); } catch {} try { await fetch('data:,x'); out.push('fetch'); } catch {} \
        const w = new Worker(URL.createObjectURL(new Blob([`let r = []; try { eval('1'); r.push('eval'); } catch {} fetch('data:,x').then(() => r.push('fetch'), () => 0).then(() => postMessage(r));`]))); \
        out.push(...await new Promise(done => { w.onmessage = (e) => done(e.data); })); return out; })()");
    assert_eq!(tried, json!([]));
}

#[test]
fn a_damaged_page_says_so() {
    let Some(browser) = Browser::start(1000, 800) else {
        return;
    };
    let lab = Lab::trained();
    let page = written(lab, "run", "One day", &["--language", "en"]);
    let html = fs::read_to_string(&page).unwrap();
    let at = html.find("\"weights\":[").unwrap() + "\"weights\":[".len();
    let block = html[at..].split([',', ']']).next().unwrap();
    let opening = format!("id=\"b{block}\">");
    let from = html.find(&opening).unwrap() + opening.len();
    let damaged = lab.path("damaged.html");
    // Cut short, and with other characters in it.
    for (broken, part) in [
        (
            format!("{}{}", &html[..from + 4000], &html[from + 8000..]),
            "",
        ),
        (
            format!("{}****{}", &html[..from + 4000], &html[from + 4004..]),
            "",
        ),
    ] {
        fs::write(&damaged, broken).unwrap();
        browser.open(&damaged);
        browser.wait_for("document.querySelector('#trouble').checkVisibility()");
        let told = browser.eval("document.querySelector('#trouble').textContent");
        assert!(told.as_str().unwrap().contains(part), "{told}");
    }
}

#[test]
fn what_a_page_cannot_hold_is_said() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let out = lab.at("refused.html");
    let page = |run: &str, more: &[&str]| {
        let mut args = vec!["page", run, "--out", &out, "--device", "cpu"];
        args.extend(more);
        sisun(&args)
    };
    let hugging_face = root().join("tests/peers/fixtures/hf");
    let gpt2 = hugging_face.join("gpt2");
    page(gpt2.to_str().unwrap(), &[]).fails(1, &["attend.text", "--text 'YOUR TEXT'"]);
    page(&run, &["--text", ""]).fails(2, &["empty"]);
    page(&run, &["--text", "One", "--weights", "bf16"])
        .fails_by_clap(&["bf16", "float32, float24, float16, int8"]);
    sisun(&["page", &run, "--text", "One", "--out", "page.htm"]).fails(2, &["page.htm", ".html"]);
    page(&run, &["--text", &"One day Mina sat. ".repeat(200)])
        .fails(1, &["tokens", "at most", "shorter"]);
    let fixture = hugging_face.join("llama_yarn");
    page(fixture.to_str().unwrap(), &["--text", "He"])
        .fails(1, &["tokenizer", "BPE without a token for the byte"]);
    page(&lab.at("nowhere"), &["--text", "One"]).fails(1, &["nowhere"]);
    // Something else under this name is not replaced.
    fs::write(&out, "mine").unwrap();
    page(&run, &["--text", "One"]).fails(2, &["exists already", "--force"]);
    assert_eq!(fs::read_to_string(&out).unwrap(), "mine");
    let told = page(&run, &["--text", "One", "--force", "--json"])
        .ok()
        .json();
    assert_eq!(told["weights"], "float32");
    assert_eq!(
        told["bytes"].as_u64().unwrap(),
        fs::metadata(&out).unwrap().len()
    );
    // An earlier page is.
    page(&run, &["--text", "One", "--weights", "int8"]).ok();
    assert!(fs::metadata(&out).unwrap().len() < told["bytes"].as_u64().unwrap());
}
