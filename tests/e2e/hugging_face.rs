//! Hugging Face directories in place of runs (created by `tests/peers/reference_hf.py`).

use crate::sisun::{Lab, Ran, root, sisun};
use safetensors::SafeTensors;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

const TEXT: &str = "the cat saw the kite and ran";

fn fixture(name: &str) -> PathBuf {
    root().join("tests/peers/fixtures/hf").join(name)
}

fn on(verb: &str, name: &str, more: &[&str]) -> Ran {
    sisun(
        &[
            &[
                verb,
                fixture(name).to_str().unwrap(),
                "--quiet",
                "--device",
                "cpu",
            ],
            more,
        ]
        .concat(),
    )
}

/// Return the bytes of a tensor in expected.safetensors.
fn expected(name: &str, tensor: &str) -> Vec<u8> {
    let bytes = fs::read(fixture(name).join("expected.safetensors")).unwrap();
    SafeTensors::deserialize(&bytes)
        .unwrap()
        .tensor(tensor)
        .unwrap()
        .data()
        .to_vec()
}

fn copied(name: &str) -> TempDir {
    let copy = TempDir::new().unwrap();
    for entry in fs::read_dir(fixture(name)).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    copy
}

fn text_file() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("held-out.txt");
    fs::write(&path, "the cat saw the dog on the mat. ".repeat(40)).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn greedy_samples_are_those_of_transformers() {
    for name in [
        "gpt2",
        "gpt2_untied",
        "llama_tied",
        "llama_untied",
        "llama_yarn",
    ] {
        let found = on(
            "sample",
            name,
            &["--prompt", TEXT, "-n", "64", "--temperature", "0", "--json"],
        )
        .ok()
        .json();
        let ids: Vec<i64> = found["tokens"]
            .as_array()
            .unwrap()
            .iter()
            .map(|token| token["id"].as_i64().unwrap())
            .collect();
        let expected: Vec<i64> = expected(name, "greedy")
            .as_chunks()
            .0
            .iter()
            .map(|bytes| i64::from_le_bytes(*bytes))
            .collect();
        assert_eq!(ids, expected, "{name}");
    }
}

#[test]
fn what_is_written_reads_as_in_transformers() {
    let fixture = fs::read(root().join("tests/peers/fixtures/continuations.json")).unwrap();
    let greedy = serde_json::from_slice::<Value>(&fixture).unwrap()["greedy"].clone();
    for (name, text) in greedy.as_object().unwrap() {
        let text = text.as_str().unwrap();
        let options = ["--prompt", TEXT, "-n", "64", "--temperature", "0"];
        assert_eq!(
            on("sample", name, &options).ok().stdout,
            format!("{TEXT}{text}\n"),
            "{name}"
        );
        let trace = TempDir::new().unwrap();
        let trace = trace.path().join("trace.json");
        let written = on(
            "sample",
            name,
            &[
                &options[..],
                &["--json", "--trace", trace.to_str().unwrap()],
            ]
            .concat(),
        )
        .ok()
        .json();
        assert_eq!(written["text"], text, "{name}");
        let trace: Value = serde_json::from_str(&fs::read_to_string(trace).unwrap()).unwrap();
        assert_eq!(trace["text"], text, "{name}");
        let tokens = trace["tokens"].as_array().unwrap();
        assert_eq!(
            tokens.len(),
            trace["prompt_tokens"].as_u64().unwrap() as usize + 64
        );
        // Prefix of the first generated word, including its leading space.
        let spaces = text.len() - text.trim_start_matches(' ').len();
        let word: String = text.chars().take(spaces + 1).collect();
        if word.contains(char::is_control) {
            continue;
        }
        let stopped = on(
            "sample",
            name,
            &[&options[..], &["--json", "--stop", &word]].concat(),
        )
        .ok()
        .json();
        assert_eq!(
            (&stopped["text"], &stopped["finish"]),
            (&"".into(), &"stop".into()),
            "{name}: {word:?}"
        );
    }
}

#[test]
fn attention_maps_are_those_of_transformers() {
    for name in ["gpt2", "llama_biases"] {
        let out = TempDir::new().unwrap();
        let folder = out.path().to_str().unwrap();
        on(
            "attend",
            name,
            &[
                "--text",
                TEXT,
                "--out",
                folder,
                "--format",
                "json,html,png,npz",
            ],
        )
        .ok();
        let maps: Value =
            serde_json::from_str(&fs::read_to_string(out.path().join("attention.json")).unwrap())
                .unwrap();
        for (layer, found) in maps["layers"].as_array().unwrap().iter().enumerate() {
            let number = |value: &Value| value.as_f64().unwrap();
            let rows = |head: &Value| head["pattern"].as_array().unwrap().clone();
            let found: Vec<f64> = found["heads"]
                .as_array()
                .unwrap()
                .iter()
                .flat_map(rows)
                .flat_map(|row| {
                    row.as_array()
                        .unwrap()
                        .iter()
                        .map(number)
                        .collect::<Vec<_>>()
                })
                .collect();
            let expected = expected(name, &format!("attention.{layer}"));
            let expected = expected
                .as_chunks()
                .0
                .iter()
                .map(|bytes| f64::from(f32::from_le_bytes(*bytes)));
            assert_eq!(expected.len(), found.len(), "{name}");
            assert!(
                found
                    .iter()
                    .zip(expected)
                    .all(|(a, b)| (a - b).abs() <= 1e-5),
                "{name}: layer {layer}"
            );
        }
        let page = fs::read_to_string(out.path().join("attention.html")).unwrap();
        assert!(
            page.contains(r#""step":null"#) && !page.contains("step 0"),
            "a step that nobody knows"
        );
    }
    let [gpt2, llama] =
        ["gpt2", "llama_tied"].map(|name| fixture(name).to_str().unwrap().to_owned());
    let out = TempDir::new().unwrap();
    let out = out.path().to_str().unwrap();
    sisun(&[
        "attend", &gpt2, &llama, "--text", TEXT, "--out", out, "--format", "html", "--device",
        "cpu",
    ])
    .ok();
    let checkpoints = [
        "--text",
        TEXT,
        "--out",
        out,
        "--format",
        "html",
        "--checkpoints",
    ];
    on("attend", "gpt2", &checkpoints).fails(1, &["keeps no checkpoints"]);
}

#[test]
fn text_is_evaluated_and_heads_ablated_on_data_that_is_given() {
    let (_folder, data) = text_file();
    for name in ["gpt2", "llama_linear"] {
        on("eval", name, &[]).fails(1, &["--data"]);
        let eval = on("eval", name, &["--data", &data, "--json"]).ok().json();
        let loss = eval["loss"].as_f64().unwrap();
        assert!(loss > 1.0 && eval["step"].is_null(), "{eval}");
        let windows = on("eval", name, &["--data", &data, "--windows", "2", "--json"])
            .ok()
            .json();
        on("heads", name, &["--text", TEXT]).fails(1, &["--data"]);
        on("heads", name, &["--data", &data]).fails(1, &["--text"]);
        let heads = on(
            "heads",
            name,
            &["--text", TEXT, "--data", &data, "--windows", "2", "--json"],
        )
        .ok()
        .json();
        assert_eq!(heads["loss"], windows["loss"]);
        assert!(
            heads["heads"]
                .as_array()
                .unwrap()
                .iter()
                .all(|head| head["silenced"].as_f64().unwrap() != 0.0)
        );
    }
    let table = on("heads", "gpt2", &["--text", TEXT, "--fast"]).ok().stdout;
    assert!(table.contains("1.2"), "{table}");
    // A text shorter than the context is a single window.
    let short = TempDir::new().unwrap();
    let path = short.path().join("short.txt");
    fs::write(&path, "the cat ran home").unwrap();
    let path = path.to_str().unwrap();
    let heads = on("heads", "gpt2", &["--text", TEXT, "--data", path, "--json"])
        .ok()
        .json();
    assert!(heads["loss"].as_f64().unwrap() > 1.0, "{}", heads["loss"]);
}

/// For every number type in the file, and for a Sisun run.
#[test]
fn computing_in_bf16_stays_close_and_is_refused_where_it_cannot_be() {
    let (_folder, data) = text_file();
    for name in ["gpt2", "gpt2_untied", "llama_tied", "llama_untied"] {
        let loss = |precision| {
            let eval = on(
                "eval",
                name,
                &["--data", &data, "--json", "--precision", precision],
            )
            .ok()
            .json();
            eval["loss"].as_f64().unwrap()
        };
        let (float32, bf16) = (loss("float32"), loss("bf16"));
        assert!(
            bf16 != float32 && (bf16 - float32).abs() < 0.02,
            "{name}: {bf16}, and {float32} in float32"
        );
        on(
            "heads",
            name,
            &["--text", TEXT, "--fast", "--precision", "bf16"],
        )
        .ok();
        on("explain", name, &["--text", TEXT, "--precision", "bf16"]).ok();
        let sample = [
            "--prompt",
            TEXT,
            "-n",
            "8",
            "--temperature",
            "0",
            "--json",
            "--precision",
            "bf16",
        ];
        let written = on("sample", name, &sample).ok().json();
        assert_eq!(written["tokens"].as_array().unwrap().len(), 8, "{name}");
        let out = TempDir::new().unwrap();
        let folder = out.path().to_str().unwrap();
        let maps = [
            "--text",
            TEXT,
            "--out",
            folder,
            "--format",
            "npz,html",
            "--precision",
            "bf16",
        ];
        on("attend", name, &maps).ok();
    }
    let lab = Lab::trained();
    let run = lab.at("run");
    let out = TempDir::new().unwrap();
    let looking = [
        "--text",
        "The cat",
        "--out",
        out.path().to_str().unwrap(),
        "--format",
        "html",
        "--checkpoints",
    ];
    let bf16 = ["--precision", "bf16", "--device", "cpu"];
    sisun(&[&["attend", &run][..], &looking, &bf16].concat()).ok();
    sisun(&[&["eval", &run][..], &bf16].concat()).ok();
    sisun(&[
        "eval",
        fixture("gpt2").to_str().unwrap(),
        "--data",
        &data,
        "--precision",
        "bf16",
        "--device",
        "ndarray",
    ])
    .fails(2, &["--precision bf16", "--device cpu"]);
    let refused = on("eval", "gpt2", &["--data", &data, "--precision", "float16"]);
    assert!(
        refused.code == Some(2) && refused.stderr.contains("known here: float32, bf16"),
        "{}",
        refused.stderr
    );
}

#[test]
fn one_query_is_worked_through() {
    let found = on(
        "explain",
        "llama_attention_bias",
        &["--text", TEXT, "--head", "4", "--json"],
    )
    .ok()
    .json();
    let weights: f64 = found["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["weight"].as_f64().unwrap())
        .sum();
    assert!((weights - 1.0).abs() < 1e-5, "{weights}");
    on("explain", "gpt2_untied", &["--text", TEXT]).ok();
}

#[test]
fn parameters_are_counted_by_config_json_alone() {
    for (name, files) in [
        ("gpt2", &["model.safetensors"][..]),
        ("llama_biases", &["model.safetensors"]),
        (
            "llama_untied",
            &[
                "model-00001-of-00003.safetensors",
                "model-00002-of-00003.safetensors",
                "model-00003-of-00003.safetensors",
            ],
        ),
    ] {
        let elements = |file: &&str| {
            let bytes = fs::read(fixture(name).join(file)).unwrap();
            let elements = |(_, view): (&str, safetensors::tensor::TensorView<'_>)| {
                view.shape().iter().product::<usize>()
            };
            SafeTensors::deserialize(&bytes)
                .unwrap()
                .iter()
                .map(elements)
                .sum::<usize>()
        };
        let stored: usize = files.iter().map(elements).sum();
        let alone = TempDir::new().unwrap();
        fs::copy(
            fixture(name).join("config.json"),
            alone.path().join("config.json"),
        )
        .unwrap();
        let found = sisun(&["info", alone.path().to_str().unwrap(), "--json"])
            .ok()
            .json();
        assert_eq!(
            found["count"]["total"].as_u64().unwrap() as usize,
            stored,
            "{name}"
        );
    }
    let path = fixture("gpt2");
    let path = path.to_str().unwrap();
    let deeper = sisun(&["info", path, "--set", "model.n_layers=7", "--json"])
        .ok()
        .json();
    assert_eq!(deeper["model"]["n_layers"], 7);
    sisun(&["info", path, "--set", "model.n_layrs=7"]).fails(2, &["n_layrs", "n_layers"]);
    assert!(
        sisun(&["info", path])
            .ok()
            .stdout
            .contains("2 layers × 3 heads, d_model 15")
    );
}

#[test]
fn directories_that_cannot_be_read_say_why() {
    let dir = copied("gpt2");
    let path = dir.path().to_str().unwrap();
    let sample = |parts: &[&str]| {
        drop(sisun(&["sample", path, "--prompt", TEXT, "--device", "cpu"]).fails(1, parts))
    };
    let write = |file: &str, text: &str| fs::write(dir.path().join(file), text).unwrap();
    let config = fs::read_to_string(dir.path().join("config.json")).unwrap();
    write(
        "config.json",
        &config.replace("GPT2LMHeadModel", "MambaForCausalLM"),
    );
    sample(&["MambaForCausalLM", "LlamaForCausalLM"]);
    write("config.json", &config.replace("gelu_new", "mish"));
    sample(&["activation_function", "mish", "gelu_new"]);
    write(
        "config.json",
        &config.replace("\"n_inner\": 29", "\"n_inner\": 31"),
    );
    sample(&[
        "transformer.h.0.mlp.c_fc.weight: shape [15, 29], expected [15, 31]",
        "transformer.h.1.mlp.c_proj.weight",
    ]);
    write("config.json", &config);
    write("model.safetensors", "no");
    sample(&["model.safetensors", "not a whole safetensors file"]);
    fs::rename(
        dir.path().join("model.safetensors"),
        dir.path().join("pytorch_model.bin"),
    )
    .unwrap();
    sample(&["pytorch_model.bin", "save_pretrained"]);
    fs::remove_file(dir.path().join("config.json")).unwrap();
    sample(&["config.toml", "config.json"]);
}

#[test]
fn a_run_is_still_a_run() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let found = sisun(&[
        "eval",
        &run,
        "--windows",
        "2",
        "--json",
        "--quiet",
        "--device",
        "cpu",
    ])
    .ok()
    .json();
    assert!(found["step"].as_u64().is_some());
}

#[test]
fn what_the_tokenizer_puts_before_a_text_is_read_as_well() {
    let copy = copied("llama_tied");
    let path = copy.path().join("tokenizer.json");
    let mut tokenizer: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let tokens = |dir: &str| {
        let out = TempDir::new().unwrap();
        let args = [
            "attend",
            dir,
            "--text",
            TEXT,
            "--out",
            out.path().to_str().unwrap(),
            "--format",
            "npz",
            "--json",
        ];
        sisun(&[&args[..], &["--quiet", "--device", "cpu"]].concat())
            .ok()
            .json()["tokens"]
            .as_array()
            .unwrap()
            .clone()
    };
    // Like LLaMA's own tokenizer, it puts `<s>` before a text.
    let marked = tokens(copy.path().to_str().unwrap());
    assert_eq!(
        (&marked[0]["id"], &marked[0]["text"]),
        (&1.into(), &"<s>".into())
    );
    tokenizer["post_processor"] = Value::Null;
    fs::write(&path, tokenizer.to_string()).unwrap();
    let plain = tokens(copy.path().to_str().unwrap());
    assert_eq!(marked[1..], plain[..], "the text's own tokens follow");
    sisun(&[
        "attend",
        copy.path().to_str().unwrap(),
        "--text",
        "",
        "--device",
        "cpu",
    ])
    .fails(2, &["text is empty"]);
}

#[test]
fn a_model_of_no_numbers_is_told_and_not_sampled() {
    let copy = copied("gpt2");
    let path = copy.path().join("model.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let norm = file
        .tensor("transformer.ln_f.weight")
        .unwrap()
        .data()
        .as_ptr()
        .addr()
        - bytes.as_ptr().addr();
    bytes[norm..norm + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    let dir = copy.path().to_str().unwrap();
    for temperature in ["0", "0.8"] {
        let sample = [
            "sample",
            dir,
            "--prompt",
            TEXT,
            "--temperature",
            temperature,
            "--quiet",
            "--device",
            "cpu",
        ];
        sisun(&sample).fails(1, &["token 1", "no numbers"]);
    }
    let heads = sisun(&["heads", dir, "--text", TEXT, "--fast", "--device", "cpu"])
        .ok()
        .stdout;
    assert!(!heads.contains("NaN"), "{heads}");
}

#[test]
fn tokens_past_the_models_rows_are_refused_where_a_text_has_one() {
    let dir = copied("gpt2");
    let path = dir.path().join("tokenizer.json");
    let mut tokenizer: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let pad = serde_json::json!({
        "id": 281, "content": "<pad>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
        "special": true
    });
    tokenizer["added_tokens"].as_array_mut().unwrap().push(pad);
    fs::write(&path, tokenizer.to_string()).unwrap();
    let dir = dir.path().to_str().unwrap();
    let cpu = ["--quiet", "--device", "cpu"];
    let lab = Lab::new();
    let [good, bad] = [
        ("good.txt", "the cat ran home. "),
        ("bad.txt", "the cat <pad> ran. "),
    ]
    .map(|(name, text)| {
        fs::write(lab.path(name), text.repeat(200)).unwrap();
        lab.at(name)
    });
    let out = lab.at("maps");
    let sample = ["sample", dir, "-n", "64", "--temperature", "0", "--prompt"];
    let asked = [&sample[..], &[TEXT], &cpu].concat();
    assert_eq!(
        sisun(&asked).ok().stdout,
        on("sample", "gpt2", &asked[2..asked.len() - 3]).ok().stdout
    );
    sisun(&[&["heads", dir, "--text", TEXT, "--data", &good][..], &cpu].concat()).ok();
    sisun(&[&["eval", dir, "--data", &good][..], &cpu].concat()).ok();
    sisun(&[&["export", dir, "--to", &lab.at("exported")][..], &cpu[1..]].concat()).ok();
    sisun(
        &[
            &["sample", &lab.at("exported"), "-n", "3", "--prompt", TEXT][..],
            &cpu,
        ]
        .concat(),
    )
    .ok();
    let told = ["\"<pad>\" (id 281)", "only 281 rows"];
    let bad_text = "the <pad> cat";
    for refused in [
        &["sample", dir, "--prompt", bad_text][..],
        &["attend", dir, "--text", bad_text, "--out", &out],
        &["explain", dir, "--text", bad_text],
        &["heads", dir, "--text", bad_text, "--fast"],
        &["heads", dir, "--text", TEXT, "--data", &bad],
        &["eval", dir, "--data", &bad],
    ] {
        let found = sisun(&[refused, &cpu].concat());
        let code = found.code.unwrap();
        found.fails(code, &told);
        assert!(code == 1 || code == 2, "{refused:?}");
    }
    let tune = |data: &str, more: &[&str]| {
        let text = format!(
            "[finetune]\nmodel = {dir:?}\n[data]\nsources = [{data:?}]\n[train]\nsteps = 2\nbatch_size = 2\nlr_max = 0.01"
        );
        lab.write_config("lab.toml", &text);
        lab.train("tuned", more)
    };
    tune(&bad, &[]).fails(1, &told);
    tune(&good, &["--set", "sample.prompt=<pad>"])
        .fails(1, &[&told[..], &["sample.prompt"]].concat());
    tune(&good, &[]).ok();
}

/// Sequences start with LLaMA's `<s>` and contain only tokens that the model knows: with others,
/// heads would find nothing.
#[test]
fn random_tokens_that_come_twice_are_those_of_the_vocabulary() {
    let dir = copied("llama_tied");
    let path = dir.path().join("tokenizer.json");
    let mut tokenizer: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let measured = || {
        let args = [
            "heads",
            dir.path().to_str().unwrap(),
            "--text",
            TEXT,
            "--fast",
            "--json",
            "--device",
            "cpu",
        ];
        let found = sisun(&args).ok().json();
        let of = |key: &str| {
            found["heads"]
                .as_array()
                .unwrap()
                .iter()
                .map(|head| head[key].clone())
                .collect::<Vec<_>>()
        };
        (
            (of("same"), of("induction")),
            found["chance"]["induction"].as_f64().unwrap(),
        )
    };
    let (plain, chance) = measured();
    // Forty-five tokens twice after `<s>`, in a context of 92.
    let expected = (46..91)
        .map(|query| 1.0 / f64::from(query + 1))
        .sum::<f64>()
        / 45.0;
    assert!(
        (chance - expected).abs() < 1e-12,
        "{chance}, not {expected}"
    );
    for name in ["<a>", "<b>", "<c>"] {
        let added = serde_json::json!({
            "id": 73, "content": name, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
            "special": name == "<a>"
        });
        tokenizer["added_tokens"]
            .as_array_mut()
            .unwrap()
            .push(added);
    }
    fs::write(&path, tokenizer.to_string()).unwrap();
    assert_eq!(measured().0, plain, "added tokens are never drawn");
    tokenizer["post_processor"] = Value::Null;
    fs::write(&path, tokenizer.to_string()).unwrap();
    assert_ne!(measured().0, plain, "without `<s>` it is another text");
}

#[test]
fn tokens_are_shown_as_the_model_gets_them() {
    let dir = fixture("llama_tied");
    let encode = |more: &[&str]| {
        sisun(
            &[
                &["tokenizer", "encode", dir.to_str().unwrap(), "--text", TEXT],
                more,
            ]
            .concat(),
        )
        .ok()
    };
    let whole = encode(&["--json"]).json();
    let bare = encode(&["--no-added", "--json"]).json();
    let ids = |json: &Value| json["ids"].as_array().unwrap().clone();
    assert_eq!(
        (&ids(&whole)[0], &ids(&whole)[1..]),
        (&1.into(), &ids(&bare)[..])
    );
    assert_eq!(
        (&whole["labels"][0], &whole["added"][0], &whole["added"][1]),
        (&"<s>".into(), &true.into(), &false.into())
    );
    assert!(
        bare["added"]
            .as_array()
            .unwrap()
            .iter()
            .all(|added| added == false)
    );
    let lines = encode(&[]).stdout;
    assert!(
        lines.lines().next().unwrap().ends_with("<s>  (added)")
            && lines.matches("(added)").count() == 1,
        "{lines}"
    );
    // `attend` uses the same tokens.
    let out = TempDir::new().unwrap();
    let maps = on(
        "attend",
        "llama_tied",
        &[
            "--text",
            TEXT,
            "--out",
            out.path().to_str().unwrap(),
            "--json",
        ],
    )
    .ok()
    .json();
    let seen: Vec<Value> = maps["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|token| token["id"].clone())
        .collect();
    assert_eq!(seen, ids(&whole));
}

#[test]
fn a_word_of_several_tokens_is_asked_for_by_its_text() {
    let found = on(
        "explain",
        "gpt2",
        &["--text", "the kitten sat", "--query", "kitten", "--json"],
    )
    .ok();
    let json = found.json();
    let word: Vec<usize> = json["query_word"]
        .as_array()
        .unwrap()
        .iter()
        .map(|number| number.as_u64().unwrap() as usize)
        .collect();
    let labels: String = word
        .iter()
        .map(|&number| json["tokens"][number]["text"].as_str().unwrap())
        .collect();
    assert!(
        word.len() > 1 && labels == " kitten" && json["query"] == *word.last().unwrap(),
        "{labels}: {word:?}"
    );
    let told = sisun(&[
        "explain",
        fixture("gpt2").to_str().unwrap(),
        "--text",
        "the kitten sat",
        "--query",
        "kitten",
    ])
    .ok();
    assert!(told.stderr.contains("the last looks"), "{}", told.stderr);
    on(
        "explain",
        "gpt2",
        &["--text", "the kitten sat", "--query", "mitten"],
    )
    .fails(2, &["\"mitten\"", "0 \""]);
}

#[test]
fn a_sliding_window_ends_the_context_and_nothing_goes_past_it() {
    let dir = copied("mistral");
    let path = dir.path().join("config.json");
    let mut config: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    config["sliding_window"] = 24.into();
    fs::write(&path, config.to_string()).unwrap();
    let dir = dir.path().to_str().unwrap();
    let asked = |args: &[&str]| sisun(&[args, &["--device", "cpu"]].concat());
    let (_folder, data) = text_file();
    let out = TempDir::new().unwrap();
    let out = out.path().to_str().unwrap();
    // Within the window the result equals that without one.
    let sample = [
        "--prompt",
        "the cat",
        "-n",
        "4",
        "--temperature",
        "0",
        "--json",
    ];
    let [within, whole] = [
        asked(&[&["sample", dir][..], &sample].concat()),
        on("sample", "mistral", &sample),
    ]
    .map(|ran| ran.ok());
    assert_eq!(within.json()["tokens"], whole.json()["tokens"]);
    assert!(
        within.stderr.contains("sliding_window = 24") && within.stderr.contains("context is 24"),
        "{}",
        within.stderr
    );
    // Beyond it, `sample` and `eval` read windows of this many tokens.
    asked(&["sample", dir, "--prompt", TEXT, "-n", "60"]).ok();
    asked(&["eval", dir, "--data", &data]).ok();
    asked(&["heads", dir, "--text", "the cat", "--data", &data]).ok();
    let told = ["sliding window of 24", "at most 24 tokens"];
    let long = TEXT.repeat(4);
    for refused in [
        &["attend", dir, "--text", &long, "--out", out][..],
        &[
            "attend", dir, "--text", &long, "--out", out, "--format", "html",
        ],
        &["explain", dir, "--text", &long],
        &["heads", dir, "--text", &long, "--fast"],
        &["eval", dir, "--data", &data, "--lengths", "8,25"],
    ] {
        asked(refused).fails(1, &told);
    }
    let info = sisun(&["info", dir]).ok().stdout;
    assert!(
        info.contains("context 24") && info.contains("sliding_window = 24"),
        "{info}"
    );
}
