//! Build a block of one's own from the parts of the model, here attention and a feed-forward
//! network on shuffled places: `cargo run --release -p sisun --example own_block`.
#![allow(clippy::print_stdout, missing_docs, unreachable_pub)] // a program; the tests call its `main`

use burn::module::Module;
use sisun::model::{AttentionContext, NormLayer, Params};
use sisun::{FeedForward, ModelConfig, ModelError, Pass, RandomParams, SelfAttention, Tensor, cpu};
use std::error::Error;

/// The feed-forward network first, then attention, each added to the residual stream.
#[derive(Module, Debug)]
struct FeedForwardFirst {
    norm_ffn: NormLayer,
    ffn: FeedForward,
    norm_attn: NormLayer,
    attn: SelfAttention,
}

impl FeedForwardFirst {
    fn new(source: &mut dyn Params, config: &ModelConfig) -> Result<Self, ModelError> {
        Ok(Self {
            norm_ffn: NormLayer::new(source, "norm_ffn", config)?,
            ffn: FeedForward::new(source, "ffn", config)?,
            norm_attn: NormLayer::new(source, "norm_attn", config)?,
            attn: SelfAttention::new(source, "attn", config)?,
        })
    }

    /// # Shapes
    /// - `x` and the result: `[batch, pos, d_model]`
    fn forward(&self, x: Tensor<3>, context: &AttentionContext, pass: &mut Pass<'_>) -> Tensor<3> {
        let x = x.clone() + self.ffn.forward(self.norm_ffn.forward(x), pass.precision);
        x.clone()
            + self
                .attn
                .forward(0, self.norm_attn.forward(x), context, pass)
    }
}

pub fn main() -> Result<(), Box<dyn Error>> {
    let config = ModelConfig::new(13, 20, 1, 5, 8);
    let block = FeedForwardFirst::new(&mut RandomParams::new(3, &cpu()), &config)?;
    let x = Tensor::random([2, 7, 20], burn::tensor::Distribution::Default, &cpu());
    let context = AttentionContext::without_positions(true);
    let y = block.forward(x.clone(), &context, &mut Pass::default());
    println!("{:?} parameters: {}", y.dims(), block.num_params());

    // It is causal: a change of the last token leaves all others alone.
    let changed = x
        .clone()
        .slice_assign([0..2, 6..7, 0..20], Tensor::zeros([2, 1, 20], &cpu()));
    let other = block.forward(changed, &context, &mut Pass::default());
    let before = |y: Tensor<3>| y.slice([0..2, 0..6, 0..20]);
    let difference = (before(y) - before(other)).abs().max().into_scalar::<f32>();
    println!("largest change before the last token: {difference:e}");
    if difference > 0.0 {
        return Err("the block is not causal".into());
    }
    Ok(())
}
