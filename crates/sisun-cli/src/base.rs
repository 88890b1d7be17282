//! The model named in `[finetune]`: a Sisun run or a Hugging Face directory.

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use sisun_config::PretrainedSpec;
use sisun_files::{RunDir, is_file, look};
use sisun_hf::SidecarFile;
use sisun_model::Run;
use sisun_train::InitialWeights;
use std::path::Path;

/// Return what a configuration inherits from the model, without reading weights.
pub(crate) fn describe(path: &Path) -> Result<PretrainedSpec> {
    let read = || -> Result<PretrainedSpec> {
        if look(path)?.is_none() {
            bail!(
                "no such folder{}; put a model there, or name another with --set finetune.model=DIR",
                sisun_model::did_you_mean(path)
            );
        }
        let (model, tokenizer, made) = if sisun_hf::is_model(path)? {
            (sisun_hf::describe(path)?.1, sisun_hf::tokenizer(path), None)
        } else {
            let run = Run::open(path)?;
            let config = run.config()?;
            if !is_file(&run.tokenizer())
                .with_context(|| format!("cannot read {}", run.tokenizer().display()))?
            {
                bail!(
                    "{} is missing: restore it, or name another base",
                    run.tokenizer().display()
                );
            }
            (config.model, run.tokenizer(), Some(config.tokenizer))
        };
        Ok(PretrainedSpec {
            path: path.to_owned(),
            model,
            tokenizer,
            made,
        })
    };
    read().with_context(|| named(path))
}

/// Load the model for training.
pub(crate) fn open(
    path: &Path,
    device: &Device,
    tell: &mut dyn FnMut(&str),
) -> Result<InitialWeights> {
    let mut read = || -> Result<InitialWeights> {
        if sisun_hf::is_model(path)? {
            let imported = sisun_hf::open(path, device)?;
            return Ok(InitialWeights {
                model: imported.model,
                companions: plain(imported.companions),
            });
        }
        let run = Run::open(path)?;
        run.notes()?
            .iter()
            .for_each(|note| tell(&format!("note: {note}")));
        let (model, _) = run.model(device)?;
        Ok(InitialWeights {
            model,
            companions: plain(sisun_hf::companions(&RunDir::new(run.root()).sidecars())?),
        })
    };
    read().with_context(|| named(path))
}

fn plain(companions: Vec<SidecarFile>) -> Vec<(String, Vec<u8>)> {
    companions
        .into_iter()
        .map(|SidecarFile { name, bytes }| (name, bytes))
        .collect()
}

fn named(path: &Path) -> String {
    format!("finetune.model = {:?}", path.display().to_string())
}
