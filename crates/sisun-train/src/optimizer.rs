//! The optimizer: which parameter gets which step, and what is kept of each between steps.

use crate::gradients::NamedGradients;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};
use sisun_config::{OptimizerKind, TrainConfig};
use sisun_kernels::optimizer::{AdamW, Muon, adamw_step, muon_step};
use sisun_model::weights::{HostTensors, to_host};
use sisun_model::{ModelError, Transformer};
use std::collections::BTreeMap;

/// AdamW, or Muon for the blocks' matrices and AdamW for the rest, with its state.
///
/// Weight decay acts on matrices only: norms, biases, embeddings, learned positions and T5's biases get none.
#[derive(Debug)]
pub struct Optimizer {
    config: TrainConfig,
    moments: BTreeMap<String, Moments>,
}

/// What is kept of one parameter, flat: AdamW's two moments, or Muon's momentum alone.
#[derive(Clone, Debug)]
struct Moments {
    first: Tensor<1>,
    second: Option<Tensor<1>>,
}

impl Optimizer {
    /// An optimizer that has seen nothing.
    pub fn new(config: &TrainConfig) -> Self {
        Self { config: config.clone(), moments: BTreeMap::new() }
    }

    /// Takes one step, counted from 0, at `share` of the highest learning rates.
    pub fn step(&mut self, model: Transformer, gradients: NamedGradients, step: u64, share: f64) -> Transformer {
        model.map(&mut Stepper { optimizer: self, path: Vec::new(), gradients, step, share })
    }

    /// Its state, for a checkpoint.
    pub fn to_host(&self) -> HostTensors {
        let mut tensors = HostTensors::new();
        for (name, Moments { first, second }) in &self.moments {
            let prefix = if second.is_some() { "first" } else { "momentum" };
            tensors.insert(format!("{prefix}.{name}"), to_host(first.clone()));
            if let Some(second) = second {
                tensors.insert(format!("second.{name}"), to_host(second.clone()));
            }
        }
        tensors
    }

    /// An optimizer that goes on from a checkpoint's state.
    ///
    /// # Errors
    /// A state that lacks one half of a pair.
    pub fn from_host(config: &TrainConfig, mut tensors: HostTensors, device: &Device) -> Result<Self, ModelError> {
        let tensor = |(shape, values): (Vec<usize>, Vec<f32>)| -> Tensor<1> {
            let n = shape.iter().product::<usize>();
            Tensor::from_data(TensorData::new(values, [n]), device)
        };
        let mut moments = BTreeMap::new();
        while let Some((key, value)) = tensors.pop_first() {
            if let Some(name) = key.strip_prefix("momentum.") {
                moments.insert(name.to_owned(), Moments { first: tensor(value), second: None });
            } else if let Some(name) = key.strip_prefix("first.") {
                let second = tensors.remove(&format!("second.{name}")).ok_or_else(|| ModelError::BadWeights {
                    path: sisun_model::checkpoint::TRAINING_FILE.into(),
                    problem: format!("second.{name} is missing"),
                })?;
                moments.insert(name.to_owned(), Moments { first: tensor(value), second: Some(tensor(second)) });
            }
        }
        Ok(Self { config: config.clone(), moments })
    }

    fn step_one(
        &mut self,
        name: &str,
        param: Tensor<1>,
        gradient: Tensor<1>,
        shape: &[usize],
        at: (u64, f64),
    ) -> Tensor<1> {
        let (step, share) = at;
        let is_matrix = shape.len() == 2 && !name.starts_with("embed.") && !name.starts_with("position.");
        let weight_decay = if is_matrix { self.config.weight_decay } else { 0.0 };
        let in_block = is_matrix && name.starts_with("blocks.");
        let zeros = || param.zeros_like();
        let uses_muon = in_block && self.config.optimizer == OptimizerKind::Muon;
        let Moments { first, second } =
            self.moments.remove(name).unwrap_or_else(|| Moments { first: zeros(), second: (!uses_muon).then(zeros) });
        let (param, moments) = match second {
            None => {
                let lr = self.config.muon_lr_max * share;
                let how = Muon { lr, momentum: self.config.muon_momentum, weight_decay };
                let matrix = |x: Tensor<1>| x.reshape([shape[0], shape[1]]);
                let (param, momentum) = muon_step(matrix(param), matrix(gradient), matrix(first), &how);
                (param.reshape([-1]), Moments { first: momentum.reshape([-1]), second: None })
            }
            Some(second) => {
                let how = AdamW {
                    lr: self.config.lr_max * share,
                    beta1: self.config.beta1,
                    beta2: self.config.beta2,
                    epsilon: self.config.eps,
                    weight_decay,
                    step: step + 1,
                };
                let (param, first, second) = adamw_step(param, gradient, first, second, &how);
                (param, Moments { first, second: Some(second) })
            }
        };
        self.moments.insert(name.to_owned(), moments);
        param
    }
}

/// Walks the parameters and steps each that has a gradient.
struct Stepper<'a> {
    optimizer: &'a mut Optimizer,
    path: Vec<String>,
    gradients: NamedGradients,
    step: u64,
    share: f64,
}

impl ModuleMapper for Stepper<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        let Some(gradient) = self.gradients.remove(&name) else { return param };
        let (id, tensor, mapper) = param.consume();
        let shape = tensor.dims();
        let flat = tensor.inner().reshape([-1]);
        let stepped = self.optimizer.step_one(&name, flat, gradient, &shape, (self.step, self.share));
        let tensor = Tensor::from_inner(stepped.reshape(shape)).require_grad();
        Param::from_mapped_value(id, tensor, mapper)
    }
}
