// What the worker computed last, as views of the page: the text with the reader's changes, without them, and the second sentence.

import { DifferenceView } from "./difference.js";
import { viewOf } from "./live-view.js";
import { say } from "./words.js";

/** @import { App } from "./app.js" */
/** @import { About } from "./live-app.js" */
/** @import { Fixed } from "./live-view.js" */
/** @import { PassResult, ReadAnswer } from "./live-worker.js" */
/** @import { View } from "./view.js" */

/** A pass over a text, and its view. @typedef {{ pass: PassResult, view: View }} Computed */

/** The worker's numbers of its readings. */
const READINGS = { untouched: 0, second: 1, edited: 2 };

export class Shown {
  /** @type {Computed} */
  untouched;
  /** @type {Computed | null} */
  second;
  /** @type {Computed | null} */
  edited;
  /** @type {[one: View, other: View, difference: DifferenceView] | null} */
  #difference = null;

  /**
   * @param {Fixed} fixed
   * @param {About} about
   * @param {ReadAnswer} answer
   * @param {Shown | null} before what was shown before, of which a part may be unchanged
   */
  constructor(fixed, about, answer, before) {
    this.about = about;
    this.rows = answer.rows;
    this.milliseconds = answer.milliseconds;
    const computed = (/** @type {PassResult} */ pass, /** @type {number} */ reading, laid = about.first) => ({ pass, view: viewOf(fixed, laid, pass, reading) });
    if (answer.untouched === "same" && before) this.untouched = before.untouched;
    else if (answer.untouched !== "same") this.untouched = computed(answer.untouched, READINGS.untouched);
    else throw new Error("the worker repeats an answer that it has not given");
    this.second = answer.second === "same" ? before?.second ?? null : answer.second && about.second && computed(answer.second, READINGS.second, about.second);
    this.edited = answer.edited && computed(answer.edited, READINGS.edited);
    if (before) this.#difference = before.#difference;
  }

  /** What is on the page: with the reader's changes, if there are any. */
  get now() {
    return this.edited ?? this.untouched;
  }

  /**
   * Give the views to the page, with those beside the first that the reader wants to see.
   * @param {App} app
   */
  present(app) {
    const { now, untouched, second, edited, about } = this;
    app.views[0] = now.view;
    app.untouched = edited ? untouched.view : null;
    app.page.text = about.first.text;
    now.view.label = say(edited ? "column-edited" : "column-first");
    now.view.note = say("tokens", about.first.ids.length);
    const choice = app.state.beside;
    const other = choice === "second" ? second : choice === "untouched" && edited ? untouched : null;
    app.beside = other?.view ?? null;
    app.difference = null;
    if (other) {
      other.view.label = say(choice === "second" ? "column-second" : "column-untouched");
      other.view.note = say("tokens", other.view.tokens.length);
      if (this.#difference?.[0] !== now.view || this.#difference[1] !== other.view) {
        this.#difference = [now.view, other.view, new DifferenceView(now.view, other.view)];
      }
      const [, , difference] = this.#difference;
      difference.label = say("column-difference");
      difference.note = now.view.n === other.view.n ? say("difference-note") : say("difference-short", difference.n);
      app.difference = difference;
    }
    app.state.refit();
  }
}
