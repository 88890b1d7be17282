// Saving the page with everything that the reader has chosen and typed: the same file, with the choices in its first element.

import { keepBlocks } from "./blocks.js";
import { find, make } from "./elements.js";
import { say } from "./words.js";

/** @import { App } from "./app.js" */

/** The page as it was read: the text before its body, and its parts; of a block only its element's beginning. */
class Original {
  #before = `<!doctype html>\n<html lang="${document.documentElement.lang}"`;
  #head = document.head.outerHTML;
  #parts = Array.from(document.body.childNodes, (node) => {
    if (!(node instanceof Element)) return node.textContent ?? "";
    return node.matches("script[type='application/octet-stream']") ? node : node.outerHTML;
  });

  /**
   * The page with these choices, in parts.
   * @param {string} choices
   */
  with(choices) {
    const escaped = choices.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
    const parts = this.#parts.map((part) => (part instanceof Element ? part.outerHTML : part));
    return [`${this.#before} data-choices="${escaped}">\n`, this.#head, "\n<body>", ...parts, "</body>\n</html>\n"];
  }
}

/** @type {Original | null} */
let original = null;

/** Remember the page before its scripts change it, and keep its blocks. */
export function rememberPage() {
  keepBlocks();
  original = new Original();
}

/**
 * Add a button that saves the page.
 * @param {App} app
 */
export function addSaving(app) {
  const button = make("button", { className: "plain", id: "save-page", data: { say: "save-page" }, textContent: say("save-page") });
  button.addEventListener("click", () => {
    if (!original) return;
    const name = `${app.page.title.replace(/[^\p{L}\p{N}._-]+/gu, "-")}.html`;
    const address = URL.createObjectURL(new Blob(original.with(app.state.spelled()), { type: "text/html" }));
    make("a", { href: address, download: name }).click();
    // The browser reads the address after the click; a minute is ample.
    setTimeout(() => URL.revokeObjectURL(address), 60000);
    find("done").textContent = say("saved", name);
  });
  find("link").after(button);
}
