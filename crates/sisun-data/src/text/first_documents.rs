//! The first documents of a text, before they are tokenized.

use crate::{
    DataError, text::document_event::DocumentEvent, text::documents::read_documents, text::sources,
    text::utf8::ReadSummary,
};
use sisun_config::DataConfig;

/// Return the first `bytes` bytes of the documents that `data` names; the last document may be cut.
/// Standard input, which can be read only once, is left out.
///
/// # Errors
/// Any [`DataError`] of reading the text.
pub fn first_documents(data: &DataConfig, bytes: usize) -> Result<Vec<String>, DataError> {
    let sources: Vec<String> = data
        .sources
        .iter()
        .filter(|source| *source != "-")
        .cloned()
        .collect();
    let spool = std::env::temp_dir();
    let inputs = sources::resolve_sources(&sources, data, &spool, &mut std::io::empty())?.inputs;
    let (mut documents, mut document, mut taken) = (Vec::new(), String::new(), 0);
    for input in &inputs {
        if taken >= bytes {
            break;
        }
        read_documents(
            std::slice::from_ref(input),
            data,
            &mut ReadSummary::default(),
            &mut |event| {
                match event {
                    DocumentEvent::Text(text, _) => {
                        let end = text.floor_char_boundary(bytes - taken);
                        document.push_str(&text[..end]);
                        taken += end;
                    }
                    DocumentEvent::End if document.is_empty() => {}
                    DocumentEvent::End => documents.push(std::mem::take(&mut document)),
                }
                Ok(())
            },
        )?;
    }
    Ok(documents)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::first_documents;
    use sisun_config::DataConfig;

    #[test]
    fn documents_end_where_the_bytes_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(
            path("a.jsonl"),
            "{\"text\": \"하나\"}\n{\"text\": \"둘\"}\n",
        )
        .unwrap();
        std::fs::write(path("b.txt"), "셋").unwrap();
        let data = DataConfig::with_sources(vec![path("a.jsonl"), "-".to_owned(), path("b.txt")]);
        assert_eq!(first_documents(&data, 100).unwrap(), ["하나", "둘", "셋"]);
        assert_eq!(
            first_documents(&data, 11).unwrap(),
            ["하나", "둘"],
            "no half of a character"
        );
        assert_eq!(first_documents(&data, 4).unwrap(), ["하"]);
    }
}
