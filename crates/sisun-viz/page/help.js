// The keyboard shortcuts of a page, in a dialog.

import { find, make } from "./elements.js";
import { say } from "./words.js";

export function openHelp() {
  find("help", HTMLDialogElement).showModal();
}

/**
 * List shortcuts with their effects: the texts `help-` and a name.
 * @param {[key: string, name: string][]} keys
 */
export function listKeys(keys) {
  const lines = keys.flatMap(([key, name]) => [make("dt", { textContent: key }), make("dd", { textContent: say(`help-${name}`) })]);
  find("help").querySelector("dl")?.replaceChildren(...lines);
}
