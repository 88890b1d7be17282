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
use std::sync::atomic::{AtomicUsize, Ordering};

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
    browser.wait_for("Boolean(window.sisun.live?.shown)");
    browser.eval("window.sisun.live.settled()");
}

/// Enter a text as a reader does.
fn enter(browser: &Browser, text: &str) {
    enter_into(browser, "#text", text);
}

/// Enter a text into one of the boxes.
fn enter_into(browser: &Browser, name: &str, text: &str) {
    let (name, text) = (json!(name), json!(text));
    browser.eval(&format!(
        "{{ const box = document.querySelector({name}); box.value = {text}; box.dispatchEvent(new Event('input', {{ bubbles: true }})); true }}"
    ));
    settle(browser);
}

/// Return a path that no other test uses: the trained run is shared.
fn unused(lab: &Lab, name: &str) -> PathBuf {
    static USED: AtomicUsize = AtomicUsize::new(0);
    let number = USED.fetch_add(1, Ordering::Relaxed);
    lab.path(&format!("{number}-{name}"))
}

/// Return the address of a page with a fragment.
fn with_fragment(page: &Path, fragment: &str) -> PathBuf {
    let name = page.file_name().unwrap().to_str().unwrap();
    page.with_file_name(format!("{name}#{}", fragment.trim_start_matches('#')))
}

/// Write the page of a run.
fn written(lab: &Lab, run: &str, text: &str, more: &[&str]) -> PathBuf {
    let (run, out) = (lab.at(run), unused(lab, "page.html"));
    let mut args = vec!["page", &run, "--text", text, "--out", out.to_str().unwrap()];
    args.extend(["--force", "--device", "cpu"]);
    args.extend(more);
    sisun(&args).ok();
    out
}

/// Return the attention maps of a text, as the program computes them with edits.
fn attended(lab: &Lab, run: &str, text: &str, edits: &[&str]) -> Value {
    let (run, out) = (lab.at(run), unused(lab, "maps"));
    let mut args = vec!["attend", &run, "--text", text];
    args.extend(["--out", out.to_str().unwrap()]);
    args.extend(["--format", "json", "--device", "cpu"]);
    args.extend(edits.iter().flat_map(|edit| ["--edit", edit]));
    sisun(&args).ok();
    let json = fs::read_to_string(out.join("attention.json")).unwrap();
    serde_json::from_str(&json).unwrap()
}

/// Return the tokens that may come first after a prompt, with edits: id and probability, the
/// likeliest first.
fn expected_next(lab: &Lab, run: &str, prompt: &str, edits: &[&str]) -> Vec<(u64, f64)> {
    let (run, trace) = (lab.at(run), unused(lab, "next.json"));
    let mut args = vec!["sample", &run, "--prompt", prompt, "--tokens", "1"];
    args.extend(["--trace", trace.to_str().unwrap(), "--device", "cpu"]);
    args.extend(edits.iter().flat_map(|edit| ["--edit", edit]));
    sisun(&args).ok();
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
        let numbers = attended(lab, "run", text, &[]);
        assert_eq!(
            browser.eval("window.sisun.views[0].tokens"),
            numbers["tokens"]
        );
        compare_patterns(&browser, &numbers);
    }
    let prompt = "Once upon a";
    enter(&browser, prompt);
    let (found, expected) = (shown_next(&browser), expected_next(lab, "run", prompt, &[]));
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
    open(&browser, &with_fragment(&page, &link));
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
    browser.wait_for("location.hash.includes('edits=z%200.1%3Dmean')");
    assert_ne!(shown_next(&browser), after, "the mean is not zero");
    let link = browser.eval("location.hash").as_str().unwrap().to_owned();
    open(&browser, &with_fragment(&page, &link));
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

/// Compare the next tokens on the page with those of the program.
#[track_caller]
fn compare_next(browser: &Browser, expected: &[(u64, f64)]) {
    let found = shown_next(browser);
    assert_eq!(found.len(), 10);
    for ((id, p), (expected_id, expected_p)) in found.iter().zip(expected) {
        assert_eq!(id, expected_id);
        assert!((p - expected_p).abs() < 1e-5, "{p} beside {expected_p}");
    }
}

#[test]
fn cells_are_dragged_and_patterns_are_forced() {
    let Some(browser) = Browser::start(1366, 900) else {
        return;
    };
    let lab = Lab::trained();
    let text = "One day Mina sat.";
    let page = written(lab, "run", text, &["--language", "en"]);
    open(&browser, &with_fragment(&page, "view=head&layer=1&head=0"));
    let before = browser.eval("window.sisun.value(1, 0, 4, 2)").as_f64();
    browser.drag_cell(4, 2, 64.0);
    settle(&browser);
    browser.wait_for("document.querySelectorAll('#edit-list button').length === 1");
    let set = browser.eval("window.sisun.live.asked.edits[0].change");
    let expected = before.unwrap() + 0.4;
    assert!((set.as_f64().unwrap() - expected).abs() < 0.02, "{set}");
    // By keys, with the cell pinned.
    browser.eval("{ document.querySelector('#heatmap').focus(); true }");
    browser.press_with("ArrowUp", 1);
    settle(&browser);
    browser.wait_for(&format!(
        "window.sisun.live.asked.edits[0].change > {set} + 0.04"
    ));
    let cell = browser.eval("document.querySelector('#edit-list button').title");
    let cell = cell.as_str().unwrap();
    let cell = cell.strip_prefix("--edit \"").unwrap();
    let cell = cell.strip_suffix('"').unwrap();
    assert!(cell.starts_with("pattern 1.0 @4:2 = 0."), "{cell}");
    // Another head attends to the token before.
    browser.choose("#layer", "0");
    browser.choose("#head-change", "previous");
    settle(&browser);
    browser.wait_for("document.querySelectorAll('#edit-list button').length === 2");
    let edits = [cell, "pattern 0.0 = previous"];
    compare_patterns(&browser, &attended(lab, "run", text, &edits));
    compare_next(&browser, &expected_next(lab, "run", text, &edits));
    // Each change can be taken back.
    browser.click("#edit-list button");
    settle(&browser);
    browser.wait_for("document.querySelectorAll('#edit-list button').length === 1");
    compare_patterns(&browser, &attended(lab, "run", text, &edits[1..]));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_second_sentence_stands_beside_the_first_and_gives_its_activations() {
    let Some(browser) = Browser::start(1366, 900) else {
        return;
    };
    let lab = Lab::trained();
    let (text, second) = ("One day Mina sat.", "One day Mina ran to the tree.");
    let page = written(lab, "run", text, &["--language", "en"]);
    open(&browser, &page);
    enter_into(&browser, "#second", second);
    browser.wait_for("document.querySelectorAll('#view-grid figure').length === 3");
    // The difference, by position, of as many tokens as both have.
    let (one, other) = (
        attended(lab, "run", text, &[]),
        attended(lab, "run", second, &[]),
    );
    let weight = |maps: &Value, query: usize, key: usize| {
        maps["layers"][1]["heads"][2]["pattern"][query][key]
            .as_f64()
            .unwrap()
    };
    let n = one["tokens"].as_array().unwrap().len();
    assert_ne!(n, other["tokens"].as_array().unwrap().len());
    for (query, key) in [(0, 0), (3, 1), (n - 1, 2), (n - 1, n - 1)] {
        let shown = |column: usize| {
            let value = format!("window.sisun.value(1, 2, {query}, {key}, {column})");
            browser.eval(&value).as_f64().unwrap()
        };
        let [a, b] = [weight(&one, query, key), weight(&other, query, key)];
        assert!((shown(0) - a).abs() < 3e-5 && (shown(1) - b).abs() < 3e-5);
        assert!((shown(2) - (a - b)).abs() < 6e-5, "{query} {key}");
    }
    let told = browser.eval("document.querySelector('#live-status').textContent");
    assert!(
        told.as_str()
            .unwrap()
            .contains(&format!("first {n} positions")),
        "{told}"
    );
    let columns =
        "[...document.querySelectorAll('#next .second')].map(e => Number(e.dataset.second))";
    let after = browser.eval(columns);
    let expected = expected_next(lab, "run", second, &[]);
    for ((id, _), shown) in shown_next(&browser).iter().zip(after.as_array().unwrap()) {
        if let Some((_, p)) = expected.iter().find(|(known, _)| known == id) {
            assert!((shown.as_f64().unwrap() - p).abs() < 1e-5);
        }
    }

    // Activations of the second sentence in place of those of the first, and a mean.
    browser.eval("{ document.querySelector('#patch').open = true; true }");
    browser.wait_for("document.querySelector('[data-patch-layer]') !== null");
    browser.click("[data-patch-layer='1'][data-patch-position='4']");
    settle(&browser);
    browser.choose("#patch-activation", "z");
    browser.choose("#patch-head", "1");
    browser.choose("#patch-change", "mean");
    browser.click("[data-patch-layer='0'][data-patch-position='all']");
    settle(&browser);
    browser.wait_for("document.querySelectorAll('#edit-list button').length === 2");
    let edits = [
        format!("resid_pre 1 @4 = from '{second}'"),
        format!("z 0.1 = mean '{text}'"),
    ];
    let titles =
        browser.eval("[...document.querySelectorAll('#edit-list button')].map(b => b.title)");
    let options = edits.each_ref().map(|edit| format!("--edit \"{edit}\""));
    assert_eq!(titles, json!(options));
    let edits = edits.each_ref().map(String::as_str);
    compare_patterns(&browser, &attended(lab, "run", text, &edits));
    compare_next(&browser, &expected_next(lab, "run", text, &edits));
    browser.wait_for("document.querySelectorAll('#next .change').length === 10");

    // A link and a saved file hold everything.
    browser.choose("#temperature", "0.5");
    browser.wait_for("location.hash.includes('sampler=')");
    let state = "[document.querySelector('#text').value, document.querySelector('#second').value, \
        document.querySelector('#edit-list').textContent, document.querySelector('#temperature').value, window.sisun.value(1, 0, 4, 2)]";
    let before = browser.eval(state);
    let link = browser.eval("location.hash").as_str().unwrap().to_owned();
    let saved = browser.eval(
        "(async () => { const made = []; const old = URL.createObjectURL; URL.createObjectURL = (blob) => { made.push(blob); return old(blob); }; \
         document.querySelector('#save-page').click(); URL.createObjectURL = old; return made[0].text(); })()",
    );
    let file = unused(lab, "saved.html");
    fs::write(&file, saved.as_str().unwrap()).unwrap();
    for path in [with_fragment(&page, &link), file] {
        open(&browser, &path);
        browser.wait_for("document.querySelectorAll('#edit-list button').length === 2");
        browser.wait_for("document.querySelectorAll('#next .change').length === 10");
        assert_eq!(browser.eval(state), before, "{}", path.display());
        assert_eq!(browser.complaints(), Vec::<String>::new());
    }
    // Without a second sentence the map stands alone, and the edit that needs one has no effect.
    enter_into(&browser, "#second", "");
    browser.wait_for("document.querySelectorAll('#view-grid figure').length === 0");
    browser.wait_for("document.querySelectorAll('#edit-list .idle').length === 1");
    browser.choose("#beside", "untouched");
    browser.wait_for("document.querySelectorAll('#view-grid figure').length === 3");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn attend_writes_the_same_page() {
    let lab = Lab::trained();
    let page = written(lab, "run", "One day", &["--language", "ko"]);
    let (run, out) = (lab.at("run"), unused(lab, "live-maps"));
    let folder = out.to_str().unwrap();
    let attend = |more: &[&str]| {
        let mut args = vec!["attend", &run, "--text", "One day", "--out", folder];
        args.extend(["--device", "cpu"]);
        args.extend(more);
        sisun(&args)
    };
    attend(&["--format", "html", "--live", "--language", "ko"]).ok();
    let written = fs::read(out.join("attention.html")).unwrap();
    assert!(
        written == fs::read(&page).unwrap(),
        "the pages are the same"
    );
    attend(&["--format", "html", "--live", "--weights", "int8"]).ok();
    let smaller = fs::read(out.join("attention.html")).unwrap();
    assert!(smaller.len() < written.len());
    attend(&["--live"]).fails(2, &["--live", "add html"]);
    attend(&["--format", "html", "--weights", "int8"]).fails_by_clap(&["--live"]);
    for (more, told) in [
        (&["--checkpoints"][..], "--checkpoints"),
        (&["--ablate"], "--ablate"),
        (&["--edit", "z 0.1 = zero"], "--edit"),
        (&["--layers", "0"], "--layers"),
        (&["--heads", "0"], "--heads"),
        (&["--precision", "bf16"], "--weights"),
    ] {
        let all = [&["--format", "html", "--live"], more].concat();
        attend(&all).fails(2, &[told, "a page with --live"]);
    }
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
        let logits = browser.eval("[...window.sisun.live.shown.untouched.pass.logits]");
        let logits: Vec<f32> = serde_json::from_value(logits).unwrap();
        let (shape, expected) = &fixture.expected["logits"];
        let expected = &expected[(shape[1] - 1) * shape[2]..][..shape[2]];
        let far = largest_difference(&logits, expected);
        assert!(far <= 1e-4, "{name}: logits differ by {far:e}");
        for layer in 0..fixture.config.n_layers {
            let codes = browser.eval(&format!(
                "[...window.sisun.live.shown.untouched.pass.patterns[{layer}]]"
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
    enter_into(&browser, "#second", HOSTILE);
    let hostile = "view=grid&text=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E&second=%3C/textarea%3E%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E&edits=z%209.9=zero;z%200.0=evil;__proto__%200.0=zero;pattern%200.0@1:0=1e9;a;pattern%200.0@9999:0=0.5;%3Cimg%20src=x%3E&sampler=1e999,,&beside=nowhere&%3Cimg%20src=x%3E=1";
    open(&browser, &with_fragment(&page, hostile));
    browser.wait_for("document.querySelector('#text').value.startsWith('<img')");
    settle(&browser);
    assert_eq!(browser.eval("window.hacked ?? null"), Value::Null);
    assert_eq!(browser.eval("document.querySelectorAll('img').length"), 0);
    assert_eq!(browser.eval("window.sisun.live.asked.edits.length"), 0);
    let told = browser.eval("document.querySelector('#ignored').textContent");
    assert!(
        told.as_str().unwrap().contains("sampler=1e999"),
        "what is left out is said: {told}"
    );
    assert_eq!(
        browser.eval("document.querySelector('#second').value"),
        "</textarea><img src=x onerror=alert(1)>"
    );
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
    let damaged = unused(lab, "damaged.html");
    let weights = &html[from..];
    let weights = &weights[..weights.find('<').unwrap()];
    // One character of a byte that no other depends on: only a checksum tells.
    let near_the_end = from + weights.len() - 12;
    let other = match &html[near_the_end..=near_the_end] {
        "A" => "B",
        _ => "A",
    };
    let trouble = [
        // Cut short, with other characters in it, with another number.
        format!("{}{}", &html[..from + 4000], &html[from + 8000..]),
        format!("{}****{}", &html[..from + 4000], &html[from + 4004..]),
        format!(
            "{}{other}{}",
            &html[..near_the_end],
            &html[near_the_end + 1..]
        ),
        html.replacen("\"d_ff\":", "\"d_ff\":1", 1),
        html.replacen("\"residual\":true", "\"residual\":false", 1),
        html.replacen("\"kind\":\"model\"", "\"kind\":model", 1),
    ];
    for (number, broken) in trouble.iter().enumerate() {
        assert_ne!(broken, &html, "{number}");
        fs::write(&damaged, broken).unwrap();
        browser.open_still(&damaged);
        browser.wait_for("document.querySelector('#trouble').checkVisibility()");
        let told = browser.eval("document.querySelector('#trouble').textContent");
        let told = told.as_str().unwrap();
        assert!(told.contains("changed"), "{number}: {told}");
    }
    // Cut within its blocks, and a script that was edited: nothing runs.
    for broken in [
        html[..from + 4000].to_owned(),
        html.replacen("\"use strict\"", "\"use lax\"", 1),
    ] {
        fs::write(&damaged, broken).unwrap();
        browser.open_still(&damaged);
        let told = browser.eval("document.querySelector('#waiting').innerText");
        assert!(
            told.as_str().unwrap().contains("cut short or changed"),
            "{told}"
        );
    }
    // A browser that cannot unpack.
    browser.before_scripts("delete window.DecompressionStream");
    browser.open_still(&page);
    browser.wait_for("document.querySelector('#trouble').checkVisibility()");
    let told = browser.eval("document.querySelector('#trouble').textContent");
    assert!(told.as_str().unwrap().contains("newer browser"), "{told}");
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
