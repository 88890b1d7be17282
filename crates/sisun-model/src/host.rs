//! From a device to the host.

use burn::tensor::Tensor;

/// A tensor's shape and values, copied to the host as `f32`.
pub fn to_host<const D: usize>(tensor: Tensor<D>) -> (Vec<usize>, Vec<f32>) {
    let shape = tensor.dims().to_vec();
    (
        shape,
        tensor
            .try_into_vec_as::<f32>()
            .expect("a float tensor that was computed can be read as f32"),
    )
}
