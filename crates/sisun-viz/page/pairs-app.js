// The page of a source and its target: the attention of encoder, decoder, and decoder to encoder.

import { expectBytes, readBlock } from "./blocks.js";
import { hex } from "./colour.js";
import { contextOf, fillSelect, find, make, onChoice, watchWidth } from "./elements.js";
import { percent, written } from "./numbers.js";
import { watchOverflow } from "./overflow.js";
import { PairsMap } from "./pairs-map.js";
import { Theme } from "./theme.js";
import { say, sayHint, setLanguage, translate } from "./words.js";

/** @import { PairsHead, PairsPageData, ThemeChoice } from "./types.js" */
/** @import { PairsCell } from "./pairs-map.js" */

export class PairsApp {
  /** @param {PairsPageData} page */
  constructor(page) {
    this.page = page;
    this.theme = new Theme(page.colours);
    /** @type {ThemeChoice} */
    this.themeChoice = "auto";
    /** @type {string | null} */
    this.mapChoice = null;
    /** @type {PairsHead[]} */
    this.heads = [];
    this.part = 0;
    this.head = 0;
    /** @type {PairsCell | null} */
    this.pointed = null;
    this.map = new PairsMap(find("view-map"), (cell) => this.point(cell));
    const select = (/** @type {string} */ id) => find(id, HTMLSelectElement);
    select("language").value = page.language;
    onChoice(select("language"), "change", (value) => { setLanguage(value === "ko" ? "ko" : "en"); this.show(); });
    onChoice(select("theme"), "change", (value) => { this.themeChoice = value === "light" || value === "dark" ? value : "auto"; this.show(); });
    onChoice(select("map"), "change", (value) => { this.mapChoice = value; this.show(); });
    watchOverflow(find("view-map"));
    watchOverflow(find("parts"));
    this.theme.listen(() => this.show());
    watchWidth(find("view-map"), () => this.show());
    find("view-map").addEventListener("keydown", (event) => this.#key(event));
    find("title").textContent = page.title;
    find("source").textContent = page.source;
    find("target").textContent = page.target;
  }

  /** Decode every map. */
  async load() {
    for (const part of this.page.parts) {
      const [rows, columns] = [part.rows.length, part.columns.length];
      for (const { layer, heads, block } of part.layers) {
        const bytes = await readBlock(block);
        expectBytes(block, bytes, 4 * heads.length * rows * columns);
        const values = new Float32Array(bytes.buffer);
        for (const [i, head] of heads.entries()) {
          const start = i * rows * columns;
          this.heads.push({
            part: part.part, layer, head, rows: part.rows, columns: part.columns, causal: part.causal, alignment: part.alignment,
            weight: (query, key) => values[start + query * columns + key],
          });
        }
      }
    }
  }

  /** Open with the head of the first part that agrees best with the true alignment. */
  open() {
    this.head = this.#best(0);
    this.show();
  }

  /**
   * The index of the best head of a part; 0 if none is known.
   * @param {number} part
   */
  #best(part) {
    const { best } = this.page.parts[part];
    const heads = this.heads.filter((head) => head.part === this.page.parts[part].part);
    return best ? Math.max(heads.findIndex(({ layer, head }) => layer === best.layer && head === best.head), 0) : 0;
  }

  /** The heads of the current part. */
  current() {
    const { part } = this.page.parts[this.part];
    return this.heads.filter((head) => head.part === part);
  }

  /**
   * @param {number} part
   * @param {number} head
   */
  choose(part, head) {
    [this.part, this.head, this.pointed] = [part, head, null];
    this.show();
  }

  show() {
    const { page } = this;
    const colours = this.theme.colours(this.themeChoice, this.mapChoice, "linear");
    this.theme.apply(this.themeChoice);
    translate(document);
    fillSelect(find("map", HTMLSelectElement), Object.keys(page.colours).map((name) => [name, say(`map-${name}`)]), this.theme.mapOf(this.themeChoice, this.mapChoice));
    find("parts").replaceChildren(...page.parts.map(({ part }, i) => {
      const tab = make("button", { type: "button", role: "tab", textContent: say(`part-${part}`) });
      tab.setAttribute("aria-selected", String(i === this.part));
      tab.addEventListener("click", () => this.choose(i, this.#best(i)));
      return tab;
    }));
    const heads = this.current();
    const shown = heads[this.head];
    find("story").textContent = say(`story-${shown.part}`);
    const picked = this.#name(shown, this.head);
    find("picked").textContent = heads.length > 1 ? picked : "";
    find("heads").replaceChildren(...(heads.length > 1 ? heads.map((head, i) => this.#thumbnail(head, i)) : []));
    find("aligned").textContent = shown.alignment?.length ? say("aligned", percent(mass(shown))) : "";
    this.#showWithout(shown);
    this.map.show(shown, colours);
    this.point(this.pointed);
  }

  /**
   * Layer and number of a head, and whether it is the best.
   * @param {PairsHead} head
   * @param {number} i
   */
  #name({ layer, head }, i) {
    const name = say("layer-head", layer, head);
    return this.page.parts[this.part].best && i === this.#best(this.part) ? `${name} · ${say("best")}` : name;
  }

  /**
   * Show what the model writes without a head.
   * @param {PairsHead} shown
   */
  #showWithout({ part, layer, head }) {
    const { ablations } = this.page;
    const found = ablations?.heads.find((one) => one.part === part && one.layer === layer && one.head === head);
    find("without").replaceChildren(...(ablations && found ? [
      make("span", { textContent: say(this.page.parts.length > 1 ? "without" : "without-context") }),
      make("bdi", { textContent: found.text }),
      make("small", { textContent: say(found.changed ? "without-changed" : "without-same", written(found.log_prob - ablations.log_prob)) }),
    ] : []));
  }

  /** @param {PairsCell | null} cell */
  point(cell) {
    this.pointed = cell;
    const shown = this.current()[this.head];
    this.map.mark(cell, this.theme.colours(this.themeChoice, this.mapChoice, "linear").palette.accent);
    const readout = find("readout");
    if (!cell) return readout.replaceChildren(make("span", { className: "hint", textContent: sayHint("hint") }));
    const { query, key } = cell;
    const sentence = say(shown.part === "cross" ? "reads-cross" : "reads", `“${shown.rows[query]}”`, `“${shown.columns[key]}”`);
    const isAligned = shown.alignment?.some(([row, column]) => row === query && column === key);
    readout.replaceChildren(
      make("strong", { textContent: written(shown.weight(query, key)) }),
      make("span", { className: "pair", textContent: sentence }),
      ...(isAligned ? [make("small", { textContent: say("is-aligned") })] : []),
    );
  }

  /**
   * @param {PairsHead} head
   * @param {number} i
   */
  #thumbnail(head, i) {
    const colours = this.theme.colours(this.themeChoice, this.mapChoice, "linear");
    const canvas = make("canvas", { width: head.columns.length, height: head.rows.length });
    const context = contextOf(canvas);
    for (let query = 0; query < head.rows.length; query++) {
      for (let key = 0; key < head.columns.length; key++) {
        const hidden = head.causal && key > query;
        context.fillStyle = hex(hidden ? colours.palette.hiddenRgb : colours.rgb(head.weight(query, key)));
        context.fillRect(key, query, 1, 1);
      }
    }
    const button = make("button", { type: "button" }, canvas, make("span", { textContent: `${head.layer}.${head.head}${this.page.parts[this.part].best && i === this.#best(this.part) ? " ★" : ""}` }));
    button.setAttribute("aria-pressed", String(i === this.head));
    button.setAttribute("aria-label", this.#name(head, i));
    button.addEventListener("click", () => this.choose(this.part, i));
    return button;
  }

  /**
   * Move from cell to cell with the arrow keys.
   * @param {KeyboardEvent} event
   */
  #key(event) {
    /** @type {Record<string, [number, number]>} */
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const by = steps[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const { rows, columns } = this.current()[this.head];
    const from = this.pointed ?? { query: 0, key: 0 };
    const held = (/** @type {number} */ at, /** @type {number} */ count) => Math.min(Math.max(at, 0), count - 1);
    this.point({ query: held(from.query + by[0], rows.length), key: held(from.key + by[1], columns.length) });
  }
}

/**
 * Return the share of the weight of aligned rows that lies on the true alignment.
 * @param {PairsHead} head
 * @returns {number}
 */
function mass(head) {
  const links = head.alignment ?? [];
  const rows = new Set(links.map(([query]) => query)).size;
  return links.reduce((sum, [query, key]) => sum + head.weight(query, key), 0) / Math.max(rows, 1);
}
