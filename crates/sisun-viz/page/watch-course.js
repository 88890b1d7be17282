// The course of training, gathered from events.

/** @typedef {{ step: number, split: "train" | "validation", loss: number | null, lr?: number, grad_norm?: number }} Metric */
/** @typedef {{ step: number, layers: number, heads: number, causal: boolean, tokens: string[], weights: string }} HeadsFrame */
/** @typedef {{ state: "running" | "finished" | "interrupted" | "failed", message: string }} RunState */

/** @typedef {{ kind: "run", run: number, name: string, steps: number | null }} RunEvent */
/** @typedef {{ kind: "state", run: number } & RunState} StateEvent */
/** @typedef {{ kind: "metric", run: number } & Metric} MetricEvent */
/** @typedef {{ kind: "sample", run: number, step: number, text: string }} SampleEvent */
/** @typedef {{ kind: "heads", run: number } & HeadsFrame} HeadsEvent */
/** @typedef {RunEvent | StateEvent | MetricEvent | SampleEvent | HeadsEvent} WatchEvent */

/** One run. */
export class Course {
  name = "";
  /** @type {number | null} */
  steps = null;
  /** @type {RunState} */
  state = { state: "running", message: "" };
  /** @type {Metric[]} */
  metrics = [];
  /** @type {{ step: number, text: string }[]} */
  samples = [];
  /** @type {HeadsFrame[]} */
  frames = [];

  /** @param {WatchEvent} event */
  add(event) {
    if (event.kind === "run") Object.assign(this, { name: event.name, steps: event.steps });
    else if (event.kind === "state") this.state = { state: event.state, message: event.message };
    else if (event.kind === "metric") put(this.metrics, event, (a, b) => a.step === b.step && a.split === b.split);
    else if (event.kind === "sample") put(this.samples, event, (a, b) => a.step === b.step);
    else put(this.frames, event, (a, b) => a.step === b.step);
  }

  /** The steps at which there is something to see. @returns {number[]} */
  get moments() {
    return [...this.metrics, ...this.samples, ...this.frames].map(({ step }) => step);
  }

  /**
   * The points of a line.
   * @param {"loss" | "lr" | "grad_norm"} name
   * @param {"train" | "validation"} split
   * @returns {[step: number, value: number][]}
   */
  line(name, split) {
    return this.metrics.flatMap((metric) => {
      const value = metric.split === split ? metric[name] : null;
      return typeof value === "number" ? [/** @type {[number, number]} */ ([metric.step, value])] : [];
    });
  }
}

/**
 * Put an entry in its place by step; an equal one is replaced, as a resumed run repeats steps.
 * @template {{ step: number }} T
 * @param {T[]} entries
 * @param {T} entry
 * @param {(a: T, b: T) => boolean} equal
 */
function put(entries, entry, equal) {
  let at = entries.length;
  while (at > 0 && entries[at - 1].step > entry.step) at--;
  for (let i = at - 1; i >= 0 && entries[i].step === entry.step; i--) {
    if (equal(entries[i], entry)) {
      entries[i] = entry;
      return;
    }
  }
  entries.splice(at, 0, entry);
}

/**
 * The last entry at or before a step; the first if all are later.
 * @template {{ step: number }} T
 * @param {T[]} entries
 * @param {number} step
 * @returns {T | null}
 */
export function lastAt(entries, step) {
  return entries.findLast((entry) => entry.step <= step) ?? entries[0] ?? null;
}
