//! Scalars for TensorBoard: `Event` protocol buffers in TFRecord framing.
//!
//! The messages are the fields we write of TensorFlow's `event.proto` and `summary.proto`, declared by hand so that
//! building needs no `protoc`. A record is
//! `length: u64 | masked CRC-32C of length: u32 | bytes | masked CRC-32C of bytes: u32`, little-endian.

use prost::Message;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Appends scalar events to one events file, which TensorBoard may read while it grows.
#[derive(Debug)]
pub struct EventWriter {
    file: BufWriter<File>,
}

impl EventWriter {
    /// Starts a new file `events.out.tfevents.{secs}.sisun` in `dir`, which must exist.
    ///
    /// `wall_time` is in seconds since 1970. A resumed run gets a file of its own: where the name is taken, the next
    /// free second is used, because TensorBoard reads files in the order of their names.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn create(dir: &Path, wall_time: f64) -> io::Result<Self> {
        let mut seconds = wall_time as u64;
        let file = loop {
            let path = dir.join(format!("events.out.tfevents.{seconds:010}.sisun"));
            match OpenOptions::new().write(true).create_new(true).open(path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => seconds = seconds.wrapping_add(1),
                opened => break opened?,
            }
        };
        let mut writer = Self { file: BufWriter::new(file) };
        writer.write(&Event { wall_time, file_version: Some("brain.Event:2".to_owned()), ..Event::default() })?;
        Ok(writer)
    }

    /// Marks that training goes on at `step`: TensorBoard drops what earlier files say about that step and later ones.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn resumed(&mut self, step: u64, wall_time: f64) -> io::Result<()> {
        let session_log = Some(SessionLog { status: SESSION_START });
        self.write(&Event { wall_time, step: step.cast_signed(), session_log, ..Event::default() })
    }

    /// Writes one value of the curve `tag`, such as `validation/loss`. NaN and infinities are written as they are.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn scalar(&mut self, step: u64, tag: &str, value: f32, wall_time: f64) -> io::Result<()> {
        let value = Value { tag: tag.to_owned(), simple_value: Some(value) };
        let summary = Some(Summary { value: vec![value] });
        self.write(&Event { wall_time, step: step.cast_signed(), summary, ..Event::default() })
    }

    /// Hands everything written so far to the operating system, where TensorBoard sees it.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    fn write(&mut self, event: &Event) -> io::Result<()> {
        let bytes = event.encode_to_vec();
        let length = (bytes.len() as u64).to_le_bytes();
        self.file.write_all(&length)?;
        self.file.write_all(&masked_crc(&length).to_le_bytes())?;
        self.file.write_all(&bytes)?;
        self.file.write_all(&masked_crc(&bytes).to_le_bytes())
    }
}

/// CRC-32C turned and shifted, as TFRecord stores it: a checksum of data that holds checksums is then harmless.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// `tensorflow.Event`. `what` is a oneof there; here one of the optional fields is set.
#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
    #[prost(message, optional, tag = "7")]
    session_log: Option<SessionLog>,
}

/// `tensorflow.Summary`.
#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

/// `tensorflow.Summary.Value`. Optional, or proto3 would leave a value of 0 out.
#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
}

/// `tensorflow.SessionLog`.
#[derive(Clone, PartialEq, Message)]
struct SessionLog {
    #[prost(int32, tag = "1")]
    status: i32,
}

/// `SessionLog.SessionStatus.START`.
const SESSION_START: i32 = 1;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    /// Written by TensorBoard 2.21.0's own RecordWriter: the version at 1700000000.25, `validation/loss` 1.875 at
    /// step 300, `손실` 0.0 at step 7, a session start at step 300; wall times 1700000001.5, …2.0 and …3.0.
    const TENSORBOARD: [&str; 4] = [
        "1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a32338d2fe9",
        "2600000000000000734fe3000900006040fc54d94110ac022a180a160a0f76616c69646174696f6e2f6c6f7373150000f03f4e2541a1",
        "1c00000000000000c8c1951d0900008040fc54d94110072a0f0a0d0a06ec8690ec8ba415000000001ae07ba9",
        "100000000000000095fbfe18090000c040fc54d94110ac023a0208014c6a2eee",
    ];

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn only_file(dir: &Path) -> Vec<u8> {
        let files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        fs::read(&files[0]).unwrap()
    }

    /// Reads TFRecords, checking both checksums of each.
    fn records(mut bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        while !bytes.is_empty() {
            let (length, rest) = bytes.split_at(8);
            let (length_crc, rest) = rest.split_at(4);
            let (payload, rest) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
            let (payload_crc, rest) = rest.split_at(4);
            assert_eq!(length_crc, masked_crc(length).to_le_bytes());
            assert_eq!(payload_crc, masked_crc(payload).to_le_bytes());
            events.push(Event::decode(payload).unwrap());
            bytes = rest;
        }
        events
    }

    #[test]
    fn bytes_are_tensorboards_own() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = EventWriter::create(dir.path(), 1_700_000_000.25).unwrap();
        writer.scalar(300, "validation/loss", 1.875, 1_700_000_001.5).unwrap();
        writer.scalar(7, "손실", 0.0, 1_700_000_002.0).unwrap();
        writer.resumed(300, 1_700_000_003.0).unwrap();
        writer.flush().unwrap();
        assert_eq!(hex(&only_file(dir.path())), TENSORBOARD.concat());
        assert!(dir.path().join("events.out.tfevents.1700000000.sisun").exists());
    }

    #[test]
    fn masked_crc_is_the_published_one() {
        // CRC-32C's check value 0xe3069283, turned and shifted by hand.
        assert_eq!(masked_crc(b"123456789"), 0x2507_c60d_u32.wrapping_add(0xa282_ead8));
    }

    #[test]
    fn every_value_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = EventWriter::create(dir.path(), 0.0).unwrap();
        let values = [0.0, -0.0, 1e-45, f32::MAX, f32::INFINITY, f32::NAN];
        for (step, value) in values.into_iter().enumerate() {
            writer.scalar(step as u64, "", value, 0.5).unwrap();
        }
        drop(writer);
        let events = records(&only_file(dir.path()));
        assert_eq!(events[0].file_version.as_deref(), Some("brain.Event:2"));
        assert_eq!(events.len(), 1 + values.len());
        for (step, (event, value)) in events[1..].iter().zip(values).enumerate() {
            let read = event.summary.as_ref().unwrap().value[0].simple_value.unwrap();
            assert_eq!((event.step, read.to_bits()), (step as i64, value.to_bits()));
        }
    }

    #[test]
    fn a_second_file_sorts_after_the_first() {
        let dir = tempfile::tempdir().unwrap();
        for _ in 0..3 {
            EventWriter::create(dir.path(), 1_699_999_999.9).unwrap();
        }
        for name in ["1699999999", "1700000000", "1700000001"] {
            assert!(dir.path().join(format!("events.out.tfevents.{name}.sisun")).exists(), "{name}");
        }
    }

    #[test]
    fn a_missing_directory_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let error = EventWriter::create(&dir.path().join("nowhere"), 1.0).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
