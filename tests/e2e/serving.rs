//! `sisun live`: the page that Sisun computes, and who may ask it, with real sockets.

use crate::browser::Browser;
use crate::sisun::{Lab, command, sisun};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// A server that is ended when dropped.
pub(crate) struct Serving {
    child: Child,
    /// The address that it printed.
    pub(crate) address: String,
}

impl Serving {
    /// Start a command that prints an address as its first line.
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut child = command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let address = line.trim_end().to_owned();
        if !address.starts_with("http://127.0.0.1:") {
            let mut said = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut said)
                .unwrap();
            panic!("{line}{said}");
        }
        Self { child, address }
    }

    /// Return the host with its port, and the path with the token.
    fn parts(&self) -> (&str, &str) {
        let rest = self.address.strip_prefix("http://").unwrap();
        let at = rest.find('/').unwrap();
        rest.split_at(at)
    }

    /// Send bytes, and return all that comes back.
    fn raw(&self, sent: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.parts().0).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        // A refused request may not be read to its end.
        let _ = stream.write_all(sent);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    /// Return the status of an answer.
    fn status(&self, sent: &[u8]) -> u16 {
        let answer = self.raw(sent);
        let text = String::from_utf8_lossy(&answer);
        let status = text
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3));
        status
            .and_then(|status| status.parse().ok())
            .unwrap_or_else(|| panic!("no answer to {}: {text}", String::from_utf8_lossy(sent)))
    }

    /// Request a path behind the token, with these headers.
    fn get(&self, path: &str, headers: &str) -> Vec<u8> {
        let (host, token) = self.parts();
        let sent = format!("GET {token}{path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n");
        self.raw(sent.as_bytes())
    }

    /// Ask the model, and return the frames of the answer: JSON and numbers.
    fn ask(&self, request: &Value) -> Vec<(Value, Vec<u8>)> {
        let (host, token) = self.parts();
        let body = request.to_string();
        let sent = format!(
            "POST {token}ask HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = self.raw(sent.as_bytes());
        let at = answer
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap()
            + 4;
        frames(&unchunked(&answer[at..]))
    }

    /// Interrupt it, and return its exit code.
    #[cfg(unix)]
    pub(crate) fn interrupt(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        std::process::Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Request a path behind the address of a server, and return the body as it was sent.
pub(crate) fn fetched(address: &str, path: &str) -> Vec<u8> {
    let rest = address.strip_prefix("http://").unwrap();
    let (host, token) = rest.split_at(rest.find('/').unwrap());
    let mut stream = TcpStream::connect(host).unwrap();
    let sent = format!("GET {token}{path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    stream.write_all(sent.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let at = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap()
        + 4;
    answer.split_off(at)
}

/// Join the chunks of a body.
pub(crate) fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let at = bytes.windows(2).position(|two| two == b"\r\n").unwrap();
        let length = usize::from_str_radix(std::str::from_utf8(&bytes[..at]).unwrap(), 16).unwrap();
        if length == 0 {
            return whole;
        }
        whole.extend_from_slice(&bytes[at + 2..][..length]);
        bytes = &bytes[at + 2 + length + 2..];
    }
}

fn frames(mut bytes: &[u8]) -> Vec<(Value, Vec<u8>)> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let (header, numbers) = (number(0), number(4));
        let json = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
        let from = 8 + header;
        frames.push((json, bytes[from..from + numbers].to_vec()));
        bytes = &bytes[from + numbers..];
    }
    frames
}

fn read(ids: &[u64], edits: Value) -> Value {
    json!({ "kind": "read", "turn": 1, "page": 1, "ids": ids, "edits": edits, "lens": true })
}

fn untouched() -> Value {
    json!([])
}

/// Return an edit of a head: by its output, or with a key by a weight of its pattern.
fn edit(place: (usize, usize), cell: Option<[i64; 2]>, change: Value) -> Value {
    let (activation, [position, key]) = match cell {
        Some(cell) => ("pattern", cell.map(Value::from)),
        None => ("z", [Value::Null, Value::Null]),
    };
    let (layer, head) = place;
    json!({ "activation": activation, "layer": layer, "head": head, "position": position, "key": key, "change": change })
}

/// Return the tokens of a text, and the patterns of its heads by layer, as the program writes them.
fn attended(lab: &Lab, text: &str, more: &[&str]) -> (Vec<u64>, Value) {
    // Of its own: tests run side by side.
    let folder = tempfile::tempdir().unwrap();
    let (run, out) = (lab.at("run"), folder.path().join("maps"));
    let out = out.to_str().unwrap();
    let mut args = vec![
        "attend", &run, "--text", text, "--out", out, "--format", "json",
    ];
    args.extend(["--device", "cpu"]);
    args.extend(more);
    sisun(&args).ok();
    let json = std::fs::read_to_string(format!("{out}/attention.json")).unwrap();
    let json: Value = serde_json::from_str(&json).unwrap();
    let ids = json["tokens"].as_array().unwrap().iter();
    (
        ids.map(|token| token["id"].as_u64().unwrap()).collect(),
        json,
    )
}

/// Compare the layers of an answer with the patterns that the program writes.
fn compare(frames: &[(Value, Vec<u8>)], pass: &str, numbers: &Value) {
    let layers = numbers["layers"].as_array().unwrap();
    let of_pass = frames
        .iter()
        .filter(|(header, _)| header["kind"] == "layer" && header["pass"] == pass);
    let mut seen = 0;
    for ((header, bytes), layer) in of_pass.zip(layers) {
        assert_eq!(header["layer"], layer["layer"]);
        let weights = 2 * header["weights"].as_u64().unwrap() as usize;
        let mut codes = bytes[bytes.len() - weights..].chunks_exact(2);
        for head in layer["heads"].as_array().unwrap() {
            for row in head["pattern"].as_array().unwrap().iter().enumerate() {
                for exact in &row.1.as_array().unwrap()[..=row.0] {
                    let code = codes.next().unwrap();
                    let found = f64::from(u16::from_le_bytes([code[0], code[1]])) / 65535.0;
                    let far = (found - exact.as_f64().unwrap()).abs();
                    assert!(
                        far < 3e-5,
                        "{pass} {}: {found} beside {exact}",
                        layer["layer"]
                    );
                }
            }
        }
        seen += 1;
    }
    assert_eq!(seen, layers.len(), "{pass}");
}

#[test]
fn the_server_computes_what_the_program_does() {
    let lab = Lab::trained();
    let serving = Serving::start(&[
        "live",
        &lab.at("run"),
        "--text",
        "One day Mina sat.",
        "--device",
        "cpu",
    ]);
    let loaded = serving.ask(&json!({ "kind": "load", "page": 1 }));
    assert_eq!(loaded[0].0["kind"], "loaded");
    // Letter by letter, back, and something else: what is kept must not show.
    let mut before: Vec<u64> = Vec::new();
    for text in ["The dog", "The dog ran", "The dog r", "Mina sat."] {
        let (ids, numbers) = attended(lab, text, &[]);
        let answer = serving.ask(&read(&ids, untouched()));
        compare(&answer, "untouched", &numbers);
        let done = &answer.last().unwrap().0;
        assert_eq!(done["kind"], "done");
        // The last token is computed again where nothing else is new.
        let same = before.iter().zip(&ids).take_while(|(a, b)| a == b).count();
        assert_eq!(done["rows"], ids.len() - same.min(ids.len() - 1), "{text}");
        before.clone_from(&ids);
        let end = &answer
            .iter()
            .find(|(header, _)| header["kind"] == "end")
            .unwrap()
            .0;
        assert_eq!(end["lens"], 1 + numbers["layers"].as_array().unwrap().len());
    }
}

#[test]
fn edits_are_those_of_the_program() {
    let lab = Lab::trained();
    let serving = Serving::start(&["live", &lab.at("run"), "--device", "cpu"]);
    let text = "The dog sat.";
    let (ids, plain) = attended(lab, text, &[]);
    let (_, ablated) = attended(lab, text, &["--edit", "z 0.1 = zero"]);
    let zero = edit((0, 1), None, json!("zero"));
    let answer = serving.ask(&read(&ids, json!([zero])));
    compare(&answer, "untouched", &plain);
    compare(&answer, "edited", &ablated);
    // Values of texts: the mean over the text, and those of a second one.
    let (_, averaged) = attended(lab, text, &["--edit", &format!("z 0.1 = mean '{text}'")]);
    let mean = edit((0, 1), None, json!("mean"));
    compare(
        &serving.ask(&read(&ids, json!([mean]))),
        "edited",
        &averaged,
    );
    let candidates = [
        "The cat sat.",
        "The cat ran.",
        "The man sat.",
        "A dog sat.",
        "The dog ran.",
    ];
    let of_length = |other: &&str| {
        let (second, beside) = attended(lab, other, &[]);
        (second.len() == ids.len()).then(|| (other.to_string(), second, beside))
    };
    let (other, second, beside) = candidates.iter().find_map(of_length).unwrap();
    let (_, swapped) = attended(lab, text, &["--edit", &format!("z 0.1 = from '{other}'")]);
    let mut request = read(&ids, json!([edit((0, 1), None, json!("from"))]));
    request["second"] = json!(second);
    let answer = serving.ask(&request);
    compare(&answer, "second", &beside);
    compare(&answer, "edited", &swapped);
    let weight = edit((0, 0), Some([3, 1]), json!(0.9));
    let answer = serving.ask(&read(&ids, json!([weight])));
    let edited = answer
        .iter()
        .find(|(header, _)| header["pass"] == "edited")
        .unwrap();
    let at = edited.1.len() - 2 * edited.0["weights"].as_u64().unwrap() as usize + 2 * (6 + 1);
    let weight = u16::from_le_bytes([edited.1[at], edited.1[at + 1]]);
    assert!((f64::from(weight) / 65535.0 - 0.9).abs() < 3e-5);
}

#[test]
fn hostile_requests_to_the_model_are_refused_one_by_one() {
    let lab = Lab::trained();
    let serving = Serving::start(&["live", &lab.at("run"), "--device", "cpu"]);
    let fails = |request: Value, part: &str| {
        let answer = serving.ask(&request);
        let (last, _) = answer.last().unwrap();
        assert_eq!(last["kind"], "failed", "{request}");
        let message = last["message"].as_str().unwrap();
        assert!(message.contains(part), "{message}");
    };
    fails(read(&[], untouched()), "empty");
    fails(read(&[999_999], untouched()), "999999");
    fails(read(&[1; 5000], untouched()), "5000 tokens");
    let refused = |edit: Value, part: &str| fails(read(&[1, 2], json!([edit])), part);
    refused(edit((9, 0), None, json!("zero")), "layers 0 to");
    refused(edit((0, 99), None, json!("zero")), "no head 99");
    refused(edit((0, 0), None, json!("</script>")), "no such change");
    refused(edit((0, 0), None, json!("from")), "second text");
    refused(edit((0, 0), None, json!(0.5)), "has a key");
    refused(edit((0, 0), Some([0, 1]), json!(0.5)), "no such position");
    refused(edit((0, 0), Some([5, 0]), json!(0.5)), "no such position");
    refused(edit((0, 0), Some([1, 0]), json!(1.5)), "from 0 to 1");
    refused(edit((0, 0), Some([-1, 0]), json!(0.5)), "cannot be read");
    let mut strange = edit((0, 0), None, json!("zero"));
    strange["activation"] = json!("\u{0}weights");
    refused(strange, "no such activation");
    let mut logits = edit((2, 0), None, json!("mean"));
    (logits["activation"], logits["head"]) = (json!("logits"), Value::Null);
    refused(logits, "no such activation");
    fails(
        read(&[1], json!(vec![edit((0, 0), None, json!("zero")); 501])),
        "more than 500",
    );
    fails(json!({ "kind": "read", "page": 1 }), "cannot be read");
    fails(json!({ "kind": "write", "page": 1 }), "cannot be read");
    let mut unknown = read(&[1], untouched());
    unknown["swaps"] = json!([]);
    fails(unknown, "swaps");
    // It is as before.
    let answer = serving.ask(&read(&[1, 2], untouched()));
    assert_eq!(answer.last().unwrap().0["kind"], "done");
}

#[test]
fn only_this_machines_own_page_is_answered() {
    let lab = Lab::trained();
    let serving = Serving::start(&["live", &lab.at("run"), "--device", "cpu"]);
    let (host, token) = serving.parts();
    let get = |path: &str, host: &str, more: &str| {
        serving.status(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n").as_bytes())
    };
    let page = String::from_utf8(serving.get("", "")).unwrap();
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"));
    for header in [
        "no-store",
        "nosniff",
        "frame-ancestors 'none'",
        "no-referrer",
        "connect-src 'self'",
    ] {
        assert!(page.contains(header), "{header}");
    }
    // Another host name that resolves to this machine.
    let port = host.split(':').nth(1).unwrap();
    for other in [
        "evil.example",
        &format!("evil.example:{port}"),
        "127.0.0.1",
        "127.0.0.1:1",
        "",
    ] {
        assert_eq!(get(token, other, ""), 403, "{other}");
    }
    assert_eq!(
        serving.status(format!("GET {token} HTTP/1.1\r\n\r\n").as_bytes()),
        403
    );
    let twice = format!("GET {token} HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n\r\n");
    assert_eq!(serving.status(twice.as_bytes()), 400);
    assert_eq!(get(token, &format!("localhost:{port}"), ""), 200);
    // Other pages.
    for origin in [
        "http://evil.example",
        "null",
        "http://127.0.0.1:1",
        &format!("https://{host}"),
    ] {
        assert_eq!(
            get(token, host, &format!("Origin: {origin}\r\n")),
            403,
            "{origin}"
        );
    }
    assert_eq!(get(token, host, &format!("Origin: http://{host}\r\n")), 200);
    assert_eq!(
        get(
            token,
            host,
            "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n"
        ),
        403
    );
    assert_eq!(
        get(
            token,
            host,
            "Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: cors\r\n"
        ),
        403
    );
    assert_eq!(get(token, host, "Sec-Fetch-Site: none\r\n"), 200);
    // Without the token, with another, with a part of it.
    for path in [
        "/",
        "/ask",
        "/0123456789abcdef0123456789abcdef/",
        &token[..token.len() - 2],
        "/../",
        "//",
    ] {
        assert_eq!(get(path, host, ""), 403, "{path}");
    }
    let refused = String::from_utf8(
        serving.raw(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()),
    )
    .unwrap();
    assert!(
        refused.contains("token") && refused.contains("토큰"),
        "{refused}"
    );
    // There are no files.
    for path in [
        "../Cargo.toml",
        "..%2f..%2fetc/passwd",
        "/etc/passwd",
        "config.toml",
        "%00",
        "?x",
    ] {
        assert_eq!(get(&format!("{token}{path}"), host, ""), 404, "{path}");
    }
    assert_eq!(get(&format!("{token}ask"), host, ""), 405);
}

#[test]
fn malformed_large_and_slow_clients_harm_no_other() {
    let lab = Lab::trained();
    let serving = Serving::start(&["live", &lab.at("run"), "--device", "cpu"]);
    let (host, token) = serving.parts();
    // Clients that begin and do not go on.
    let slow: Vec<TcpStream> = (0..20)
        .map(|i| {
            let mut stream = TcpStream::connect(host).unwrap();
            let begun = &b"POST /x HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc"[..2 * i];
            stream.write_all(begun).unwrap();
            stream
        })
        .collect();
    let began = Instant::now();
    for (sent, status) in [
        (&b"\0\xff\x16\x03\x01\r\n\r\n"[..], 400),
        (b"GET / HTTP/1.1\r\nbad\r\n\r\n", 400),
        (b"DELETE / HTTP/1.1\r\n\r\n", 405),
        (
            b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
            413,
        ),
        (
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            501,
        ),
    ] {
        assert_eq!(
            serving.status(sent),
            status,
            "{}",
            String::from_utf8_lossy(sent)
        );
    }
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(100_000));
    assert_eq!(serving.status(long.as_bytes()), 431);
    let body = "x".repeat(300_000);
    let large = format!(
        "POST {token}ask HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(serving.status(large.as_bytes()), 413);
    let nonsense =
        format!("POST {token}ask HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3\r\n\r\n{{]x");
    assert_eq!(serving.status(nonsense.as_bytes()), 400);
    let answer = serving.ask(&read(&[1, 2], untouched()));
    assert_eq!(answer.last().unwrap().0["kind"], "done");
    assert!(
        began.elapsed() < Duration::from_secs(9),
        "the slow ones were waited for"
    );
    drop(slow);
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_it_and_errors_are_told() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let serving = Serving::start(&["live", &run, "--device", "cpu", "--quiet"]);
    assert_eq!(serving.interrupt(), Some(0));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    sisun(&["live", &run, "--port", &port]).fails(1, &[&port, "in use", "--port"]);
    sisun(&["live", "runs/none"]).fails(1, &["runs/none"]);
    sisun(&["live", &run, "--port", "70000"]).fails_by_clap(&["70000"]);
}

#[test]
fn the_page_shows_what_the_server_computes() {
    let Some(browser) = Browser::start(1366, 900) else {
        return;
    };
    let lab = Lab::trained();
    let serving = Serving::start(&[
        "live",
        &lab.at("run"),
        "--text",
        "One day Mina sat.",
        "--language",
        "ko",
        "--device",
        "cpu",
    ]);
    browser.open_address(&serving.address);
    let settle = || {
        browser.wait_for("window.sisun.live?.shown !== null && window.sisun.live !== null");
        browser.eval("window.sisun.live.settled()");
    };
    settle();
    assert_eq!(
        browser.complaints_but_of(&serving.address),
        Vec::<String>::new()
    );
    let hostile = "Mina </script><img src=x onerror=alert(1)> 밥 \"${1}\"";
    for text in ["The dog ran.", "The dog", hostile] {
        let quoted = json!(text);
        browser.eval(&format!(
            "{{ const box = document.querySelector('#text'); box.value = {quoted}; box.dispatchEvent(new Event('input', {{ bubbles: true }})); true }}"
        ));
        settle();
        let (_, numbers) = attended(lab, text, &[]);
        // The page has labels, the numbers have texts as they are.
        let ids = |tokens: &Value| -> Vec<Value> {
            let tokens = tokens.as_array().unwrap().iter();
            tokens.map(|token| token["id"].clone()).collect()
        };
        assert_eq!(
            ids(&browser.eval("window.sisun.views[0].tokens")),
            ids(&numbers["tokens"])
        );
        for layer in numbers["layers"].as_array().unwrap() {
            for head in layer["heads"].as_array().unwrap() {
                let row = head["pattern"]
                    .as_array()
                    .unwrap()
                    .last()
                    .unwrap()
                    .as_array()
                    .unwrap();
                let found = browser.eval(&format!(
                    "[...Array({n}).keys()].map(key => window.sisun.value({}, {}, {n} - 1, key))",
                    layer["layer"],
                    head["head"],
                    n = row.len()
                ));
                for (found, exact) in found.as_array().unwrap().iter().zip(row) {
                    let far = (found.as_f64().unwrap() - exact.as_f64().unwrap()).abs();
                    assert!(far < 3e-5, "{text}: {found} beside {exact}");
                }
            }
        }
    }
    browser.eval("window.sisun.live.type('The dog.')");
    settle();
    let status = browser.eval("document.querySelector('#live-status').textContent");
    assert!(status.as_str().unwrap().contains("Sisun"), "{status}");
    // The lens, and a head without which the model is compared.
    browser.eval("document.querySelector('#lens').open = true");
    browser.wait_for("document.querySelectorAll('#lens-table tbody tr').length > 1");
    browser.eval("window.sisun.live.setEdits([{ activation: 'z', layer: 0, head: 1, position: null, key: null, change: 'zero' }])");
    browser.wait_for("window.sisun.live.shown.edited !== null");
    assert_eq!(
        browser.complaints_but_of(&serving.address),
        Vec::<String>::new()
    );
}
