//! Losses and gradient norms, read from the device in batches: reading each step at once would
//! stall a GPU.

use burn::tensor::Tensor;

/// The result of one step.
#[derive(Clone, Debug)]
pub struct StepOutput {
    /// Mean loss over the loss tokens before the update, `[1]`; 0 if there are none.
    pub loss: Tensor<1>,
    /// Global norm of the gradient before clipping, `[1]`.
    pub grad_norm: Tensor<1>,
    /// Tokens read.
    pub tokens: u64,
    /// Number of tokens in the loss.
    pub loss_tokens: u64,
    /// Learning rate of AdamW.
    pub lr: f64,
}

/// Losses and norms of one step on the host.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepLoss {
    /// Mean loss over the loss tokens; 0 if there are none.
    pub loss: f32,
    /// Global norm of the gradient before clipping.
    pub grad_norm: f32,
    /// Number of tokens in the loss.
    pub loss_tokens: u64,
    /// Learning rate of AdamW.
    pub lr: f64,
}

/// A step whose loss or gradient is NaN or infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NotFinite {
    /// Index of the first such step, counted from 0 since the last read.
    pub index: usize,
    /// Losses and norms of the step.
    pub values: StepLoss,
}

/// Steps whose losses have not been read from the device.
#[derive(Debug, Default)]
pub struct PendingLosses {
    steps: Vec<StepOutput>,
}

impl PendingLosses {
    /// Add a step.
    pub fn push(&mut self, step: StepOutput) {
        self.steps.push(step);
    }

    /// Return the number of steps since the last read.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Return true if no step was added since the last read.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Read the steps added since the last call.
    ///
    /// # Errors
    /// [`NotFinite`] for the first step whose loss or gradient is not finite.
    pub fn read(&mut self) -> Result<Vec<StepLoss>, NotFinite> {
        if self.steps.is_empty() {
            return Ok(Vec::new());
        }
        let steps = std::mem::take(&mut self.steps);
        let both = steps
            .iter()
            .flat_map(|step| [step.loss.clone(), step.grad_norm.clone()])
            .collect();
        let values = Tensor::cat(both, 0)
            .into_data()
            .try_into_vec_as::<f32>()
            .expect("a float tensor that was computed can be read as f32");
        let read: Vec<StepLoss> = steps
            .iter()
            .zip(values.chunks_exact(2))
            .map(|(step, pair)| StepLoss {
                loss: pair[0],
                grad_norm: pair[1],
                loss_tokens: step.loss_tokens,
                lr: step.lr,
            })
            .collect();
        let finite = |step: &StepLoss| step.loss.is_finite() && step.grad_norm.is_finite();
        match read.iter().position(|step| !finite(step)) {
            Some(index) => Err(NotFinite {
                index,
                values: read[index],
            }),
            None => Ok(read),
        }
    }
}

/// Means over the steps of a metrics line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Means {
    /// Mean loss over all loss tokens of the steps.
    pub(crate) loss: f64,
    /// Gradient norm of the last step that had loss tokens.
    pub(crate) grad_norm: f64,
}

impl Means {
    /// Compute the means; `None` if no step had a loss token.
    pub(crate) fn of(steps: &[StepLoss]) -> Option<Self> {
        let all: u64 = steps.iter().map(|step| step.loss_tokens).sum();
        let sum: f64 = steps
            .iter()
            .map(|step| f64::from(step.loss) * step.loss_tokens as f64)
            .sum();
        let last = steps.iter().rfind(|step| step.loss_tokens > 0)?;
        Some(Self {
            loss: sum / all as f64,
            grad_norm: f64::from(last.grad_norm),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Means, NotFinite, PendingLosses, StepLoss, StepOutput};
    use burn::tensor::{Device, Tensor};

    fn step(loss: f32, grad_norm: f32, loss_tokens: u64) -> StepLoss {
        StepLoss {
            loss,
            grad_norm,
            loss_tokens,
            lr: 0.5,
        }
    }

    #[test]
    fn a_mean_counts_the_tokens_it_is_a_mean_of() {
        let steps = [
            step(3.0, 0.5, 1),
            step(0.0, 0.0, 0),
            step(5.0, 0.25, 3),
            step(0.0, 0.0, 0),
        ];
        let expected = Means {
            loss: (3.0 + 3.0 * 5.0) / 4.0,
            grad_norm: 0.25,
        };
        assert_eq!(Means::of(&steps), Some(expected));
        assert_eq!(Means::of(&[step(0.0, 0.0, 0), step(0.0, 0.0, 0)]), None);
        let even = Means::of(&[step(2.0, 1.0, 9), step(4.0, 7.0, 9)]);
        let expected = Means {
            loss: 3.0,
            grad_norm: 7.0,
        };
        assert_eq!(even, Some(expected));
    }

    #[test]
    fn the_first_step_that_is_not_finite_is_found() {
        let mut pending = PendingLosses::default();
        let tensor = |x: f32| Tensor::<1>::from_floats([x], &Device::flex());
        let push = |pending: &mut PendingLosses, loss, norm| {
            pending.push(StepOutput {
                loss: tensor(loss),
                grad_norm: tensor(norm),
                tokens: 7,
                loss_tokens: 5,
                lr: 0.5,
            });
        };
        push(&mut pending, 3.0, 2.0);
        assert_eq!(pending.read(), Ok(vec![step(3.0, 2.0, 5)]));
        assert_eq!(pending.read(), Ok(Vec::new()));
        push(&mut pending, 1.0, 1.0);
        push(&mut pending, 1.0, f32::INFINITY);
        push(&mut pending, f32::NAN, 1.0);
        let expected = NotFinite {
            index: 1,
            values: step(1.0, f32::INFINITY, 5),
        };
        assert_eq!(pending.read(), Err(expected));
        assert!(pending.is_empty());
    }
}
