//! The pages as a whole: their layout on screens and paper, what is within reach, and how a text is divided.

use crate::browser::Browser;
use crate::sisun::{Lab, sisun};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const ACCESSIBLE: &str = include_str!("../page/accessible.js");

const TEXT: &str = "The cat sat on the mat. 나는 배가 고파요. שלום السلام";

/// Write the page of a text.
fn page_of(lab: &Lab, name: &str, runs: &[&str], text: &str, more: &[&str]) -> PathBuf {
    let out = lab.at(name);
    let runs: Vec<String> = runs.iter().map(|run| lab.at(run)).collect();
    let mut args = vec!["attend"];
    args.extend(runs.iter().map(String::as_str));
    args.extend(["--text", text, "--out", &out, "--device", "cpu"]);
    args.extend(more);
    sisun(&args).ok();
    PathBuf::from(out).join("attention.html")
}

/// Return the page's address with the view that follows `#`.
fn at(page: &Path, view: &str) -> PathBuf {
    let name = page.file_name().unwrap().to_string_lossy();
    page.with_file_name(format!("{name}#{view}"))
}

fn number(browser: &Browser, expression: &str) -> f64 {
    let found = browser.eval(expression);
    found
        .as_f64()
        .unwrap_or_else(|| panic!("{expression}: {found}"))
}

#[test]
fn texts_are_readable_and_controls_within_reach() {
    let Some(browser) = Browser::start(1366, 768) else {
        return;
    };
    let lab = Lab::trained();
    let run = lab.at("run");
    let mut pages = Vec::new();
    let attention = page_of(lab, "reach", &["run"], TEXT, &["--format", "html"]);
    for view in [
        "grid",
        "head",
        "text",
        "worked",
        "table",
        "lens",
        "attribution",
    ] {
        pages.push(at(&attention, &format!("view={view}&query=3&key=1")));
    }
    let trace = lab.path("reach.html");
    let traced = [
        "sample",
        &run,
        "--prompt",
        "The cat",
        "-n",
        "20",
        "--trace",
        trace.to_str().unwrap(),
        "--force",
        "--device",
        "cpu",
    ];
    sisun(&traced).ok();
    pages.push(trace);
    let computing = lab.path("reach-computing.html");
    let out = computing.to_str().unwrap();
    sisun(&[
        "page", &run, "--text", TEXT, "--out", out, "--force", "--device", "cpu",
    ])
    .ok();
    pages.push(computing.clone());
    pages.push(at(&computing, "view=worked"));
    let analyses = lab.at("reach-analyses");
    for analysis in [
        &["lens", &run, "--text", TEXT][..],
        &["attribute", &run, "--text", "The cat", "--answer", " sat"],
        &["embeddings", &run],
        &["circuits", &run],
    ] {
        let more = ["--format", "html", "--out", &analyses, "--device", "cpu"];
        let ran = sisun(&[analysis, &more].concat()).ok();
        pages.push(PathBuf::from(ran.stdout.trim()));
    }
    pages.push(lab.path("run/report.html"));
    for page in &pages {
        for (width, height, touched) in [(1366, 768, false), (390, 844, true)] {
            browser.use_screen(width, height, touched);
            for theme in ["light", "dark"] {
                let name = page.to_string_lossy().into_owned();
                if name.ends_with("report.html") {
                    browser.open_still(page);
                } else {
                    let sign = if name.contains('#') { "&" } else { "#" };
                    browser.open(Path::new(&format!("{name}{sign}theme={theme}")));
                    browser.eval("document.fonts.ready.then(() => true)");
                }
                assert_eq!(
                    browser.eval(ACCESSIBLE),
                    serde_json::json!([]),
                    "{name}, {theme}, {width} pixels"
                );
                assert_eq!(browser.complaints(), Vec::<String>::new(), "{name}");
            }
        }
    }
}

#[test]
fn a_map_with_its_labels_fits_on_the_screen() {
    let Some(browser) = Browser::start(1366, 768) else {
        return;
    };
    browser.use_screen(1366, 768, false);
    let lab = Lab::trained();
    let page = page_of(lab, "fits", &["run"], TEXT, &["--format", "html"]);
    browser.open(&at(&page, "view=head&layer=1&head=2"));
    let n = number(&browser, "window.sisun.views[0].words.text.length");
    let top = number(
        &browser,
        "document.querySelector('#heatmap').getBoundingClientRect().top",
    );
    let first = number(&browser, "window.sisun.cellCentre(0, 0).y");
    let last = number(
        &browser,
        &format!("window.sisun.cellCentre({}, 0).y", n - 1.0),
    );
    let cell = (last - first) / (n - 1.0);
    assert!(
        first - cell / 2.0 > top + 30.0,
        "labels are above: {first} {cell} {top}"
    );
    assert!(last + cell / 2.0 <= 768.0, "{last} {cell}");

    // On a phone the numbers of the steps are beside the keys, and the tabs say that there are more.
    browser.use_screen(390, 844, true);
    browser.open(&at(&page, "view=worked&layer=1&head=2&language=en"));
    let right = number(
        &browser,
        "document.querySelector('#worked-keys td[data-column]').getBoundingClientRect().right",
    );
    assert!(right < 390.0, "the first number is on the screen: {right}");
    let more = browser.eval("document.querySelector('#tabs').dataset.more");
    assert!(more.as_str().unwrap().contains("before"), "{more}");
    browser.open(&at(&page, "view=grid&language=en"));
    assert_eq!(
        browser.eval("document.querySelector('#tabs').dataset.more"),
        "after"
    );

    // Hints say what a finger does; that of one tab does not stay on the next.
    browser.open(&at(&page, "view=text&language=en"));
    let hint = browser.eval("document.querySelector('#readout').textContent");
    assert!(hint.as_str().unwrap().starts_with("Tap a token"), "{hint}");
    browser.click("#tab-worked");
    browser.wait_for(
        "document.querySelector('#readout').textContent.startsWith('Tap a coloured cell')",
    );
}

#[test]
fn many_heads_are_within_reach_and_counted() {
    let Some(browser) = Browser::start(1366, 768) else {
        return;
    };
    let lab = Lab::new();
    lab.train(
        "wide",
        &[
            "--set",
            "model.n_heads=32",
            "--set",
            "model.d_model=64",
            "--set",
            "train.steps=1",
            "--set",
            "train.warmup_steps=0",
        ],
    )
    .ok();
    let page = page_of(
        &lab,
        "maps",
        &["wide"],
        "The cat sat.",
        &["--format", "html", "--language", "en"],
    );
    browser.open(&page);
    browser.wait_for("document.querySelector('.heads').dataset.more === 'after'");
    let said = browser.eval("[...document.querySelectorAll('#view-grid .aside')].filter(p => p.checkVisibility()).map(p => p.textContent).join()");
    assert!(
        said.as_str().unwrap().contains("32 heads, 0 to 31"),
        "{said}"
    );
    browser.eval(
        "document.querySelector('.heads button[data-layer=\"0\"][data-head=\"31\"]').focus()",
    );
    browser.wait_for("document.querySelector('.heads').dataset.more.includes('before')");
    let right = number(
        &browser,
        "document.querySelector('.heads button[data-head=\"31\"]').getBoundingClientRect().right",
    );
    assert!(right <= 1366.0, "{right}");
}

#[test]
fn words_are_the_default_and_spaces_are_none() {
    let lab = Lab::trained();
    let text = "나는 배가 고파요.";
    let more = ["--format", "html,svg,json", "--by", "word"];
    let page = page_of(lab, "by-word", &["run"], text, &more);
    let by_default = page_of(lab, "by-default", &["run"], text, &["--format", "html,svg"]);
    let svg = |page: &Path| fs::read_to_string(page.with_file_name("layer1-head2.svg")).unwrap();
    assert_eq!(svg(&page), svg(&by_default));
    let count = |label: &str| {
        let drawn = svg(&page);
        drawn.lines().filter(|line| *line == label).count()
    };
    for label in ["나는", "배가", "고파요"] {
        assert_eq!(count(label), 2, "{label} has a row and a column");
    }
    for label in ["쿼리(보는 쪽)", "레이어 1 · 헤드 2"] {
        assert_eq!(count(label), 1, "{label}");
    }
    assert!(!svg(&page).contains("␣"), "a space is no word");
    let tokens = page_of(
        lab,
        "by-token",
        &["run"],
        text,
        &["--format", "svg", "--by", "token", "--language", "en"],
    );
    for label in ["Query (attending)", "layer 1 · head 2"] {
        assert!(svg(&tokens).contains(label), "{label}");
    }
    assert_ne!(svg(&tokens), svg(&page));
    let Some(browser) = Browser::start(1000, 800) else {
        return;
    };
    browser.open(&page);
    assert_eq!(browser.eval("window.sisun.state.unit"), "word");
    let units = browser.eval("window.sisun.views[0].words.text");
    assert_eq!(units, serde_json::json!(["나는", "배가", "고파요", "."]));
}

#[test]
fn pictures_say_what_they_show() {
    let lab = Lab::trained();
    let text = "The <cat> & \"mat\" 배";
    let page = page_of(
        lab,
        "metadata",
        &["run"],
        text,
        &["--format", "svg,png", "--by", "token"],
    );
    let svg = fs::read_to_string(page.with_file_name("layer1-head2.svg")).unwrap();
    let (_, after) = svg.split_once("<metadata>").unwrap();
    let (json, _) = after.split_once("</metadata>").unwrap();
    let plain = json
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"");
    let plain = plain
        .replace("&apos;", "'")
        .replace("&#39;", "'")
        .replace("&amp;", "&");
    let told: Value = serde_json::from_str(&plain).unwrap();
    assert_eq!(told["Text"], text);
    assert_eq!(
        (&told["Layer"], &told["Head"], &told["Unit"]),
        (&"1".into(), &"2".into(), &"token".into())
    );
    assert!(
        told["Model"].as_str().unwrap().contains("step 150"),
        "{told}"
    );
    let png = fs::read(page.with_file_name("layer1-head2.png")).unwrap();
    // A chunk iTXt: keyword, four bytes that say neither compressed nor translated, and the text.
    for (keyword, value) in [("Text", text), ("Layer", "1"), ("Head", "2")] {
        let chunk = [b"iTXt", keyword.as_bytes(), &[0; 5], value.as_bytes()].concat();
        assert!(
            png.windows(chunk.len()).any(|part| part == chunk),
            "{keyword}"
        );
    }
}

#[test]
fn two_runs_have_a_difference() {
    let lab = Lab::new();
    for position in ["rope", "alibi"] {
        lab.train(position, &["--set", &format!("model.position={position}")])
            .ok();
    }
    let (one, other) = (lab.at("rope"), lab.at("alibi"));
    let text = "One day Mina sat.";
    let page = page_of(
        &lab,
        "difference",
        &["rope"],
        text,
        &[
            "--against",
            &other,
            "--format",
            "html,png,svg,json",
            "--by",
            "token",
        ],
    );
    let folder = page.parent().unwrap();
    for file in [
        "difference-heads.png",
        "difference-layer0-head0.svg",
        "difference.json",
    ] {
        assert!(folder.join(file).is_file(), "{file}");
    }
    let read = |path: PathBuf| -> Value {
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    };
    let weight = |numbers: &Value| {
        numbers["layers"][1]["heads"][0]["pattern"][3][1]
            .as_f64()
            .unwrap()
    };
    let told = weight(&read(folder.join("difference.json")));
    let [first, second] = ["rope", "alibi"].map(|run| {
        let page = page_of(
            &lab,
            &format!("of-{run}"),
            &[run],
            text,
            &["--format", "json"],
        );
        weight(&read(page.with_file_name("attention.json")))
    });
    assert!(
        (told - (first - second)).abs() < 1e-6,
        "{told} {first} {second}"
    );
    assert!(told != 0.0);

    // Other tokens have no common cells: both divisions are told.
    lab.train("bytes", &["--set", "tokenizer.vocab_size=257"])
        .ok();
    let bytes = lab.at("bytes");
    let args = [
        "attend",
        &one,
        "--against",
        &bytes,
        "--text",
        text,
        "--out",
        &lab.at("none"),
        "--device",
        "cpu",
    ];
    let refused = sisun(&args).fails(2, &["different tokens"]);
    assert!(refused.stderr.contains("O|n|e"), "{}", refused.stderr);
    assert!(!lab.path("none").exists());

    let Some(browser) = Browser::start(1400, 900) else {
        return;
    };
    browser.open(&at(&page, "view=head&layer=1&head=0&query=3&key=1"));
    browser.wait_for("document.querySelector('#heatmap-2')?.checkVisibility() === true");
    let shown = browser.eval("[...document.querySelectorAll('#view-head .at')].map(at => Number(at.textContent.replace('−', '-').replace('±', '')))");
    let shown: Vec<f64> = shown
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap())
        .collect();
    for (shown, exact) in shown.iter().zip([first, second, told]) {
        assert!((shown - exact).abs() < 3e-4, "{shown} {exact}");
    }
    assert_eq!(shown.len(), 3);
    for view in ["grid", "text", "worked", "table"] {
        browser.click(&format!("#tab-{view}"));
        browser.wait_for(&format!(
            "document.querySelector('#view-{view}').checkVisibility()"
        ));
        browser.eval("window.sisun.load().then(() => true)");
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn the_lens_and_the_attribution_are_tabs() {
    let Some(browser) = Browser::start(1366, 768) else {
        return;
    };
    let lab = Lab::trained();
    let text = "One day Mina sat.";
    let page = page_of(lab, "tabs", &["run"], text, &["--format", "html"]);
    let run = lab.at("run");
    let lens = sisun(&["lens", &run, "--text", text, "--json", "--device", "cpu"])
        .ok()
        .json();
    browser.open(&at(&page, "view=lens"));
    browser.wait_for("document.querySelector('[data-sheet=lens] canvas')?.width > 100");
    let cells = lens["layers"].as_array().unwrap();
    for (row, layer) in cells.iter().enumerate() {
        for (position, cell) in layer["positions"].as_array().unwrap().iter().enumerate() {
            let n = layer["positions"].as_array().unwrap().len();
            let told = browser.eval(&format!(
                "window.sisun.page.details[{}][0]",
                row * n + position
            ));
            assert_eq!(told[0], cell["top"][0]["text"]);
            let (told, exact) = (
                told[1].as_f64().unwrap(),
                cell["top"][0]["probability"].as_f64().unwrap(),
            );
            assert!((told - exact).abs() < 1e-6, "{told} {exact}");
        }
    }
    // The parts add up to the model's own logit, as `sisun attribute` tells it of one token.
    let tokens = lens["tokens"].as_array().unwrap();
    browser.click("#tab-attribution");
    browser.wait_for("document.querySelector('[data-sheet=attribution] canvas')?.width > 100");
    browser.wait_for("location.hash.includes('view=attribution')");
    browser.eval("document.querySelector('[data-sheet=attribution] canvas').focus()");
    for _ in 0..4 {
        browser.press("ArrowRight");
    }
    let listed = browser.eval("document.querySelector('[data-sheet=attribution] .total .value').textContent.replace('−', '-')");
    let prefix: String = {
        let end = tokens[4]["end"].as_u64().unwrap() as usize;
        text.chars().take(end).collect()
    };
    let answer: String = {
        let (start, end) = (
            tokens[5]["start"].as_u64().unwrap() as usize,
            tokens[5]["end"].as_u64().unwrap() as usize,
        );
        text.chars().skip(start).take(end - start).collect()
    };
    let attributed = sisun(&[
        "attribute",
        &run,
        "--text",
        &prefix,
        "--answer",
        &answer,
        "--json",
        "--device",
        "cpu",
    ]);
    let attributed = attributed.ok().json();
    let exact = attributed["logit_difference"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .as_f64()
        .unwrap();
    let told: f64 = listed.as_str().unwrap().parse().unwrap();
    assert!((told - exact).abs() < 2e-3, "{told} {exact}");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_page_is_printed_light_and_without_controls() {
    let Some(browser) = Browser::start(1366, 768) else {
        return;
    };
    let lab = Lab::trained();
    let page = page_of(lab, "printed", &["run"], TEXT, &["--format", "html"]);
    for view in [
        "grid",
        "head",
        "text",
        "worked",
        "table",
        "lens",
        "attribution",
    ] {
        browser.open(&at(&page, &format!("view={view}&theme=dark")));
        browser.use_paper(true);
        browser.eval("dispatchEvent(new Event('beforeprint'))");
        assert_eq!(
            browser.eval("document.documentElement.dataset.theme"),
            "light"
        );
        let left = browser.eval(
            "[...document.querySelectorAll('.settings, .actions, .round, [role=tab]')].filter(e => e.checkVisibility()).map(e => e.id || e.className)",
        );
        assert_eq!(left, serde_json::json!([format!("tab-{view}")]));
        // Cells hold the light map: the page's background is white.
        let paper = browser.eval("getComputedStyle(document.body).backgroundColor");
        assert_eq!(paper, "rgb(255, 255, 255)");
        browser.eval("dispatchEvent(new Event('afterprint'))");
        assert_eq!(
            browser.eval("document.documentElement.dataset.theme"),
            "dark"
        );
        browser.use_paper(false);
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn on_a_dark_page_nothing_is_darker_than_what_is_hidden() {
    let Some(browser) = Browser::start(1366, 768) else {
        return;
    };
    let lab = Lab::trained();
    let page = page_of(
        lab,
        "dark",
        &["run"],
        "The cat sat on the mat.",
        &["--format", "html", "--by", "token"],
    );
    for map in ["blues", "viridis", "cividis", "magma"] {
        browser.open(&at(&page, &format!("view=grid&theme=dark&map={map}")));
        // The corner above the diagonal is hidden; every cell below it has a weight.
        let lighter = browser.eval(
            "{ const canvas = document.querySelector('#view-grid .thumb canvas'); const { width } = canvas;             const pixels = canvas.getContext('2d').getImageData(0, 0, width, width).data;             const light = (row, column) => pixels.slice(4 * (row * width + column), 4 * (row * width + column) + 3).reduce((a, b) => a + b);             const seen = []; for (let row = 0; row < width; row++) for (let column = 0; column <= row; column++) seen.push(light(row, column));             Math.min(...seen) - light(0, width - 1) }",
        );
        assert!(lighter.as_f64().unwrap() > 20.0, "{map}: {lighter}");
    }
}

#[test]
fn after_a_jump_the_chosen_row_is_in_sight() {
    let Some(browser) = Browser::start(1366, 768) else {
        return;
    };
    browser.use_screen(1366, 768, false);
    let lab = Lab::trained();
    let text = "The cat sat on the mat. ".repeat(6);
    let page = page_of(
        lab,
        "jump",
        &["run"],
        text.trim(),
        &["--format", "html", "--by", "token"],
    );
    let n = {
        browser.open(&page);
        number(&browser, "window.sisun.views[0].tokens.length") as usize
    };
    browser.open(&at(
        &page,
        &format!("view=head&layer=1&head=1&query={}&key={}", n - 1, n - 2),
    ));
    browser.eval("document.querySelector('#heatmap').focus()");
    browser.press("Enter");
    browser.wait_for("document.querySelector('tr.chosen') !== null");
    browser.wait_for(
        "{ const chosen = document.querySelector('tr.chosen[data-token]'); const row = chosen.getBoundingClientRect();           const bar = document.querySelector('#readout').getBoundingClientRect();           const box = chosen.closest('.wide').getBoundingClientRect();           row.top >= Math.max(box.top, 0) && row.bottom <= Math.min(box.bottom, bar.top) + 1 }",
    );
}
