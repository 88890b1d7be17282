// What a page that computes makes of its data, in Node: the tests compare it with the program and with other software.
//
//   node compute.mjs REQUESTS.json > ANSWERS.json
//
// A request names a page and gives rows of token ids, texts, or both; see tests/suite/page_model.rs.

import { readFileSync } from "node:fs";
import { Model } from "../../crates/sisun-viz/page/live-model.js";
import { Reading } from "../../crates/sisun-viz/page/live-reading.js";
import { spreadOf, rolloutOf } from "../../crates/sisun-viz/page/live-statistics.js";
import { Tokenizer, UnknownCharacters } from "../../crates/sisun-viz/page/live-tokenizer.js";
import { parametersOf } from "../../crates/sisun-viz/page/live-weights.js";
import { bytesOf, inflate } from "../../crates/sisun-viz/page/unpack.js";

/** The blocks of a page, by number, and its JSON. */
function contents(path) {
  const html = readFileSync(path, "utf8");
  const blocks = [];
  for (const [, number, text] of html.matchAll(/<script type="application\/octet-stream" id="b(\d+)(?:-\d+)?">([^<]*)<\/script>/g)) {
    blocks[number] = (blocks[number] ?? "") + text;
  }
  const [, json] = /<script type="application\/json" id="page">(.*)<\/script>/.exec(html);
  return { page: JSON.parse(json), block: async (i) => inflate(bytesOf(blocks[i])) };
}

const arrays = (list) => list.map((one) => Array.from(one));

/** Everything about a row of tokens, read at once and one token after another, by both kinds of kernel. */
function compute(config, parameters, means, ids, edits) {
  const found = {};
  for (const wasm of [true, false]) {
    const model = new Model(config, parameters, { readings: 2, wasm });
    const [whole, bit] = [0, 1].map((cache) => new Reading(model, cache, means));
    whole.read(ids, edits);
    for (let n = 1; n <= ids.length; n++) bit.read(ids.slice(0, n), edits);
    // Something else in between must leave no trace.
    bit.read([...ids.slice(0, ids.length >> 1), ids[0], ids[0]], { ablated: { "0.0": "zero" }, cells: [] });
    bit.read(ids, edits);
    for (const [name, reading] of Object.entries({ whole, bit })) {
      const layers = Array.from({ length: config.n_layers }, (_, layer) => layer);
      const heads = Array.from({ length: config.n_heads }, (_, head) => head);
      found[`${model.kernel.kind} ${name}`] = {
        logits: arrays(ids.map((_, place) => reading.logits(place))),
        patterns: layers.map((layer) => arrays(heads.map((head) => reading.pattern(layer, head)))),
        spreads: layers.map((layer) => heads.map((head) => spreadOf(reading.pattern(layer, head), ids.length, config.causal))),
        rollout: Array.from(rolloutOf(reading) ?? []),
      };
    }
  }
  return found;
}

const requests = JSON.parse(readFileSync(process.argv[2], "utf8"));
const answers = [];
for (const { path, rows = [], texts = [], edits } of requests) {
  const { page: { model }, block } = contents(path);
  const parts = await Promise.all(model.weights.map(block));
  const parameters = parametersOf(model, Buffer.concat(parts));
  const means = new Float32Array((await block(model.means)).buffer);
  const tokenizer = new Tokenizer(JSON.parse(new TextDecoder().decode(await block(model.tokenizer))));
  const encoded = texts.map((text) => {
    try {
      const ids = tokenizer.encode(text);
      return { ids, ...tokenizer.lay(ids) };
    } catch (error) {
      if (error instanceof UnknownCharacters) return { unknown: error.characters };
      throw error;
    }
  });
  answers.push({ rows: rows.map((ids) => compute(model.config, parameters, means, ids, edits)), encoded });
}
process.stdout.write(JSON.stringify(answers));
