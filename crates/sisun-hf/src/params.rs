//! Parameters from the store, each converted when the model asks for it.

use crate::layout::Wanted;
use crate::numbers::{Columns, place};
use crate::store::Store;
use burn::tensor::Device;
use sisun_model::{Init, ModelError, Params};

/// A checked store as a source of parameters: beside the model being built only one parameter is in memory.
#[derive(Debug)]
pub(crate) struct StoredParams<'s> {
    store: &'s Store,
    wanted: Wanted,
    device: Device,
}

impl<'s> StoredParams<'s> {
    /// `wanted` fits the store: [`crate::layout::check`] made it.
    pub(crate) fn new(store: &'s Store, wanted: Wanted, device: &Device) -> Self {
        Self { store, wanted, device: device.clone() }
    }
}

impl Params for StoredParams<'_> {
    fn values(&mut self, name: &str, shape: &[usize], _: Init) -> Result<Vec<f32>, ModelError> {
        let missing = |what: String| ModelError::Mismatch { path: self.store.dir.clone(), problems: vec![what] };
        let parts = self.wanted.get(name).ok_or_else(|| missing(format!("{name}: nothing is stored for it")))?;
        let mut values = vec![0.0; shape.iter().product()];
        let width = shape.last().copied().unwrap_or(1);
        let mut first = 0;
        for part in parts {
            let stored = self.store.get(&part.name).ok_or_else(|| missing(format!("{}: missing", part.name)))?;
            let along = if part.transposed { part.shape.first() } else { part.shape.last() };
            let columns = Columns { first, count: along.copied().unwrap_or(1), width };
            place(self.store.bytes(stored), stored.dtype, part.transposed, columns, &mut values);
            first += columns.count;
        }
        Ok(values)
    }

    fn device(&self) -> &Device {
        &self.device
    }
}
