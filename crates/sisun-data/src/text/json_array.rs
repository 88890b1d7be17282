//! Splitting a JSON array that may be larger than memory into its elements.

/// A reader that takes the text of an array piece by piece and passes on each element.
#[derive(Debug, Default)]
pub(crate) struct ArrayElements {
    /// The number of open brackets and braces.
    depth: usize,
    within_string: bool,
    escaped: bool,
    /// True if the array has ended.
    closed: bool,
    element: String,
    /// The number of line breaks so far.
    lines: u64,
    /// The number of line breaks before the element.
    element_line: u64,
}

/// The reason why a text is not an array of values.
#[derive(Debug, PartialEq)]
pub(crate) struct InvalidArray {
    pub(crate) line: u64,
    pub(crate) problem: &'static str,
}

impl ArrayElements {
    /// Take more text, and pass each complete element to `sink` with its line, from 1.
    pub(crate) fn push<E: From<InvalidArray>>(
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
                        return Err(self.error("there is more after the array").into());
                    }
                    ('[', 0) => {
                        self.depth = 1;
                        continue;
                    }
                    (_, 0) => return Err(self.error("an array was expected").into()),
                    (',', 1) => {
                        self.pass_on(sink)?;
                        continue;
                    }
                    (']', 1) => {
                        if !self.element.is_empty() {
                            self.pass_on(sink)?;
                        }
                        (self.depth, self.closed) = (0, true);
                        continue;
                    }
                    ('}', 1) => {
                        return Err(self.error("a brace is closed that was not opened").into());
                    }
                    ('"', _) => self.within_string = true,
                    ('[' | '{', _) => self.depth += 1,
                    (']' | '}', _) => self.depth -= 1,
                    _ => {}
                }
            }
            if self.element.is_empty() {
                self.element_line = self.lines;
            }
            self.element.push(c);
        }
        Ok(())
    }

    /// End the text.
    ///
    /// # Errors
    /// An array that has no end.
    pub(crate) fn finish(&self) -> Result<(), InvalidArray> {
        if self.closed {
            Ok(())
        } else {
            Err(self.error("the array has no end: the file may have been cut short"))
        }
    }

    fn pass_on<E>(&mut self, sink: &mut dyn FnMut(&str, u64) -> Result<(), E>) -> Result<(), E> {
        sink(&self.element, self.element_line + 1)?;
        self.element.clear();
        Ok(())
    }

    fn error(&self, problem: &'static str) -> InvalidArray {
        InvalidArray {
            line: self.lines + 1,
            problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ArrayElements, InvalidArray};

    fn elements(text: &str, size: usize) -> Result<Vec<(String, u64)>, InvalidArray> {
        let mut all = Vec::new();
        let mut array = ArrayElements::default();
        let characters: Vec<char> = text.chars().collect();
        for part in characters.chunks(size) {
            array.push(&part.iter().collect::<String>(), &mut |element, line| {
                all.push((element.trim_end().to_owned(), line));
                Ok::<(), InvalidArray>(())
            })?;
        }
        array.finish().map(|()| all)
    }

    #[test]
    fn elements_are_split_at_the_commas_of_the_array() {
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
