//! Scalars for TensorBoard: `Event` protocol buffers in TFRecord framing.
//!
//! The messages declare the used fields of TensorFlow's `event.proto` and `summary.proto` by hand,
//! so that the build does not need `protoc`. A record is
//! `length: u64 | masked CRC-32C of length: u32 | bytes | masked CRC-32C of bytes: u32`,
//! little-endian.

use prost::Message;
use sisun_files::write_atomic;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Prefix of an events file, followed by its time in seconds.
const BEGINS: &str = "events.out.tfevents.";
/// Suffix of an events file.
const ENDS: &str = ".sisun";

/// A writer that appends scalar events to an events file, which TensorBoard may read as it grows.
#[derive(Debug)]
pub struct EventWriter {
    file: BufWriter<File>,
}

impl EventWriter {
    /// Create a new file `events.out.tfevents.{secs}.sisun` in `dir`, which must exist.
    ///
    /// `wall_time` is in seconds since 1970. A resumed run gets its own file: if the name is taken,
    /// the next free second is used, because TensorBoard reads files in the order of their names.
    ///
    /// # Errors
    /// If the file cannot be created.
    pub fn create(dir: &Path, wall_time: f64) -> io::Result<Self> {
        let mut seconds = wall_time as u64;
        let file = loop {
            let path = dir.join(format!("{BEGINS}{seconds:010}{ENDS}"));
            match OpenOptions::new().write(true).create_new(true).open(path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    seconds = seconds.wrapping_add(1)
                }
                opened => break opened?,
            }
        };
        let mut writer = Self {
            file: BufWriter::new(file),
        };
        writer.write(&Event {
            wall_time,
            file_version: Some("brain.Event:2".to_owned()),
            ..Event::default()
        })?;
        Ok(writer)
    }

    /// Record that training resumes at `step`: TensorBoard drops values of that step and later ones
    /// from earlier files.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn resumed(&mut self, step: u64, wall_time: f64) -> io::Result<()> {
        let session_log = Some(SessionLog {
            status: SESSION_START,
        });
        self.write(&Event {
            wall_time,
            step: step.cast_signed(),
            session_log,
            ..Event::default()
        })
    }

    /// Write a value of the curve `tag`, such as `validation/loss`. NaN and infinities are written
    /// unchanged.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn scalar(&mut self, step: u64, tag: &str, value: f32, wall_time: f64) -> io::Result<()> {
        let value = Value {
            tag: tag.to_owned(),
            simple_value: Some(value),
        };
        let summary = Some(Summary { value: vec![value] });
        self.write(&Event {
            wall_time,
            step: step.cast_signed(),
            summary,
            ..Event::default()
        })
    }

    /// Flush buffered events to the operating system, where TensorBoard sees them.
    ///
    /// # Errors
    /// If the file cannot be written.
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

/// Remove events of steps after `last` and truncated records from the events files in `dir`. Return
/// true if there are such files.
///
/// # Errors
/// If a file cannot be read or written.
pub fn keep_to(dir: &Path, last: u64) -> io::Result<bool> {
    let mut found = false;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if !name
            .to_str()
            .is_some_and(|name| name.starts_with(BEGINS) && name.ends_with(ENDS))
        {
            continue;
        }
        found = true;
        let bytes = fs::read(entry.path())?;
        let mut kept = Vec::with_capacity(bytes.len());
        let mut rest = &bytes[..];
        while let Some((event, record)) = first_record(rest) {
            rest = &rest[record.len()..];
            if event.step <= last.cast_signed() {
                kept.extend_from_slice(record);
            }
        }
        if kept != bytes {
            write_atomic(&entry.path(), &kept)?;
        }
    }
    Ok(found)
}

/// Return the first event of these bytes and its whole record; `None` if it is truncated or
/// damaged.
fn first_record(bytes: &[u8]) -> Option<(Event, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (length_crc, rest) = rest.split_first_chunk()?;
    let n = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (event, rest) = rest.split_at_checked(n)?;
    let (event_crc, rest) = rest.split_first_chunk()?;
    let is_whole = u32::from_le_bytes(*length_crc) == masked_crc(length)
        && u32::from_le_bytes(*event_crc) == masked_crc(event);
    let event = Event::decode(event).ok().filter(|_| is_whole)?;
    Some((event, &bytes[..bytes.len() - rest.len()]))
}

/// Compute the rotated and shifted CRC-32C that TFRecord stores, which makes checksums of data
/// containing checksums safe.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

/// `tensorflow.Event`. Its oneof `what` is represented by optional fields, of which one is set.
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

/// `tensorflow.Summary.Value`. Optional, because proto3 would omit a value of 0.
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

    /// Written by the RecordWriter of TensorBoard 2.21.0: the version at 1700000000.25,
    /// `validation/loss` 1.875 at step 300, `손실` 0.0 at step 7, a session start at step 300; wall
    /// times 1700000001.5, …2.0 and …3.0.
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
        let files: Vec<_> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(files.len(), 1, "{files:?}");
        fs::read(&files[0]).unwrap()
    }

    /// Read all records of a file.
    fn records(mut bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        while !bytes.is_empty() {
            let (event, record) = first_record(bytes).unwrap();
            events.push(event);
            bytes = &bytes[record.len()..];
        }
        events
    }

    #[test]
    fn what_is_said_of_later_steps_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!keep_to(dir.path(), 0).unwrap());
        let mut writer = EventWriter::create(dir.path(), 7.0).unwrap();
        (1..=4).for_each(|step| writer.scalar(step, "train/loss", 1.0, 8.0).unwrap());
        writer.flush().unwrap();
        let (path, whole) = (
            dir.path().join("events.out.tfevents.0000000007.sisun"),
            only_file(dir.path()),
        );
        fs::write(&path, [&whole[..], &whole[..9]].concat()).unwrap();
        assert!(keep_to(dir.path(), 4).unwrap());
        assert_eq!(
            only_file(dir.path()),
            whole,
            "a record that was cut short is gone"
        );
        let steps = || {
            records(&only_file(dir.path()))
                .iter()
                .map(|event| event.step)
                .collect::<Vec<_>>()
        };
        for (last, expected) in [(2, vec![0, 1, 2]), (0, vec![0])] {
            assert!(keep_to(dir.path(), last).unwrap());
            assert_eq!(steps(), expected);
        }
        let flipped: Vec<u8> = whole
            .iter()
            .enumerate()
            .map(|(i, byte)| byte ^ u8::from(i == 60))
            .collect();
        fs::write(&path, flipped).unwrap();
        keep_to(dir.path(), 4).unwrap();
        assert!(steps().len() < 5, "nothing of a damaged record is taken");
    }

    #[test]
    fn bytes_are_tensorboards_own() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = EventWriter::create(dir.path(), 1_700_000_000.25).unwrap();
        writer
            .scalar(300, "validation/loss", 1.875, 1_700_000_001.5)
            .unwrap();
        writer.scalar(7, "손실", 0.0, 1_700_000_002.0).unwrap();
        writer.resumed(300, 1_700_000_003.0).unwrap();
        writer.flush().unwrap();
        assert_eq!(hex(&only_file(dir.path())), TENSORBOARD.concat());
        assert!(
            dir.path()
                .join("events.out.tfevents.1700000000.sisun")
                .exists()
        );
    }

    #[test]
    fn masked_crc_is_the_published_one() {
        // CRC-32C's check value 0xe3069283, rotated and shifted by hand.
        assert_eq!(
            masked_crc(b"123456789"),
            0x2507_c60d_u32.wrapping_add(0xa282_ead8)
        );
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
            let read = event.summary.as_ref().unwrap().value[0]
                .simple_value
                .unwrap();
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
            assert!(
                dir.path()
                    .join(format!("events.out.tfevents.{name}.sisun"))
                    .exists(),
                "{name}"
            );
        }
    }

    #[test]
    fn a_missing_directory_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let error = EventWriter::create(&dir.path().join("nowhere"), 1.0).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
