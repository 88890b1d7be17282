//! Parsing and rendering pictures.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{self, Node, Paint, Rect, Tree, fontdb};

/// Parse an SVG with the embedded font only.
pub(crate) fn parse(path: &Path) -> Tree {
    parse_with(path, &[])
}

/// Parse an SVG with these fonts and the embedded one.
pub(crate) fn parse_with(path: &Path, fonts: &[Vec<u8>]) -> Tree {
    let mut database = fontdb::Database::new();
    database
        .load_font_file(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/assets/Pretendard-Regular.otf"
        ))
        .unwrap();
    fonts
        .iter()
        .for_each(|font| database.load_font_data(font.clone()));
    let options = usvg::Options {
        fontdb: Arc::new(database),
        ..usvg::Options::default()
    };
    Tree::from_str(&fs::read_to_string(path).unwrap(), &options).unwrap()
}

/// Render an SVG with the number of pixels of `like`.
pub(crate) fn render(tree: &Tree, like: &Pixmap) -> Pixmap {
    let mut pixels = Pixmap::new(like.width(), like.height()).unwrap();
    let scale = like.width() as f32 / tree.size().width();
    resvg::render(
        tree,
        Transform::from_scale(scale, scale),
        &mut pixels.as_mut(),
    );
    pixels
}

/// Return all drawn nodes, without their groups.
pub(crate) fn nodes(tree: &Tree) -> Vec<&Node> {
    fn walk<'t>(group: &'t usvg::Group, found: &mut Vec<&'t Node>) {
        for node in group.children() {
            match node {
                Node::Group(group) => walk(group, found),
                _ => found.push(node),
            }
        }
    }
    let mut found = Vec::new();
    walk(tree.root(), &mut found);
    found
}

/// Return fill and position of every rectangle that is about `side` pixels wide and high.
pub(crate) fn squares(tree: &Tree, side: f32) -> Vec<(String, Rect)> {
    let square = |node: &&Node| match node {
        Node::Path(path) => {
            let place = path.abs_bounding_box();
            let Some(Paint::Color(fill)) = path.fill().map(|fill| fill.paint()) else {
                return None;
            };
            let fill = format!("#{:02x}{:02x}{:02x}", fill.red, fill.green, fill.blue);
            let near = |length: f32| (length - side).abs() <= 1.0;
            (near(place.width()) && near(place.height())).then_some((fill, place))
        }
        _ => None,
    };
    nodes(tree).iter().filter_map(square).collect()
}

/// Return every text element with its contents.
pub(crate) fn texts(tree: &Tree) -> Vec<(String, &usvg::Text)> {
    let text = |node: &'_ &Node| matches!(node, Node::Text(_));
    nodes(tree)
        .into_iter()
        .filter(text)
        .map(|node| {
            let Node::Text(text) = node else {
                unreachable!("filtered above")
            };
            (
                text.chunks().iter().map(|chunk| chunk.text()).collect(),
                &**text,
            )
        })
        .collect()
}

/// Assert that all text is on the page, `margin` pixels from its edges, that horizontal texts on
/// lines at least `line` pixels apart do not overlap, and that slanted labels are as far apart.
#[track_caller]
pub(crate) fn assert_tidy(tree: &Tree, margin: f32, line: f32, picture: &str) {
    let (width, height) = (tree.size().width(), tree.size().height());
    let texts = texts(tree);
    for (words, text) in &texts {
        let place = text.abs_stroke_bounding_box();
        let margins = [
            place.left(),
            place.top(),
            width - place.right(),
            height - place.bottom(),
        ];
        assert!(
            margins.iter().all(|&m| m >= margin),
            "{words} at {place:?} of {width} × {height}, {picture}"
        );
    }
    let turned = |text: &usvg::Text| text.abs_transform().ky != 0.0;
    let level: Vec<_> = texts.iter().filter(|(_, text)| !turned(text)).collect();
    for (i, (words, text)) in level.iter().enumerate() {
        for (others, other) in &level[..i] {
            let (a, b) = (text.abs_bounding_box(), other.abs_bounding_box());
            let apart = a.left() >= b.right() || b.left() >= a.right();
            // Boxes of text have the height of the font's tallest letters and may touch.
            let above = (a.top() + a.bottom() - b.top() - b.bottom()).abs() / 2.0 >= line;
            assert!(apart || above, "{words} over {others}, {picture}");
        }
    }
    let is_slanted = |text: &usvg::Text| turned(text) && text.abs_transform().sx > 0.1;
    let mut starts: Vec<f32> = texts
        .iter()
        .filter(|(_, text)| is_slanted(text))
        .map(|(_, text)| text.abs_transform().tx)
        .collect();
    starts.sort_by(f32::total_cmp);
    for pair in starts.windows(2) {
        let apart = (pair[1] - pair[0]) * 60_f32.to_radians().sin();
        assert!(
            apart >= line,
            "labels at {} and {}, {picture}",
            pair[0],
            pair[1]
        );
    }
}
