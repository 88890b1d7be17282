// The reader's changes to the model, in the notation of `--edit`.

/** @import { LiveConfig } from "./types.js" */

/** @typedef {"pattern" | "z" | "resid_pre" | "attn_out" | "mlp_out" | "resid_post"} Activation */
/**
 * What values become: zero, their mean over the positions of the text, those of the second sentence, a weight; or the only token
 * that a pattern attends to.
 * @typedef {"zero" | "mean" | "from" | "diagonal" | "first" | "previous" | number} Change
 */
/**
 * Edits are made in their order, where the activation is computed; everything after it sees the result.
 * @typedef {object} Edit
 * @property {Activation} activation
 * @property {number} layer
 * @property {number | null} head null if the activation has no heads
 * @property {number | null} position null for all; of a pattern the query
 * @property {number | null} key the key of a weight that is set, while the rest of its row is scaled
 * @property {Change} change
 */

/** Largest number of edits; a link may ask for more. */
const MOST = 500;

/** @type {Activation[]} */
export const ACTIVATIONS = ["pattern", "z", "resid_pre", "attn_out", "mlp_out", "resid_post"];

/** @param {Activation} activation */
export const hasHeads = (activation) => activation === "pattern" || activation === "z";

// An edit: `z 0.1 @3 = zero`, `pattern 1.0 @5:3 = 0.9`.
const EDIT = /^\s*(\w+)\s+(\d{1,4})(?:\.(\d{1,4}))?\s*(?:@(\d{1,5})(?::(\d{1,5}))?)?\s*=\s*(\w+|\d*\.?\d+)\s*$/;

/**
 * @param {string} text
 * @returns {Edit | null}
 */
function parsed(text) {
  const found = EDIT.exec(text);
  if (!found) return null;
  const [, name, layer, head, position, key, what] = found;
  const activation = ACTIVATIONS.find((known) => known === name);
  const number = (/** @type {string | undefined} */ digits) => (digits === undefined ? null : Number(digits));
  if (!activation || hasHeads(activation) !== (head !== undefined)) return null;
  const change = key !== undefined ? Number(what) : what;
  const allowed = activation !== "pattern" ? key === undefined && ["zero", "mean", "from"].includes(what)
    : key !== undefined ? Number(change) >= 0 && Number(change) <= 1 : ["diagonal", "first", "previous"].includes(what);
  if (!allowed) return null;
  return { activation, layer: Number(layer), head: number(head), position: number(position), key: number(key), change: /** @type {Change} */ (change) };
}

/**
 * Edits from a text in which semicolons separate them. `left` lists what is no edit, or not one of this model.
 * @param {string} text
 * @param {LiveConfig} config
 * @returns {{ edits: Edit[], left: string[] }}
 */
export function readEdits(text, { n_layers, n_heads, max_tokens, causal, ffn }) {
  /** @type {Edit[]} */
  const edits = [];
  /** @type {string[]} */
  const left = [];
  for (const part of text.split(";")) {
    if (part.trim() === "") continue;
    const edit = parsed(part);
    const { layer = 0, head = null, position = null, key = null } = edit ?? {};
    const exists = edit && layer < n_layers && (head ?? 0) < n_heads && (position ?? 0) < max_tokens && (key ?? 0) < max_tokens
      && !(causal && position !== null && key !== null && key > position) && !(edit.activation === "mlp_out" && ffn === "none");
    if (exists && edits.length < MOST) edits.push(edit);
    else left.push(part.trim());
  }
  return { edits, left };
}

/**
 * An edit in the notation of `--edit`; `quote` makes the text that `mean` and `from` name.
 * @param {Edit} edit
 * @param {(change: "mean" | "from") => string} quote
 */
export function spellEdit({ activation, layer, head, position, key, change }, quote = () => "") {
  const place = `${activation} ${layer}${head === null ? "" : `.${head}`}`;
  const at = position === null ? "" : ` @${position}${key === null ? "" : `:${key}`}`;
  return `${place}${at} = ${change}${change === "mean" || change === "from" ? quote(change) : ""}`;
}

/** @param {Edit[]} edits */
export const spellEdits = (edits) => edits.map((edit) => spellEdit(edit).replace(" = ", "=")).join(";");

/**
 * A text in quotes, as `--edit` reads it.
 * @param {string} text
 */
export const quotedText = (text) => ` '${text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\t", "\\t")}'`;

/**
 * Return true if two edits change the same values, so that the later one takes the place of the earlier.
 * @param {Edit} a
 * @param {Edit} b
 */
export const samePlace = (a, b) => a.activation === b.activation && a.layer === b.layer && a.head === b.head && a.position === b.position && a.key === b.key;

/**
 * The edits that can be made on a text of `length` tokens beside a second one (null if there is none): positions must exist in it,
 * and values come from the same position of the second. All positions at once need as many tokens there, and without a mask any do.
 * @param {Edit[]} edits
 * @param {number} length
 * @param {number | null} second
 * @param {boolean} causal
 */
export function within(edits, length, second, causal) {
  return edits.filter(({ position, key, change }) => {
    if ((position ?? 0) >= length || (key ?? 0) >= length) return false;
    if (change !== "from") return true;
    return second !== null && (position === null || !causal ? second === length : position < second);
  });
}
