//! `Flex` tensors as slices, and buffers as `Flex` tensors.

use crate::cpu::Buffer;
use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{DType, Element, Shape};
use burn_std::{AccessError, AccessPolicy, AllocationController, AllocationProperty, Bytes};
use bytemuck::Pod;
use std::mem::MaybeUninit;

/// Return the tensor with its elements contiguous, copying only if they are not already.
pub(crate) fn contiguous(x: &FlexTensor) -> FlexTensor {
    if x.is_contiguous() {
        x.clone()
    } else {
        x.to_contiguous()
    }
}

/// Return the elements of a tensor that [`contiguous`] returned.
pub(crate) fn floats(x: &FlexTensor) -> &[f32] {
    numbers(x)
}

/// Like [`floats`], for any element type; it must be the tensor's own.
pub(crate) fn numbers<T: Element + Pod>(x: &FlexTensor) -> &[T] {
    x.as_slice().expect("a contiguous tensor of these numbers")
}

/// Return the token indices in a tensor.
pub(crate) fn indices(x: &FlexTensor) -> Vec<usize> {
    let x = contiguous(x);
    match x.dtype() {
        DType::I64 => x
            .as_slice::<i64>()
            .expect("checked")
            .iter()
            .map(|&i| index(i))
            .collect(),
        DType::I32 => x
            .as_slice::<i32>()
            .expect("checked")
            .iter()
            .map(|&i| index(i.into()))
            .collect(),
        DType::U32 => x
            .as_slice::<u32>()
            .expect("checked")
            .iter()
            .map(|&i| index(i.into()))
            .collect(),
        other => panic!("tokens cannot be {other:?}"),
    }
}

fn index(i: i64) -> usize {
    usize::try_from(i).expect("a token is not negative")
}

/// Return a row-major tensor of these elements.
pub(crate) fn tensor(buffer: Buffer, shape: impl Into<Shape>) -> FlexTensor {
    let shape = shape.into();
    assert_eq!(
        buffer.len(),
        shape.num_elements(),
        "numbers of a tensor {shape:?}"
    );
    let n_bytes = buffer.len() * size_of::<f32>();
    // SAFETY: `Pooled` holds exactly `n_bytes` bytes, all initialised: a `Buffer` consists of
    // `f32`s.
    #[allow(unsafe_code)] // the only way to give Burn memory that returns to a pool
    let bytes = unsafe { Bytes::from_controller(Box::new(Pooled(buffer)), n_bytes) };
    FlexTensor::new(bytes, Layout::contiguous(shape), DType::F32)
}

/// A buffer lent to a tensor; it returns to its pool when the last tensor that shares it is
/// dropped.
struct Pooled(Buffer);

impl AllocationController for Pooled {
    fn alloc_align(&self) -> usize {
        align_of::<u128>() // the largest alignment of Burn's own allocations; these buffers are aligned to 64
    }

    fn property(&self) -> AllocationProperty {
        AllocationProperty::Other // not from the allocator, so it must not be freed as a `Vec`
    }

    /// # Safety
    /// As the trait says: only initialised data may be written.
    #[allow(unsafe_code)] // the trait requires uninitialised bytes
    unsafe fn memory_mut(
        &mut self,
        _: AccessPolicy,
    ) -> Result<&mut [MaybeUninit<u8>], AccessError> {
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut self.0);
        // SAFETY: the same bytes and lifetime; the caller promises to write initialised data only,
        // so the bytes remain valid as `u8`, and any `u8`s are valid `f32`s.
        Ok(unsafe { std::slice::from_raw_parts_mut(bytes.as_mut_ptr().cast(), bytes.len()) })
    }

    #[allow(unsafe_code)] // the trait requires uninitialised bytes
    fn memory(&self, _: AccessPolicy) -> Result<&[MaybeUninit<u8>], AccessError> {
        let bytes: &[u8] = bytemuck::cast_slice(&self.0);
        // SAFETY: the same bytes and lifetime; initialised bytes are valid as possibly
        // uninitialised bytes.
        Ok(unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len()) })
    }
}

/// Return the sizes of a tensor of this rank.
pub(crate) fn shaped<const D: usize>(x: &FlexTensor) -> [usize; D] {
    let dims: &[usize] = &x.layout().shape().to_vec();
    dims.try_into()
        .expect("the rank that the operation's caller made")
}
