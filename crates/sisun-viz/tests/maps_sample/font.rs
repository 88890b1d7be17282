//! Fonts for tests: every ASCII character is a box, and other characters have no glyph.

/// Create a TrueType font whose characters are `advance` thousandths of their size wide.
pub(crate) fn boxes(family: &str, advance: u16) -> Vec<u8> {
    face(family, advance, 0)
}

/// Create a collection of such fonts.
pub(crate) fn collection(faces: &[(&str, u16)]) -> Vec<u8> {
    let header = 12 + 4 * faces.len();
    let mut file = [b"ttcf".to_vec(), longs(&[0x0001_0000, faces.len() as u32])].concat();
    file.resize(header, 0);
    for (i, (family, advance)) in faces.iter().enumerate() {
        let start = file.len();
        file[12 + 4 * i..16 + 4 * i].copy_from_slice(&(start as u32).to_be_bytes());
        file.extend(face(family, *advance, start));
    }
    file
}

/// Create a face that begins at byte `start` of its file.
fn face(family: &str, advance: u16, start: usize) -> Vec<u8> {
    let right = advance - 50;
    let tables: [(&[u8; 4], Vec<u8>); 10] = [
        // Version, average width, weight, width; no subscripts; drawn for Latin, upright.
        (
            b"OS/2",
            [
                words(&[0, advance, 400, 5, 0]),
                vec![0; 52],
                words(&[0x40, 0x20, 0x7e, 800]),
                words(&[0xff38, 0, 800, 200]),
            ]
            .concat(),
        ),
        (b"cmap", cmap()),
        (b"glyf", glyf(right)),
        (
            b"head",
            [
                longs(&[0x0001_0000, 0x0001_0000, 0, 0x5f0f_3cf5]),
                words(&[0x0b, 1000]),
                vec![0; 16],
                words(&[50, 0, right, 700, 0, 8, 2, 0, 0]),
            ]
            .concat(),
        ),
        (
            b"hhea",
            [
                longs(&[0x0001_0000]),
                words(&[800, 0xff38, 0, advance, 50, 50, right, 1]),
                vec![0; 14],
                words(&[2]),
            ]
            .concat(),
        ),
        (b"hmtx", words(&[advance, 50, advance, 50])),
        (b"loca", words(&[0, 0, 18])),
        (
            b"maxp",
            [
                longs(&[0x0001_0000]),
                words(&[2, 4, 1, 0, 0, 2]),
                vec![0; 16],
            ]
            .concat(),
        ),
        (b"name", name(family)),
        (b"post", [longs(&[0x0003_0000]), vec![0; 28]].concat()),
    ];
    let mut file = [
        longs(&[0x0001_0000]),
        words(&[tables.len() as u16, 128, 3, 32]),
    ]
    .concat();
    let mut body = Vec::new();
    let header = file.len() + 16 * tables.len();
    for (tag, table) in tables {
        file.extend(tag);
        file.extend(longs(&[
            0,
            (start + header + body.len()) as u32,
            table.len() as u32,
        ]));
        body.extend(table);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    file.extend(body);
    file
}

/// Format 12: each character of ASCII is glyph 1.
fn cmap() -> Vec<u8> {
    let groups: Vec<u8> = (0x20..=0x7e).flat_map(|c| longs(&[c, c, 1])).collect();
    let table = [
        words(&[12, 0]),
        longs(&[16 + groups.len() as u32, 0, groups.len() as u32 / 12]),
        groups,
    ]
    .concat();
    [words(&[0, 1, 3, 10]), longs(&[12]), table].concat()
}

/// Glyph 0 has no outline; glyph 1 is a box.
fn glyf(right: u16) -> Vec<u8> {
    let (width, down) = (right - 50, 700_i16.wrapping_neg() as u16);
    let points = words(&[50, 0, width, 0, 0, 700, 0, down]);
    let mut glyph = [words(&[1, 50, 0, right, 700, 3, 0]), vec![1; 4], points].concat();
    glyph.resize(36, 0);
    glyph
}

/// Family and PostScript name.
fn name(family: &str) -> Vec<u8> {
    let text: Vec<u8> = family.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let record = |id| words(&[3, 1, 0x409, id, text.len() as u16, 0]);
    [words(&[0, 2, 30]), record(1), record(6), text.clone()].concat()
}

fn words(values: &[u16]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_be_bytes())
        .collect()
}

fn longs(values: &[u32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_be_bytes())
        .collect()
}
