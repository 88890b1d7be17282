// One step of the sampler: what the model thought of the likeliest tokens, what each stage removed, what was drawn.

/** So many of the likeliest are in a trace, and the chosen token. */
const LISTED = 20;

/** The stages that remove tokens, as far as they are switched on. */
function stagesOf({ temperature, top_k, top_p, min_p }) {
  if (temperature === 0) return ["greedy"];
  return [...(top_k > 0 ? ["top_k"] : []), ...(top_p < 1 ? ["top_p"] : []), ...(min_p > 0 ? ["min_p"] : [])];
}

/** What the second column shows: temperature 0 is no division, so that only a penalty can change anything then. */
function temperedTitle({ temperature, repetition_penalty: penalty }) {
  if (temperature === 0) return penalty === 1 ? null : say("col-penalised");
  return penalty === 1 ? say("col-tempered", temperature) : say("col-both", temperature);
}

class Candidates {
  constructor(app) {
    Object.assign(this, { app, sampler: app.trace.sampler });
    Object.assign(this, { table: find("candidates"), why: find("why"), stages: find("stages") });
  }

  show(step) {
    const now = this.app.trace.steps[step];
    const chosen = now.candidates.findIndex(({ id }) => id === now.id);
    this.#showWhy(now, step, chosen);
    this.#showStages(now.left);
    const tempered = temperedTitle(this.sampler);
    const head = (textContent) => make("th", { scope: "col", textContent });
    const heads = make("tr", {}, head(say("col-token")), head(say("col-model")), ...(tempered ? [head(tempered)] : []), head(say("col-drawn")));
    const rows = now.candidates.map((candidate, i) => this.#row(candidate, i === chosen, tempered !== null));
    const rest = this.#rest(now, tempered !== null);
    this.table.replaceChildren(make("thead", {}, heads), make("tbody", {}, ...rows), ...(rest ? [make("tfoot", {}, rest)] : []));
  }

  #row({ id, text, probability, tempered, removed, drawn }, chosen, both) {
    const token = quoted(visible(text));
    const tag = chosen ? [make("span", { className: "tag", textContent: say(removed || this.sampler.temperature === 0 ? "taken" : "drawn") })] : [];
    const row = make("tr", { data: { id, probability, tempered, drawn, removed: removed ?? "" } },
      make("th", { scope: "row" }, removed ? make("s", {}, token) : token, ...tag), bar(probability), ...(both ? [bar(tempered)] : []),
      removed ? make("td", { className: "gone", textContent: say(`removed-${removed}`) }) : bar(drawn, "final"));
    if (removed) {
      row.classList.add("removed");
      row.title = say(`what-${removed}`, this.sampler[removed]);
    }
    if (chosen) {
      row.classList.add("chosen");
      row.setAttribute("aria-current", "true");
    }
    return row;
  }

  /** The tokens that are not listed, together. */
  #rest({ candidates, left }, both) {
    const others = left.vocabulary - candidates.length;
    if (others <= 0) return null;
    const rest = (name) => Math.max(0, 1 - candidates.reduce((sum, candidate) => sum + candidate[name], 0));
    const drawable = left.min_p - candidates.filter(({ removed }) => !removed).length;
    const last = drawable > 0 ? bar(rest("drawn"), "final") : make("td", { className: "gone", textContent: "–" });
    return make("tr", {}, make("th", { scope: "row", textContent: say("others", counted(others)) }), bar(rest("probability")), ...(both ? [bar(rest("tempered"))] : []), last);
  }

  /** In a sentence, what the table shows of the chosen token. */
  #showWhy({ candidates, left }, step, chosen) {
    const { tokens, prompt_tokens: read } = this.app.trace;
    const { probability, drawn } = candidates[chosen];
    const { vocabulary } = left;
    // What stands below the likeliest is there because it was chosen: its rank is not known.
    const ranked = chosen < LISTED || candidates.length === vocabulary;
    const rank = ranked ? say(chosen === 0 ? "rank-first" : "rank", chosen + 1, counted(vocabulary)) : say("rank-below", LISTED);
    const { temperature, repetition_penalty: penalty } = this.sampler;
    let how;
    if (temperature === 0) how = say(penalty === 1 ? "why-greedy" : "why-penalised");
    else if (left.min_p === 1) how = say("why-only");
    else how = say(left.min_p === vocabulary ? "why-all" : "why-drawn", counted(left.min_p), percent(drawn));
    const strong = (textContent) => make("strong", { textContent });
    this.why.replaceChildren(...sayWith("why", quoted(tokens[read + step - 1]), quoted(tokens[read + step], "token now"), strong(percent(probability)), rank), " ", how);
  }

  /** "512 → top-k 40 → top-p 12": only stages that are switched on. */
  #showStages(left) {
    const stage = (name, count) => make("li", {}, `${name} `, make("b", { textContent: counted(count) }));
    const on = stagesOf(this.sampler).map((name) => stage(say(`removed-${name}`), name === "greedy" ? left.min_p : left[name]));
    this.stages.replaceChildren(stage(say("stage-vocabulary"), left.vocabulary), ...on);
    this.stages.hidden = on.length === 0;
  }
}

/** A cell with a probability as a bar and as a number. */
function bar(p, className = "") {
  const line = make("span", { className: "fill" });
  line.style.setProperty("--p", Number.isFinite(p) ? p : 0);
  return make("td", { className }, line, make("span", { className: "value", textContent: percent(p) }));
}
