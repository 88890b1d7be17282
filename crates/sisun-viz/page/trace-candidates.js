// One step of the sampler: the most likely tokens under the model, the tokens removed by each stage, and the token drawn.

import { find, make } from "./elements.js";
import { counted, percent } from "./numbers.js";
import { tokenElement, visible } from "./tokens.js";
import { say, sayWith } from "./words.js";

/** @import { TraceApp } from "./trace-app.js" */
/** @import { Candidate, Sampler, Stage, TraceStep } from "./types.js" */

/** Number of most likely tokens in a trace, besides the chosen one. */
const LISTED = 20;

/**
 * Return the active stages that remove tokens.
 * @param {Sampler} sampler
 * @returns {Stage[]}
 */
function stagesOf({ temperature, top_k, top_p, min_p }) {
  if (temperature === 0) return ["greedy"];
  /** @type {Stage[]} */
  const stages = ["top_k", "top_p", "min_p"];
  const on = [top_k > 0, top_p < 1, min_p > 0];
  return stages.filter((_, i) => on[i]);
}

/**
 * Return the contents of the second column: temperature 0 is not a division, so then only a penalty has an effect.
 * @param {Sampler} sampler
 */
function temperedTitle({ temperature, repetition_penalty: penalty }) {
  if (temperature === 0) return penalty === 1 ? null : say("col-penalised");
  return penalty === 1 ? say("col-tempered", temperature) : say("col-both", temperature);
}

export class Candidates {
  /** @param {TraceApp} app */
  constructor(app) {
    this.app = app;
    this.sampler = app.trace.sampler;
    this.table = find("candidates");
    this.why = find("why");
    this.stages = find("stages");
  }

  /** @param {number} step */
  show(step) {
    const now = this.app.trace.steps[step];
    const chosen = now.candidates.findIndex(({ id }) => id === now.id);
    this.#showWhy(now, step, chosen);
    this.#showStages(now.left);
    const tempered = temperedTitle(this.sampler);
    const head = (/** @type {string} */ textContent) => make("th", { scope: "col", textContent });
    const heads = make("tr", {}, head(say("col-token")), head(say("col-model")), ...(tempered ? [head(tempered)] : []), head(say("col-drawn")));
    const rows = now.candidates.map((candidate, i) => this.#row(candidate, i === chosen, tempered !== null));
    const rest = this.#rest(now, tempered !== null);
    this.table.replaceChildren(make("thead", {}, heads), make("tbody", {}, ...rows), ...(rest ? [make("tfoot", {}, rest)] : []));
  }

  /**
   * @param {Candidate} candidate
   * @param {boolean} chosen
   * @param {boolean} both true if there is a column for the effect of temperature and penalty
   */
  #row({ id, text, probability, tempered, removed, drawn }, chosen, both) {
    const token = tokenElement(visible(text));
    const tag = chosen ? [make("span", { className: "tag", textContent: say(removed || this.sampler.temperature === 0 ? "taken" : "drawn") })] : [];
    const row = make("tr", { data: { id, probability, tempered, drawn, removed: removed ?? "" } },
      make("th", { scope: "row" }, removed ? make("s", {}, token) : token, ...tag), bar(probability), ...(both ? [bar(tempered)] : []),
      removed ? make("td", { className: "gone", textContent: say(`removed-${removed}`) }) : bar(drawn, "final"));
    if (removed) {
      row.classList.add("removed");
      row.title = say(`what-${removed}`, removed === "greedy" ? "" : this.sampler[removed]);
    }
    if (chosen) {
      row.classList.add("chosen");
      row.setAttribute("aria-current", "true");
    }
    return row;
  }

  /**
   * A row for the sum of the unlisted tokens.
   * @param {TraceStep} now
   * @param {boolean} both
   */
  #rest({ candidates, left }, both) {
    const others = left.vocabulary - candidates.length;
    if (others <= 0) return null;
    const rest = (/** @type {"drawn" | "probability" | "tempered"} */ name) => Math.max(0, 1 - candidates.reduce((sum, candidate) => sum + candidate[name], 0));
    const drawable = left.min_p - candidates.filter(({ removed }) => !removed).length;
    const last = drawable > 0 ? bar(rest("drawn"), "final") : make("td", { className: "gone", textContent: "–" });
    return make("tr", {}, make("th", { scope: "row", textContent: say("others", counted(others)) }), bar(rest("probability")), ...(both ? [bar(rest("tempered"))] : []), last);
  }

  /**
   * A sentence about the chosen token's row of the table.
   * @param {TraceStep} now
   * @param {number} step
   * @param {number} chosen its index among the candidates
   */
  #showWhy({ candidates, left }, step, chosen) {
    const { tokens, prompt_tokens: read } = this.app.trace;
    const { probability, drawn } = candidates[chosen];
    const { vocabulary } = left;
    // A token below the most likely ones is listed only because it was chosen: its rank is unknown.
    const ranked = chosen < LISTED || candidates.length === vocabulary;
    const rank = ranked ? say(chosen === 0 ? "rank-first" : "rank", chosen + 1, counted(vocabulary)) : say("rank-below", LISTED);
    const { temperature, repetition_penalty: penalty } = this.sampler;
    let how;
    if (temperature === 0) how = say(penalty === 1 ? "why-greedy" : "why-penalised");
    else if (left.min_p === 1) how = say("why-only");
    else how = say(left.min_p === vocabulary ? "why-all" : "why-drawn", counted(left.min_p), percent(drawn));
    const strong = (/** @type {string} */ textContent) => make("strong", { textContent });
    this.why.replaceChildren(...sayWith("why", tokenElement(tokens[read + step - 1]), tokenElement(tokens[read + step], "token now"), strong(percent(probability)), rank), " ", how);
  }

  /**
   * Format "512 → top-k 40 → top-p 12": only active stages.
   * @param {TraceStep["left"]} left
   */
  #showStages(left) {
    const stage = (/** @type {string} */ name, /** @type {number} */ count) => make("li", {}, `${name} `, make("b", { textContent: counted(count) }));
    const on = stagesOf(this.sampler).map((name) => stage(say(`removed-${name}`), name === "greedy" ? left.min_p : left[name]));
    this.stages.replaceChildren(stage(say("stage-vocabulary"), left.vocabulary), ...on);
    this.stages.hidden = on.length === 0;
  }
}

/**
 * A cell with a probability as a bar and as a number.
 * @param {number} p
 */
function bar(p, className = "") {
  const line = make("span", { className: "fill" });
  line.style.setProperty("--p", String(Number.isFinite(p) ? p : 0));
  return make("td", { className }, line, make("span", { className: "value", textContent: percent(p) }));
}
