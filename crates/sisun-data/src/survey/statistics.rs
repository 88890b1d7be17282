//! Script and layout of a text.

/// The writing system of most letters of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// Latin letters.
    Latin,
    /// Hangul syllables.
    Korean,
    /// Han characters, without kana.
    Chinese,
    /// Kana, and Han characters.
    Japanese,
    /// Any other, or several.
    Other,
}

impl Script {
    /// Return the writing system of more than half of the letters.
    pub(super) fn of(text: &str) -> Self {
        let (mut latin, mut hangul, mut han, mut kana, mut other) = (0, 0, 0, 0, 0);
        for c in text.chars().filter(|c| c.is_alphabetic()) {
            *match c {
                'a'..='z' | 'A'..='Z' | '\u{C0}'..='\u{24F}' => &mut latin,
                '\u{1100}'..='\u{11FF}' | '\u{3130}'..='\u{318F}' | '가'..='힣' => &mut hangul,
                '\u{3040}'..='\u{30FF}' => &mut kana,
                '\u{3400}'..='\u{9FFF}' | '\u{20000}'..='\u{2FFFF}' => &mut han,
                _ => &mut other,
            } += 1;
        }
        let half = (latin + hangul + han + kana + other) / 2;
        match () {
            () if latin > half => Self::Latin,
            () if hangul > half => Self::Korean,
            // Kana among Han characters are Japanese, even where they are fewer.
            () if han + kana > half && kana > han / 10 => Self::Japanese,
            () if han + kana > half => Self::Chinese,
            () => Self::Other,
        }
    }
}

/// The lines and paragraphs of a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// Lines that are not blank.
    pub lines: usize,
    /// Median characters of a line.
    pub line_median: usize,
    /// Characters of a line that nine of ten do not exceed.
    pub line_most: usize,
    /// Blocks of lines between blank lines.
    pub paragraphs: usize,
    /// Median characters of a paragraph.
    pub paragraph_median: usize,
    /// Share of the lines that look like source code.
    pub code: f64,
}

impl Layout {
    pub(super) fn of(text: &str) -> Self {
        let (mut lines, mut paragraphs) = (Vec::new(), Vec::new());
        let (mut paragraph, mut code) = (0, 0);
        for line in text.lines() {
            let length = line.trim().chars().count();
            if length == 0 {
                paragraphs.extend((paragraph > 0).then_some(paragraph));
                paragraph = 0;
                continue;
            }
            lines.push(length);
            paragraph += length;
            code += usize::from(is_code(line));
        }
        paragraphs.extend((paragraph > 0).then_some(paragraph));
        lines.sort_unstable();
        paragraphs.sort_unstable();
        let at = |sorted: &[usize], tenths: usize| {
            sorted.get(sorted.len() * tenths / 10).copied().unwrap_or(0)
        };
        Self {
            code: code as f64 / lines.len().max(1) as f64,
            lines: lines.len(),
            line_median: at(&lines, 5),
            line_most: at(&lines, 9),
            paragraphs: paragraphs.len(),
            paragraph_median: at(&paragraphs, 5),
        }
    }

    /// Return true if lines are broken at a fixed width, so that a line is not a unit of its own.
    pub fn is_wrapped(&self) -> bool {
        self.line_median >= 40 && self.line_most * 10 <= self.line_median * 13
    }
}

/// Return true if a line is indented, ends as statements do, or begins as they do.
fn is_code(line: &str) -> bool {
    let text = line.trim_end();
    text.starts_with("    ")
        || text.starts_with('\t')
        || text.ends_with([';', '{', '}', ')'])
        || [
            "def ", "class ", "import ", "from ", "#include", "use ", "fn ", "pub ", "//",
            "return ",
        ]
        .iter()
        .any(|word| text.trim_start().starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::{Layout, Script};

    #[test]
    fn scripts() {
        for (text, script) in [
            ("The cat sat, naïve.", Script::Latin),
            ("고양이가 앉았다. OK", Script::Korean),
            ("\u{1112}\u{1161}\u{11AB}", Script::Korean),
            ("学而时习之，不亦说乎", Script::Chinese),
            ("猫が座った。東京都", Script::Japanese),
            ("Кот сидел", Script::Other),
            ("1234", Script::Other),
        ] {
            assert_eq!(Script::of(text), script, "{text}");
        }
    }

    #[test]
    fn layouts() {
        let layout = Layout::of("one two\nthree\n\n \nfour\n\n\n");
        assert_eq!((layout.lines, layout.paragraphs), (3, 2));
        assert_eq!((layout.line_median, layout.paragraph_median), (5, 12));
        let wrapped = format!("{}\n", "a".repeat(70)).repeat(40);
        assert!(Layout::of(&wrapped).is_wrapped());
        let reviews: String = (0..40)
            .map(|i| format!("{}\n", "a".repeat(10 + 4 * i)))
            .collect();
        assert!(!Layout::of(&reviews).is_wrapped());
        let code = "fn main() {\n    let x = 1;\n    if x > 0 {\n        go();\n    }\n}\n";
        assert!(Layout::of(code).code > 0.9);
        assert!(Layout::of("Once upon a time.\nThere was a cat (named Tom).\n").code < 0.1);
    }
}
