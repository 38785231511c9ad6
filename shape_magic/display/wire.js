/* Reads what wire.py sends, which says how; stands before whatever draws it. */

const ROW = ["title", "name", "summary", "shape", "axes", "params", "source", "state", "mark", "rails", "within", "kind", "unlinked"];
const FOLD = ["title", "summary", "params", "kind", "state", "open", "rails"];
const RAILS = { " ": "", s: "start", "|": "pass", "+": "tee", e: "end" };

/** The view, with its ladders' rows and folds as objects. */
const unpacked = (view) => ({ ...view, models: view.models.map(unpackedModel) });

const unpackedModel = (model) => ({ ...model, items: unpackedItems(model.items) });

function unpackedItems({ axes, items }) {
  const texts = [];
  let rows = 0;
  const text = (sent) => (typeof sent === "number" ? texts[sent] : ((sent && texts.push(sent)), sent));
  const written = (item) => (Array.isArray(item) ? item.map(text) : { ...item, is: item.is.map(text), items: item.items.map(written) });
  const named = (names, item) => Object.fromEntries(names.map((name, k) => [name, item[k] ?? ""]));
  const shared = (item) => ({ ...item, state: item.state || "ok", rails: [...item.rails].map((sign) => RAILS[sign]) });
  const row = (item) => {
    const made = shared(named(ROW, item));
    const sizes = made.shape.match(/\w+/g);
    const glyph = [...made.axes].map((letter, k) => ({ letter, axis: axes[letter][0], word: axes[letter][1], size: sizes[k] }));
    const kind = made.kind || "layer";
    const path = kind === "layer" ? [...made.within.split("\n"), made.name].filter(Boolean) : [];
    return { ...made, type: "row", id: rows++, kind, path, glyph, linked: !made.unlinked };
  };
  const built = (item) => {
    if (Array.isArray(item)) return row(item);
    const inside = blocks(item).map(built);
    const last = inside.at(-1);
    return { ...shared(named(FOLD, item.is)), type: "fold", open: Boolean(item.is[5]), items: inside, glyph: last.glyph, shape: last.shape };
  };
  return items.map(written).map(built);
}

/** A fold's items, all its blocks of them. */
function blocks({ items, times = 1, varies = [] }) {
  const others = new Map(varies.map(([k, parts]) => [k, series(parts)]));
  return Array.from({ length: times }, (_, block) => {
    let place = 0;
    const other = () => (block ? others.get(place++)?.[block - 1] : undefined);
    const own = (names, item) => names.map((_, k) => other() ?? item[k] ?? "");
    const copy = (item) => (Array.isArray(item) ? own(ROW, item) : { ...item, is: own(FOLD, item.is), items: item.items.map(copy) });
    return items.map(copy);
  }).flat();
}

/** Texts, of which those that differ by evenly growing numbers came as one entry. */
function series(parts) {
  return parts.flatMap((part) => {
    if (typeof part === "string") return part;
    const [times, text, ...steps] = part;
    return Array.from({ length: times }, (_, k) => {
      let n = 0;
      return text.replace(/[0-9]+/g, (digits) => Number(digits) + k * steps[n++]);
    });
  });
}
