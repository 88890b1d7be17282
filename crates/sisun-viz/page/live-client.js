// The page's side of its worker: of several requests only the newest waits.

/** @import { LiveWalk } from "./live-walk.js" */
/** @import { Answer, Loaded, LoadRequest, ReadAnswer, ReadRequest, WalkRequest } from "./live-worker.js" */

/**
 * @template About what the page wants to know when an answer arrives
 */
export class Client {
  /** @type {Worker} */
  #worker;
  #turn = 0;
  /** What the request that the worker computes is about. @type {About | null} */
  #underway = null;
  /** The request to send next. @type {{ request: ReadRequest, about: About } | null} */
  #waiting = null;
  /** What waits for tokens that are followed, by number. @type {Map<number, (walk: LiveWalk | null) => void>} */
  #walks = new Map();
  /** @type {(loaded: Loaded) => void} */
  #loaded = () => {};
  /** @type {(error: Error) => void} */
  #failed = () => {};

  /** @param {(answer: ReadAnswer, about: About) => void} answered called with each answer, and what its request was about */
  constructor(answered) {
    this.answered = answered;
    const address = URL.createObjectURL(new Blob([workerSource], { type: "text/javascript" }));
    this.#worker = new Worker(address);
    this.#worker.addEventListener("message", ({ data }) => this.#receive(data));
    // Some browsers read the address late.
    this.#worker.addEventListener("message", () => URL.revokeObjectURL(address), { once: true });
    this.#worker.addEventListener("error", (event) => this.#fail(event.message || "the worker does not start"));
  }

  /**
   * Hand the model to the worker.
   * @param {LoadRequest} request
   * @param {(error: Error) => void} failed called for this and every later error
   * @returns {Promise<Loaded>}
   */
  load(request, failed) {
    this.#failed = failed;
    this.#worker.postMessage(request);
    return new Promise((resolve) => {
      this.#loaded = resolve;
    });
  }

  /**
   * Ask for a text.
   * @param {Omit<ReadRequest, "kind" | "turn">} asked
   * @param {About} about
   */
  read(asked, about) {
    this.#waiting = { request: { kind: "read", turn: ++this.#turn, ...asked }, about };
    this.#next();
  }

  /** True if every request has been answered. */
  get idle() {
    return this.#underway === null && this.#waiting === null;
  }

  /**
   * Follow a token through a layer; null if the worker has gone on to another text.
   * @param {Omit<WalkRequest, "kind" | "number">} asked
   * @returns {Promise<LiveWalk | null>}
   */
  walk(asked) {
    const number = ++this.#turn;
    this.#worker.postMessage({ kind: "walk", number, ...asked });
    return new Promise((resolve) => this.#walks.set(number, resolve));
  }

  #next() {
    if (this.#underway !== null || !this.#waiting) return;
    this.#underway = this.#waiting.about;
    this.#worker.postMessage(this.#waiting.request);
    this.#waiting = null;
  }

  /** @param {string} message */
  #fail(message) {
    this.#underway = null;
    this.#waiting = null;
    this.#failed(new Error(message));
  }

  /** @param {Answer} answer */
  #receive(answer) {
    if (answer.kind === "loaded") return this.#loaded(answer);
    if (answer.kind === "walk") {
      this.#walks.get(answer.number)?.(answer.walk);
      this.#walks.delete(answer.number);
      return;
    }
    if (answer.kind === "failed") return this.#fail(answer.message);
    const about = this.#underway;
    this.#underway = null;
    // Send before showing, so that the worker computes meanwhile.
    this.#next();
    if (about !== null) this.answered(answer, about);
  }
}
