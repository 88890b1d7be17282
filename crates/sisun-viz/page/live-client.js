// The page's side of its engine: of several requests only the newest waits.

/** @import { Answer, LayerAnswer, Loaded, LoadRequest, ReadAnswer, ReadRequest } from "./live-worker.js" */

/**
 * What computes: a worker, or a server. It answers requests in order.
 * @typedef {object} Engine
 * @property {(answered: (answer: Answer) => void, failed: (error: Error) => void) => void} listen
 * @property {(request: LoadRequest | ReadRequest) => void} ask
 */

export class Client {
  #turn = 0;
  #busy = false;
  /** @type {ReadRequest | null} The request to send next. */
  #waiting = null;
  /** @type {(loaded: Loaded) => void} */
  #loaded = () => {};
  /** @type {(error: Error) => void} */
  #failed = () => {};

  /**
   * @param {Engine} engine
   * @param {(answer: ReadAnswer) => void} answered called with the answer of the newest request that was sent
   * @param {(answer: LayerAnswer) => void} arriving called with each of its layers, if they come one by one
   */
  constructor(engine, answered, arriving) {
    this.engine = engine;
    this.answered = answered;
    this.arriving = arriving;
    engine.listen((answer) => this.#receive(answer), (error) => this.#failed(error));
  }

  /**
   * Hand the model to the engine.
   * @param {LoadRequest} request
   * @param {(error: Error) => void} failed called for this and every later error
   * @returns {Promise<Loaded>}
   */
  load(request, failed) {
    this.#failed = failed;
    this.engine.ask(request);
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

  #next() {
    if (this.#busy || !this.#waiting) return;
    this.#busy = true;
    this.engine.ask(this.#waiting);
    this.#waiting = null;
  }

  /** @param {Answer} answer */
  #receive(answer) {
    if (answer.kind === "loaded") return this.#loaded(answer);
    if (answer.kind === "layer") return this.arriving(answer);
    if (answer.kind === "failed") {
      this.#busy = false;
      return this.#failed(new Error(answer.message));
    }
    this.#busy = false;
    // Send before showing, so that the engine computes meanwhile.
    this.#next();
    this.answered(answer);
  }
}
