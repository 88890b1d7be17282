//! Initial weights and files of a fine-tuning run.

use crate::TrainError;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use sisun_files::{RunDir, make_folder, write_atomic};
use sisun_model::Transformer;
use std::path::Path;

/// The model that fine-tuning starts from.
#[derive(Debug)]
pub struct InitialWeights {
    /// Weights, without autodiff.
    pub model: Transformer,
    /// Names and contents of files to copy into the run directory, under [`RunDir::sidecars`], for use
    /// by an export.
    pub companions: Vec<(String, Vec<u8>)>,
}

/// Write the companion files to the run directory.
pub(crate) fn write_companions(
    files: &[(String, Vec<u8>)],
    run_dir: &Path,
) -> Result<(), TrainError> {
    let folder = RunDir::new(run_dir).sidecars();
    for (name, bytes) in files {
        make_folder(&folder).map_err(TrainError::io("create", &folder))?;
        write_atomic(&folder.join(name), bytes)?;
    }
    Ok(())
}

/// Return the number of trainable values.
pub(crate) fn trained_parameters<M: Module>(model: &M) -> u64 {
    struct Counter(u64);
    impl ModuleVisitor for Counter {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if param.is_require_grad() {
                self.0 += param.lazy_shape().num_elements() as u64;
            }
        }
    }
    let mut counter = Counter(0);
    model.visit(&mut counter);
    counter.0
}
