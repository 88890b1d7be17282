//! Generated text, token by token.

use crate::sample::Finish;
use std::ops::ControlFlow;

/// A writer of generated text that holds back a possible beginning of a stop text.
pub(crate) struct Output<'a> {
    text: String,
    written: usize,
    stop: &'a [String],
    write: &'a mut dyn FnMut(&str) -> ControlFlow<()>,
}

impl<'a> Output<'a> {
    /// Create an empty output that ends at any of the texts in `stop`.
    pub(crate) fn new(
        stop: &'a [String],
        write: &'a mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Self {
        Self {
            text: String::new(),
            written: 0,
            stop,
            write,
        }
    }

    /// Return the whole text.
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// Append text that is final.
    pub(crate) fn add(&mut self, new: &str) -> ControlFlow<Finish> {
        self.text.push_str(new);
        let stops = self.stop.iter().filter(|stop| !stop.is_empty());
        if let Some(at) = stops
            .clone()
            .filter_map(|stop| self.text[self.written..].find(stop.as_str()))
            .min()
        {
            self.text.truncate(self.written + at);
            // The sample ends in either case.
            let _ = self.write_to(self.text.len());
            return ControlFlow::Break(Finish::Stop);
        }
        let pending = &self.text[self.written..];
        let held = stops
            .map(|stop| longest_end_that_begins(pending, stop))
            .max()
            .unwrap_or(0);
        match self.write_to(self.text.len() - held) {
            ControlFlow::Break(()) => ControlFlow::Break(Finish::Interrupted),
            ControlFlow::Continue(()) => ControlFlow::Continue(()),
        }
    }

    /// Return true, and end the text, if a stop text occurs in it followed by `pending`.
    pub(crate) fn stops_at(&mut self, pending: &str) -> bool {
        let whole = format!("{}{pending}", &self.text[self.written..]);
        let comes_up = self
            .stop
            .iter()
            .any(|stop| !stop.is_empty() && whole.contains(stop.as_str()));
        comes_up && self.add(pending) == ControlFlow::Break(Finish::Stop)
    }

    /// Write the text held back and `rest`.
    pub(crate) fn finish(&mut self, rest: &str) {
        self.text.push_str(rest);
        // The sample ends in either case.
        let _ = self.write_to(self.text.len());
    }

    fn write_to(&mut self, end: usize) -> ControlFlow<()> {
        if end == self.written {
            return ControlFlow::Continue(());
        }
        let from = std::mem::replace(&mut self.written, end);
        (self.write)(&self.text[from..end])
    }
}

/// Return the length in bytes of the longest suffix of `text` that is a proper prefix of `stop`.
fn longest_end_that_begins(text: &str, stop: &str) -> usize {
    let starts = stop
        .char_indices()
        .map(|(at, _)| at)
        .filter(|&at| at > 0 && at <= text.len());
    starts
        .filter(|&at| text.ends_with(&stop[..at]))
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Finish, Output};
    use std::ops::ControlFlow;

    fn run(pieces: &[&str], stop: &[&str]) -> (Vec<String>, String, Option<Finish>) {
        let stop: Vec<String> = stop.iter().map(|s| (*s).to_owned()).collect();
        let mut written = Vec::new();
        let mut write = |text: &str| {
            written.push(text.to_owned());
            ControlFlow::Continue(())
        };
        let mut output = Output::new(&stop, &mut write);
        let mut end = None;
        for piece in pieces {
            if let ControlFlow::Break(finish) = output.add(piece) {
                end = Some(finish);
                break;
            }
        }
        if end.is_none() {
            output.finish("");
        }
        let text = output.text;
        (written, text, end)
    }

    #[test]
    fn a_stop_text_spread_over_tokens_is_never_written() {
        let (written, text, end) = run(&["밥을 ", "먹었", "다. 끝", "이다", " 더"], &["끝이다"]);
        assert_eq!(written.concat(), "밥을 먹었다. ");
        assert_eq!((text.as_str(), end), ("밥을 먹었다. ", Some(Finish::Stop)));
    }

    #[test]
    fn what_only_began_like_a_stop_text_is_written_in_the_end() {
        let (written, text, end) = run(&["a", "b", "x", "ab"], &["abc"]);
        assert_eq!(
            (written.concat().as_str(), text.as_str(), end),
            ("abxab", "abxab", None)
        );
        assert_eq!(
            written[0], "abx",
            "the first two could have become the stop text"
        );
    }

    #[test]
    fn a_stop_text_in_what_is_not_certain_yet_ends_it() {
        let stop = ["\n".to_owned()];
        let mut write = |_: &str| ControlFlow::Continue(());
        let mut output = Output::new(&stop, &mut write);
        assert_eq!(output.add("one"), ControlFlow::Continue(()));
        assert!(!output.stops_at("") && !output.stops_at("\t") && output.stops_at("\t\n"));
        assert_eq!(output.text, "one\t");
    }

    #[test]
    fn the_earliest_of_several_stop_texts_ends_it() {
        let (_, text, _) = run(&["one two three"], &["three", "two"]);
        assert_eq!(text, "one ");
    }
}
