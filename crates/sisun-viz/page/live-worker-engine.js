// The engine of a page that holds its model: a worker.

/** @import { Request } from "./live-client.js" */
/** @import { Answer } from "./live-worker.js" */

export class WorkerEngine {
  /** @type {Worker} */
  #worker;

  constructor() {
    const address = URL.createObjectURL(new Blob([workerSource], { type: "text/javascript" }));
    this.#worker = new Worker(address);
    // Some browsers read the address late.
    this.#worker.addEventListener("message", () => URL.revokeObjectURL(address), { once: true });
  }

  /**
   * @param {(answer: Answer) => void} answered
   * @param {(error: Error) => void} failed
   */
  listen(answered, failed) {
    this.#worker.addEventListener("message", ({ data }) => answered(data));
    this.#worker.addEventListener("error", (event) => failed(new Error(event.message || "the worker does not start")));
  }

  /** @param {Request} request */
  ask(request) {
    this.#worker.postMessage(request);
  }
}
