//! Operations with a gradient of their own in the graph of autodiff.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend};
use std::fmt::Debug;
use std::marker::PhantomData;

/// Values that an operation with `N` arguments saves for its gradient.
pub(crate) trait SavedForBackward<B: Backend, const N: usize>:
    Clone + Debug + Send + 'static
{
    /// Return the gradients of the arguments. `dy` is the gradient of the result, and `wanted[i]`
    /// is true if the gradient of argument `i` is needed.
    fn gradients(self, dy: FloatTensor<B>, wanted: [bool; N]) -> [Option<FloatTensor<B>>; N];
}

#[derive(Debug)]
struct Step<K>(PhantomData<K>);

impl<B: Backend, K: SavedForBackward<B, N>, const N: usize> Backward<B, N> for Step<K> {
    type State = K;

    fn backward(self, ops: Ops<K, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let dy = gradients.consume::<B>(&ops.node);
        let found = ops
            .state
            .gradients(dy, ops.parents.each_ref().map(Option::is_some));
        for (parent, gradient) in ops.parents.into_iter().zip(found) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                gradients.register::<B>(parent.id, gradient);
            }
        }
    }
}

/// Record an operation in the graph if any of its arguments requires a gradient.
pub(crate) fn record<B: Backend, K: SavedForBackward<B, N>, const N: usize>(
    arguments: [NodeGuard; N],
    result: FloatTensor<B>,
    kept: impl FnOnce() -> K,
) -> FloatTensor<Autodiff<B>> {
    let step = Step::<K>(PhantomData);
    match Backward::<B, N>::prepare::<NoCheckpointing>(step, arguments)
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prepared) => prepared.finish(kept(), result),
        OpsKind::UnTracked(prepared) => prepared.finish(result),
    }
}
