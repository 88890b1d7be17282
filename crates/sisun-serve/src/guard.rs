//! Who may ask: the token in the address, `Host`, and the page that a request comes from.

use crate::error::{Refusal, ServeError};
use crate::request::Request;

/// Random bytes of a token.
const TOKEN_BYTES: usize = 16;

/// What a request must show.
#[derive(Debug)]
pub(crate) struct Guard {
    token: String,
    port: u16,
}

impl Guard {
    /// Draw a token.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub(crate) fn new(port: u16) -> Result<Self, ServeError> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| ServeError::Random(error.to_string()))?;
        let token = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { token, port })
    }

    /// Return the address to open, with the token.
    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}/{}/", self.port, self.token)
    }

    /// Return the path behind the token.
    ///
    /// # Errors
    /// If the request names another host, comes from another page, or lacks the token.
    pub(crate) fn check<'a>(&self, request: &'a Request) -> Result<&'a str, Refusal> {
        let own = ["127.0.0.1", "localhost"].map(|host| format!("{host}:{}", self.port));
        let host = request.header("Host")?;
        let Some(host) = host.filter(|host| own.iter().any(|own| own == host)) else {
            return Err(Refusal::new(403, "the host is another one"));
        };
        let foreign = match request.header("Origin")? {
            Some(origin) => origin != format!("http://{host}"),
            None => false,
        };
        let from = request.header("Sec-Fetch-Site")?;
        // "none" is what a reader types or opens. A page of another origin has the other two words.
        let elsewhere = from.is_some_and(|from| !matches!(from, "same-origin" | "none"));
        // A link in another program's page may open the address: that is a navigation.
        let navigates = request.header("Sec-Fetch-Mode")? == Some("navigate");
        if foreign || (elsewhere && !navigates) {
            return Err(Refusal::new(403, "the request comes from another page"));
        }
        let rest = request.path.strip_prefix('/').unwrap_or_default();
        let (token, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !equal(token.as_bytes(), self.token.as_bytes()) {
            return Err(Refusal::new(
                403,
                "The address lacks its token, or has an old one: open the whole address that the command printed.\n\
                 주소에 토큰이 없거나 예전 토큰입니다. 명령이 출력한 주소 전체를 여세요.",
            ));
        }
        Ok(path)
    }
}

/// Compare in a time that does not tell where two texts differ.
fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn tokens_differ_and_are_long() {
        let [a, b] = [0, 1].map(|_| Guard::new(1).unwrap());
        assert_ne!(a.token, b.token);
        assert_eq!(a.token.len(), 2 * TOKEN_BYTES);
        assert!(a.address().ends_with(&format!(":1/{}/", a.token)));
    }

    #[test]
    fn texts_are_compared() {
        assert!(equal(b"abc", b"abc"));
        assert!(!equal(b"abc", b"abd") && !equal(b"abc", b"ab") && !equal(b"", b"a"));
    }
}
