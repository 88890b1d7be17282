// The same pattern by tokens, by words or by characters. Keys of a unit are summed and its queries averaged, so that each
// row still sums to 1 (Clark et al. 2019, "What Does BERT Look At?", §4.1).

const UNITS = { token: null, word: "words", character: "characters" };

/** A text in which no character is invisible, nor turns the direction of the writing around it. */
function spelledOut(text) {
  const invisible = /(?![\n\t])[\p{Cc}\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\p{Cs}]/gu;
  return text.replace(invisible, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}

/** The same for a label, which is one line: line feeds, tabs and spaces that would be lost are shown, too. */
function shown(label) {
  const lost = { " ": "␣", "\n": "⏎", "\t": "⇥" };
  return spelledOut(label).replace(/^ +| +$| {2,}|[\n\t]/g, (spaces) => [...spaces].map((c) => lost[c]).join(""));
}

/** How a text is cut: unit i has the tokens `first[i]` up to, not including, `first[i + 1]`. */
class Units {
  constructor(name, labels, first, view) {
    Object.assign(this, { name, labels, first, tokens: view.tokens });
    this.n = labels.length;
  }

  /** The unit that a token is in. */
  of(token) {
    let [low, high] = [0, this.n - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.first[middle] <= token) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Where a unit begins in the text, in characters. */
  begin(i) {
    return this.tokens[this.first[i]]?.start ?? 0;
  }

  /** The unit at a place in the text: how cells are matched between models that cut it differently. */
  at(character) {
    let found = 0;
    for (let i = 0; i < this.n && this.begin(i) <= character; i++) if (this.begin(i) > this.begin(found)) found = i;
    return found;
  }
}

/** Units of a view by name; what it does not have (because its tokens are just that) is its tokens. */
function unitsOf(view, name) {
  view.cuts ??= new Map();
  if (!view.cuts.has(name)) view.cuts.set(name, cut(view, name));
  return view.cuts.get(name);
}

function cut(view, name) {
  const given = UNITS[name] && view[UNITS[name]];
  if (given) {
    const first = given.text.map((_, unit) => given.of.indexOf(unit));
    return new Units(name, given.text.map(shown), [...first, view.tokens.length], view);
  }
  if (name !== "token") return unitsOf(view, "token");
  const step = view.thinned ?? 1;
  const first = Array.from({ length: view.n + 1 }, (_, cell) => Math.min(cell * step, view.tokens.length));
  const label = (cell) => view.tokens.slice(first[cell], first[cell + 1]).map((token) => shown(token.text)).join("·");
  return new Units("token", Array.from({ length: view.n }, (_, cell) => label(cell)), first, view);
}

/** The unit of `to` that stands where unit `i` of `from` does. */
function counterpart(from, to, i) {
  if (i === null || from === to || (from.n === to.n && from.labels.every((label, at) => label === to.labels[at]))) return i;
  return to.at(from.begin(i));
}

/** A pattern by units. Sums are kept as whole numbers, so that values are exact. */
class GatheredMatrix extends Matrix {
  constructor(fine, units) {
    const { first, n } = units;
    const { causal, greatest, error } = fine;
    const sums = new Uint32Array(causal ? n * (n + 1) / 2 : n * n);
    super({ codes: new Uint16Array(sums.length), n, causal, greatest, error });
    for (let query = 0; query < n; query++) {
      const base = this.base(query);
      const width = this.width(query);
      for (let token = first[query]; token < first[query + 1]; token++) {
        const from = fine.base(token);
        const visible = fine.width(token);
        for (let key = 0; key < width; key++) {
          const end = Math.min(first[key + 1], visible);
          for (let at = first[key]; at < end; at++) sums[base + key] += fine.codes[from + at];
        }
      }
      const count = first[query + 1] - first[query];
      for (let at = base; at < base + width; at++) this.codes[at] = Math.min(greatest, Math.round(sums[at] / count));
    }
    Object.assign(this, { sums, first });
  }

  value(query, key) {
    if (this.hidden(query, key)) return 0;
    return this.sums[this.base(query) + key] / (this.greatest * (this.first[query + 1] - this.first[query]));
  }

  /** Errors of summed keys may add up. */
  errorAt(key) {
    return this.error * (this.first[key + 1] - this.first[key]);
  }
}

/** The pattern of a head by these units; kept, because the same few are drawn again and again. */
function matrixBy(view, layer, head, units) {
  view.matrices ??= new Map();
  const name = `${layer} ${head} ${units.name}`;
  if (!view.matrices.has(name)) {
    const fine = view.matrix(layer, head);
    view.matrices.set(name, units.name === "token" ? fine : new GatheredMatrix(fine, units));
  }
  return view.matrices.get(name);
}

/** The sentence, each token on the colour of the weight that the present query gives it. */
class Sentence {
  constructor(host, app) {
    Object.assign(this, { host, app });
    this.view = null;
  }

  /** Tokens that share a character (pieces of one that is several bytes long) are one span. */
  #build(view) {
    this.view = view;
    const characters = [...this.app.page.text];
    const slice = (from, to) => spelledOut(characters.slice(from, to).join(""));
    this.spans = [];
    this.spanOf = new Int32Array(view.tokens.length);
    let end = 0;
    const nodes = [];
    view.tokens.forEach(({ start, end: stop }, token) => {
      const joined = this.spans.length > 0 && start < end;
      if (!joined) {
        if (start > end) nodes.push(slice(end, start));
        const span = make("span", { data: { token } });
        this.spans.push({ span, start, stop });
        nodes.push(span);
      }
      const last = this.spans[this.spans.length - 1];
      last.stop = Math.max(last.stop, stop);
      end = Math.max(end, stop);
      this.spanOf[token] = this.spans.length - 1;
    });
    for (const { span, start, stop } of this.spans) span.textContent = slice(start, stop);
    if (end < characters.length) nodes.push(slice(end));
    this.host.replaceChildren(...nodes);
    this.host.onclick = (event) => {
      const token = event.target.dataset?.token;
      if (token !== undefined) this.app.toggle(0, { query: this.app.units(view).of(Number(token)), key: null });
    };
  }

  /** A long text scrolls to the query, and only the text: never the page. */
  #follow(span) {
    const { host } = this;
    if (!span || host.scrollHeight <= host.clientHeight) return;
    if (span.offsetTop < host.scrollTop || span.offsetTop + span.offsetHeight > host.scrollTop + host.clientHeight) {
      host.scrollTop = span.offsetTop - host.clientHeight / 2;
    }
  }

  show(view, units, cell, matrix) {
    if (view.tokens !== this.view?.tokens) this.#build(view);
    const { colours } = this.app;
    const query = matrix ? cell?.query ?? null : null;
    const weights = new Float64Array(this.spans.length);
    if (query !== null) {
      for (let key = 0; key < units.n; key++) {
        const value = matrix.value(query, key);
        for (let token = units.first[key], last = -1; token < units.first[key + 1]; token++) {
          if (this.spanOf[token] !== last) weights[this.spanOf[token]] += value;
          last = this.spanOf[token];
        }
      }
    }
    const asking = query === null ? [1, 0] : [this.spanOf[units.first[query]], this.spanOf[units.first[query + 1] - 1]];
    this.spans.forEach((entry, i) => {
      // The light end of the map would be a shadow without meaning.
      const rgb = share(weights[i], colours.scale) >= 0.04 ? colours.rgb(weights[i]) : null;
      const look = rgb ? hex(rgb) : "";
      if (entry.look !== look) {
        entry.look = look;
        entry.span.style.backgroundColor = look;
        entry.span.style.color = rgb ? inkOn(rgb) : "";
      }
      const asks = asking[0] <= i && i <= asking[1];
      if (entry.asks !== asks) {
        entry.asks = asks;
        entry.span.classList.toggle("asks", asks);
      }
    });
    // Not while pointing: the text would jump about, and be laid out for every cell.
    if (!this.app.pointed) this.#follow(this.spans[asking[0]]?.span);
  }
}
