//! Composing text (NFC) as it is read.

use crate::{
    DataError,
    text::{
        document_event::{DocumentEvent, DocumentSink, TextRole},
        normalization::composed,
    },
};

/// Text without a place to cut it is composed in parts of this many bytes.
const MAX_PENDING: usize = 4 << 20;

/// Compose the text of documents in parts across which no composition reaches.
#[derive(Debug, Default)]
pub(crate) struct NfcComposer {
    pending: String,
    role: TextRole,
}

impl NfcComposer {
    pub(crate) fn push(
        &mut self,
        event: DocumentEvent<'_>,
        sink: &mut DocumentSink<'_>,
    ) -> Result<(), DataError> {
        let DocumentEvent::Text(text, role) = event else {
            self.flush(self.pending.len(), sink)?;
            self.role = TextRole::default();
            return sink(DocumentEvent::End);
        };
        if role != self.role {
            self.flush(self.pending.len(), sink)?;
            self.role = role;
        }
        self.pending.push_str(text);
        // An ASCII character is never composed with one before it.
        let cut = self.pending.rfind(|c: char| c.is_ascii()).unwrap_or(0);
        let cut = if self.pending.len() - cut > MAX_PENDING {
            self.pending.len()
        } else {
            cut
        };
        self.flush(cut, sink)
    }

    fn flush(&mut self, upto: usize, sink: &mut DocumentSink<'_>) -> Result<(), DataError> {
        if upto == 0 {
            return Ok(());
        }
        let text = composed(&self.pending[..upto]);
        sink(DocumentEvent::Text(&text, self.role))?;
        self.pending.drain(..upto);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::NfcComposer;
    use crate::text::{
        document_event::{DocumentEvent, TextRole},
        normalization::composed,
    };

    /// 한글, é, and a mark that belongs to nothing.
    const DECOMPOSED: &str =
        "\u{1112}\u{1161}\u{11AB}\u{1100}\u{1173}\u{11AF} caf\u{65}\u{301}, \u{301}x";

    #[test]
    fn parts_compose_as_the_whole() {
        assert_eq!(composed(DECOMPOSED), "한글 caf\u{E9}, \u{301}x");
        let long = DECOMPOSED.repeat(3);
        let characters: Vec<char> = long.chars().collect();
        for size in 1..9 {
            let (mut whole, mut ends) = (String::new(), 0);
            let mut composer = NfcComposer::default();
            let mut push = |event: DocumentEvent<'_>| {
                composer.push(event, &mut |event| {
                    match event {
                        DocumentEvent::Text(text, _) => whole += text,
                        DocumentEvent::End => ends += 1,
                    }
                    Ok(())
                })
            };
            characters.chunks(size).for_each(|part| {
                push(DocumentEvent::Text(
                    &part.iter().collect::<String>(),
                    TextRole::Plain,
                ))
                .unwrap()
            });
            push(DocumentEvent::End).unwrap();
            assert_eq!((whole, ends), (composed(&long).into_owned(), 1));
        }
    }
}
