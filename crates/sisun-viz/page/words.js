// The texts of a page in the reader's language.

import { SHARED_STRINGS } from "./strings.js";

/** @typedef {import("./types.js").Language} Language */
/** @typedef {Record<Language, Record<string, string>>} Strings */

/** @type {Strings} */
const strings = { en: { ...SHARED_STRINGS.en }, ko: { ...SHARED_STRINGS.ko } };

/** @type {Language} */
let current = "en";

/**
 * Add the texts of one page to the shared ones.
 * @param {Strings} own
 */
export function addStrings(own) {
  Object.assign(strings.en, own.en);
  Object.assign(strings.ko, own.ko);
}

/**
 * Return the current language of the page.
 * @returns {Language}
 */
export const language = () => current;

/** @param {Language} language */
export function setLanguage(language) {
  current = language;
  // Even the same value would make the browser compute all styles again.
  if (document.documentElement.lang !== language) document.documentElement.lang = language;
}

/**
 * @param {string} key
 * @returns {boolean}
 */
export const hasWords = (key) => key in strings[current];

/**
 * Return the sentence `key` in parts: the values of `{0}`, `{1}` … may be elements.
 * @param {string} key
 * @param {...(Node | string | number)} values
 * @returns {(Node | string)[]}
 */
export function sayWith(key, ...values) {
  const parts = (strings[current][key] ?? key).split(/\{(\d)\}/);
  /** @param {string} number */
  const filled = (number) => {
    const value = values[Number(number)] ?? `{${number}}`;
    return typeof value === "number" ? String(value) : value;
  };
  return parts.map((part, i) => (i % 2 ? filled(part) : part)).filter((part) => part !== "");
}

/**
 * Return the sentence `key` as a text.
 * @param {string} key
 * @param {...(string | number)} values
 * @returns {string}
 */
export function say(key, ...values) {
  return sayWith(key, ...values).join("");
}

/**
 * Fill in texts where the markup requests them: `data-say` is a text, `data-say-label` an invisible name.
 * @param {ParentNode} root
 */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-say]")) {
    if (element instanceof HTMLElement) element.textContent = say(element.dataset.say ?? "");
  }
  for (const element of root.querySelectorAll("[data-say-label]")) {
    if (!(element instanceof HTMLElement)) continue;
    const label = say(element.dataset.sayLabel ?? "");
    element.setAttribute("aria-label", label);
    if (element.matches("button")) element.title = label;
  }
}
