//! Check that all devices of this machine compute the same results.

use crate::logits::{Difference, batch_of, values};
use crate::{Check, ModelUnderTest};
use anyhow::Result;
use burn::tensor::Device;
use sisun_model::{Count, Pass, Transformer, device};

pub(crate) const NAME: &str = "devices agree";

/// Tolerance as a fraction of the largest logit, with float32 on both sides. A GPU may contract and
/// reorder sums.
const TOLERANCE: f32 = 1e-3;
/// Maximum number of parameters of a model that is checked on a software adapter, which is slow.
pub(crate) const MOST_BY_SOFTWARE: u64 = 5_000_000;
/// Number of tokens to check; a longer text would show nothing more.
const TOKENS: usize = 32;

/// Compare the CPU backend with ndarray, if the program has it, and with every adapter that wgpu finds.
pub(crate) fn check(subject: &ModelUnderTest<'_>) -> Result<Check> {
    let ids = &subject.ids[..subject.ids.len().min(TOKENS)];
    let expected = logits(&subject.loaded.model, ids);
    let small = Count::of(subject.loaded.model.config()).total <= MOST_BY_SOFTWARE;
    compare(small, &expected, |device| {
        Ok(logits(&subject.on(device)?, ids))
    })
}

/// Compare what each other device computes with what the CPU did.
///
/// # Errors
/// If a device cannot be opened, or computing fails on it.
pub(crate) fn compare(
    small: bool,
    expected: &[f32],
    computed: impl Fn(&Device) -> Result<Vec<f32>>,
) -> Result<Check> {
    let mut others: Vec<(String, Device)> = Vec::new();
    let mut found = Vec::new();
    match device::HAS_NDARRAY {
        true => {
            let ndarray = device::ndarray()?;
            others.push(("ndarray".to_owned(), ndarray.device));
        }
        false => found.push("ndarray: not asked (built without it)".to_owned()),
    }
    for adapter in device::adapters() {
        match adapter.open() {
            Ok(adapter) if adapter.is_software() && !small => found.push(format!(
                "{}: not asked (a software adapter, slow with a model of this size)",
                adapter.name
            )),
            Ok(adapter) => others.push((adapter.name, adapter.device)),
            Err(error) => found.push(format!("a {}: not asked ({error})", adapter.kind)),
        }
    }
    let mut holds = true;
    for (name, device) in others {
        let difference = Difference::between(&computed(&device)?, expected);
        holds &= difference.within(TOLERANCE);
        found.push(format!("{name}: {}", difference.tell(TOLERANCE)));
    }
    Ok(Check::of(
        NAME,
        holds,
        format!("logits beside the CPU's, {}", found.join("; ")),
    ))
}

fn logits(model: &Transformer, ids: &[u32]) -> Vec<f32> {
    values(model.forward(batch_of(ids, &model.device()), Pass::default()))
}
