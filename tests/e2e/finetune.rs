//! Fine-tuning a Hugging Face directory or a run, in full or with low-rank adapters, compared with
//! PyTorch (`tests/peers/reference_finetune.py`).

use crate::sisun::{Lab, Ran, root, sisun};
use burn::tensor::{Device, Int, Tensor, TensorData};
use safetensors::SafeTensors;
use sisun_config::{Config, DataConfig};
use sisun_data::{Tokenizer, prepare_whole};
use sisun_infer::LanguageModel;
use sisun_model::checkpoint::{Checkpoint, MODEL_FILE, TRAINING_FILE, WriteFile};
use sisun_model::weights::{HostTensors, read_tensors, to_safetensors};
use sisun_model::{Pass, Run, Transformer};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    root().join("tests/peers/fixtures/hf").join(name)
}

/// Results of PyTorch.
struct Reference {
    bytes: Vec<u8>,
}

impl Reference {
    fn of(name: &str) -> Self {
        let path = root()
            .join("tests/peers/fixtures/finetune")
            .join(format!("{name}.safetensors"));
        Self {
            bytes: fs::read(path).unwrap(),
        }
    }

    fn file(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.bytes).unwrap()
    }

    fn ids(&self) -> Vec<i64> {
        self.file()
            .tensor("ids")
            .unwrap()
            .data()
            .as_chunks()
            .0
            .iter()
            .map(|b| i64::from_le_bytes(*b))
            .collect()
    }

    fn numbers(&self, name: &str) -> Vec<f32> {
        self.file()
            .tensor(name)
            .unwrap()
            .data()
            .as_chunks()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b))
            .collect()
    }

    fn text(&self) -> String {
        let (_, header) = SafeTensors::read_metadata(&self.bytes).unwrap();
        let made: serde_json::Value =
            serde_json::from_str(&header.metadata().as_ref().unwrap()["made"]).unwrap();
        made["text"].as_str().unwrap().to_owned()
    }

    fn factors(&self) -> HostTensors {
        let named = |name: &str| name.strip_prefix("factor.").map(str::to_owned);
        let file = self.file();
        let factors = file
            .iter()
            .filter_map(|(name, view)| Some((named(name)?, (name, view.shape().to_vec()))));
        factors
            .map(|(ours, (name, shape))| (ours, (shape, self.numbers(name))))
            .collect()
    }
}

/// Create a lab with the configuration of the reference.
fn reference_lab(name: &str, reference: &Reference, lora: &str) -> Lab {
    let lab = Lab::new();
    // Two files, because a file that is in both splits counts as held out.
    for file in ["learn.txt", "judge.txt"] {
        fs::write(lab.path(file), reference.text()).unwrap();
    }
    let context_len = reference.ids().len() - 1;
    lab.write_config(
        "lab.toml",
        &format!(
            r#"
[finetune]
model = {:?}
{lora}
[data]
sources = [{:?}]
validation = [{:?}]
[model]
context_len = {context_len}
[train]
steps = 5
batch_size = 1
gradient_accumulation_steps = 2
lr_max = 3e-3
schedule = "constant"
weight_decay = 0.1
log_every = 1
eval_every = 5
keep_checkpoints = 9
"#,
            fixture(name),
            lab.path("learn.txt"),
            lab.path("judge.txt"),
        ),
    );
    lab
}

fn losses(run: &Path) -> BTreeMap<u64, f64> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let train = lines.filter(|line| line["split"] == "train");
    train
        .map(|line| {
            (
                line["step"].as_u64().unwrap(),
                line["loss"].as_f64().unwrap(),
            )
        })
        .collect()
}

fn logits(model: &Transformer, ids: &[i64]) -> Vec<f32> {
    let tokens =
        Tensor::<1, Int>::from_data(TensorData::new(ids.to_vec(), [ids.len()]), &model.device());
    model
        .forward(tokens.unsqueeze(), Pass::default())
        .into_data()
        .try_into_vec_as::<f32>()
        .unwrap()
}

#[track_caller]
fn near(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let close = |(a, b): &(&f32, &f32)| (*a - *b).abs() <= 1e-4;
    let far = found.iter().zip(expected).find(|pair| !close(pair));
    assert!(far.is_none(), "{what}: {far:?}");
}

/// The report of `sisun info` agrees with the run: with the tensors of its optimizer and its number
/// of trained parameters.
#[test]
fn info_counts_what_the_runs_own_training_holds() {
    let lab = Lab::new();
    let short = ["--set", "train.steps=4", "--set", "train.warmup_steps=1"];
    lab.train("base", &short).ok();
    let base = format!("finetune.model={}", lab.at("base"));
    let lora = [
        "--set",
        &base,
        "--set",
        "finetune.lora.rank=3",
        "--set",
        "finetune.lora.alpha=6",
    ];
    let muon = ["--set", "train.optimizer=muon"];
    fs::write(lab.path("tune.toml"), format!(
        "[data]\nsources = [{:?}]\ndocuments = \"paragraph\"\nvalidation_fraction = 0.2\n[train]\nbatch_size = 2\nlr_max = 1e-3\n",
        lab.path("stories.txt")
    ))
    .unwrap();
    for (name, config, more, words) in [
        ("adamw", "lab.toml", [].to_vec(), "AdamW)"),
        ("muon", "lab.toml", muon.to_vec(), "Muon and AdamW)"),
        ("lora", "tune.toml", lora.to_vec(), "AdamW)"),
        (
            "lora-muon",
            "tune.toml",
            [&lora[..], &muon].concat(),
            "Muon)",
        ),
    ] {
        let run = lab.at(name);
        let train = ["train", &lab.at(config), "--run", &run, "--device", "cpu"];
        let told = sisun(&[&train[..], &short, &more].concat()).ok().stderr;
        let kept = fs::read(
            lab.path(name)
                .join("checkpoints/step-00000004")
                .join(TRAINING_FILE),
        )
        .unwrap();
        let kept = SafeTensors::deserialize(&kept).unwrap();
        let state: usize = kept.iter().map(|(_, tensor)| tensor.data().len()).sum();
        let info = sisun(&["info", &run, "--json"]).ok().json();
        let count = |key: &str| info["count"][key].as_u64().unwrap();
        let factors = if name.starts_with("lora") {
            count("trained")
        } else {
            0
        };
        let held = 4 * (count("total") + factors) + 4 * count("trained") + state as u64;
        assert_eq!(count("training_bytes"), held, "{name}");
        if factors > 0 {
            let trains = format!("trains {} of", sisun_model::thousands(factors));
            assert!(told.contains(&trains), "{trains}: {told}");
        } else {
            assert_eq!(count("trained"), count("total"));
        }
        let text = sisun(&["info", &run]).ok().stdout;
        let line = text
            .lines()
            .find(|line| line.contains("training state"))
            .unwrap();
        assert!(
            line.contains(&format!("(weights, gradients, {words}")),
            "{line}"
        );
        assert_eq!(text.contains("LoRA, rank 3"), factors > 0, "{text}");
    }
}

/// Compare a run of five steps with the results of PyTorch.
fn held(what: &str, run: &Path, reference: &Reference, options: &str) {
    let expected = reference.numbers(&format!("{options}.losses"));
    let found: Vec<f32> = losses(run).values().map(|loss| *loss as f32).collect();
    near(&format!("{what}: losses"), &found, &expected[..5]);
    let (model, checkpoint) = Run::open(&run.join("checkpoints/last"))
        .unwrap()
        .model(&Device::flex())
        .unwrap();
    assert_eq!(checkpoint.state.step, 5);
    let expected = reference.numbers(&format!("{options}.logits"));
    let ids = reference.ids();
    let found = logits(&model, &ids[..ids.len() - 1]);
    near(
        &format!("{what}: logits"),
        &found[found.len() - expected.len()..],
        &expected,
    );
}

#[test]
fn every_weight_is_trained_as_pytorch_trains_it() {
    for name in ["gpt2", "llama_tied", "llama_untied"] {
        let reference = Reference::of(name);
        let lab = reference_lab(name, &reference, "");
        lab.train("run", &["--quiet"]).ok();
        held(name, &lab.path("run"), &reference, "full");
    }
}

#[test]
fn adapters_are_trained_as_pytorch_trains_them() {
    for name in ["gpt2", "llama_tied", "llama_untied"] {
        let reference = Reference::of(name);
        let lab = reference_lab(name, &reference, "[finetune.lora]\nrank = 3\nalpha = 6.0");
        lab.train("run", &["--quiet", "--set", "train.steps=1"])
            .ok();
        // Start from PyTorch's initial factors.
        let checkpoints = lab.path("run/checkpoints");
        let first = Checkpoint::open(&checkpoints.join("step-00000000")).unwrap();
        let ours = read_tensors(&first.file(MODEL_FILE)).unwrap();
        let theirs = reference.factors();
        assert!(
            ours.iter()
                .map(|(name, (shape, _))| (name, shape))
                .eq(theirs.iter().map(|(n, (shape, _))| (n, shape)))
        );
        let moments = fs::read(first.file(TRAINING_FILE)).unwrap();
        fs::remove_dir_all(checkpoints.join("step-00000001")).unwrap();
        let files: [(&str, &WriteFile<'_>); 2] = [
            (MODEL_FILE, &|file| file.write_all(&to_safetensors(&theirs))),
            (TRAINING_FILE, &|file| file.write_all(&moments)),
        ];
        Checkpoint::write(&checkpoints, first.state, &files).unwrap();
        fs::write(checkpoints.join("last"), "step-00000000").unwrap();
        lab.train("run", &["--quiet", "--resume"]).ok();
        held(name, &lab.path("run"), &reference, "lora");
    }
}

#[test]
fn a_document_is_tokenized_as_transformers_does() {
    for name in ["gpt2", "llama_tied"] {
        let reference = Reference::of(name);
        let lab = reference_lab(name, &reference, "");
        let tokenizer = Tokenizer::from_file(&fixture(name).join("tokenizer.json")).unwrap();
        let data = DataConfig::with_sources(vec![lab.at("learn.txt")]);
        let tokens = prepare_whole(&data, &tokenizer, &lab.path("cache"), &mut |_| ()).unwrap();
        let found: Vec<i64> = tokens
            .read(0..tokens.len())
            .into_iter()
            .map(i64::from)
            .collect();
        assert_eq!(found, reference.ids(), "{name}");
    }
}

#[test]
fn training_begins_at_the_base_bit_for_bit() {
    for (name, lora) in [
        ("gpt2", ""),
        ("gpt2", "[finetune.lora]"),
        ("llama_tied", "[finetune.lora]\nrank = 36"),
    ] {
        let reference = Reference::of(name);
        let lab = reference_lab(name, &reference, lora);
        lab.train("run", &["--quiet", "--set", "train.steps=1"])
            .ok();
        let device = Device::flex();
        let (model, _) = Run::open(&lab.path("run/checkpoints/step-00000000"))
            .unwrap()
            .model(&device)
            .unwrap();
        let base = sisun_hf::open(&fixture(name), &device).unwrap().model;
        let ids = &reference.ids()[..30];
        assert_eq!(logits(&model, ids), logits(&base, ids), "{name} {lora}");
    }
}

/// Create a lab that fine-tunes a fixture on stories.
fn stories(name: &str, lora: &str) -> Lab {
    let lab = Lab::new();
    fs::write(
        lab.path("stories.txt"),
        "the cat saw the kite.\n\nHana gave the dog to Minsu.\n\n".repeat(60),
    )
    .unwrap();
    lab.write_config(
        "lab.toml",
        &format!(
            r#"
name = "tuned"
[finetune]
model = {:?}
{lora}
[data]
sources = [{:?}]
documents = "paragraph"
[model]
context_len = 23
dropout = 0.1
[train]
steps = 30
batch_size = 4
lr_max = 1e-2
log_every = 1
eval_every = 10
checkpoint_every = 10
keep_checkpoints = 5
[sample]
prompt = "the cat"
tokens = 12
every = 10
[attend]
text = "the cat saw the dog"
"#,
            fixture(name),
            lab.path("stories.txt"),
        ),
    );
    lab
}

fn on(verb: &str, run: &str, more: &[&str]) -> Ran {
    sisun(&[&[verb, run, "--quiet", "--device", "cpu"], more].concat())
}

#[test]
fn a_tuned_run_is_a_run_like_any_other() {
    for (name, lora) in [
        ("gpt2", ""),
        ("llama_tied", ""),
        ("gpt2", "[finetune.lora]\nrank = 5"),
        ("llama_tied", "[finetune.lora]"),
    ] {
        let lab = stories(name, lora);
        let ran = lab.train("run", &[]).ok();
        let told = if lora.is_empty() {
            "parameters\n"
        } else {
            " parameters (LoRA, rank "
        };
        assert!(
            ran.stderr.contains("; trains ") && ran.stderr.contains(told),
            "{}",
            ran.stderr
        );
        let losses = losses(&lab.path("run"));
        assert!(losses[&30] < losses[&1] - 1.0, "{name} {lora}: {losses:?}");
        let run = lab.at("run");
        let eval = on("eval", &run, &["--json"]).ok().json();
        assert!(eval["loss"].as_f64().unwrap() < losses[&1] - 1.0, "{eval}");
        on("sample", &run, &["--prompt", "the cat", "-n", "9"]).ok();
        let maps = lab.at("maps");
        on(
            "attend",
            &run,
            &[
                "--text",
                "the cat saw the kite",
                "--out",
                &maps,
                "--format",
                "html",
                "--checkpoints",
            ],
        )
        .ok();
        on(
            "heads",
            &run,
            &["--text", "the cat saw the kite", "--windows", "2"],
        )
        .ok();
        on("explain", &run, &["--text", "the cat saw the kite"]).ok();
        assert!(
            lab.path("run/hf/tokenizer_config.json").is_file()
                && lab.path("run/hf/generation_config.json").is_file()
        );
        let info = sisun(&["info", &run, "--json"]).ok().json();
        assert_eq!(info["model"]["context_len"], 23);
        // The result can be fine-tuned further.
        let further = format!("finetune.model={run}");
        lab.train(
            "further",
            &["--quiet", "--set", &further, "--set", "train.steps=2"],
        )
        .ok();
        let first = self::losses(&lab.path("further"))[&1];
        assert!(first < losses[&1] - 1.0, "{first}");
        assert!(lab.path("further/hf/tokenizer_config.json").is_file());
    }
}

#[test]
fn a_stopped_run_goes_on_bit_for_bit_without_its_base() {
    for lora in ["", "[finetune.lora]\nrank = 5"] {
        let lab = stories("llama_tied", lora);
        let base = lab.path("base");
        fs::create_dir(&base).unwrap();
        for entry in fs::read_dir(fixture("llama_tied")).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, base.join(path.file_name().unwrap())).unwrap();
        }
        let model = format!("finetune.model={}", lab.at("base"));
        let set = ["--quiet", "--set", &model];
        lab.train("whole", &set).ok();
        lab.train("parted", &set).ok();
        // As if the process had been killed after its twentieth step.
        fs::remove_dir_all(lab.path("parted/checkpoints/step-00000030")).unwrap();
        fs::write(lab.path("parted/checkpoints/last"), "step-00000020").unwrap();
        fs::remove_dir_all(&base).unwrap();
        lab.train("parted", &[&set[..], &["--resume"]].concat())
            .ok();
        let resolved = lab.at("parted/config.toml");
        let more = [
            "--set",
            "train.steps=31",
            "--quiet",
            "--device",
            "cpu",
            "--resume",
        ];
        sisun(&[&["train", &resolved, "--run", &lab.at("parted")], &more[..]].concat()).ok();
        for file in ["model.safetensors", "training.safetensors"] {
            let read = |run: &str| {
                fs::read(lab.path(run).join("checkpoints/step-00000030").join(file)).unwrap()
            };
            assert!(read("whole") == read("parted"), "{file} differs");
        }
        let config = Config::read(&lab.path("whole/config.toml"), &[]).unwrap();
        assert_eq!(config.model.d_model, 36);
        assert_eq!(
            sisun(&["info", &lab.at("whole/config.toml"), "--json"])
                .ok()
                .json()["model"]["d_model"],
            36
        );
        lab.train("new", &set).fails(1, &["finetune.model", "base"]);
        // The same settings with another base in its place.
        let other = format!("finetune.model={}", lab.at("whole"));
        let more = [
            "--set",
            &other,
            "--set",
            "train.steps=6",
            "--quiet",
            "--device",
            "cpu",
        ];
        sisun(&[&["train", &resolved, "--run", &lab.at("other")], &more[..]].concat()).ok();
        // Even a file with many settings inherits the others from its base.
        let much = "d_model = 36\nn_layers = 2\nn_heads = 6\nposition = 'rope'\ncontext_len = 23";
        let text = format!(
            "[finetune]\nmodel = {:?}\n[data]\nsources = ['x']\n[tokenizer]\nkind = 'file'\npath = {:?}\n[model]\n{much}\n[train]\nsteps = 1\nbatch_size = 1\nlr_max = 1e-3",
            lab.path("whole"),
            lab.path("whole/tokenizer.json"),
        );
        lab.write_config("much.toml", &text);
        let info = sisun(&["info", &lab.at("much.toml"), "--json"]).ok().json();
        assert_eq!(
            (&info["model"]["d_ff"], &info["model"]["n_kv_heads"]),
            (&41.into(), &2.into())
        );
    }
}

#[test]
fn adapters_lie_in_checkpoints_and_the_base_beside_them() {
    let lab = stories("gpt2", "[finetune.lora]\nrank = 5");
    lab.train("run", &["--quiet"]).ok();
    let run = lab.at("run");
    let factors =
        read_tensors(&lab.path("run/checkpoints/step-00000030/model.safetensors")).unwrap();
    // Two blocks of four matrices.
    assert_eq!(factors.len(), 2 * 4 * 2);
    assert!(
        factors
            .keys()
            .all(|name| name.ends_with(".weight.lora.a") || name.ends_with(".weight.lora.b"))
    );
    let base = LanguageModel::open(&lab.path("run/checkpoints/step-00000000"), &Device::flex())
        .unwrap()
        .model
        .to_host();
    assert_eq!(
        read_tensors(&lab.path("run/base.safetensors")).unwrap(),
        base
    );
    let moments =
        read_tensors(&lab.path("run/checkpoints/step-00000030/training.safetensors")).unwrap();
    assert_eq!(
        moments.len(),
        2 * factors.len(),
        "nothing is kept of what is frozen"
    );

    let path = lab.path("run/base.safetensors");
    let readable = |name: &str| {
        fs::metadata(lab.path("run").join(name))
            .unwrap()
            .permissions()
    };
    for file in [
        "base.safetensors",
        "checkpoints/step-00000030/model.safetensors",
    ] {
        assert_eq!(readable(file), readable("config.toml"), "{file}");
    }
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, &bytes).unwrap();
    on("sample", &run, &["--prompt", "the"])
        .fails(1, &["base.safetensors", "altered", "restore it"]);
    let more = ["--resume", "--quiet", "--set", "train.steps=40"];
    lab.train("run", &more)
        .fails(1, &["base.safetensors", "altered"]);
    fs::remove_file(&path).unwrap();
    on("eval", &run, &[]).fails(1, &["base.safetensors", "cannot be read", "train again"]);
}

#[test]
fn what_contradicts_the_base_is_refused() {
    let lab = stories("gpt2", "");
    let set = |given: &[&str], code: i32, parts: &[&str]| {
        let given: Vec<&str> = given.iter().flat_map(|given| ["--set", given]).collect();
        lab.train("run", &given).fails(code, parts);
        assert!(!lab.path("run").exists(), "{given:?}");
    };
    set(
        &["model.d_model=128"],
        2,
        &[
            "model.d_model = 128: the model in ",
            "gpt2 has 15; leave it out",
        ],
    );
    set(
        &["model.bias=false"],
        2,
        &["model.bias = false", "has true"],
    );
    set(
        &["model.position=rope"],
        2,
        &["model.position = \"rope\"", "has \"learned\""],
    );
    set(
        &["model.d_modl=15"],
        2,
        &["model.d_modl", "did you mean model.d_model"],
    );
    set(
        &["model.context_len=93"],
        2,
        &["model.context_len = 93", "92 learned positions"],
    );
    set(
        &["model.context_len=0"],
        2,
        &["model.context_len = 0", "at least 1"],
    );
    set(
        &["tokenizer.kind=char"],
        2,
        &["tokenizer", "brings its own"],
    );
    set(
        &["finetune.lora.rank=0"],
        2,
        &["finetune.lora.rank = 0", "from 1 to 15"],
    );
    set(
        &["finetune.lora.rank=16"],
        2,
        &["finetune.lora.rank = 16", "from 1 to 15"],
    );
    set(
        &["finetune.lora.alpha=-1.0"],
        2,
        &["finetune.lora.alpha", "positive"],
    );
    set(
        &["finetune.lora.rnk=2"],
        2,
        &["finetune.lora.rnk", "did you mean finetune.lora.rank"],
    );
    set(
        &["finetune.model=nowhere"],
        1,
        &["finetune.model = \"nowhere\"", "no such folder"],
    );
    set(
        &["finetune.model=3"],
        2,
        &["finetune.model", "expected text"],
    );
    set(&["finetune=3"], 2, &["finetune"]);
    // Settings that agree with the base are accepted.
    lab.train(
        "run",
        &[
            "--quiet",
            "--set",
            "model.d_model=15",
            "--set",
            "model.attention_bias=true",
        ],
    )
    .ok();
    let tuned = lab.at("lab.toml");
    assert_eq!(
        sisun(&["info", &tuned, "--json"]).ok().json()["model"]["d_model"],
        15
    );
    sisun(&["info", &tuned, "--set", "finetune.model=nowhere"])
        .fails(1, &["finetune.model", "no such folder"]);
    sisun(&["bench", "train", &tuned]).fails(2, &["model", "finetune.model", "sisun train"]);
    let more = ["--resume", "--set", "train.steps=40"];
    lab.train(
        "run",
        &[&more[..], &["--set", "finetune.lora.rank=4"]].concat(),
    )
    .fails(2, &["finetune.lora.rank"]);
    lab.train(
        "run",
        &[&more[..], &["--set", "model.d_model=128"]].concat(),
    )
    .fails(2, &["model.d_model = 128"]);
    lab.train("none", &more).fails(1, &["no run to resume"]);
}

/// Training texts are separated by the token that the base's files name, samples end there, and
/// this persists.
#[test]
fn documents_end_as_the_base_says_and_so_does_what_is_written() {
    let lab = Lab::new();
    let base = lab.path("base");
    fs::create_dir(&base).unwrap();
    for entry in fs::read_dir(fixture("llama_tied")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, base.join(path.file_name().unwrap())).unwrap();
    }
    let set = |file: &str, key: &str, value: serde_json::Value| {
        let path = base.join(file);
        let mut json: serde_json::Value =
            serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        json[key] = value;
        fs::write(path, json.to_string()).unwrap();
    };
    // Not a conventional name: an ordinary token, which only the tokenizer's settings name.
    let tokenizer = Tokenizer::from_file(&base.join("tokenizer.json")).unwrap();
    let (end, other) = (
        tokenizer.vocab_size() as u32 - 1,
        tokenizer.vocab_size() as u32 - 2,
    );
    set("generation_config.json", "eos_token_id", end.into());
    set("config.json", "eos_token_id", end.into());
    let mut plain: serde_json::Value =
        serde_json::from_slice(&fs::read(base.join("tokenizer.json")).unwrap()).unwrap();
    let vocabulary = plain["model"]["vocab"].as_object().unwrap();
    let name = vocabulary
        .iter()
        .find(|(_, id)| **id == other)
        .unwrap()
        .0
        .clone();
    set(
        "tokenizer_config.json",
        "eos_token",
        serde_json::json!({ "content": name }),
    );
    // The conventional name is missing, as in DeepSeek's vocabulary.
    plain["model"]["vocab"]
        .as_object_mut()
        .unwrap()
        .remove("</s>");
    plain["model"]["vocab"]["<｜end｜>"] = 2.into();
    for token in plain["added_tokens"].as_array_mut().unwrap() {
        if token["content"] == "</s>" {
            token["content"] = "<｜end｜>".into();
        }
    }
    fs::write(base.join("tokenizer.json"), plain.to_string()).unwrap();
    fs::write(lab.path("lines.txt"), "the cat saw the kite\n".repeat(200)).unwrap();
    lab.write_config(
        "lab.toml",
        &format!(
            "[finetune]\nmodel = {base:?}\n[data]\nsources = [{:?}]\ndocuments = \"line\"\n[train]\nsteps = 60\nbatch_size = 4\nlr_max = 0.02\ncheckpoint_every = 30\nkeep_checkpoints = 9\n[sample]\nprompt = \"the cat\"\ntokens = 40\nevery = 60",
            lab.at("lines.txt")
        ),
    );
    lab.train("run", &["--quiet"]).ok();
    let run = lab.path("run");
    let ends = |path: &Path| {
        LanguageModel::open(path, &Device::flex())
            .unwrap()
            .tokenizer
            .eos_token_ids()
            .to_vec()
    };
    assert_eq!(ends(&run), [end, other]);
    let asked = [
        "sample",
        run.to_str().unwrap(),
        "--prompt",
        "the cat",
        "-n",
        "40",
        "--temperature",
        "0",
        "--json",
    ];
    let found = sisun(&[&asked[..], &["--device", "cpu"]].concat())
        .ok()
        .json();
    assert_eq!(
        (&found["text"], &found["finish"]),
        (&" saw the kite".into(), &"end_of_text".into())
    );
    let during = fs::read_dir(run.join("samples"))
        .unwrap()
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    assert!(
        during
            .into_iter()
            .any(|text| text.trim_end() == "the cat saw the kite"),
        "samples end there as well"
    );
    // Exporting, resuming and fine-tuning again preserve it.
    let out = lab.at("out");
    sisun(&[
        "export",
        run.to_str().unwrap(),
        "--to",
        &out,
        "--device",
        "cpu",
    ])
    .ok();
    for file in ["config.json", "generation_config.json"] {
        let json: serde_json::Value =
            serde_json::from_slice(&fs::read(lab.path("out").join(file)).unwrap()).unwrap();
        assert_eq!(
            json["eos_token_id"],
            serde_json::json!([end, other]),
            "{file}"
        );
    }
    for base in [lab.at("out"), lab.at("run")] {
        let model = format!("finetune.model={base}");
        let again = lab.path("again");
        lab.train(
            "again",
            &["--quiet", "--set", &model, "--set", "train.steps=1"],
        )
        .ok();
        assert_eq!(ends(&again), [end, other], "{base}");
        fs::remove_dir_all(again).unwrap();
    }
    // A run from before such tokens were recorded keeps its own: the conventional name, and those
    // in the copied files.
    fs::remove_file(run.join("generation_config.json")).unwrap();
    assert_eq!(ends(&run), [end, other]);
    fs::copy(
        fixture("llama_tied").join("tokenizer.json"),
        run.join("tokenizer.json"),
    )
    .unwrap();
    let altered = LanguageModel::open(&run, &Device::flex())
        .unwrap_err()
        .to_string();
    assert!(altered.contains("tokenizer.json was altered"), "{altered}");
    // Such a run did not record its checksums either.
    for step in ["step-00000000", "step-00000030", "step-00000060"] {
        let folder = run.join("checkpoints").join(step);
        let mut state: serde_json::Value =
            serde_json::from_slice(&fs::read(folder.join("state.json")).unwrap()).unwrap();
        state.as_object_mut().unwrap().remove("made_with").unwrap();
        fs::write(folder.join("state.json"), state.to_string()).unwrap();
        let sum = std::process::Command::new("sha256sum")
            .arg("state.json")
            .current_dir(&folder)
            .output()
            .unwrap();
        fs::write(folder.join("state.json.sha256"), sum.stdout).unwrap();
    }
    assert_eq!(ends(&run), [2, end, other]);
}
