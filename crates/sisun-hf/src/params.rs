//! Parameters from the store: matrices as stored where possible, everything else converted on
//! request.

use crate::layout::{Layout, Part};
use crate::numbers::{Columns, place};
use crate::store::Store;
use burn::tensor::{AllocationProperty, Bytes, DType, Device, TensorData};
use bytes::Bytes as Mapped;
use rayon::prelude::*;
use safetensors::Dtype;
use sisun_model::{Init, ModelError, Params, StoredMatrix};

/// Number of bytes that a thread copies at a time.
const PIECE: usize = 1 << 20;

/// A checked store as a source of parameters: only one parameter is in memory beside the model
/// being built.
#[derive(Debug)]
pub(crate) struct StoredParams<'s> {
    store: &'s Store,
    layout: Layout,
    device: Device,
    as_stored: bool,
}

/// Consecutive rows of a part of a parameter, with the location of their numbers.
struct SourceRows<'s> {
    part: &'s Part,
    rows: usize,
    dtype: Dtype,
    bytes: Mapped,
}

impl<'s> StoredParams<'s> {
    /// Return the parameters of a store. `layout` must come from [`crate::check::check`], so that
    /// it fits the store. With `as_stored`, matrices keep their number format and layout, and where
    /// possible stay in the mapped file.
    pub(crate) fn new(store: &'s Store, layout: Layout, device: &Device, as_stored: bool) -> Self {
        Self {
            store,
            layout,
            device: device.clone(),
            as_stored,
        }
    }

    /// Return the parts of one of Sisun's parameters.
    fn parts(&self, name: &str) -> Result<Vec<SourceRows<'_>>, ModelError> {
        let missing = |what: String| ModelError::Mismatch {
            path: self.store.dir.clone(),
            problems: vec![what],
        };
        let parts = self.layout.parameters.get(name);
        let parts = parts.ok_or_else(|| missing(format!("{name}: nothing is stored for it")))?;
        let mut found = Vec::new();
        for part in parts {
            let stored = self
                .store
                .get(&part.name)
                .ok_or_else(|| missing(format!("{}: missing", part.name)))?;
            let bytes = self.store.bytes(stored);
            let row = bytes.len() / part.shape.first().copied().unwrap_or(1).max(1);
            found.extend(part.rows.ranges().map(|rows| {
                let bytes = bytes.slice(rows.start * row..rows.end * row);
                SourceRows {
                    part,
                    rows: rows.len(),
                    dtype: stored.dtype,
                    bytes,
                }
            }));
        }
        Ok(found)
    }
}

/// Return a matrix as stored, if the kernels can read it: one part, or several stacked vertically.
fn held(parts: &[SourceRows<'_>]) -> Option<StoredMatrix> {
    let [first, others @ ..] = parts else {
        return None;
    };
    let dtype = match first.dtype {
        Dtype::F32 => DType::F32,
        Dtype::BF16 => DType::BF16,
        _ => return None,
    };
    let stacked = || {
        parts
            .iter()
            .all(|found| found.part.transposed && found.dtype == first.dtype)
    };
    // Files are little-endian.
    if cfg!(target_endian = "big") || !(others.is_empty() || stacked()) {
        return None;
    }
    let rows: usize = parts.iter().map(|found| found.rows).sum();
    let bytes = match others {
        [] if first.bytes.as_ptr().addr().is_multiple_of(dtype.size()) => {
            Bytes::from_shared(first.bytes.clone(), AllocationProperty::File)
        }
        _ => aligned(parts),
    };
    let data = TensorData::from_bytes(bytes, [rows, first.part.shape[1]], dtype);
    Some(StoredMatrix {
        data,
        transposed: first.part.transposed,
    })
}

/// Return a copy of the parts' bytes, one after another, aligned for any number type.
fn aligned(parts: &[SourceRows<'_>]) -> Bytes {
    let mut bytes = vec![0; parts.iter().map(|found| found.bytes.len()).sum()];
    let mut rest = &mut bytes[..];
    for from in parts.iter().map(|found| &found.bytes) {
        let (to, after) = rest.split_at_mut(from.len());
        // The first access to a page waits until the system has cleared it, so all threads take
        // part.
        to.par_chunks_mut(PIECE)
            .zip(from.par_chunks(PIECE))
            .for_each(|(to, from)| to.copy_from_slice(from));
        rest = after;
    }
    Bytes::from_bytes_vec(bytes)
}

impl Params for StoredParams<'_> {
    fn values(&mut self, name: &str, shape: &[usize], _: Init) -> Result<Vec<f32>, ModelError> {
        let mut values = vec![0.0; shape.iter().product()];
        let width = shape.last().copied().unwrap_or(1);
        let mut first = 0;
        for SourceRows {
            part,
            rows,
            dtype,
            bytes,
        } in self.parts(name)?
        {
            let columns = Columns {
                first,
                count: part.width_of(rows),
                width,
            };
            place(&bytes, dtype, part.transposed, columns, &mut values);
            first += columns.count;
        }
        Ok(values)
    }

    fn matrix(
        &mut self,
        name: &str,
        shape: [usize; 2],
        init: Init,
    ) -> Result<StoredMatrix, ModelError> {
        if self.as_stored
            && let Some(held) = held(&self.parts(name)?)
        {
            return Ok(held);
        }
        Ok(StoredMatrix::float32(
            self.values(name, &shape, init)?,
            shape,
        ))
    }

    fn device(&self) -> &Device {
        &self.device
    }
}
