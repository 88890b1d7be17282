//! Parameters from the store: matrices as they are stored where that will do, everything else converted when the model
//! asks for it.

use crate::layout::{Part, Wanted};
use crate::numbers::{Columns, place};
use crate::store::{Store, Stored};
use burn::tensor::{AllocationProperty, Bytes, DType, Device, TensorData};
use rayon::prelude::*;
use safetensors::Dtype;
use sisun_model::{HeldMatrix, Init, ModelError, Params};

/// Bytes that a thread copies at a time.
const PIECE: usize = 1 << 20;

/// A checked store as a source of parameters: beside the model being built only one parameter is in memory.
#[derive(Debug)]
pub(crate) struct StoredParams<'s> {
    store: &'s Store,
    wanted: Wanted,
    device: Device,
    as_stored: bool,
}

impl<'s> StoredParams<'s> {
    /// `wanted` fits the store: [`crate::layout::check`] made it. With `as_stored` matrices keep their numbers and order,
    /// and where possible their place in the file.
    pub(crate) fn new(store: &'s Store, wanted: Wanted, device: &Device, as_stored: bool) -> Self {
        Self { store, wanted, device: device.clone(), as_stored }
    }

    /// The tensors that make up one of our parameters.
    fn parts(&self, name: &str) -> Result<Vec<(&Part, &'s Stored)>, ModelError> {
        let missing = |what: String| ModelError::Mismatch { path: self.store.dir.clone(), problems: vec![what] };
        let parts = self.wanted.get(name).ok_or_else(|| missing(format!("{name}: nothing is stored for it")))?;
        let stored = |part: &Part| self.store.get(&part.name).ok_or_else(|| missing(format!("{}: missing", part.name)));
        parts.iter().map(|part| Ok((part, stored(part)?))).collect()
    }

    /// A matrix as it is stored, if the kernels can read it so: one tensor, or several one below the other.
    fn held(&self, parts: &[(&Part, &Stored)]) -> Option<HeldMatrix> {
        let [(first, stored), others @ ..] = parts else { return None };
        let dtype = match stored.dtype {
            Dtype::F32 => DType::F32,
            Dtype::BF16 => DType::BF16,
            _ => return None,
        };
        let stacked = others.iter().all(|(part, other)| part.transposed && other.dtype == stored.dtype);
        // Files are little-endian.
        if cfg!(target_endian = "big") || !(others.is_empty() || (first.transposed && stacked)) {
            return None;
        }
        let (rows, width) = (parts.iter().map(|(part, _)| part.shape[0]).sum::<usize>(), first.shape[1]);
        let bytes = self.store.shared_bytes(stored);
        let bytes = match others {
            [] if bytes.as_ptr().addr().is_multiple_of(dtype.size()) => {
                Bytes::from_shared(bytes, AllocationProperty::File)
            }
            _ => aligned(parts.iter().map(|(_, stored)| self.store.bytes(stored))),
        };
        Some(HeldMatrix { data: TensorData::from_bytes(bytes, [rows, width], dtype), turned: first.transposed })
    }
}

/// A copy of these bytes, one after another, aligned for any number.
fn aligned<'b>(parts: impl Iterator<Item = &'b [u8]> + Clone) -> Bytes {
    let mut bytes = vec![0; parts.clone().map(<[u8]>::len).sum()];
    let mut rest = &mut bytes[..];
    for part in parts {
        let (to, after) = rest.split_at_mut(part.len());
        // Whoever touches a page first waits for the system to clear it: all threads do.
        to.par_chunks_mut(PIECE).zip(part.par_chunks(PIECE)).for_each(|(to, from)| to.copy_from_slice(from));
        rest = after;
    }
    Bytes::from_bytes_vec(bytes)
}

impl Params for StoredParams<'_> {
    fn values(&mut self, name: &str, shape: &[usize], _: Init) -> Result<Vec<f32>, ModelError> {
        let parts = self.parts(name)?;
        let mut values = vec![0.0; shape.iter().product()];
        let width = shape.last().copied().unwrap_or(1);
        let mut first = 0;
        for (part, stored) in parts {
            let along = if part.transposed { part.shape.first() } else { part.shape.last() };
            let columns = Columns { first, count: along.copied().unwrap_or(1), width };
            place(self.store.bytes(stored), stored.dtype, part.transposed, columns, &mut values);
            first += columns.count;
        }
        Ok(values)
    }

    fn matrix(&mut self, name: &str, shape: [usize; 2], init: Init) -> Result<HeldMatrix, ModelError> {
        if let Some(held) = self.as_stored.then(|| self.parts(name)).transpose()?.and_then(|parts| self.held(&parts)) {
            return Ok(held);
        }
        Ok(HeldMatrix::float32(self.values(name, &shape, init)?, shape))
    }

    fn device(&self) -> &Device {
        &self.device
    }
}
