// The steps before and after attention: vectors of the residual stream, the rotation, and the next token.

import { make } from "./elements.js";
import { shown } from "./labels.js";
import { percent, written } from "./numbers.js";
import { word } from "./worked-list.js";
import { language } from "./words.js";

/** @import { Steps } from "./worked-steps.js" */
/** @import { View } from "./view.js" */
/** @import { Brief, Walk } from "./walk.js" */

/** Distances by which query and key are moved together to show that only their offset matters. */
const SHIFTS = [0, 10, 1000];

/** What the tables of a query are made of. @typedef {{ view: View, layer: number, head: number, query: number, steps: Steps, walk: Walk | null, values: Record<string, string> }} Given */

const say = (/** @type {string} */ name, /** @type {Record<string, string>} */ values = {}) => word(name, values, language());

/**
 * Return what is shown below the sentences of a step.
 * @param {string} id
 * @param {Given} given
 * @returns {HTMLElement[]}
 */
export function streamTables(id, given) {
  const { walk, head, values: { h, x, input }, view } = given;
  if (id === "rotation" && view.walk.rotation) return rotated(given, view.walk.rotation);
  if (!walk) return [];
  const { vectors: all, terms } = walk;
  const share = say("share", { head: String(head) });
  const biased = view.walk.context.flags.includes("attention-bias");
  const own = briefly(given.steps.z, view);
  /** @type {Record<string, () => HTMLElement[]>} */
  const tables = {
    embedding: () => [vectors([["x", all.embedding]])],
    position: () => [vectors([["x", all.embedding], ["p", all.position], ["x̃ = x + p", all.positioned]])],
    stream: () => [vectors([[x, all.positioned], ["h", all.before]])],
    norm: () => [vectors([[h, all.before], ["x̂", all.normed]])],
    qkv: () => {
      const read = all.normed ?? all.before;
      const examples = /** @type {const} */ (["q", "k", "v"]).map((name) => product(`${input} · W_${name.toUpperCase()}[:, 0]`, read, terms[name], all[name].numbers[0], biased));
      return [vectors([[input, read], ["q", all.q], ["k", all.k], ["v", all.v]]), ...examples];
    },
    "qk-norm": () => {
      const [q, k] = beforePosition(given);
      return [vectors([[`q = ${input} · W`, all.q], ["norm(q)", q], [`k = ${input} · W`, all.k], ["norm(k)", k]])];
    },
    output: () => [vectors([["z", own], [share, all.share]]), product("z · W_O[:, 0]", own, terms.o, all.share.numbers[0], false)],
    residual: () => [vectors([[h, all.before], [share, all.share], [say("all-heads"), all.attention], ["h′", all.mid]])],
    ffn: () => [vectors([["h′", all.mid], ["f", all.ffn], ["h″", all.after]])],
    next: () => [points(walk, given.layer)],
  };
  return tables[id]?.() ?? [];
}

/**
 * A whole vector of a head, shortened as those of the page.
 * @param {ArrayLike<number>} values
 * @param {View} view
 * @returns {Brief}
 */
function briefly(values, view) {
  const numbers = Float32Array.from(values);
  const length = Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0));
  return { numbers: numbers.subarray(0, Math.max(view.walk.shown_of_head, 1)), length, width: numbers.length };
}

/**
 * Vectors below one another, each with its length.
 * @param {[name: string, vector: Brief][]} rows
 */
function vectors(rows) {
  const head = make("tr", {}, make("th"), make("th", { scope: "col", textContent: say("length") }), make("th", { scope: "col", className: "vector", textContent: say("vector") }));
  const body = rows.map(([name, { numbers, length, width }]) => make("tr", {}, make("th", { scope: "row", textContent: name }),
    make("td", { textContent: written(length, 3) }),
    make("td", { className: "vector", data: { values: JSON.stringify([...numbers]) }, textContent: `[${[...numbers].map((x) => written(x, 3)).join(", ")}${numbers.length < width ? ", …" : ""}] (1 × ${width})` })));
  return scrolled(make("table", { className: "vectors" }, make("thead", {}, head), make("tbody", {}, ...body)));
}

/**
 * A table in a box that scrolls sideways.
 * @param {HTMLElement} table
 * @returns {HTMLElement}
 */
export function scrolled(table) {
  return make("div", { className: "wide", tabIndex: 0, role: "region", "aria-label": say("vector") }, table);
}

/**
 * The first terms of a product of a vector and a column.
 * @param {string} name
 * @param {Brief} vector
 * @param {ArrayLike<number>} column
 * @param {number} result
 * @param {boolean} biased
 */
function product(name, { numbers, width }, column, result, biased) {
  const count = Math.min(numbers.length, column.length, 4);
  const terms = Array.from({ length: count }, (_, i) => `(${written(numbers[i], 3)} × ${written(column[i], 3)})`);
  if (width > count) terms.push("…");
  if (biased) terms.push("b");
  return make("p", { className: "numbers", textContent: `${name} = ${terms.join(" + ")} = ${written(result)}` });
}

/**
 * Return a vector whose pairs are turned by `position · radians` and multiplied by `magnitude`.
 * @param {ArrayLike<number>} vector
 * @param {number[]} radians
 * @param {number} position
 * @param {number} magnitude
 */
function turned(vector, radians, position, magnitude) {
  const result = Float64Array.from(vector);
  radians.forEach((angle, i) => {
    const [cos, sin] = [Math.cos(position * angle), Math.sin(position * angle)];
    const [a, b] = [vector[i], vector[i + radians.length]];
    result[i] = magnitude * (a * cos - b * sin);
    result[i + radians.length] = magnitude * (a * sin + b * cos);
  });
  return result;
}

/**
 * q and the query's own k before their position, after their norm.
 * @param {Given} given
 */
function beforePosition({ view, steps, query }) {
  const { rotation } = view.walk;
  const back = (/** @type {Float32Array} */ vector) => (rotation ? turned(vector, rotation.radians, -query, 1 / rotation.magnitude) : vector);
  return [back(steps.q), back(steps.keys[query].k)].map((vector) => briefly(vector, view));
}

/**
 * @param {Given} given
 * @param {{ radians: number[], magnitude: number }} rotation
 */
function rotated({ view, steps, query }, { radians, magnitude }) {
  const others = steps.keys.filter((key) => key.token !== query && !key.hidden);
  const key = others.reduce((/** @type {typeof others[number] | null} */ best, one) => (best && best.weight > one.weight ? best : one), null) ?? steps.keys[query];
  const back = (/** @type {ArrayLike<number>} */ vector, /** @type {number} */ position) => turned(vector, radians, -position, 1 / magnitude);
  const [q, k] = [back(steps.q, query), back(key.k, key.token)];
  const name = `k “${shown(view.tokens[key.token].text)}”`;
  const brief = (/** @type {ArrayLike<number>} */ vector) => briefly(vector, view);
  const table = vectors([
    [`q ${say("before")}`, brief(q)], [`q ${say("after")}`, brief(steps.q)], [`${name} ${say("before")}`, brief(k)], [`${name} ${say("after")}`, brief(key.k)],
  ]);
  const rows = SHIFTS.map((shift) => {
    const [a, b] = [turned(q, radians, query + shift, magnitude), turned(k, radians, key.token + shift, magnitude)];
    return [query + shift, key.token + shift, query - key.token, written(a.reduce((sum, x, d) => sum + x * b[d], 0))];
  });
  const titles = [say("query-at"), say("key-at"), "i − j", "q · k"];
  const proof = make("table", { className: "proof" },
    make("thead", {}, make("tr", {}, ...titles.map((textContent) => make("th", { scope: "col", textContent })))),
    make("tbody", {}, ...rows.map((cells) => make("tr", {}, ...cells.map((cell) => make("td", { textContent: String(cell).replace(/^-/, "−") }))))));
  const half = radians.length;
  const pair = (/** @type {ArrayLike<number>} */ vector) => /** @type {[number, number]} */ ([vector[0], vector[half]]);
  const figure = plane([["q", pair(q), pair(steps.q)], ["k", pair(k), pair(key.k)]], `q[0], q[${half}]; k[0], k[${half}]`);
  return [make("div", { className: "turning" }, figure, scrolled(table)), scrolled(proof)];
}

/**
 * Draw pairs before (dashed) and after their rotation.
 * @param {[name: string, before: [number, number], after: [number, number]][]} pairs
 * @param {string} label
 */
function plane(pairs, label) {
  const limit = Math.max(1e-9, ...pairs.flatMap(([, before, after]) => [...before, ...after].map(Math.abs)));
  const [size, scale] = [180, 76 / limit];
  const svg = (/** @type {string} */ name, /** @type {Record<string, string | number>} */ attributes, text = "") => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
    element.textContent = text;
    return element;
  };
  const root = svg("svg", { width: size, height: size, viewBox: `-90 -90 ${size} ${size}`, role: "img", "aria-label": label, class: "plane" });
  root.append(svg("line", { x1: -84, y1: 0, x2: 84, y2: 0, class: "axis" }), svg("line", { x1: 0, y1: -84, x2: 0, y2: 84, class: "axis" }));
  for (const [name, before, after] of pairs) {
    for (const [kind, [x, y]] of /** @type {const} */ ([["before", before], ["after", after]])) {
      const [px, py] = [x * scale, -y * scale];
      root.append(svg("line", { x1: 0, y1: 0, x2: px, y2: py, class: `${name} ${kind}` }), svg("circle", { cx: px, cy: py, r: 3, class: `${name} ${kind}` }));
      root.append(svg("text", { x: px + (px < 0 ? -6 : 6), y: py + (py < 0 ? -5 : 11), "text-anchor": px < 0 ? "end" : "start" }, kind === "before" ? name : `${name}′`));
    }
  }
  const caption = make("figcaption", { textContent: `${label}: ${say("before")} q, k → ${say("after")} q′, k′` });
  return make("figure", {}, /** @type {Node} */ (root), caption);
}

/**
 * The probability of the next token at each point of the stream.
 * @param {Walk} walk
 * @param {number} layer
 */
function points({ points: all, next }, layer) {
  const titles = [say("part"), say("probability", { next: shown(next) }), say("change")];
  const rows = all.map(({ part, probability }, i) => {
    const [kind, number = ""] = part.split(" ");
    const change = i === 0 ? null : 100 * (probability - all[i - 1].probability);
    const text = change === null ? "" : `${change >= 0.005 ? "+" : ""}${written(change, 2).replace(/^−(0\.00)$/, "$1")}`;
    const bar = make("span", { className: "fill" });
    bar.style.width = `${100 * probability}%`;
    return make("tr", { className: kind === "attn_out" && Number(number) === layer ? "chosen" : "" },
      make("th", { scope: "row", textContent: say(`part-${kind}`, { layer: number }) }),
      make("td", { data: { column: "weight", value: probability } }, bar, percent(probability)), make("td", { textContent: text }));
  });
  const table = make("table", { className: "points" }, make("thead", {}, make("tr", {}, ...titles.map((textContent) => make("th", { scope: "col", textContent })))), make("tbody", {}, ...rows));
  return scrolled(table);
}
