//! Assembling a page: template, styles, scripts and data in one file.

use super::modules::{self, Source};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

macro_rules! sources {
    ($($file:literal),* $(,)?) => {
        &[$(($file, include_str!(concat!("../../page/", $file)))),*]
    };
}

/// All scripts of the pages. Their imports determine the order.
const SCRIPTS: &[Source] = sources![
    "address.js",
    "analysis-app.js",
    "analysis-drawn.js",
    "analysis-map.js",
    "analysis-points.js",
    "analysis-strings.js",
    "analysis.js",
    "app.js",
    "attention-start.js",
    "attention-strings.js",
    "blocks.js",
    "canvas.js",
    "colour.js",
    "controls.js",
    "diagram-pen.js",
    "difference.js",
    "elements.js",
    "facts.js",
    "gathered.js",
    "grid.js",
    "head.js",
    "heads.js",
    "heatmap.js",
    "help.js",
    "labels.js",
    "legend.js",
    "live-accuracy.js",
    "live-app.js",
    "live-arriving.js",
    "live-beside.js",
    "live-box.js",
    "live-bpe.js",
    "live-changes.js",
    "live-client.js",
    "live-edits.js",
    "live-kernel.js",
    "live-layers.js",
    "live-lens.js",
    "live-log.js",
    "live-merges.js",
    "live-model.js",
    "live-next.js",
    "live-patching.js",
    "live-reading.js",
    "live-sampling.js",
    "live-saving.js",
    "live-sentencepiece.js",
    "live-server.js",
    "live-shown.js",
    "live-start.js",
    "live-statistics.js",
    "live-status.js",
    "live-strings.js",
    "live-surgery.js",
    "live-token-labels.js",
    "live-tokenizer.js",
    "live-utf8.js",
    "live-values.js",
    "live-view.js",
    "live-walk.js",
    "live-wasm.js",
    "live-weights.js",
    "live-worker-engine.js",
    "live-worker.js",
    "live.js",
    "main.js",
    "matrix.js",
    "model.js",
    "numbers.js",
    "overflow.js",
    "own-check.js",
    "own-numbers.js",
    "own-panel.js",
    "own-strings.js",
    "own-tab.js",
    "own-tables.js",
    "own.js",
    "pairs-app.js",
    "pairs-map.js",
    "pairs-strings.js",
    "pairs.js",
    "panels.js",
    "pen.js",
    "png-text.js",
    "position-strings.js",
    "positions.js",
    "printing.js",
    "readout.js",
    "save.js",
    "sentence.js",
    "served-strings.js",
    "served.js",
    "sheet-cells.js",
    "sheet-details.js",
    "sheet-lines.js",
    "sheet-panel.js",
    "sheet-planes.js",
    "sheets.js",
    "state.js",
    "steps.js",
    "strings.js",
    "strips.js",
    "svg.js",
    "table.js",
    "text.js",
    "theme.js",
    "time.js",
    "toggles.js",
    "tokens.js",
    "trace-app.js",
    "trace-attention.js",
    "trace-candidates.js",
    "trace-command.js",
    "trace-course.js",
    "trace-facts.js",
    "trace-heads.js",
    "trace-seen.js",
    "trace-strings.js",
    "trace-text.js",
    "trace.js",
    "trouble.js",
    "units.js",
    "unpack.js",
    "view.js",
    "walk.js",
    "watch-app.js",
    "watch-chart.js",
    "watch-course.js",
    "watch-maps.js",
    "watch-strings.js",
    "watch.js",
    "weighted.js",
    "words.js",
    "worked-context.js",
    "worked-items.js",
    "worked-list.js",
    "worked-steps.js",
    "worked-stream.js",
    "worked.js",
];

/// The static parts of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    template: &'static str,
    styles: &'static [&'static str],
    /// The name of the page in its metadata.
    generator: &'static str,
    /// The script that starts the page.
    entry: &'static str,
    /// The script of a worker that the page starts.
    worker: Option<&'static str>,
    /// True if the page asks the server that it comes from.
    connects: bool,
    /// Elements before the text, and beside the figure.
    before: &'static str,
    side: &'static str,
}

/// The beginning of every page, up to its body.
const HEAD: &str = include_str!("../../page/head.html");
/// The beginning of every page's header: the name, and the settings of language and colours.
const TOP: &str = include_str!("../../page/top.html");

/// The page of attention maps.
pub(crate) const ATTENTION: Parts = Parts {
    template: include_str!("../../page/page.html"),
    styles: &[
        include_str!("../../page/style.css"),
        include_str!("../../page/worked.css"),
    ],
    generator: "sisun attention",
    entry: "main.js",
    worker: None,
    connects: false,
    before: "",
    side: "",
};

/// The page of attention maps that computes.
pub(crate) const LIVE: Parts = Parts {
    template: include_str!("../../page/page.html"),
    styles: &[
        include_str!("../../page/style.css"),
        include_str!("../../page/worked.css"),
        include_str!("../../page/live.css"),
    ],
    generator: "sisun page",
    entry: "live.js",
    worker: Some("live-worker.js"),
    connects: false,
    before: include_str!("../../page/live-box.html"),
    side: include_str!("../../page/live-next.html"),
};

/// The page of attention maps whose model a server computes.
pub(crate) const SERVED: Parts = Parts {
    generator: "sisun live",
    entry: "served.js",
    worker: None,
    connects: true,
    ..LIVE
};

/// The page of a sampling trace.
pub(crate) const TRACE: Parts = Parts {
    template: include_str!("../../page/trace.html"),
    styles: &[
        include_str!("../../page/style.css"),
        include_str!("../../page/trace.css"),
    ],
    generator: "sisun trace",
    entry: "trace.js",
    worker: None,
    connects: false,
    before: "",
    side: "",
};

/// The page of a source and its target.
pub(crate) const PAIRS: Parts = Parts {
    template: include_str!("../../page/pairs.html"),
    styles: &[
        include_str!("../../page/style.css"),
        include_str!("../../page/pairs.css"),
    ],
    generator: "sisun pairs",
    entry: "pairs.js",
    worker: None,
    connects: false,
    before: "",
    side: "",
};

/// The page of an analysis.
pub(crate) const ANALYSIS: Parts = Parts {
    template: include_str!("../../page/analysis.html"),
    styles: &[
        include_str!("../../page/style.css"),
        include_str!("../../page/analysis.css"),
    ],
    generator: "sisun analysis",
    entry: "analysis.js",
    worker: None,
    connects: false,
    before: "",
    side: "",
};

/// The page of given matrices.
pub(crate) const OWN: Parts = Parts {
    template: include_str!("../../page/own.html"),
    styles: &[
        include_str!("../../page/style.css"),
        include_str!("../../page/worked.css"),
    ],
    generator: "sisun own numbers",
    entry: "own.js",
    worker: None,
    connects: false,
    before: "",
    side: "",
};

/// The page that replays the training of runs.
pub(crate) const REPLAY: Parts = Parts {
    template: include_str!("../../page/watch.html"),
    styles: &[
        include_str!("../../page/style.css"),
        include_str!("../../page/watch.css"),
    ],
    generator: "sisun replay",
    entry: "watch.js",
    worker: None,
    connects: false,
    before: "",
    side: "",
};

/// The page of runs whose events a server sends.
pub(crate) const WATCH: Parts = Parts {
    generator: "sisun watch",
    connects: true,
    ..REPLAY
};

/// Fill the template. `data` is JSON.
pub(crate) fn join<'a>(
    parts: Parts,
    language: &str,
    title: &str,
    data: &str,
    blocks: impl Iterator<Item = &'a str>,
) -> String {
    let style = parts.styles.concat();
    let (script, wasm, worker) = match parts.worker {
        None => (script(parts.entry), "", ""),
        // The worker's text is part of the page's script, so that the policy's hash covers it.
        Some(worker) => (
            format!(
                "const workerSource = {};\n{}",
                serde_json::Value::from(self::script(worker)),
                script(parts.entry)
            ),
            " 'wasm-unsafe-eval'",
            "; worker-src blob:",
        ),
    };
    let connect = match parts.connects {
        true => "; connect-src 'self'",
        false => "",
    };
    let csp = format!(
        "default-src 'none'; script-src '{}'{wasm}{worker}{connect}; style-src '{}'; img-src data: blob:",
        hash(&script),
        hash(&style)
    );
    // In a script element only `<` is harmful; in JSON it occurs only in strings.
    let mut content = format!(
        "<script type=\"application/json\" id=\"page\">{}</script>",
        data.replace('<', "\\u003c")
    );
    for (number, block) in blocks.enumerate() {
        for (part, text) in parts_of(block).enumerate() {
            let id = match part {
                0 => format!("b{number}"),
                _ => format!("b{number}-{part}"),
            };
            content +=
                &format!("\n<script type=\"application/octet-stream\" id=\"{id}\">{text}</script>");
        }
    }
    let title = escaped(title);
    fill(
        &[HEAD, parts.template].concat(),
        &[
            ("generator", parts.generator),
            ("top", TOP),
            ("lang", language),
            ("csp", &csp),
            ("title", &title),
            ("before", parts.before),
            ("side", parts.side),
            ("style", &style),
            ("data", &content),
            ("script", &script),
        ],
    )
}

/// Cut a block into parts of at most half a megabyte: WebKit takes more than linear time to read
/// longer elements.
fn parts_of(block: &str) -> impl Iterator<Item = &str> {
    const MOST: usize = 500_000;
    let count = block.len().div_ceil(MOST).max(1);
    (0..count).map(move |part| &block[part * MOST..block.len().min((part + 1) * MOST)])
}

/// Return a script with its imports as a single script in its own scope.
fn script(entry: &str) -> String {
    let modules = modules::join(entry, SCRIPTS)
        .expect("the project's own scripts fit together, as a test of this module proves");
    format!("(() => {{\n\"use strict\";\n{modules}}})();\n")
}

/// Replace each `{{name}}` of the template in one pass; inserted text is not scanned again.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut page = String::with_capacity(
        template.len() + values.iter().map(|(_, value)| value.len()).sum::<usize>(),
    );
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after
            .split_once("}}")
            .expect("the project's own template closes what it opens");
        let (_, value) = values
            .iter()
            .find(|(known, _)| *known == name)
            .expect("a template names known values");
        page += before;
        page += value;
        rest = after;
    }
    page + rest
}

/// Return the hash of a script or a style in the form of a content security policy.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    #[test]
    fn the_scripts_fit_together_and_each_is_on_a_page() {
        let pages = [ATTENTION, LIVE, SERVED, TRACE, PAIRS, ANALYSIS, OWN, REPLAY].map(|parts| {
            let entries = [Some(parts.entry), parts.worker].into_iter().flatten();
            let joined = entries.map(|entry| modules::join(entry, SCRIPTS).unwrap());
            joined.collect::<String>()
        });
        for (file, _) in SCRIPTS {
            assert!(
                pages
                    .iter()
                    .any(|page| page.contains(&format!("modules[\"{file}\"] = "))),
                "no page imports {file}"
            );
        }
    }

    #[test]
    fn every_script_of_the_folder_is_embedded() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("page");
        let names = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let there: BTreeSet<String> = names.filter(|name| name.ends_with(".js")).collect();
        let embedded = SCRIPTS.iter().map(|(file, _)| (*file).to_owned()).collect();
        assert_eq!(there, embedded);
    }

    #[test]
    fn no_script_ends_the_element_that_holds_it() {
        for (file, text) in SCRIPTS {
            assert!(
                !text.contains("</script") && !text.contains("<!--"),
                "{file}"
            );
        }
    }

    #[test]
    fn what_is_put_in_is_not_looked_at_again() {
        assert_eq!(
            fill("<{{a}}|{{b}}>", &[("a", "{{b}}"), ("b", "{{"), ("c", "")]),
            "<{{b}}|{{>"
        );
    }

    #[test]
    fn no_text_ends_the_script_that_holds_it() {
        let page = join(
            ATTENTION,
            "en",
            "</title><b>",
            "{\"text\":\"</script><!--\"}",
            ["AAAA"].into_iter(),
        );
        assert!(page.contains("&lt;/title&gt;&lt;b&gt;") && !page.contains("</title><b>"));
        assert!(page.contains("{\"text\":\"\\u003c/script>\\u003c!--\"}"));
        assert!(page.contains("id=\"b0\">AAAA</script>"));
    }

    #[test]
    fn only_the_projects_own_script_may_run() {
        let page = join(ATTENTION, "ko", "t", "{}", std::iter::empty());
        let between = |from: &str, to: &str| {
            let (_, after) = page.split_once(from).expect("the template has it");
            after.split_once(to).expect("and ends it").0.to_owned()
        };
        let script = between("<script>", "</script>");
        assert!(
            page.contains(&hash(&script)),
            "the policy names the script as it stands"
        );
        assert!(page.contains(&hash(&between("<style>", "</style>"))));
        assert!(page.contains("default-src 'none'"));
    }
}
