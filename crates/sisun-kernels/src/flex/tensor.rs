//! `Flex` tensors as slices, and buffers as `Flex` tensors.

use crate::cpu::Buffer;
use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{DType, Element, Shape};
use burn_std::{AccessError, AccessPolicy, AllocationController, AllocationProperty, Bytes};
use bytemuck::Pod;
use std::mem::MaybeUninit;

/// The tensor with its numbers one after another, without copying where they are so already.
pub(crate) fn contiguous(x: &FlexTensor) -> FlexTensor {
    if x.is_contiguous() {
        x.clone()
    } else {
        x.to_contiguous()
    }
}

/// The numbers of a tensor that went through [`contiguous`].
pub(crate) fn floats(x: &FlexTensor) -> &[f32] {
    numbers(x)
}

/// As [`floats`], of any type; it must be the tensor's own.
pub(crate) fn numbers<T: Element + Pod>(x: &FlexTensor) -> &[T] {
    x.as_slice().expect("a contiguous tensor of these numbers")
}

/// Token numbers.
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

/// A tensor of these numbers, row-major.
pub(crate) fn tensor(buffer: Buffer, shape: impl Into<Shape>) -> FlexTensor {
    let shape = shape.into();
    assert_eq!(
        buffer.len(),
        shape.num_elements(),
        "numbers of a tensor {shape:?}"
    );
    let n_bytes = buffer.len() * size_of::<f32>();
    // SAFETY: `Pooled` holds exactly `n_bytes` bytes, all initialised: a `Buffer` is made of
    // `f32`s.
    #[allow(unsafe_code)] // the one way to give Burn memory that returns to a pool
    let bytes = unsafe { Bytes::from_controller(Box::new(Pooled(buffer)), n_bytes) };
    FlexTensor::new(bytes, Layout::contiguous(shape), DType::F32)
}

/// Lends a buffer to a tensor; it goes back to its pool when the last tensor that shares it is
/// gone.
struct Pooled(Buffer);

impl AllocationController for Pooled {
    fn alloc_align(&self) -> usize {
        align_of::<u128>() // the most that Burn's own allocations have; ours are aligned to 64
    }

    fn property(&self) -> AllocationProperty {
        AllocationProperty::Other // not the allocator's, so nobody may free it as a `Vec`
    }

    /// # Safety
    /// As the trait says: only initialised data may be written.
    #[allow(unsafe_code)] // the trait asks for uninitialised bytes
    unsafe fn memory_mut(
        &mut self,
        _: AccessPolicy,
    ) -> Result<&mut [MaybeUninit<u8>], AccessError> {
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut self.0);
        // SAFETY: the same bytes and lifetime; the caller promises to write initialised data only,
        // so they stay valid as `u8`, and any `u8`s are valid `f32`s.
        Ok(unsafe { std::slice::from_raw_parts_mut(bytes.as_mut_ptr().cast(), bytes.len()) })
    }

    #[allow(unsafe_code)] // the trait asks for uninitialised bytes
    fn memory(&self, _: AccessPolicy) -> Result<&[MaybeUninit<u8>], AccessError> {
        let bytes: &[u8] = bytemuck::cast_slice(&self.0);
        // SAFETY: the same bytes and lifetime; initialised bytes are valid as bytes that may be
        // uninitialised.
        Ok(unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len()) })
    }
}

/// The sizes of a tensor of this rank.
pub(crate) fn shaped<const D: usize>(x: &FlexTensor) -> [usize; D] {
    let dims: &[usize] = &x.layout().shape().to_vec();
    dims.try_into()
        .expect("the rank that the operation's caller made")
}
