//! Parameters from the store, each converted when the model asks for it.

use crate::layout::{Layout, Part};
use crate::numbers::{Columns, place};
use crate::store::Store;
use burn::tensor::Device;
use sisun_model::{Init, ModelError, Params};

/// A checked store as a source of parameters: beside the model being built only one parameter is in memory.
#[derive(Debug)]
pub(crate) struct StoredParams<'s> {
    store: &'s Store,
    layout: Layout,
    device: Device,
}

impl<'s> StoredParams<'s> {
    /// `layout` fits the store: [`crate::check::check`] made it.
    pub(crate) fn new(store: &'s Store, layout: Layout, device: &Device) -> Self {
        Self { store, layout, device: device.clone() }
    }
}

impl Params for StoredParams<'_> {
    fn values(&mut self, name: &str, shape: &[usize], _: Init) -> Result<Vec<f32>, ModelError> {
        let missing = |what: String| ModelError::Mismatch { path: self.store.dir.clone(), problems: vec![what] };
        let parts = self.layout.parameters.get(name);
        let parts = parts.ok_or_else(|| missing(format!("{name}: nothing is stored for it")))?;
        let mut values = vec![0.0; shape.iter().product()];
        let width = shape.last().copied().unwrap_or(1);
        let mut first = 0;
        for part @ Part { rows, transposed, .. } in parts {
            let stored = self.store.get(&part.name).ok_or_else(|| missing(format!("{}: missing", part.name)))?;
            let bytes = self.store.bytes(stored);
            let row = bytes.len() / part.shape.first().copied().unwrap_or(1).max(1);
            let columns = Columns { first, count: part.width(), width };
            place(&bytes[rows.start * row..rows.end * row], stored.dtype, *transposed, columns, &mut values);
            first += columns.count;
        }
        Ok(values)
    }

    fn device(&self) -> &Device {
        &self.device
    }
}
