// Errors are shown as a sentence; the page never stays empty.

import { find } from "./elements.js";
import { say } from "./words.js";

/** @param {string} sentence */
export function tellTrouble(sentence) {
  const host = find("trouble");
  host.textContent = sentence;
  host.hidden = false;
}

/** @param {unknown} error */
export function report(error) {
  tellTrouble(say("trouble", error instanceof Error ? error.message : String(error)));
  console.error(error);
}

/**
 * Start a page, and report any error then or later.
 * @param {() => Promise<void>} start
 */
export function begin(start) {
  addEventListener("error", (event) => report(event.error ?? event.message));
  addEventListener("unhandledrejection", (event) => report(event.reason));
  start().catch(report);
}

/** Mark the page as complete, with the time in milliseconds: tests wait for it. */
export function ready() {
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
}
