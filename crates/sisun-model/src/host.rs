//! Copies from the device to the host.

use burn::tensor::Tensor;

/// Copy a tensor to the host and return its shape and its values as `f32`.
pub fn to_host<const D: usize>(tensor: Tensor<D>) -> (Vec<usize>, Vec<f32>) {
    let shape = tensor.dims().to_vec();
    (
        shape,
        tensor
            .try_into_vec_as::<f32>()
            .expect("a float tensor that was computed can be read as f32"),
    )
}
