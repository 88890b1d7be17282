//! NPZ archives: arrays that `numpy.load(…, allow_pickle=False)` opens.

use npyz::{AutoSerialize, DType, Serialize, TypeStr, WriterBuilder};
use sisun_infer::Token;
use std::io::{self, BufWriter, Cursor};
use zip::write::{SimpleFileOptions, ZipWriter};

/// An archive in memory, because writing one needs seeking, which a pipe does not support.
pub(crate) struct NpzArchive(ZipWriter<Cursor<Vec<u8>>>);

impl NpzArchive {
    pub(crate) fn new() -> Self {
        Self(ZipWriter::new(Cursor::new(Vec::new())))
    }

    /// Add a float32 array in row-major order.
    pub(crate) fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) -> io::Result<()> {
        self.array(name, f32::default_dtype(), shape, values)
    }

    /// Add a float64 array in row-major order.
    pub(crate) fn doubles(
        &mut self,
        name: &str,
        shape: &[usize],
        values: &[f64],
    ) -> io::Result<()> {
        self.array(name, f64::default_dtype(), shape, values)
    }

    /// Add an int64 array in row-major order.
    pub(crate) fn integers(
        &mut self,
        name: &str,
        shape: &[usize],
        values: &[usize],
    ) -> io::Result<()> {
        let values = values.iter().map(|&value| value as i64);
        self.array(name, i64::default_dtype(), shape, values)
    }

    /// Add an int64 array of signed numbers in row-major order.
    pub(crate) fn signed_integers(
        &mut self,
        name: &str,
        shape: &[usize],
        values: &[i64],
    ) -> io::Result<()> {
        self.array(name, i64::default_dtype(), shape, values)
    }

    /// Add an array of texts (`<U…`).
    pub(crate) fn texts(&mut self, name: &str, texts: &[&str]) -> io::Result<()> {
        // NumPy counts code points and stores at least one even for empty strings.
        let longest = texts
            .iter()
            .map(|text| text.chars().count())
            .max()
            .unwrap_or(0)
            .max(1);
        let dtype: TypeStr = format!("<U{longest}")
            .parse()
            .expect("a number after `<U` is a type string");
        let shape = [texts.len()];
        self.array(
            name,
            DType::new_scalar(dtype),
            &shape,
            texts.iter().copied(),
        )
    }

    /// Add the arrays that describe the tokens of an axis, with a prefix of their names: `tokens`
    /// `[position]` (`<U…`), `ids` `[position]` and `offsets` `[position, 2]` (int64).
    pub(crate) fn tokens(&mut self, prefix: &str, tokens: &[Token]) -> io::Result<()> {
        let n = tokens.len();
        let ids: Vec<usize> = tokens.iter().map(|token| token.id as usize).collect();
        let offsets: Vec<usize> = tokens
            .iter()
            .flat_map(|token| [token.start, token.end])
            .collect();
        self.integers(&format!("{prefix}ids"), &[n], &ids)?;
        self.integers(&format!("{prefix}offsets"), &[n, 2], &offsets)?;
        let labels: Vec<&str> = tokens.iter().map(|token| token.plain.as_str()).collect();
        self.texts(&format!("{prefix}tokens"), &labels)
    }

    /// Add an array, uncompressed like `numpy.savez`.
    fn array<T: Serialize>(
        &mut self,
        name: &str,
        dtype: DType,
        shape: &[usize],
        values: impl IntoIterator<Item = T>,
    ) -> io::Result<()> {
        // Without this flag an entry is limited to 4 GiB.
        self.0.start_file(
            format!("{name}.npy"),
            SimpleFileOptions::default().large_file(true),
        )?;
        let shape: Vec<u64> = shape.iter().map(|&length| length as u64).collect();
        let mut writer = npyz::WriteOptions::new()
            .dtype(dtype)
            .shape(&shape)
            .writer(BufWriter::new(&mut self.0))
            .begin_nd()?;
        writer.extend(values)?;
        writer.finish()
    }

    /// Return the bytes of the archive.
    pub(crate) fn finish(self) -> io::Result<Vec<u8>> {
        Ok(self.0.finish()?.into_inner())
    }
}
