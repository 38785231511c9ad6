/* The playground's ladder and its sums; stands behind ladder.js and wire.js.
 *
 * A row is selected by click or arrow keys; the kernel does what was asked for, and the new state is drawn. */

const ACTIONS = ["up", "down", "remove", "undo", "redo", "reset"];
const PATIENCE = 8000; // milliseconds that the kernel has for an answer
const REST = 120; // milliseconds without a change before pictures are asked for

const icons = { undo: "↶", redo: "↷", reset: "⟲", remove: "✕", up: "↑", down: "↓", copy: "</>", insert: "+" };

/** Does one thing in the kernel; resolves to its answer, null when there is none. */
async function ask(app, message) {
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    return (await app.experimental.invoke("act", message, { signal }))[0];
  } catch (error) {
    console.debug("playground:", error);
    app.say?.(app.words.no_answer);
    return null;
  }
}

// The ladder ---------------------------------------------------------------------------------------

function tool(app, action) {
  const press = () => button.getAttribute("aria-disabled") !== "true" && ask(app, { do: action });
  const sign = h("span", { "aria-hidden": "true" }, icons[action]);
  const button = h("button", { type: "button", "data-do": action, onclick: press }, sign, ` ${app.words[action]}`);
  return button;
}

/** The toolbar stays while the ladder is drawn anew, so that a pressed button keeps the focus. */
function toolbar(app) {
  const { words } = app;
  const groups = app.model.get("menu").map((group) =>
    h("optgroup", { label: group.label }, group.classes.map((name) => h("option", { value: name }, name))),
  );
  const choice = h("select", { "aria-label": words.insert_what, tabindex: "0" }, groups);
  const sign = h("span", { "aria-hidden": "true" }, icons.insert);
  const insert = () => ask(app, { do: "insert", name: choice.value });
  const put = h("button", { type: "button", class: "sm-also", "data-do": "insert", onclick: insert }, sign, ` ${words.insert}`);
  const code = h("button", { type: "button", "data-do": "copy", onclick: () => copySource(app) }, h("span", { "aria-hidden": "true" }, icons.copy), ` ${words.copy}`);
  return h(
    "div",
    { class: "sm-tools", role: "toolbar", "aria-label": words.tools },
    h("span", { class: "sm-group" }, put, choice),
    h("span", { class: "sm-group" }, ACTIONS.slice(0, 3).map((action) => tool(app, action))),
    h("span", { class: "sm-group" }, ACTIONS.slice(3).map((action) => tool(app, action)), code),
  );
}

async function copySource(app) {
  const answer = await ask(app, { do: "source" });
  if (!answer) return;
  app.code.textContent = "";
  try {
    await navigator.clipboard.writeText(answer.source);
    app.say(app.words.copied);
  } catch {
    app.say(app.words.copy_by_hand);
    app.code.textContent = answer.source;
  }
}

/** The card under a row: word, title and message; a playground mends nothing by itself. */
function card(finding) {
  const texts = [
    h("p", { class: "sm-word" }, h("span", { "aria-hidden": "true" }, `${finding.icon} `), finding.word),
    h("p", { class: "sm-title" }, prose(finding.title)),
    h("p", { class: "sm-message" }, prose(finding.message)),
  ];
  const inner = h("div", { class: "sm-card-inner", role: "cell" }, texts);
  return h("div", { class: `sm-card sm-severity-${finding.severity}`, role: "row" }, inner);
}

/** The ladder as a grid with one selected row. What is as it was stays in its place, focus and all. */
function drawLadder(app) {
  const state = app.model.get("state");
  const sent = app.model.get("ladder");
  const flashes = sent !== app.sent;
  if (flashes) {
    app.sent = sent;
    app.shown = { ...sent, model: unpackedModel(sent.model) };
    drawRows(app, app.shown.model);
  }
  asGrid(app, state, flashes);
  for (const button of app.tools.querySelectorAll("[data-do]")) {
    const can = state.can[button.dataset.do];
    if (can === false) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  }
  app.tools.querySelector('[data-do="insert"]').title = fill(app.words.insert_after, { name: state.selected });
  if (app.status.textContent || state.status) app.say(state.status);
  tell(app, app.shown.model);
  if (app.refocus) app.refocus();
}

function drawRows(app, model) {
  const { place } = app;
  const at = document.activeElement;
  const foldButtons = () => [...place.querySelectorAll(".sm-fold-button")];
  const foldAt = foldButtons().indexOf(at);
  const hadFocus = place.contains(at);
  const opened = foldButtons().map((button) => button.getAttribute("aria-expanded"));
  const [sign] = model.line;
  const head = h("p", { class: `sm-head sm-line` }, h("span", { class: "sm-sign" }, sign), model.line.slice(sign.length));
  const above = model.cards.filter((finding) => finding.row === null).map(card);
  place.className = `sm-model sm-status-${model.status}`;
  const draw = keeper(app);
  const old = place.querySelector(".sm-ladder");
  if (old) {
    settle(old, [old.firstChild, ...lines(model, card, draw)]);
    settle(place, [head, ...above, old, legend(model, app.words)]);
  } else {
    place.append(head, ...above, ...ladder(model, app.words, card, draw));
  }
  foldButtons().forEach((button, k) => opened[k] === "true" && button.getAttribute("aria-expanded") === "false" && button.click());
  app.refocus = () => {
    app.refocus = null;
    if (!hadFocus || place.contains(document.activeElement)) return;
    (foldButtons()[foldAt] ?? place.querySelector('[aria-selected="true"]'))?.focus({ preventScroll: true });
  };
}

/** What draws an item, or gives what was drawn of an equal one the last time. */
function keeper(app) {
  const before = app.kept ?? new Map();
  const kept = (app.kept = new Map());
  return (item, state) => {
    const told = state.cards.filter((finding) => item.type === "fold" || finding.row === item.id);
    const sign = JSON.stringify([item, told, state.lanes]);
    const drawn = before.get(sign) ?? linesOf(item, state);
    before.delete(sign);
    kept.set(sign, drawn);
    return drawn;
  };
}

/** Lets an element have these children; those that it has already are not moved. */
function settle(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  let at = parent.firstChild;
  for (const child of children) {
    if (child === at) at = at.nextSibling;
    else parent.insertBefore(child, at);
  }
}

/** Reads out that the model breaks, or works again: the eye sees it in the ladder. */
function tell(app, model) {
  const said = model.cards[0]?.title.replaceAll("`", "") ?? model.line;
  if (app.told !== undefined && app.told !== model.status) app.live.textContent = said;
  app.told = model.status;
}

/** `flashes`: whether shapes that changed are to be seen; else only the selection did. */
function asGrid(app, state, flashes) {
  const table = app.place.querySelector(".sm-ladder");
  table.setAttribute("role", "grid");
  table.setAttribute("aria-describedby", app.help.id);
  for (const cell of table.querySelectorAll('[role="cell"]')) cell.setAttribute("role", "gridcell");
  let first = true;
  for (const line of rowsOf(app)) {
    const name = app.shown.names[Number(line.dataset.row)];
    const selected = name === state.selected && first;
    line.dataset.layer = name;
    line.dataset.lmSuppressShortcuts = "true";
    line.tabIndex = selected ? 0 : -1;
    line.setAttribute("aria-selected", String(name === state.selected));
    line.classList.toggle("sm-selected", name === state.selected);
    if (selected) first = false;
    if (flashes) line.classList.toggle("sm-changed", app.shown.changed.includes(Number(line.dataset.row)));
  }
  if (first) for (const line of rowsOf(app).slice(0, 1)) line.tabIndex = 0;
}

/** The rows that can be selected: inputs and layers, folded ones when they are open. */
const rowsOf = (app) => [...app.place.querySelectorAll("[data-row]")].filter((line) => app.shown.names[Number(line.dataset.row)]);

function select(app, line, focus) {
  if (!line) return;
  if (focus) line.focus();
  if (line.getAttribute("aria-selected") !== "true") ask(app, { do: "select", name: line.dataset.layer });
}

function onKey(app, event) {
  const line = event.target.closest?.("[data-layer]");
  if (!line || event.target !== line || event.ctrlKey || event.metaKey) return;
  const lines = rowsOf(app).filter((one) => one.offsetParent);
  const at = lines.indexOf(line);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: lines.length - 1 }[event.key];
  if (event.key === "Delete" && app.model.get("state").can.remove) ask(app, { do: "remove" });
  else if (to === undefined) return;
  else select(app, lines[Math.min(Math.max(to, 0), lines.length - 1)], true);
  event.preventDefault();
  event.stopPropagation();
}

function ladderPart(app) {
  const { el, words } = app;
  app.place = h("div", {});
  app.tools = toolbar(app);
  app.help = h("p", { class: "sm-hidden", id: `sm-help-${Math.random().toString(36).slice(2)}` }, words.keys);
  app.status = h("p", { class: "sm-status", role: "status" });
  app.live = h("p", { class: "sm-hidden", role: "status" });
  app.code = h("pre", { class: "sm-code", tabindex: "0" });
  app.say = (text) => (app.status.textContent = "") || app.status.append(...prose(text));
  const costs = h("div", { class: "sm-figures sm-costs" });
  const drawCosts = pictures(app, costs, ["costs"]);
  el.append(app.tools, app.help, app.live, app.status, app.code, app.place, costs);
  el.addEventListener("keydown", (event) => onKey(app, event));
  // A redraw between press and release would swallow the click, so a mouse selects as it goes down.
  el.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button === 0) select(app, event.target.closest?.("[data-layer]"), false);
  });
  el.addEventListener("click", (event) => select(app, event.target.closest?.("[data-layer]"), true));
  app.draw = () => {
    drawLadder(app);
    drawCosts();
  };
}

// The sums -----------------------------------------------------------------------------------------

function sum(line) {
  return [
    h("dt", {}, line.label),
    h("dd", { class: line.bad ? "sm-bad" : null }, h("span", { class: "sm-formula" }, line.formula, " = ", h("b", {}, line.result)), line.note && h("span", { class: "sm-aside" }, line.note)),
  ];
}

/** A picture of ours, as SVG that takes its colours from the page; the words say the same. */
function picture(title, content, words) {
  if (!content) return null;
  const page = new DOMParser().parseFromString(content.svg, "image/svg+xml").documentElement;
  if (page.nodeName !== "svg" || page.querySelector("script, foreignObject")) return null;
  const drawn = document.importNode(page, true);
  drawn.setAttribute("role", "img");
  drawn.setAttribute("aria-label", `${title}. ${content.alt}`);
  const told = h("details", {}, h("summary", {}, words.more), h("p", {}, content.alt));
  return h("figure", {}, h("figcaption", {}, title), drawn, told);
}

/** Keeps pictures up to date: they take the kernel longer than all the rest, so they follow when a drag rests. */
function pictures(app, place, names) {
  const { model, words } = app;
  let waiting = null;
  let shown = null;
  const fetch = async () => {
    const { key } = model.get("state");
    const answer = await ask(app, { do: "pictures", names });
    if (!answer) return;
    shown = key;
    const open = [...place.querySelectorAll("details")].map((node) => node.open);
    place.replaceChildren(...names.map((name) => picture(words[name], answer[name], words)).filter(Boolean));
    place.querySelectorAll("details").forEach((node, k) => (node.open = Boolean(open[k])));
    if (model.get("state").key !== shown) later();
  };
  const later = () => {
    clearTimeout(waiting);
    waiting = setTimeout(fetch, REST);
  };
  app.endings.push(() => clearTimeout(waiting));
  return () => model.get("state").key !== shown && later();
}

function sumsPart(app) {
  const { el, words, model } = app;
  const lines = h("dl", { class: "sm-sums" });
  const figures = h("div", { class: "sm-figures" });
  const heading = h("p", { class: "sm-sub" }, words.arithmetic);
  el.append(heading, lines, figures);
  const drawWindow = pictures(app, figures, ["window"]);
  app.draw = () => {
    const state = model.get("state");
    lines.replaceChildren(...state.lines.flatMap(sum));
    heading.textContent = state.lines.length ? words.arithmetic : words.nothing;
    drawWindow();
  };
}

// Controls that are not ours -----------------------------------------------------------------------

/** Gives the controls beside us what ipywidgets leave out: a name for each handle, and peace from `d d`. */
function lookAfter(app) {
  const label = (node) => node.closest(".jupyter-widgets")?.querySelector(".widget-label")?.textContent?.trim() ?? "";
  const mend = () => {
    const box = app.el.closest(".sm-play");
    for (const node of box?.querySelectorAll(".noUi-handle, input, select, textarea, .widget-readout") ?? []) {
      if (node.dataset.lmSuppressShortcuts !== "true") node.dataset.lmSuppressShortcuts = "true";
      const name = label(node);
      const unnamed = node.matches(".noUi-handle, .widget-readout");
      if (unnamed && name && node.getAttribute("aria-label") !== name) node.setAttribute("aria-label", name);
      if (node.matches(".widget-readout") && !node.getAttribute("role")) node.setAttribute("role", "textbox");
    }
  };
  const changes = new MutationObserver(mend);
  const attached = new ResizeObserver(() => {
    const box = app.el.closest(".sm-play");
    if (!box) return;
    changes.observe(box, { childList: true, subtree: true });
    mend();
    attached.disconnect();
  });
  attached.observe(app.el);
  return () => {
    changes.disconnect();
    attached.disconnect();
  };
}

function render({ model, el, experimental }) {
  const app = { model, el, experimental, words: model.get("words"), endings: [] };
  const part = model.get("part");
  el.classList.add("sm", `sm-${part}-part`);
  (part === "ladder" ? ladderPart : sumsPart)(app);
  app.draw();
  model.on("change", app.draw); // once for all that one message brings
  app.endings.push(passAccelerators(el));
  if (part === "ladder") app.endings.push(lookAfter(app), hideStatic(app));
  return () => {
    model.off("change", app.draw);
    app.endings.forEach((end) => end());
  };
}

export default { render };
