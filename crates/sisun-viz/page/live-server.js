// The engine of a page that a server computes (`sisun live`): answers come in frames, layer by layer.

import { say } from "./words.js";

/** @import { Request } from "./live-client.js" */
/** @import { Answer, LoadRequest, PassResult, ReadRequest } from "./live-worker.js" */

/** What a frame says of its numbers, in their order. @typedef {Record<string, any> & { kind: string }} Header */

/** Bytes that arrive in parts of any size. */
class Arrived {
  #bytes = new Uint8Array(0);

  /** @param {Uint8Array} part */
  add(part) {
    const all = new Uint8Array(this.#bytes.length + part.length);
    all.set(this.#bytes);
    all.set(part, this.#bytes.length);
    this.#bytes = all;
  }

  /**
   * Take the frames that are complete.
   * @returns {Generator<{ header: Header, numbers: Numbers }>}
   */
  *frames() {
    let at = 0;
    while (at + 8 <= this.#bytes.length) {
      const lengths = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at);
      const [header, numbers] = [lengths.getUint32(0, true), lengths.getUint32(4, true)];
      const from = at + 8;
      at = from + header + numbers;
      if (at > this.#bytes.length) {
        at = from - 8;
        break;
      }
      const text = new TextDecoder().decode(this.#bytes.subarray(from, from + header));
      yield { header: JSON.parse(text), numbers: new Numbers(this.#bytes.subarray(from + header, at)) };
    }
    this.#bytes = this.#bytes.slice(at);
  }
}

/** The numbers of a frame, little-endian as every machine that runs a browser; copied, because views must be aligned. */
class Numbers {
  #at = 0;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
  }

  /** @param {number} count */
  #take(count) {
    if (this.#at + count > this.bytes.length) throw new Error(say("server-broken"));
    const taken = this.bytes.slice(this.#at, this.#at + count);
    this.#at += count;
    return taken.buffer;
  }

  /** @param {number} count */
  floats(count) {
    return new Float32Array(this.#take(4 * count));
  }

  /** @param {number} count */
  codes(count) {
    return new Uint16Array(this.#take(2 * count));
  }
}

/** @returns {PassResult} */
const empty = () => ({ patterns: [], rollout: null, spreads: [], vectors: { tokens: 0, q: [], k: [], v: [] }, logits: new Float32Array(0), lens: null });

export class ServerEngine {
  /** Distinguishes this page from others that ask the same server. */
  #page = Math.floor(Math.random() * 2 ** 48);
  /** @type {(answer: Answer) => void} */
  #answered = () => {};

  /** @param {(answer: Answer) => void} answered */
  listen(answered) {
    this.#answered = answered;
  }

  /** @param {Request} request */
  ask(request) {
    // The stream around a layer is on the page for its own text only.
    if (request.kind === "walk") return this.#answered({ kind: "walk", number: request.number, walk: null });
    const turn = request.kind === "read" ? request.turn : null;
    this.#ask(request).catch((error) => {
      const message = error instanceof TypeError ? say("server-gone") : error instanceof Error ? error.message : String(error);
      this.#answered({ kind: "failed", turn, message });
    });
  }

  /** @param {LoadRequest | ReadRequest} request */
  async #ask(request) {
    const sent = request.kind === "load" ? { kind: "load" } : request;
    const body = JSON.stringify({ ...sent, page: this.#page });
    const response = await fetch("ask", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    if (!response.ok || !response.body) throw new Error((await response.text()).trim() || String(response.status));
    const reader = response.body.getReader();
    const arrived = new Arrived();
    const answer = new Gathered(request, this.#answered);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      arrived.add(value);
      for (const { header, numbers } of arrived.frames()) answer.add(header, numbers);
    }
    if (!answer.whole) throw new Error(say("server-broken"));
  }
}

/** The frames of one answer. */
class Gathered {
  /** Those that have begun to arrive. @type {Partial<Record<"untouched" | "second" | "edited", PassResult>>} */
  #passes = {};
  /** @type {Float32Array | null} */
  #bias = null;
  whole = false;

  /**
   * @param {LoadRequest | ReadRequest} request
   * @param {(answer: Answer) => void} answered
   */
  constructor(request, answered) {
    this.request = request;
    this.answered = answered;
  }

  /**
   * @param {Header} header
   * @param {Numbers} numbers
   */
  add(header, numbers) {
    const { request } = this;
    if (header.kind === "loaded") this.#bias = header.bias === null ? null : numbers.floats(header.bias);
    else if (header.kind === "layer") this.#layer(header, numbers);
    else if (header.kind === "end") this.#end(header, numbers);
    else if (header.kind === "failed") throw new Error(header.message);
    else if (header.kind === "done") {
      this.whole = true;
      const { milliseconds, rows } = header;
      const { untouched = empty(), second = null, edited = null } = this.#passes;
      if (request.kind === "load") this.answered({ kind: "loaded", kernel: "Sisun", bias: this.#bias, milliseconds });
      else this.answered({ kind: "read", turn: request.turn, untouched, second, edited, rows, milliseconds });
    }
  }

  /** @param {Header} header */
  #pass(header) {
    return (this.#passes[/** @type {"untouched" | "second" | "edited"} */ (header.pass)] ??= empty());
  }

  /**
   * @param {Header} header
   * @param {Numbers} numbers
   */
  #layer(header, numbers) {
    const pass = this.#pass(header);
    const { layer, tokens, vectors, weights, spreads } = header;
    pass.vectors.tokens = tokens;
    pass.vectors.q[layer] = numbers.floats(vectors[0]);
    pass.vectors.k[layer] = numbers.floats(vectors[1]);
    pass.vectors.v[layer] = numbers.floats(vectors[2]);
    pass.patterns[layer] = numbers.codes(weights);
    pass.spreads[layer] = spreads;
    if (this.request.kind === "read" && header.pass === "untouched") this.answered({ kind: "layer", turn: this.request.turn, layer, pass });
  }

  /**
   * @param {Header} header
   * @param {Numbers} numbers
   */
  #end(header, numbers) {
    const pass = this.#pass(header);
    pass.logits = numbers.floats(header.logits);
    if (header.lens) pass.lens = Array.from({ length: header.lens }, () => numbers.floats(header.logits));
    if (header.rollout !== null) pass.rollout = numbers.codes(header.rollout);
  }
}
