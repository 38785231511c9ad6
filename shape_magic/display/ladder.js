/* Elements of a page, and the ladder: what every widget of ours draws with.
 *
 * Texts come finished from Python and go into the page through textContent only. */

// Elements ---------------------------------------------------------------------------------------

/** An element with attributes and children; strings become text nodes, nothing is ever parsed. */
function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  // Lab's command-mode keys (`d d` deletes a cell) reach a focused element unless it says so itself.
  if (tag === "button" || tag === "summary" || "tabindex" in attributes) node.dataset.lmSuppressShortcuts = "true";
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

/** A sentence whose pieces between backticks are code. */
function prose(text) {
  const pieces = text.split("`");
  if (pieces.length % 2 === 0) return [text];
  return pieces.map((piece, k) => (k % 2 ? h("code", {}, piece) : shapes(piece)));
}

/** Plain text in which a shape is not broken over two lines. */
const shapes = (text) => text.split(/(\([\w, ]{1,40}\))/).map((piece, k) => (k % 2 ? h("span", { class: "sm-whole" }, piece) : piece));

/** A message of the catalogue with its `{names}` filled in. */
function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

// The ladder -------------------------------------------------------------------------------------

const AT_ONCE = 40; // rows of an opened fold that are drawn in one frame

const rail = (state, lane) => h("span", { class: `sm-rail sm-rail-${state || "none"}`, style: `--lane:${lane}` });

function glyph(cells) {
  const label = cells.map((cell) => `${cell.word} ${cell.size}`).join(", ");
  const boxes = cells.map((cell) => h("span", { class: `sm-axis sm-axis-${cell.axis}`, "aria-hidden": "true" }, cell.letter));
  return h("span", { class: "sm-glyph", role: "cell" }, h("span", { class: "sm-hidden" }, label), boxes);
}

function spine(item, lanes) {
  const rails = Array.from({ length: lanes }, (_, lane) => rail(item.rails[lane], lane));
  return h("span", { class: "sm-spine", style: `--lanes:${lanes}`, "aria-hidden": "true" }, h("i"), rails);
}

function row(item, lanes, marked, icon = "") {
  const sign = icon && h("span", { "aria-hidden": "true" }, `${icon} `);
  const mark = item.mark && [" ", h("span", { class: marked ? "sm-mark" : "sm-hidden" }, sign, item.mark)];
  const source = item.source && h("span", { class: "sm-from" }, item.summary && " · ", item.source);
  return h(
    "div",
    { class: `sm-row sm-${item.kind} sm-is-${item.state}${item.linked ? "" : " sm-unlinked"}`, role: "row", "data-row": item.id },
    spine(item, lanes),
    h("span", { class: "sm-name", role: "rowheader" }, h("b", {}, item.title), " ", h("code", { title: item.path.join(" / ") }, item.name), mark),
    h("span", { class: "sm-does", role: "cell" }, item.summary, source),
    glyph(item.glyph),
    h("span", { class: "sm-shape", role: "cell" }, item.shape),
    h("span", { class: "sm-params", role: "cell" }, item.params),
  );
}

/** A repeated block or nested model: one line, and its rows when somebody asks, so many of them in one frame. */
function fold(item, state) {
  const inside = h("div", { class: "sm-inside", role: "rowgroup", hidden: !item.open });
  const draw = drawer(inside, item.items, state);
  let drawn = 0;
  const fill = () => {
    draw(item.items.slice(drawn, drawn + AT_ONCE));
    drawn += AT_ONCE;
    if (drawn < item.items.length) requestAnimationFrame(fill);
  };
  const show = (open) => {
    if (open && !drawn) fill();
    inside.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
  };
  const button = h("button", { class: "sm-fold-button", type: "button", onclick: () => show(inside.hidden) }, item.title);
  const line = h(
    "div",
    { class: `sm-row sm-fold sm-is-${item.state}`, role: "row" },
    spine(item, state.lanes),
    h("span", { class: "sm-name", role: "rowheader" }, button),
    h("span", { class: "sm-does", role: "cell" }, item.summary),
    glyph(item.glyph),
    h("span", { class: "sm-shape", role: "cell" }, item.shape),
    h("span", { class: "sm-params", role: "cell" }, item.params),
  );
  show(item.open);
  return [line, inside];
}

const isPredicted = (item) => item.state === "predicted" || item.state === "new";

/** What puts some of these items after those before them, with the cards that open under each; what a fix would make
 * of the rest goes into a frame of its own. */
function drawer(place, items, state) {
  let frame = null;
  const put = (item) => {
    const predicted = isPredicted(item);
    if (predicted && !frame) {
      const caption = h("div", { class: "sm-caption", role: "row" }, h("span", { role: "cell" }, predictedText(items)));
      frame = h("div", { class: "sm-predicted", role: "rowgroup" }, caption);
      place.append(frame);
    }
    if (!predicted) frame = null;
    (frame ?? place).append(...state.draw(item, state));
  };
  return (some) => some.forEach(put);
}

/** The elements of an item, to be put one below the other. */
const linesOf = (item, state) => (item.type === "fold" ? fold(item, state) : [withCards(item, state)]);

const predictedText = (items) => (items.find((item) => item.state === "predicted") ?? items.find(isPredicted)).mark ?? "";

function withCards(item, state) {
  const cards = state.cards.filter((card) => card.row === item.id);
  const line = row(item, state.lanes, cards.length > 0 || ["unreached", "arrived"].includes(item.state), cards[0]?.icon);
  if (!cards.length) return line;
  const label = cards[0].title;
  return h("div", { class: `sm-break sm-severity-${cards[0].severity}`, role: "rowgroup", "aria-label": label }, line, cards.map(state.card));
}

function legend(model, words) {
  const seen = new Map();
  const collect = (items) => items.forEach((item) => (item.type === "fold" ? collect(item.items) : item.glyph.forEach((c) => seen.set(c.axis, c))));
  collect(model.items);
  const entries = [...seen].map(([axis, cell]) =>
    h("span", { class: "sm-key" }, h("span", { class: `sm-axis sm-axis-${axis}` }, cell.letter), cell.word),
  );
  return h("p", { class: "sm-legend", "aria-label": words.legend }, entries);
}

/** The elements of a whole ladder; `draw` gives those of an item. */
function lines(model, card, draw = linesOf) {
  const drawn = [];
  const place = { append: (...nodes) => drawn.push(...nodes) };
  drawer(place, model.items, { lanes: model.lanes, cards: model.cards, card, draw })(model.items);
  return drawn;
}

function ladder(model, words, card, draw) {
  const heads = ["layer", "does", "axes", "shape", "params"].map((key) => h("span", { role: "columnheader" }, words[key]));
  const table = h(
    "div",
    { class: "sm-ladder", role: "table", "aria-label": fill(words.caption, { name: model.title }) },
    h("div", { class: "sm-hidden", role: "row" }, heads),
    lines(model, card, draw),
  );
  return [table, legend(model, words)];
}

// Keys -------------------------------------------------------------------------------------------

/** Lets Ctrl+S and its like through to the front end from a focused button; returns what ends it. */
function passAccelerators(el) {
  const pass = (event) => {
    const node = event.target;
    if (!(event.ctrlKey || event.metaKey) || !el.contains(node) || !node.dataset.lmSuppressShortcuts) return;
    delete node.dataset.lmSuppressShortcuts;
    setTimeout(() => (node.dataset.lmSuppressShortcuts = "true"), 0);
  };
  // On the window, because the front end itself listens on the document.
  window.addEventListener("keydown", pass, true);
  return () => window.removeEventListener("keydown", pass, true);
}

// The static form ------------------------------------------------------------------------------------

/** Hides the static form that follows this widget while the widget is alive; returns what brings it back. */
function hideStatic(app) {
  const selector = `.shapecheck-static[data-shapecheck-id="${CSS.escape(app.model.get("identity"))}"]`;
  const hidden = new Set();
  const hide = () => {
    const area = app.el.closest(".jp-OutputArea, .output_area, .cell-output, body");
    for (const node of area?.querySelectorAll(selector) ?? []) {
      const child = node.closest(".jp-OutputArea-child") ?? node;
      child.style.display = "none";
      hidden.add(child);
    }
  };
  // Attached, and the next output drawn, only some time after render().
  const watch = new ResizeObserver(hide);
  watch.observe(app.el);
  const changes = new MutationObserver(hide);
  const attach = setTimeout(() => {
    const area = app.el.closest(".jp-OutputArea");
    if (area) changes.observe(area, { childList: true, subtree: true });
    hide();
  }, 0);
  return () => {
    clearTimeout(attach);
    watch.disconnect();
    changes.disconnect();
    for (const child of hidden) child.style.removeProperty("display");
  };
}
