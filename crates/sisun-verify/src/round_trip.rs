//! Check that checkpoints and exports are read back as they were written.

use crate::logits::{Difference, batch_of, values};
use crate::subject::cpu;
use crate::{Check, ModelUnderTest};
use anyhow::Result;
use sisun_hf::{ExportOptions, HfError};
use sisun_model::weights::{HostTensors, write_tensors};
use sisun_model::{Count, Pass, Transformer, thousands};
use std::path::Path;

/// Name of the check of saved weights.
pub(crate) const SAVED: &str = "saved and read back";
pub(crate) const EXPORTED: &str = "exported and imported";

/// Tolerance as a fraction of the largest logit: a matrix in another layout is summed in another
/// order.
const TOLERANCE: f32 = 1e-4;
/// Maximum number of parameters. Larger models would take longer than a minute and gigabytes of
/// disk.
const MOST_PARAMETERS: u64 = 400_000_000;

/// Write the weights to a checkpoint file and read them back, with equality to the bit.
pub(crate) fn saved(subject: &ModelUnderTest<'_>, folder: &Path) -> Result<Check> {
    if let Some(why) = too_large(subject) {
        return Ok(Check::not_checked(SAVED, why));
    }
    let model = subject.on(&cpu()?)?;
    let path = folder.join("model.safetensors");
    sisun_files::write_atomic_with(&path, |file| write_tensors(&model.flat(), file))?;
    let read = Transformer::load(&path, model.config(), &model.device())?;
    let (before, after) = (model.to_host(), read.to_host());
    std::fs::remove_file(&path)?;
    Ok(match first_difference(&before, &after) {
        None => Check::holds(SAVED, format!("{} parameters, the same bits", before.len())),
        Some(name) => Check::differs(SAVED, format!("{name} has other bits when it is read back")),
    })
}

/// Export a directory for `transformers` and read it back.
pub(crate) fn exported(subject: &ModelUnderTest<'_>, folder: &Path) -> Result<Check> {
    if let Some(why) = too_large(subject) {
        return Ok(Check::not_checked(EXPORTED, why));
    }
    let (loaded, to, device) = (&subject.loaded, folder.join("exported"), cpu()?);
    let model = subject.on(&device)?;
    let written = sisun_hf::export(
        &model,
        &loaded.tokenizer,
        &[],
        ExportOptions::default(),
        &to,
    );
    let architecture = match written {
        Ok(written) => written.architecture,
        Err(HfError::NoCounterpart { problems }) => {
            let why = format!(
                "none of the models of transformers that Sisun writes computes what this one does: {}",
                problems.join("; ")
            );
            return Ok(Check::not_checked(EXPORTED, why));
        }
        Err(error) => return Err(error.into()),
    };
    let back = sisun_hf::open(&to, &device)?;
    let logits = |model: &Transformer| {
        values(model.forward(batch_of(&subject.ids, &device), Pass::default()))
    };
    let found = Difference::between(&logits(&back.model), &logits(&model));
    std::fs::remove_dir_all(&to)?;
    let same_tokenizer = back.tokenizer.sha256() == loaded.tokenizer.sha256();
    let tokenizer = if same_tokenizer {
        ""
    } else {
        "; the tokenizer differs"
    };
    let told = format!(
        "{architecture}, logits: {}{tokenizer}",
        found.tell(TOLERANCE)
    );
    Ok(Check::of(
        EXPORTED,
        found.within(TOLERANCE) && same_tokenizer,
        told,
    ))
}

fn too_large(subject: &ModelUnderTest<'_>) -> Option<String> {
    let parameters = Count::of(subject.loaded.model.config()).total;
    (parameters > MOST_PARAMETERS)
        .then(|| format!("{} parameters would take too long", thousands(parameters)))
}

/// Return the name of the first parameter whose shape or bits differ.
pub(crate) fn first_difference(before: &HostTensors, after: &HostTensors) -> Option<String> {
    let same = |name: &String| match (before.get(name), after.get(name)) {
        (Some((shape, values)), Some((other_shape, others))) => {
            shape == other_shape
                && values
                    .iter()
                    .map(|x| x.to_bits())
                    .eq(others.iter().map(|x| x.to_bits()))
        }
        _ => false,
    };
    before
        .keys()
        .chain(after.keys())
        .find(|name| !same(name))
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::{HostTensors, first_difference};

    fn tensors(values: [f32; 2], shape: [usize; 2]) -> HostTensors {
        HostTensors::from([
            ("a".to_owned(), (vec![1], vec![1.0])),
            ("b".to_owned(), (shape.to_vec(), values.to_vec())),
        ])
    }

    #[test]
    fn a_bit_a_shape_or_a_name_is_a_difference() {
        let whole = tensors([0.0, f32::NAN], [1, 2]);
        assert_eq!(first_difference(&whole, &whole.clone()), None);
        let b = Some("b".to_owned());
        assert_eq!(
            first_difference(&whole, &tensors([-0.0, f32::NAN], [1, 2])),
            b
        );
        assert_eq!(
            first_difference(&whole, &tensors([0.0, f32::NAN], [2, 1])),
            b
        );
        let mut more = whole.clone();
        more.insert("c".to_owned(), (vec![], vec![]));
        assert_eq!(first_difference(&whole, &more).as_deref(), Some("c"));
        assert_eq!(first_difference(&more, &whole).as_deref(), Some("c"));
    }
}
