// The page's side of its worker: of several requests only the newest waits.

/** @import { LiveWalk } from "./live-walk.js" */
/** @import { Answer, Loaded, LoadRequest, ReadAnswer, ReadRequest, WalkRequest } from "./live-worker.js" */

export class Client {
  /** @type {Worker} */
  #worker;
  #turn = 0;
  #busy = false;
  /** @type {ReadRequest | null} The request to send next. */
  #waiting = null;
  /** What waits for tokens that are followed, by number. @type {Map<number, (walk: LiveWalk | null) => void>} */
  #walks = new Map();
  /** @type {(loaded: Loaded) => void} */
  #loaded = () => {};
  /** @type {(error: Error) => void} */
  #failed = () => {};

  /** @param {(answer: ReadAnswer) => void} answered called with the answer of the newest request that was sent */
  constructor(answered) {
    this.answered = answered;
    const address = URL.createObjectURL(new Blob([workerSource], { type: "text/javascript" }));
    this.#worker = new Worker(address);
    this.#worker.addEventListener("message", ({ data }) => this.#receive(data));
    // Some browsers read the address late.
    this.#worker.addEventListener("message", () => URL.revokeObjectURL(address), { once: true });
    this.#worker.addEventListener("error", (event) => this.#failed(new Error(event.message || "the worker does not start")));
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

  /** Ask for a text, and return the number of the request. @param {Omit<ReadRequest, "kind" | "turn">} asked */
  read(asked) {
    this.#waiting = { kind: "read", turn: ++this.#turn, ...asked };
    this.#next();
    return this.#turn;
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
    if (this.#busy || !this.#waiting) return;
    this.#busy = true;
    this.#worker.postMessage(this.#waiting);
    this.#waiting = null;
  }

  /** @param {Answer} answer */
  #receive(answer) {
    if (answer.kind === "loaded") return this.#loaded(answer);
    if (answer.kind === "walk") {
      this.#walks.get(answer.number)?.(answer.walk);
      this.#walks.delete(answer.number);
      return;
    }
    if (answer.kind === "failed") {
      this.#busy = false;
      return this.#failed(new Error(answer.message));
    }
    this.#busy = false;
    // Send before showing, so that the worker computes meanwhile.
    this.#next();
    this.answered(answer);
  }
}
