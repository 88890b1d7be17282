//! The elements of a JSON array that is larger than memory may be.

/// Takes the text of an array piece by piece and gives out the text of each of its elements.
#[derive(Debug, Default)]
pub(crate) struct Elements {
    /// Brackets and braces that are open.
    depth: usize,
    within_string: bool,
    escaped: bool,
    /// The array is over.
    closed: bool,
    element: String,
    /// Line breaks so far.
    lines: u64,
    /// Line breaks before the element.
    begins: u64,
}

/// Why a text is no array of values.
#[derive(Debug, PartialEq)]
pub(crate) struct NoArray {
    pub(crate) line: u64,
    pub(crate) problem: &'static str,
}

impl Elements {
    /// Takes more text. `sink` gets each element that is complete, with its line, from 1.
    pub(crate) fn push<E: From<NoArray>>(
        &mut self,
        text: &str,
        sink: &mut dyn FnMut(&str, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        for c in text.chars() {
            self.lines += u64::from(c == '\n');
            let blank = matches!(c, ' ' | '\t' | '\r' | '\n');
            if self.within_string {
                self.within_string = self.escaped || c != '"';
                self.escaped = !self.escaped && c == '\\';
            } else {
                match (c, self.depth) {
                    _ if blank && self.element.is_empty() => continue,
                    _ if self.closed => {
                        return Err(self.fails("there is more after the array").into());
                    }
                    ('[', 0) => {
                        self.depth = 1;
                        continue;
                    }
                    (_, 0) => return Err(self.fails("an array was expected").into()),
                    (',', 1) => {
                        self.give(sink)?;
                        continue;
                    }
                    (']', 1) => {
                        if !self.element.is_empty() {
                            self.give(sink)?;
                        }
                        (self.depth, self.closed) = (0, true);
                        continue;
                    }
                    ('}', 1) => {
                        return Err(self.fails("a brace is closed that was not opened").into());
                    }
                    ('"', _) => self.within_string = true,
                    ('[' | '{', _) => self.depth += 1,
                    (']' | '}', _) => self.depth -= 1,
                    _ => {}
                }
            }
            if self.element.is_empty() {
                self.begins = self.lines;
            }
            self.element.push(c);
        }
        Ok(())
    }

    /// Says that there is no more text.
    pub(crate) fn finish(&self) -> Result<(), NoArray> {
        if self.closed {
            Ok(())
        } else {
            Err(self.fails("the array has no end: the file may have been cut short"))
        }
    }

    fn give<E>(&mut self, sink: &mut dyn FnMut(&str, u64) -> Result<(), E>) -> Result<(), E> {
        sink(&self.element, self.begins + 1)?;
        self.element.clear();
        Ok(())
    }

    fn fails(&self, problem: &'static str) -> NoArray {
        NoArray {
            line: self.lines + 1,
            problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Elements, NoArray};

    fn elements(text: &str, size: usize) -> Result<Vec<(String, u64)>, NoArray> {
        let mut all = Vec::new();
        let mut array = Elements::default();
        let characters: Vec<char> = text.chars().collect();
        for part in characters.chunks(size) {
            array.push(&part.iter().collect::<String>(), &mut |element, line| {
                all.push((element.trim_end().to_owned(), line));
                Ok::<(), NoArray>(())
            })?;
        }
        array.finish().map(|()| all)
    }

    #[test]
    fn elements_are_cut_where_the_array_is() {
        let text = "\n[ {\"a\": \"],{\\\"\", \"b\": [1, {}]},\n\n {\n\"a\": \"한\"}  ,[2]\n]\n";
        let expected = [
            ("{\"a\": \"],{\\\"\", \"b\": [1, {}]}", 2),
            ("{\n\"a\": \"한\"}", 4),
            ("[2]", 5),
        ];
        for size in [1, 2, 7, 100] {
            assert_eq!(
                elements(text, size),
                Ok(expected
                    .map(|(text, line)| (text.to_owned(), line))
                    .to_vec())
            );
        }
        assert_eq!(elements("[]", 9), Ok(Vec::new()));
        for (text, line) in [
            ("[{}", 1),
            ("[1]\n[2]", 2),
            ("[{}]x", 1),
            ("[}", 1),
            ("", 1),
            ("{}", 1),
            ("[\"]", 1),
        ] {
            assert_eq!(
                elements(text, 9).map_err(|error| error.line),
                Err(line),
                "{text}"
            );
        }
    }
}
