// What a page that computes makes of its data, in Node: the tests compare it with the program and with other software.
//
//   node compute.mjs REQUESTS.json > ANSWERS.json
//
// A request names a page and gives rows of token ids, texts, or both; edits as the page's address has them, and the second sentence
// that they take values from. See tests/suite/page_model.rs.

import { readFileSync } from "node:fs";
import { readEdits, within } from "../../crates/sisun-viz/page/live-edits.js";
import { Model } from "../../crates/sisun-viz/page/live-model.js";
import { Reading } from "../../crates/sisun-viz/page/live-reading.js";
import { spreadOf, rolloutOf } from "../../crates/sisun-viz/page/live-statistics.js";
import { Tokenizer, UnknownCharacters } from "../../crates/sisun-viz/page/live-tokenizer.js";
import { withValues } from "../../crates/sisun-viz/page/live-values.js";
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
function compute(config, parameters, ids, written, second) {
  const { edits: all, left } = readEdits(written, config);
  const edits = within(all, ids.length, second?.length ?? null, config.causal);
  const found = {};
  for (const wasm of [true, false]) {
    const model = new Model(config, parameters, { readings: 4, wasm });
    const [plain, other, whole, bit] = [0, 1, 2, 3].map((cache) => new Reading(model, cache, cache < 2));
    plain.read(ids);
    if (second) other.read(second);
    const changes = withValues(edits, plain, other);
    whole.read(ids, changes);
    for (let n = 1; n <= ids.length; n++) bit.read(ids.slice(0, n), changes);
    // Something else in between must leave no trace.
    const [ablation] = withValues(readEdits("z 0.0=zero", config).edits, plain, other);
    bit.read([...ids.slice(0, ids.length >> 1), ids[0], ids[0]], [ablation]);
    bit.read(ids, [...changes, ablation]);
    bit.read(ids, changes);
    for (const [name, reading] of Object.entries({ whole, bit })) {
      const layers = Array.from({ length: config.n_layers }, (_, layer) => layer);
      const heads = Array.from({ length: config.n_heads }, (_, head) => head);
      found[`${model.kernel.kind} ${name}`] = {
        logits: arrays(ids.map((_, place) => reading.logits(place))),
        patterns: layers.map((layer) => arrays(heads.map((head) => reading.pattern(layer, head)))),
        spreads: layers.map((layer) => heads.map((head) => spreadOf(reading.pattern(layer, head), ids.length, config.causal))),
        rollout: Array.from(rolloutOf(reading) ?? []),
        edits: edits.length,
        left,
      };
    }
  }
  return found;
}

const requests = JSON.parse(readFileSync(process.argv[2], "utf8"));
const answers = [];
for (const { path, rows = [], texts = [], edits = "", second = null } of requests) {
  const { page: { model }, block } = contents(path);
  const parts = await Promise.all(model.weights.map(block));
  const parameters = parametersOf(model, Buffer.concat(parts));
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
  answers.push({ rows: rows.map((ids) => compute(model.config, parameters, ids, edits, second)), encoded });
}
process.stdout.write(JSON.stringify(answers));
