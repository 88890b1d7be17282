//! Attention maps as files: reading a file gives what was written.
#![allow(clippy::unwrap_used)]

mod maps_sample;

use std::fs::{self, File};
use std::io::Read as _;
use std::num::NonZeroU32;
use std::path::Path;

use maps_sample::{activation, maps, pattern, scores};
use npyz::NpyFile;
use safetensors::SafeTensors;
use serde_json::Value;
use sisun_infer::AttentionMaps;
use sisun_model::Activation;
use sisun_viz::maps::{Format, MapsError, PictureOptions, write};

const LABELS: [&str; 7] = ["나", "는 \"비\"", "⏎", "한 1/3", "👩‍👩‍👧", "a,b\nc", ""];

/// Return maps of layers 3 and 11, heads 2 and 5, with scores, and keys of the only key–value head.
fn sample() -> AttentionMaps {
    let n = LABELS.len();
    let heads = [2, 5];
    let keys: Vec<f32> = (0..n * 3).map(|i| i as f32 * 0.1 - 1.0).collect();
    let activations = vec![
        activation(Activation::Pattern, 3, &heads, n, pattern(n, 2, 1)),
        activation(Activation::Pattern, 11, &heads, n, pattern(n, 2, 2)),
        activation(Activation::Scores, 3, &heads, n, scores(n, 2, 1)),
        activation(Activation::K, 3, &[0], 3, keys),
    ];
    maps(&LABELS, activations)
}

fn written(format: Format) -> (tempfile::TempDir, AttentionMaps) {
    let folder = tempfile::tempdir().unwrap();
    let maps = sample();
    let files = write(&maps, folder.path(), &[format], &PictureOptions::default()).unwrap();
    assert_eq!(files, [folder.path().join(format!("attention.{format}"))]);
    let left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(left, files, "nothing else is left in the folder");
    (folder, maps)
}

/// Read one array of an NPZ file: NumPy header and data.
fn npy(folder: &Path, name: &str) -> NpyFile<std::io::Cursor<Vec<u8>>> {
    let mut archive =
        zip::ZipArchive::new(File::open(folder.join("attention.npz")).unwrap()).unwrap();
    let mut bytes = Vec::new();
    archive
        .by_name(&format!("{name}.npy"))
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    NpyFile::new(std::io::Cursor::new(bytes)).unwrap()
}

#[test]
fn npz_holds_every_array() {
    let (folder, maps) = written(Format::Npz);
    for (array, index) in [("layer3", 0), ("layer11", 1), ("scores3", 2), ("k3", 3)] {
        let file = npy(folder.path(), array);
        let activation = &maps.activations[index];
        assert_eq!(
            file.shape(),
            activation.shape.map(|length| length as u64),
            "{array}"
        );
        assert_eq!(file.dtype().descr(), "'<f4'");
        assert_eq!(
            file.into_vec::<f32>().unwrap(),
            activation.values,
            "{array}"
        );
    }
    assert_eq!(
        npy(folder.path(), "heads").into_vec::<i64>().unwrap(),
        [2, 5]
    );
    assert_eq!(
        npy(folder.path(), "k3_heads").into_vec::<i64>().unwrap(),
        [0]
    );
    let tokens = npy(folder.path(), "tokens");
    assert_eq!(
        tokens.dtype().descr(),
        "'<U5'",
        "the longest label has five code points"
    );
    assert_eq!(tokens.into_vec::<String>().unwrap(), LABELS);
    let offsets = npy(folder.path(), "offsets");
    assert_eq!(offsets.shape(), [7, 2]);
    assert_eq!(offsets.into_vec::<i64>().unwrap()[..4], [0, 1, 1, 2]);
    assert_eq!(
        npy(folder.path(), "ids").into_vec::<i64>().unwrap(),
        [100, 101, 102, 103, 104, 105, 106]
    );
}

#[test]
fn safetensors_hold_every_tensor() {
    let (folder, maps) = written(Format::Safetensors);
    let bytes = fs::read(folder.path().join("attention.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.len(), 4);
    for (name, index) in [("layer3", 0), ("layer11", 1), ("scores3", 2), ("k3", 3)] {
        let tensor = file.tensor(name).unwrap();
        let activation = &maps.activations[index];
        assert_eq!(tensor.dtype(), safetensors::Dtype::F32);
        assert_eq!(tensor.shape(), activation.shape);
        let values: Vec<f32> = tensor
            .data()
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
            .collect();
        assert_eq!(values, activation.values, "{name}");
    }
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().as_ref().unwrap();
    assert_eq!(metadata["text"], maps.text);
    assert_eq!(metadata["model"], maps.model);
    let tokens: Value = serde_json::from_str(&metadata["tokens"]).unwrap();
    assert_eq!(tokens[4]["text"], "👩‍👩‍👧");
    let heads: Value = serde_json::from_str(&metadata["heads"]).unwrap();
    assert_eq!(
        heads,
        serde_json::json!({"k3": [0], "layer11": [2, 5], "layer3": [2, 5], "scores3": [2, 5]})
    );
}

#[test]
fn json_holds_every_matrix() {
    let (folder, maps) = written(Format::Json);
    let json: Value =
        serde_json::from_slice(&fs::read(folder.path().join("attention.json")).unwrap()).unwrap();
    assert_eq!(json["text"], maps.text);
    assert_eq!(
        json["tokens"][5],
        serde_json::json!({"id": 105, "text": "a,b\nc", "start": 5, "end": 6})
    );
    let layers: Vec<_> = json["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|layer| layer["layer"].clone())
        .collect();
    assert_eq!(layers, [3, 11]);

    let heads = json["layers"][0]["heads"].as_array().unwrap();
    let numbers: Vec<_> = heads.iter().map(|head| head["head"].clone()).collect();
    assert_eq!(numbers, [0, 2, 5]);
    assert_eq!(heads[0]["k"].as_array().unwrap().len(), 7);
    assert!(heads[0].get("pattern").is_none(), "head 0 has keys only");
    let n = LABELS.len();
    let matrix = |place: usize, name: &str| -> Vec<Option<f32>> {
        let rows = heads[place][name]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row.as_array().unwrap());
        rows.inspect(|row| assert_eq!(row.len(), n))
            .flatten()
            .map(|cell| cell.as_f64().map(|v| v as f32))
            .collect()
    };
    for (index, name) in [(0, "pattern"), (2, "scores")] {
        // Hidden values are `-inf` in the scores and null in JSON.
        let expected: Vec<_> = maps.activations[index]
            .values
            .iter()
            .map(|&value| Some(value).filter(|v| v.is_finite()))
            .collect();
        assert_eq!([matrix(1, name), matrix(2, name)].concat(), expected);
    }
}

#[test]
fn csv_holds_every_cell() {
    let (folder, maps) = written(Format::Csv);
    let mut table = csv::Reader::from_path(folder.path().join("attention.csv")).unwrap();
    assert_eq!(
        table.headers().unwrap(),
        "layer,head,query,key,query_token,key_token,weight"
            .split(',')
            .collect::<Vec<_>>()
    );
    let rows: Vec<(usize, usize, usize, usize, String, String, f32)> =
        table.deserialize().collect::<Result<_, _>>().unwrap();
    let n = LABELS.len();
    assert_eq!(rows.len(), 2 * 2 * n * n);
    let weights: Vec<f32> = rows.iter().map(|row| row.6).collect();
    assert_eq!(
        weights,
        [
            maps.activations[0].values.as_slice(),
            &maps.activations[1].values
        ]
        .concat()
    );
    for (i, (layer, head, query, key, query_token, key_token, _)) in rows.into_iter().enumerate() {
        assert_eq!(
            (layer, head),
            ([3, 11][i / (2 * n * n)], [2, 5][i / (n * n) % 2])
        );
        assert_eq!((query, key), (i / n % n, i % n));
        assert_eq!(
            (query_token.as_str(), key_token.as_str()),
            (LABELS[query], LABELS[key])
        );
    }
}

#[test]
fn formats_have_names() {
    for format in Format::ALL {
        assert_eq!(format.to_string().parse::<Format>().unwrap(), format);
    }
    assert_eq!(" npz".parse::<Format>().unwrap(), Format::Npz);
    let error = "html".parse::<Format>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown format `html`; choose from svg, png, json, csv, npz, safetensors"
    );
}

#[test]
fn a_format_without_a_place_for_anything_makes_nothing() {
    for name in Activation::PER_HEAD {
        for format in Format::ALL {
            let folder = tempfile::tempdir().unwrap();
            let out = folder.path().join("out");
            let n = LABELS.len();
            let values = if name == Activation::Scores {
                scores(n, 1, 1)
            } else {
                pattern(n, 1, 1)
            };
            let maps = maps(&LABELS, vec![activation(name, 0, &[0], n, values)]);
            match write(&maps, &out, &[format], &PictureOptions::default()) {
                Ok(files) => {
                    assert!(
                        format.activations().contains(&name) && !files.is_empty(),
                        "{name} as {format}"
                    );
                    let bytes = |file| fs::metadata(file).unwrap().len();
                    assert!(
                        files.iter().all(|file| bytes(file) > 200),
                        "{name} as {format}"
                    );
                }
                Err(error) => {
                    let refused = matches!(error, MapsError::NothingToHold { format: of, .. } if of == format.name());
                    assert!(
                        refused && !format.activations().contains(&name) && !out.exists(),
                        "{name}: {error}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("occupied");
    fs::write(&file, "mine").unwrap();
    let error = write(
        &sample(),
        &file.join("maps"),
        &[Format::Json],
        &PictureOptions::default(),
    )
    .unwrap_err();
    assert!(
        matches!(&error, MapsError::Write { path, .. } if path.ends_with("occupied/maps")),
        "{error}"
    );
    assert_eq!(fs::read_to_string(file).unwrap(), "mine");
}

#[test]
fn a_file_that_cannot_be_replaced_is_named_and_nothing_stays() {
    let folder = tempfile::tempdir().unwrap();
    // A folder with contents cannot be replaced by a file.
    fs::create_dir_all(folder.path().join("attention.npz/full")).unwrap();
    let error = write(
        &sample(),
        folder.path(),
        &[Format::Npz],
        &PictureOptions::default(),
    )
    .unwrap_err();
    assert!(error.to_string().contains("attention.npz"), "{error}");
    assert!(!folder.path().join("attention.npz.part").exists());
}

#[test]
fn too_big_a_picture_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("maps");
    let options = PictureOptions {
        cell: NonZeroU32::new(2000),
        ..PictureOptions::default()
    };
    let error = write(&sample(), &out, &[Format::Npz, Format::Svg], &options).unwrap_err();
    let MapsError::TooBig { picture, width, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(picture, "layer3-head2");
    assert!((14_000..14_500).contains(width), "{width}");
    assert!(!out.exists());
    let options = PictureOptions {
        cell: Some(NonZeroU32::MAX),
        ..PictureOptions::default()
    };
    assert!(matches!(
        write(&sample(), &out, &[Format::Png], &options),
        Err(MapsError::TooBig { .. })
    ));
    // Formats other than pictures ignore these options.
    write(&sample(), &out, &[Format::Npz], &options).unwrap();
}

#[test]
fn nothing_captured_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let error = write(
        &maps(&LABELS, vec![]),
        folder.path(),
        &Format::ALL,
        &PictureOptions::default(),
    )
    .unwrap_err();
    assert!(matches!(error, MapsError::Nothing));
}
