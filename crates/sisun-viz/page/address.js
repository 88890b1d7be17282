// The reader's choices are stored in the page's address, so that a copied link opens exactly the same view.

/** @typedef {string | number | null | (string | null)[]} Choice Value of a name in the address. */

/**
 * @param {string} text
 * @returns {number | null}
 */
export const readNumber = (text) => (text !== "" && Number.isFinite(Number(text)) ? Number(text) : null);

/**
 * @param {string} text
 * @returns {number | null}
 */
export const readIndex = (text) => (/^\d+$/.test(text) ? Number(text) : null);

/**
 * A reader that accepts only these texts.
 * @template {string} T
 * @param {...T} allowed
 * @returns {(text: string) => T | null}
 */
export const readOne = (...allowed) => (text) => allowed.find((one) => one === text) ?? null;

export const readMap = readOne("blues", "viridis", "cividis", "magma");
export const readLanguage = readOne("en", "ko");
export const readTheme = readOne("auto", "light", "dark");

/**
 * The fragment of the address, after `#`.
 * @template {Record<keyof C, Choice>} C
 */
export class Address {
  #timer = 0;
  /** Names of the address that are unknown or have invalid values, as they were read last. @type {string[]} */
  ignored = [];

  /**
   * Each name has a reader of its text, which returns null for invalid text. `always` is written even if it has its
   * default value.
   * @param {{ [N in keyof C]: (text: string) => C[N] | null }} readers
   * @param {C} defaults
   * @param {string & keyof C} always
   */
  constructor(readers, defaults, always) {
    this.readers = readers;
    this.defaults = defaults;
    this.always = always;
  }

  /** @returns {(string & keyof C)[]} */
  get names() {
    return /** @type {(string & keyof C)[]} */ (Object.keys(this.readers));
  }

  /** Read the choices from the address, with defaults for the others. */
  read() {
    const found = { ...this.defaults };
    // A page inside another one has no address of its own; then `<html data-choices>` says how to open it.
    const address = new URLSearchParams(location.hash.slice(1) || document.documentElement.dataset.choices);
    this.ignored = [];
    for (const [given, text] of address) {
      const name = this.names.find((known) => known === given);
      const value = name ? this.readers[name](text) : null;
      if (name && value !== null) found[name] = value;
      else this.ignored.push(text ? `${given}=${text}` : given);
    }
    return found;
  }

  /**
   * Call back with the choices whenever the reader changes the address.
   * @param {(choices: C) => void} callback
   */
  listen(callback) {
    addEventListener("hashchange", () => callback(this.read()));
  }

  /** @param {C} choices */
  write(choices) {
    clearTimeout(this.#timer);
    const hash = this.spell(choices);
    if (location.hash.slice(1) === hash) return;
    try {
      history.replaceState(null, "", `#${hash}`);
    } catch {
      // A page from a file may not be allowed to do this; then the address stays unchanged.
    }
  }

  /**
   * Write the choices after a short delay: browsers limit how often an address may change.
   * @param {C} choices
   */
  writeSoon(choices) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.write(choices), 150);
  }

  /**
   * The choices that differ from the defaults.
   * @param {C} choices
   */
  spell(choices) {
    const chosen = this.names.filter((name) => name === this.always || !same(choices[name], this.defaults[name]));
    return chosen.map((name) => `${name}=${encodeURIComponent(spelled(choices[name]))}`).join("&");
  }
}

/** @param {Choice} value */
function spelled(value) {
  if (Array.isArray(value)) return value.map((one) => one ?? "").join(",");
  return typeof value === "number" ? String(Number(value.toPrecision(6))) : String(value);
}

/**
 * Return true if two choices are equal.
 * @param {Choice} a
 * @param {Choice} b
 * @returns {boolean}
 */
export function same(a, b) {
  return a === b || (Array.isArray(a) && Array.isArray(b) && a.join() === b.join());
}

/**
 * Copy a text, and return whether this was possible: not every browser lets a page from a file access the clipboard.
 * @param {string} text
 * @returns {Promise<boolean>}
 */
export async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
