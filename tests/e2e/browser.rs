//! Pages in a headless browser: Chromium, controlled through its DevTools protocol over a pipe.
//!
//! The pipe needs no port, WebSocket or driver; `sh` connects two FIFOs to the descriptors 3 and 4
//! that `--remote-debugging-pipe` reads from and writes to. Messages are JSON objects, each
//! terminated by a zero byte.

use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Timeout of every operation; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one tab.
pub(crate) struct Browser {
    process: Child,
    to: File,
    from: Receiver<Value>,
    session: String,
    sent: Cell<u64>,
    /// All events so far.
    events: RefCell<Vec<Value>>,
    _folder: TempDir,
}

impl Browser {
    /// Start a browser in a window of this size; `None` if no browser is installed (`.ci/run`
    /// installs one and reports it).
    pub(crate) fn start(width: u32, height: u32) -> Option<Self> {
        let Some(program) = program() else {
            assert!(
                std::env::var_os("SISUN_BROWSER").is_none(),
                "SISUN_BROWSER names no program"
            );
            eprintln!("NOT RUN: there is no Chromium to open the page in (.ci/run installs it)");
            return None;
        };
        let folder = TempDir::new().unwrap();
        let fifos = ["in", "out"].map(|name| folder.path().join(name));
        assert!(
            Command::new("mkfifo")
                .args(&fifos)
                .status()
                .unwrap()
                .success()
        );
        let process = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<\"$FIFO_IN\" 4>\"$FIFO_OUT\""])
            .arg(program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--remote-debugging-pipe",
            ])
            .args(["--disable-dev-shm-usage", "--no-first-run"])
            .arg(format!("--window-size={width},{height}"))
            .arg(format!(
                "--user-data-dir={}",
                folder.path().join("profile").display()
            ))
            .env("FIFO_IN", &fifos[0])
            .env("FIFO_OUT", &fifos[1])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Each open blocks until the shell has opened the other end.
        let to = OpenOptions::new().write(true).open(&fifos[0]).unwrap();
        let answers = File::open(&fifos[1]).unwrap();
        let (send, from) = channel();
        std::thread::spawn(move || {
            for message in BufReader::new(answers).split(0) {
                let Ok(message) = message else { return };
                if send
                    .send(serde_json::from_slice(&message).unwrap())
                    .is_err()
                {
                    return;
                }
            }
        });
        let mut browser = Self {
            process,
            to,
            from,
            session: String::new(),
            sent: Cell::new(0),
            events: RefCell::default(),
            _folder: folder,
        };
        let target =
            browser.call("Target.createTarget", json!({ "url": "about:blank" }))["targetId"]
                .clone();
        let attached = browser.call(
            "Target.attachToTarget",
            json!({ "targetId": target, "flatten": true }),
        );
        browser.session = attached["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Runtime", "Log", "Network", "Page"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Open a page of ours, wait until it reports that it is ready, and return the time this took
    /// in milliseconds.
    pub(crate) fn open(&self, path: &Path) -> f64 {
        // From another page, so that a URL that differs only in its fragment is loaded as well.
        self.call("Page.navigate", json!({ "url": "about:blank" }));
        self.wait_for("location.href === 'about:blank'");
        self.events.borrow_mut().clear();
        self.call(
            "Page.navigate",
            json!({ "url": format!("file://{}", path.display()) }),
        );
        self.wait_for("document.documentElement?.dataset.ready !== undefined");
        self.eval("Number(document.documentElement.dataset.ready)")
            .as_f64()
            .unwrap()
    }

    /// Open a page of ours at an address, and wait until it reports that it is ready.
    pub(crate) fn open_address(&self, address: &str) {
        self.call("Page.navigate", json!({ "url": "about:blank" }));
        self.wait_for("location.href === 'about:blank'");
        self.events.borrow_mut().clear();
        self.call("Page.navigate", json!({ "url": address }));
        self.wait_for("document.documentElement?.dataset.ready !== undefined");
    }

    /// Return what must not happen, but for requests to a server of ours.
    pub(crate) fn complaints_but_of(&self, address: &str) -> Vec<String> {
        let own = format!("request: {address}");
        let all = self.complaints().into_iter();
        all.filter(|complaint| !complaint.starts_with(&own))
            .collect()
    }

    /// Open a page without scripts and wait until it is loaded.
    pub(crate) fn open_still(&self, path: &Path) {
        self.call("Page.navigate", json!({ "url": "about:blank" }));
        self.wait_for("location.href === 'about:blank'");
        self.events.borrow_mut().clear();
        self.call(
            "Page.navigate",
            json!({ "url": format!("file://{}", path.display()) }),
        );
        self.wait_for("location.href.startsWith('file:') && document.readyState === 'complete'");
    }

    /// Show pages as on a screen of this size, of a phone if it is touched.
    pub(crate) fn use_screen(&self, width: u32, height: u32, touched: bool) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": touched });
        self.call("Emulation.setDeviceMetricsOverride", size);
        self.call(
            "Emulation.setTouchEmulationEnabled",
            json!({ "enabled": touched }),
        );
    }

    /// Lay the page out as on paper, or again as on a screen.
    pub(crate) fn use_paper(&self, paper: bool) {
        let media = if paper { "print" } else { "" };
        self.call("Emulation.setEmulatedMedia", json!({ "media": media }));
    }

    /// Evaluate an expression in the page; a promise is awaited.
    #[track_caller]
    pub(crate) fn eval(&self, expression: &str) -> Value {
        let asked =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", asked);
        assert!(
            answer.get("exceptionDetails").is_none(),
            "{expression}: {}",
            answer["exceptionDetails"]
        );
        answer["result"]["value"].clone()
    }

    /// Wait until an expression is true.
    #[track_caller]
    pub(crate) fn wait_for(&self, expression: &str) {
        self.act_until(expression, || ());
    }

    /// Perform an action, repeatedly if necessary, until an expression is true.
    #[track_caller]
    pub(crate) fn act_until(&self, expression: &str, act: impl Fn()) {
        let began = Instant::now();
        act();
        while self.eval(expression) != true {
            assert!(
                began.elapsed() < PATIENCE,
                "still not: {expression}; {:?}",
                self.complaints()
            );
            std::thread::sleep(Duration::from_millis(20));
            act();
        }
    }

    /// Move the mouse to a point of the page.
    pub(crate) fn point_at(&self, x: f64, y: f64) {
        self.mouse("mouseMoved", x, y);
    }

    /// Click in the middle of the first element that matches a selector.
    #[track_caller]
    pub(crate) fn click(&self, selector: &str) {
        let [x, y] = self.middle(selector);
        self.mouse("mouseMoved", x, y);
        self.mouse("mousePressed", x, y);
        self.mouse("mouseReleased", x, y);
    }

    /// Drag a cell of the heatmap up by this many pixels.
    pub(crate) fn drag_cell(&self, query: usize, key: usize, up: f64) {
        let centre = self.eval(&format!("window.sisun.cellCentre({query}, {key})"));
        let [x, y] = ["x", "y"].map(|axis| centre[axis].as_f64().unwrap());
        self.mouse("mouseMoved", x, y);
        self.mouse("mousePressed", x, y);
        for step in 1..=8 {
            self.mouse("mouseMoved", x, y - up * f64::from(step) / 8.0);
        }
        self.mouse("mouseReleased", x, y - up);
    }

    /// Run a script in every later page before its own scripts.
    pub(crate) fn before_scripts(&self, source: &str) {
        self.call(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({ "source": source }),
        );
    }

    /// Press a key, such as `ArrowRight`.
    pub(crate) fn press(&self, key: &str) {
        self.press_with(key, 0);
    }

    /// Press a key with modifiers: 1 is Alt, 2 Ctrl, 8 Shift.
    pub(crate) fn press_with(&self, key: &str, modifiers: u32) {
        for kind in ["keyDown", "keyUp"] {
            self.call(
                "Input.dispatchKeyEvent",
                json!({ "type": kind, "key": key, "code": key, "modifiers": modifiers }),
            );
        }
    }

    /// Choose an option like a user: the value changes and the page is notified.
    #[track_caller]
    pub(crate) fn choose(&self, selector: &str, value: &str) {
        let (selector, value) = (json!(selector), json!(value));
        self.eval(&format!(
            "{{ const e = document.querySelector({selector}); e.value = {value}; if (e.value !== {value}) throw Error('no such option');\
             e.dispatchEvent(new Event('input', {{ bubbles: true }})); e.dispatchEvent(new Event('change', {{ bubbles: true }})); true }}"
        ));
    }

    /// Return what must not happen: requests to other hosts, console errors, exceptions.
    pub(crate) fn complaints(&self) -> Vec<String> {
        // Pending events arrive before the answer.
        self.call("Runtime.evaluate", json!({ "expression": "0" }));
        let events = self.events.borrow();
        let complaint = |event: &Value| match event["method"].as_str()? {
            "Network.requestWillBeSent" => {
                let url = event["params"]["request"]["url"].as_str()?;
                let own = url.starts_with("data:")
                    || url.starts_with("blob:")
                    || url == event["params"]["documentURL"];
                (!own).then(|| format!("request: {url}"))
            }
            "Runtime.exceptionThrown" => Some(format!("exception: {}", event["params"])),
            "Runtime.consoleAPICalled" => {
                let kind = event["params"]["type"].as_str()?;
                matches!(kind, "error" | "warning" | "assert")
                    .then(|| format!("console: {}", event["params"]["args"]))
            }
            "Log.entryAdded" => Some(format!("log: {}", event["params"]["entry"])),
            _ => None,
        };
        events.iter().filter_map(complaint).collect()
    }

    fn middle(&self, selector: &str) -> [f64; 2] {
        let quoted = json!(selector);
        let found = self.eval(&format!(
            "{{ const e = document.querySelector({quoted}); e?.scrollIntoView({{ block: 'nearest' }}); const r = e?.getBoundingClientRect(); \
             r ? [r.x + r.width / 2, r.y + r.height / 2] : null }}"
        ));
        let found = found.as_array().unwrap_or_else(|| panic!("no {selector}"));
        [0, 1].map(|axis| found[axis].as_f64().unwrap())
    }

    fn mouse(&self, kind: &str, x: f64, y: f64) {
        let button = if kind == "mouseMoved" { "none" } else { "left" };
        let event = json!({ "type": kind, "x": x, "y": y, "button": button, "clickCount": 1 });
        self.call("Input.dispatchMouseEvent", event);
    }

    #[track_caller]
    fn call(&self, method: &str, params: Value) -> Value {
        let id = self.sent.replace(self.sent.get() + 1);
        let mut message = json!({ "id": id, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        (&self.to)
            .write_all(format!("{message}\0").as_bytes())
            .unwrap();
        let began = Instant::now();
        loop {
            let left = PATIENCE.saturating_sub(began.elapsed());
            let answer = self
                .from
                .recv_timeout(left)
                .unwrap_or_else(|_| panic!("no answer to {method}"));
            if answer["id"] == id {
                assert!(
                    answer.get("error").is_none(),
                    "{method}: {}",
                    answer["error"]
                );
                return answer["result"].clone();
            }
            self.events.borrow_mut().push(answer);
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser may have exited already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Return `SISUN_BROWSER`, or Chromium under one of its names.
fn program() -> Option<PathBuf> {
    if let Some(program) = std::env::var_os("SISUN_BROWSER") {
        return Some(PathBuf::from(program)).filter(|program| program.is_file());
    }
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.is_file())
}
