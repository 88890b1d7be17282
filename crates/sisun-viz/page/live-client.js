// The page's side of its engine: of several requests only the newest waits.

/** @import { LiveWalk } from "./live-walk.js" */
/** @import { Answer, LayerAnswer, Loaded, LoadRequest, ReadAnswer, ReadRequest, WalkRequest } from "./live-worker.js" */

/** What is asked of an engine. @typedef {LoadRequest | ReadRequest | WalkRequest} Request */
/**
 * What computes: a worker, or a server. It answers requests in order.
 * @typedef {object} Engine
 * @property {(answered: (answer: Answer) => void, failed: (error: Error) => void) => void} listen
 * @property {(request: Request) => void} ask
 */

/**
 * @template About what the page wants to know when an answer arrives
 */
export class Client {
  #turn = 0;
  /** What the request that the engine computes is about. @type {About | null} */
  #underway = null;
  /** The request to send next. @type {{ request: ReadRequest, about: About } | null} */
  #waiting = null;
  /** What waits for tokens that are followed, by number. @type {Map<number, (walk: LiveWalk | null) => void>} */
  #walks = new Map();
  /** @type {(loaded: Loaded) => void} */
  #loaded = () => {};
  /** @type {(error: Error) => void} */
  #failed = () => {};

  /**
   * @param {Engine} engine
   * @param {(answer: ReadAnswer, about: About) => void} answered called with each answer, and what its request was about
   * @param {(answer: LayerAnswer, about: About) => void} arriving called with each of its layers, if they come one by one
   */
  constructor(engine, answered, arriving) {
    this.engine = engine;
    this.answered = answered;
    this.arriving = arriving;
    engine.listen((answer) => this.#receive(answer), (error) => this.#fail(error.message));
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
   * Follow a token through a layer; null if the engine has gone on to another text.
   * @param {Omit<WalkRequest, "kind" | "number">} asked
   * @returns {Promise<LiveWalk | null>}
   */
  walk(asked) {
    const number = ++this.#turn;
    this.engine.ask({ kind: "walk", number, ...asked });
    return new Promise((resolve) => this.#walks.set(number, resolve));
  }

  #next() {
    if (this.#underway !== null || !this.#waiting) return;
    this.#underway = this.#waiting.about;
    this.engine.ask(this.#waiting.request);
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
    if (answer.kind === "layer") return void (this.#underway && this.arriving(answer, this.#underway));
    if (answer.kind === "walk") {
      this.#walks.get(answer.number)?.(answer.walk);
      this.#walks.delete(answer.number);
      return;
    }
    if (answer.kind === "failed") return this.#fail(answer.message);
    const about = this.#underway;
    this.#underway = null;
    // Send before showing, so that the engine computes meanwhile.
    this.#next();
    if (about !== null) this.answered(answer, about);
  }
}
