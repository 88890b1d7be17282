//! Joining a page: template, styles, scripts and data in one file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// What a page is made of besides its data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    template: &'static str,
    styles: &'static [&'static str],
    scripts: &'static [&'static str],
}

macro_rules! parts {
    ($template:literal, [$($style:literal),*], [$($script:literal),*]) => {
        Parts {
            template: include_str!(concat!("../../page/", $template)),
            styles: &[$(include_str!(concat!("../../page/", $style))),*],
            scripts: &[$(include_str!(concat!("../../page/", $script))),*],
        }
    };
}

/// The page of attention maps; the scripts share one scope, in this order.
pub(crate) const ATTENTION: Parts = parts!(
    "page.html",
    ["style.css"],
    [
        "words.js",
        "strings.js",
        "data.js",
        "units.js",
        "colour.js",
        "state.js",
        "canvas.js",
        "grid.js",
        "head.js",
        "text.js",
        "worked.js",
        "table.js",
        "many.js",
        "save.js",
        "main.js"
    ]
);

/// The page of how a sample came about.
pub(crate) const TRACE: Parts = parts!(
    "trace.html",
    ["style.css", "trace.css"],
    [
        "words.js",
        "trace-strings.js",
        "data.js",
        "colour.js",
        "trace-text.js",
        "trace-candidates.js",
        "trace-attention.js",
        "trace-course.js",
        "trace-command.js",
        "trace-app.js",
        "trace.js"
    ]
);

/// Puts everything into the template. `data` is JSON.
pub(crate) fn join<'a>(
    parts: Parts,
    language: &str,
    title: &str,
    data: &str,
    blocks: impl Iterator<Item = &'a str>,
) -> String {
    let style = parts.styles.concat();
    let script = format!(
        "(() => {{\n\"use strict\";\n{}}})();\n",
        parts.scripts.concat()
    );
    let csp = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data: blob:",
        hash(&script),
        hash(&style)
    );
    // Inside a script element only `<` could end it; in JSON it stands in strings alone.
    let mut content = format!(
        "<script type=\"application/json\" id=\"page\">{}</script>",
        data.replace('<', "\\u003c")
    );
    for (number, block) in blocks.enumerate() {
        content += &format!(
            "\n<script type=\"application/octet-stream\" id=\"b{number}\">{block}</script>"
        );
    }
    let title = escaped(title);
    fill(
        parts.template,
        &[
            ("lang", language),
            ("csp", &csp),
            ("title", &title),
            ("style", &style),
            ("data", &content),
            ("script", &script),
        ],
    )
}

/// The template with each `{{name}}` replaced, in one go: what is put in is not looked at again.
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

/// As a content security policy names a script or a style.
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
    use super::*;

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
