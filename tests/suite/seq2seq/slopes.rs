//! Gradients of whole models compared with finite differences.

use super::{VOCABULARIES, batch, name, recurrent, transformers};
use crate::gradients::{MODEL, Rule, check_slopes};
use crate::seq2seq::properties::pairs;
use burn::tensor::Device;
use sisun_config::Seq2SeqConfig;
use sisun_model::{Init, ModelError, Params};
use sisun_seq2seq::{PairTensors, Seq2Seq, Seq2SeqPass};
use sisun_tests::compare::{normal, tensor, values};
use std::collections::BTreeMap;

/// All parameters in one vector, given out by name.
struct Flat<'a> {
    values: &'a [f32],
    places: &'a BTreeMap<String, usize>,
    device: Device,
}

impl Params for Flat<'_> {
    fn values(&mut self, name: &str, shape: &[usize], _: Init) -> Result<Vec<f32>, ModelError> {
        let n = shape.iter().product::<usize>();
        Ok(self.values[self.places[name]..][..n].to_vec())
    }

    fn device(&self) -> &Device {
        &self.device
    }
}

fn build(
    config: &Seq2SeqConfig,
    values: &[f32],
    places: &BTreeMap<String, usize>,
    device: Device,
) -> Seq2Seq {
    let mut source = Flat {
        values,
        places,
        device,
    };
    Seq2Seq::from_params(config, VOCABULARIES, &mut source).unwrap()
}

/// The largest of several states has kinks, which a shorter step crosses less often.
const MAX: Rule = Rule {
    step: 0.004,
    tolerance: 8e-3,
};

/// Along random directions of all parameters together.
#[test]
fn of_every_model() {
    for config in recurrent().into_iter().chain(transformers()) {
        let plain = Device::flex();
        let model = Seq2Seq::random(&config, VOCABULARIES, 3, &plain).unwrap();
        let (mut at, mut places) = (Vec::new(), BTreeMap::new());
        for (name, flat) in model.flat() {
            places.insert(name.clone(), at.len());
            let drawn = values(flat.values);
            // Norms near 1, biases not 0, everything else of a size at which it matters.
            let noise = normal(&name, drawn.len());
            at.extend(drawn.iter().zip(noise).map(|(x, noise)| x + 0.2 * noise));
        }
        let run = |model: &Seq2Seq, batch: &PairTensors| {
            model.forward(batch, &mut Seq2SeqPass::default())
        };
        let batch_on = |device: &Device| batch(&pairs(), VOCABULARIES, device);
        let inputs = batch_on(&plain);
        let n = values(run(&build(&config, &at, &places, plain.clone()), &inputs)).len();
        let mix = normal("mix of logits", n);
        let tracked = Device::flex().autodiff();
        let model = build(&config, &at, &places, tracked.clone());
        let logits = run(&model, &batch_on(&tracked));
        let shape = logits.dims();
        // Rows of padding count too: they are computed like any other.
        let sum = (logits * tensor(&mix, shape, &plain)).sum();
        let found = super::gradients(&model, &sum.backward());
        let mut gradient = vec![0.0; at.len()];
        for (name, (_, values)) in found {
            gradient[places[&name]..][..values.len()].copy_from_slice(&values);
        }
        let is_max = name(&config).contains("Max");
        let rule = if is_max { &MAX } else { &MODEL };
        check_slopes(&name(&config), &at, &gradient, rule, |at| {
            let logits = values(run(&build(&config, at, &places, plain.clone()), &inputs));
            let terms = logits.iter().zip(&mix);
            terms.map(|(y, r)| f64::from(*y) * f64::from(*r)).sum()
        });
    }
}
