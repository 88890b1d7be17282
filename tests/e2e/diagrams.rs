//! The diagram of a model: `sisun info --diagram`, and on pages.

use crate::browser::Browser;
use crate::sisun::{Lab, root, sisun};
use serde_json::Value;
use std::fs;

/// The number with its thousands set apart.
fn written(n: u64) -> String {
    let digits = n.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups = groups.map(|group| std::str::from_utf8(group).unwrap());
    groups.collect::<Vec<_>>().join(",")
}

#[test]
fn a_diagram_has_the_parameters_that_info_counts() {
    let lab = Lab::new();
    let [svg, png] = ["model.svg", "model.PNG"].map(|name| lab.at(name));
    let fixtures = root().join("tests/peers/fixtures/hf");
    let mut models: Vec<Vec<String>> = Vec::new();
    for name in [
        "gpt2",
        "gpt2_untied",
        "llama_tied",
        "qwen3",
        "neox",
        "mistral",
    ] {
        models.push(vec![fixtures.join(name).to_str().unwrap().to_owned()]);
    }
    for settings in [
        "",
        "model.norm_placement=post",
        "model.parallel_residual=true",
        "model.ffn=none model.causal=false",
        "model.residual=false model.position=t5_bias",
        "model.n_kv_heads=1 model.qk_norm=true model.ffn=swiglu model.norm=rms",
        "model.tied_head=false model.position=learned model.n_layers=90",
    ] {
        let mut args = vec![
            lab.at("lab.toml"),
            "--set".to_owned(),
            "model.vocab_size=320".to_owned(),
        ];
        for setting in settings.split_whitespace() {
            args.extend(["--set".to_owned(), setting.to_owned()]);
        }
        models.push(args);
    }
    for model in models {
        let model: Vec<&str> = model.iter().map(String::as_str).collect();
        let args = [&["info"][..], &model, &["--json", "--diagram", &svg]].concat();
        let found = sisun(&args).ok().json();
        assert_eq!(found["diagram"], svg);
        let total = written(found["count"]["total"].as_u64().unwrap());
        let drawn = fs::read_to_string(&svg).unwrap();
        assert!(
            drawn.contains(&format!("{total} parameters in all")),
            "{model:?}"
        );
        let has = |setting: &str| model.contains(&setting);
        assert_eq!(
            drawn.contains("Feed-forward"),
            !has("model.ffn=none"),
            "{model:?}"
        );
        assert_eq!(drawn.contains("sees both sides"), has("model.causal=false"));
        assert_eq!(drawn.contains("<circle"), !has("model.residual=false"));
    }
    let told = sisun(&["info", &lab.at("lab.toml"), "--diagram", &png]).ok();
    assert!(told.stdout.ends_with("model.PNG\n"), "{}", told.stdout);
    assert!(fs::read(&png).unwrap().starts_with(b"\x89PNG"));
    // A vocabulary of nobody's knowing has no number.
    let gpt3 = root().join("configs/gpt3.toml");
    sisun(&["info", gpt3.to_str().unwrap(), "--diagram", &svg]).ok();
    assert!(fs::read_to_string(&svg).unwrap().contains("× 96"));
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let lab = Lab::new();
    let config = lab.at("lab.toml");
    let info = |what: &str, file: &str| sisun(&["info", what, "--diagram", file]);
    info(&config, "model.jpeg").fails_by_clap(&["--diagram", "ends in .svg or .png"]);
    info(&config, "svg").fails_by_clap(&["ends in .svg or .png"]);
    let nowhere = lab.at("lab.toml/model.svg");
    info(&config, &nowhere).fails(1, &["model.svg"]);
    let pairs = root().join("configs/translation-transformer.toml");
    info(pairs.to_str().unwrap(), &lab.at("pairs.svg"))
        .fails(2, &["--diagram", "sequence-to-sequence"]);
    assert!(!lab.path("pairs.svg").exists());
    lab.write_config(
        "hostile.toml",
        &fs::read_to_string(&config)
            .unwrap()
            .replace("\"lab\"", "\"a-b\""),
    );
    let svg = lab.at("hostile.svg");
    info(&lab.at("hostile.toml"), &svg).ok();
    assert!(fs::read_to_string(&svg).unwrap().contains("a-b"));
}

#[test]
fn the_page_shows_where_a_head_stands_in_the_model() {
    let Some(browser) = Browser::start(1366, 768) else {
        return;
    };
    let lab = Lab::trained();
    let (run, out) = (lab.at("run"), lab.at("page-model"));
    let attend = ["--text", "The cat sat.", "--format", "html", "--out", &out];
    sisun(&[&["attend", &run], &attend[..], &["--device", "cpu"]].concat()).ok();
    browser.open(&lab.path("page-model/attention.html"));
    browser.click("#tab-model");
    let current = "[...document.querySelectorAll('#view-model [aria-current]')].map((b) => b.dataset.go).join()";
    browser.wait_for(&format!("{current} === 'layer1,head0'"));
    let counted = sisun(&["info", &run, "--json"]).ok().json()["count"]["total"]
        .as_u64()
        .unwrap();
    for language in ["en", "ko"] {
        let texts = browser.eval(&format!(
            "sisun.views[0].diagram.{language}.columns[0].shapes.map((shape) => shape.text ?? '').join(' ')"
        ));
        assert!(
            texts.as_str().unwrap().contains(&written(counted)),
            "{texts}"
        );
    }
    browser.click("#view-model [data-go=layer1]");
    browser.wait_for(&format!("{current} === 'layer1,head0'"));
    browser.click("#view-model [data-go=head2]");
    browser.wait_for("document.body.dataset.view === 'head' && location.hash.includes('head=2')");
    let state: Value = browser.eval("[sisun.state.layer, sisun.state.head]");
    assert_eq!(state, serde_json::json!([1, 2]));
    browser.click("#tab-model");
    browser.wait_for(&format!("{current} === 'layer1,head2'"));
    browser.choose("#theme", "dark");
    browser.choose("#language", "ko");
    browser.wait_for("document.querySelector('#tab-model').textContent === '모델'");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
