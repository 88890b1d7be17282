//! The optimizer: assignment of parameters to update rules, and the state of each parameter between
//! steps.

use crate::gradients::NamedGradients;
use crate::trainable::matmul_precision;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};
use sisun_config::{OptimizerKind, TrainConfig};
use sisun_kernels::optimizer::{AdamW, AdamWSlot, Muon, MuonSlot, adamw, muon};
use sisun_model::ModelError;
use sisun_model::weights::{Flat, FlatTensors, HostTensors};
use std::collections::BTreeMap;

/// AdamW, or Muon for the matrices of the blocks and AdamW for the rest, with state. The factors of
/// adapters are matrices; frozen parameters have no gradient, and so neither state nor update.
///
/// Weight decay applies to matrices only, not to norms, biases, embeddings, learned positions or
/// T5's biases.
#[derive(Debug)]
pub struct Optimizer {
    config: TrainConfig,
    moments: BTreeMap<String, Moments>,
}

/// State of one parameter, flattened: AdamW's two moments, or Muon's momentum.
#[derive(Clone, Debug)]
struct Moments {
    first: Tensor<1>,
    second: Option<Tensor<1>>,
}

impl Optimizer {
    /// Create an optimizer with empty state.
    pub fn new(config: &TrainConfig) -> Self {
        Self {
            config: config.clone(),
            moments: BTreeMap::new(),
        }
    }

    /// Update the parameters at `step`, counted from 0, with `lr_scale` times the highest learning
    /// rates. The gradients are first multiplied by `scale`.
    pub fn step<M: Module>(
        &mut self,
        model: M,
        gradients: NamedGradients,
        scale: &Tensor<1>,
        step: u64,
        lr_scale: f64,
    ) -> M {
        let mut params = Params::default();
        model.visit(&mut params);
        let (mut names, mut slots) = (Vec::new(), Vec::new());
        let (mut matrix_names, mut matrices) = (Vec::new(), Vec::new());
        for (name, gradient) in gradients {
            let (param, shape) = params
                .found
                .remove(&name)
                .expect("a gradient is of a parameter of this model");
            let kind = Kind::of(&name, &shape, &self.config);
            let weight_decay = if kind == Kind::Other {
                0.0
            } else {
                self.config.weight_decay
            };
            let zeros = || param.zeros_like();
            let fresh = || Moments {
                first: zeros(),
                second: (kind != Kind::Muon).then(zeros),
            };
            match self.moments.remove(&name).unwrap_or_else(fresh) {
                Moments {
                    first,
                    second: None,
                } => {
                    let lr = self.config.muon_lr_max * lr_scale;
                    let config = Muon {
                        lr,
                        momentum: self.config.muon_momentum,
                        weight_decay,
                    };
                    let [param, gradient, momentum] =
                        [param, gradient, first].map(|x| x.reshape([shape[0], shape[1]]));
                    matrices.push(MuonSlot {
                        param,
                        gradient,
                        momentum,
                        config,
                    });
                    matrix_names.push(name);
                }
                Moments {
                    first,
                    second: Some(second),
                } => {
                    let config = self.adamw(lr_scale, weight_decay, step);
                    slots.push(AdamWSlot {
                        param,
                        gradient,
                        first,
                        second,
                        config,
                    });
                    names.push(name);
                }
            }
        }
        let mut stepped = BTreeMap::new();
        for (name, [param, momentum]) in matrix_names.into_iter().zip(muon(
            matrices,
            scale,
            matmul_precision(self.config.precision),
        )) {
            self.moments.insert(
                name.clone(),
                Moments {
                    first: momentum.reshape([-1]),
                    second: None,
                },
            );
            stepped.insert(name, param.reshape([-1]));
        }
        for (name, [param, first, second]) in names.into_iter().zip(adamw(slots, scale)) {
            self.moments.insert(
                name.clone(),
                Moments {
                    first,
                    second: Some(second),
                },
            );
            stepped.insert(name, param);
        }
        model.map(&mut Replace {
            path: Vec::new(),
            stepped,
        })
    }

    fn adamw(&self, lr_scale: f64, weight_decay: f64, step: u64) -> AdamW {
        let TrainConfig {
            lr_max,
            beta1,
            beta2,
            eps: epsilon,
            ..
        } = self.config;
        AdamW {
            lr: lr_max * lr_scale,
            beta1,
            beta2,
            epsilon,
            weight_decay,
            step: step + 1,
        }
    }

    /// Return the state for a checkpoint, without copying.
    pub fn flat(&self) -> FlatTensors {
        let flat = |values: &Tensor<1>| Flat {
            shape: values.dims().to_vec(),
            values: values.clone(),
        };
        let mut tensors = FlatTensors::new();
        for (name, Moments { first, second }) in &self.moments {
            let prefix = if second.is_some() {
                "first"
            } else {
                "momentum"
            };
            tensors.insert(format!("{prefix}.{name}"), flat(first));
            if let Some(second) = second {
                tensors.insert(format!("second.{name}"), flat(second));
            }
        }
        tensors
    }

    /// Create an optimizer with the state of a checkpoint.
    ///
    /// # Errors
    /// If the state lacks one of a pair of moments.
    pub fn from_host(
        config: &TrainConfig,
        mut tensors: HostTensors,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let tensor = |(shape, values): (Vec<usize>, Vec<f32>)| -> Tensor<1> {
            let n = shape.iter().product::<usize>();
            Tensor::from_data(TensorData::new(values, [n]), device)
        };
        let mut moments = BTreeMap::new();
        while let Some((key, value)) = tensors.pop_first() {
            if let Some(name) = key.strip_prefix("momentum.") {
                moments.insert(
                    name.to_owned(),
                    Moments {
                        first: tensor(value),
                        second: None,
                    },
                );
            } else if let Some(name) = key.strip_prefix("first.") {
                let second = tensors.remove(&format!("second.{name}")).ok_or_else(|| {
                    ModelError::BadWeights {
                        path: sisun_model::checkpoint::TRAINING_FILE.into(),
                        problem: format!("second.{name} is missing"),
                    }
                })?;
                moments.insert(
                    name.to_owned(),
                    Moments {
                        first: tensor(value),
                        second: Some(tensor(second)),
                    },
                );
            }
        }
        Ok(Self {
            config: config.clone(),
            moments,
        })
    }
}

/// Update rule of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Muon with weight decay.
    Muon,
    /// AdamW with weight decay.
    Matrix,
    /// AdamW without weight decay.
    Other,
}

impl Kind {
    fn of(name: &str, shape: &[usize], config: &TrainConfig) -> Self {
        // An encoder–decoder has each of these twice, below the names of its halves.
        let has = |part: &str| name.split('.').any(|one| one == part);
        if shape.len() != 2 || has("embed") || has("position") {
            Self::Other
        } else if has("blocks") && config.optimizer == OptimizerKind::Muon {
            Self::Muon
        } else {
            Self::Matrix
        }
    }
}

/// A visitor that collects the flattened parameters, detached from any graph, with their shapes.
#[derive(Default)]
struct Params {
    path: Vec<String>,
    found: BTreeMap<String, (Tensor<1>, Vec<usize>)>,
}

impl ModuleVisitor for Params {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val().inner();
        let shape = tensor.dims().to_vec();
        self.found
            .insert(self.path.join("."), (tensor.reshape([-1]), shape));
    }
}

/// A mapper that replaces the parameters by their updated values.
struct Replace {
    path: Vec<String>,
    stepped: BTreeMap<String, Tensor<1>>,
}

impl ModuleMapper for Replace {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(stepped) = self.stepped.remove(&self.path.join(".")) else {
            return param;
        };
        let (id, tensor, mapper) = param.consume();
        let stepped = Tensor::from_inner(stepped.reshape(tensor.dims())).require_grad();
        Param::from_mapped_value(id, stepped, mapper)
    }
}
