//! Choices that depend on the text alone: its documents, its vocabulary, and examples of it.

use sisun_config::Documents;
use sisun_data::{Script, Survey};

/// Choose the definition of a document, with the reason.
pub(super) fn documents(survey: &Survey) -> (Documents, &'static str) {
    let layout = &survey.layout;
    let files = survey.files.len();
    let (blocks, lines) = (layout.paragraphs >= 20, layout.lines >= 50);
    if survey.fields.is_some() {
        return (Documents::File, "each record is a document");
    }
    if layout.code > 0.4 && (files == 1 || survey.last_file_share < 0.3) {
        return (
            Documents::File,
            "source code, whose blank lines end nothing",
        );
    }
    if files > 1 && survey.last_file_share < 0.3 && survey.bytes / (files as u64) < 200_000 {
        return (Documents::File, "each file is a document");
    }
    if blocks && layout.paragraph_median >= 200 && layout.paragraphs * 10 > layout.lines * 7 {
        return (
            Documents::Paragraph,
            "blocks between blank lines, each long enough for a text",
        );
    }
    if lines
        && layout.paragraphs * 10 < layout.lines
        && !layout.is_wrapped()
        && layout.line_median < 1_000
        && layout.code < 0.2
    {
        return (
            Documents::Line,
            "no blank lines: each line is a text of its own",
        );
    }
    if files > 1 && survey.last_file_share >= 0.3 {
        let why = "the files are too few to hold out a whole one";
        return match blocks {
            true => (Documents::Paragraph, why),
            false => (Documents::Line, why),
        };
    }
    (Documents::File, "one text from beginning to end")
}

/// Choose the size of a byte-pair encoding's vocabulary.
pub(super) fn vocabulary(script: Script, characters: u64) -> usize {
    let latin = match characters {
        0..300_000 => 512,
        300_000..2_500_000 => 1024,
        2_500_000..25_000_000 => 2048,
        _ => 4096,
    };
    match script {
        Script::Latin | Script::Other => latin,
        // Thousands of characters, of three bytes each.
        Script::Korean | Script::Chinese | Script::Japanese => 2 * latin,
    }
}

/// Return a text to continue: a question, or the first words.
pub(super) fn prompt(survey: &Survey) -> Option<String> {
    let opening = survey.opening.as_str();
    let asks = survey
        .fields
        .as_ref()
        .filter(|fields| fields.answer.is_some());
    if let Some(fields) = asks {
        let question = format!("{opening}{}", fields.separator);
        return (question.chars().count() <= 200).then_some(question);
    }
    // Part of a short text: after all of it there is nothing to continue.
    let words: Vec<&str> = opening.split_whitespace().collect();
    let words = words[..words.len().div_ceil(2).min(3)].join(" ");
    let few: String = match survey.script {
        // Without spaces between words.
        Script::Chinese | Script::Japanese => opening.chars().take(4).collect(),
        _ => words.chars().take(40).collect(),
    };
    (!few.is_empty()).then_some(few)
}

/// Return a sentence to look at.
pub(super) fn sentence(opening: &str) -> Option<String> {
    const MOST: usize = 60;
    let part: String = opening.chars().take(MOST).collect();
    let whole = part.len() == opening.len();
    let end = part
        .rfind(['.', '!', '?', '。', '！', '？'])
        .map(|at| at + part[at..].chars().next().map_or(1, char::len_utf8));
    let cut = match (whole, end) {
        (true, _) => part.as_str(),
        (false, Some(end)) => &part[..end],
        (false, None) => part
            .rsplit_once(' ')
            .map_or(part.as_str(), |(words, _)| words),
    };
    let cut = cut.trim();
    (!cut.is_empty()).then(|| cut.to_owned())
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn sentences_end_where_they_end() {
        for (opening, expected) in [
            ("The cat sat.", "The cat sat."),
            (
                "The cat sat. Then it slept for a very long time on the warm red mat by the door",
                "The cat sat.",
            ),
            (
                "one two three four five six seven eight nine ten eleven twelve thirteen",
                "one two three four five six seven eight nine ten eleven",
            ),
            ("  ", ""),
        ] {
            assert_eq!(sentence(opening).unwrap_or_default(), expected);
        }
    }
}
