/* The cards in the ladder, and the hand that edits cells when a button is pressed; stands behind ladder.js.
 *
 * The kernel decides what a fix writes; this file writes it, into cells that are still as they were checked. */

const PATIENCE = 6000; // milliseconds that the kernel has for an answer
const focused = new Set(); // widgets whose Undo has had the focus, so that a redraw doesn't take it again

// Cards ------------------------------------------------------------------------------------------

/** Where two lines differ, with whole words on both sides: `[start, end of the first, end of the second]`. */
function difference(before, after) {
  const least = Math.min(before.length, after.length);
  const word = /[\w]/;
  let start = 0;
  while (start < least && before[start] === after[start]) start++;
  while (start && word.test(before[start - 1]) && word.test(before[start] ?? after[start] ?? "")) start--;
  let end = 0;
  while (end < least - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  while (end && word.test(before[before.length - end]) && word.test(before[before.length - end - 1] ?? "")) end--;
  return [start, before.length - end, after.length - end];
}

/** A line of a diff; what changed in it stands out when the line before or after it is its other side. */
function diffLine(lines, k) {
  const [sign, text] = lines[k];
  const [start, ...ends] = { "-": () => pair(lines, k, k + 1), "+": () => pair(lines, k - 1, k) }[sign]?.() ?? [0, 0, 0];
  const end = ends[sign === "+" ? 1 : 0];
  return [text.slice(0, start), end > start ? h("em", {}, text.slice(start, end)) : "", text.slice(end > start ? end : start)];
}

const pair = (lines, k, next) => (lines[k]?.[0] === "-" && lines[next]?.[0] === "+" ? difference(lines[k][1], lines[next][1]) : null);

function diff(fix) {
  const raw = fix.diff.length ? fix.diff : fix.snippet.split("\n").map((text) => ["+", text]);
  const shared = Math.min(...raw.filter(([, text]) => text.trim()).map(([, text]) => text.search(/\S/)));
  if (!Number.isFinite(shared)) return null;
  const lines = raw.map(([sign, text]) => [sign, text.slice(shared)]);
  const kinds = { "+": "sm-plus", "-": "sm-minus", " ": "sm-same" };
  const drawn = lines.map(([sign], k) => h("span", { class: kinds[sign] ?? "sm-same" }, h("i", {}, sign), diffLine(lines, k), "\n"));
  return h("pre", { class: "sm-diff", tabindex: "0" }, drawn);
}

function fixPanel(fix, app, primary) {
  const { words } = app;
  const press = (mode) => (event) => app.press({ fix: fix.id, mode }, event.currentTarget, fix);
  const buttons = [];
  if (fix.editable && app.canEdit) {
    const mode = fix.runs ? "run" : "edit";
    buttons.push(h("button", { type: "button", class: primary ? "sm-go" : "sm-also", "data-mode": mode, onclick: press(mode) }, fix.button));
    if (fix.runs) buttons.push(h("button", { type: "button", class: "sm-plain", "data-mode": "edit", onclick: press("edit") }, words.edit_only));
  } else {
    buttons.push(h("button", { type: "button", class: "sm-also", "data-mode": "copy", onclick: press("copy") }, fix.editable ? words.copy : fix.button));
  }
  for (const button of buttons) button.setAttribute("aria-label", `${button.textContent}: ${fix.title.replaceAll("`", "")}`);
  return h(
    "div",
    { class: "sm-fix", role: "group", "aria-label": fix.title, "data-fix": fix.id },
    h("p", { class: "sm-fix-title" }, prose(fix.title)),
    h("p", { class: "sm-note" }, fix.note, fix.remains && h("span", { class: "sm-remains" }, fix.remains)),
    h("div", { class: "sm-change" }, diff(fix)),
    h("p", { class: "sm-buttons" }, buttons, h("span", { class: "sm-runs" }, app.canEdit ? fix.does || fix.why_not : fix.why_not)),
  );
}

function more(title, ...content) {
  return h("details", { class: "sm-more" }, h("summary", {}, title), content);
}

/** The steps that were told so far, and the button that asks for the next one. */
function toldHints(card, app) {
  if (!card.steps.length && !card.next_hint) return null;
  const item = (hint, k) => h("li", { class: "sm-hint", tabindex: "-1" }, h("b", {}, card.steps[k]), h("span", {}, prose(hint)));
  const list = card.steps.length > 0 && h("ol", { class: "sm-steps" }, card.hints.map(item));
  const ask = (event) => app.askHint(card, event.currentTarget);
  const button = card.next_hint && h("p", { class: "sm-buttons" }, h("button", { type: "button", class: "sm-also sm-next", onclick: ask }, card.next_hint));
  return h("div", { class: "sm-told" }, h("div", { role: "status" }, list || null), button || null);
}

function buildCard(card, app) {
  const { words } = app;
  const primary = (k) => k === 0 && card.severity !== "info";
  const panels = card.fixes.map((fix, k) => fixPanel(fix, app, primary(k)));
  const keeps = card.actions
    .filter((action) => action.editable && app.canEdit)
    .map((action) => h("button", { type: "button", class: card.severity === "info" ? "sm-also" : "sm-plain", onclick: (e) => app.press({ fix: action.id, mode: action.kind }, e.currentTarget) }, action.title));
  const extras = [
    panels.length > 2 && more(fill(words.more, { n: panels.length - 2 }), h("div", { class: "sm-fixes" }, panels.slice(2))),
    card.hints.length > card.steps.length && more(words.hints, h("ol", { class: "sm-hints" }, card.hints.map((hint) => h("li", {}, prose(hint))))),
    card.keras_message && more(words.keras_said, h("pre", { class: "sm-keras" }, card.keras_message)),
  ].filter(Boolean);
  const texts = [
    h("p", { class: "sm-word" }, h("span", { "aria-hidden": "true" }, `${card.icon} `), card.word),
    h("p", { class: "sm-title" }, prose(card.title)),
    card.message && h("p", { class: "sm-message" }, prose(card.message)),
    toldHints(card, app),
    panels.length > 0 && h("div", { class: "sm-fixes" }, panels.slice(0, 2)),
    panels.length > 0 && !app.canEdit && h("p", { class: "sm-note" }, prose(words.cannot_edit)),
    keeps.length > 0 && h("p", { class: "sm-keeps" }, keeps, h("span", { class: "sm-note" }, words.keeps)),
    h("p", { class: "sm-status", role: "status" }),
    extras.length > 0 && h("div", { class: "sm-extras" }, extras),
  ].filter(Boolean);
  // A row of the ladder's table, where it opens under one; above the ladder there is no table.
  const [outside, inside] = card.row === null ? ["group", null] : ["row", "cell"];
  const inner = h("div", { class: "sm-card-inner", role: inside }, texts);
  return h("div", { class: `sm-card sm-severity-${card.severity}`, role: outside, "aria-label": outside === "group" ? card.word : null, "data-diagnostic": card.diagnostic }, inner);
}

// The notebook -----------------------------------------------------------------------------------

/** A sentence for the user instead of an action. */
class Refusal extends Error {}

/** The front end's notebook, where a widget may reach it (JupyterLab, Notebook 7); else null. */
function notebookOf(model) {
  const context = model.widget_manager?.context;
  return typeof context?.model?.cells?.get === "function" ? { context, cells: context.model.cells } : null;
}

const cellsOf = (notebook) => Array.from({ length: notebook.cells.length }, (_, k) => notebook.cells.get(k)).filter((cell) => cell.type === "code");
const sourceOf = (cell) => cell.sharedModel.getSource();

/** Whether this widget stands in that notebook: with a shared kernel the front end may name another one. */
async function standsIn(notebook, model) {
  const manager = model.widget_manager;
  for (const cell of cellsOf(notebook)) {
    for (let k = 0; k < cell.outputs.length; k++) {
      const id = cell.outputs.get(k).data?.["application/vnd.jupyter.widget-view+json"]?.model_id;
      if (!id || (manager.has_model && !manager.has_model(id))) continue;
      const other = await manager.get_model(id);
      if (other?.get("identity") === model.get("identity")) return true;
    }
  }
  return false;
}

/** The cell of this id, else the only one with this text: not every cell that ran told its id. Throws a Refusal. */
function cellOf(id, text, cells, words) {
  const cell = cells.find((candidate) => candidate.id === id);
  if (cell) return cell;
  const same = cells.filter((candidate) => sourceOf(candidate) === text);
  if (same.length !== 1) throw new Refusal(same.length ? words.several : words.not_found);
  return same[0];
}

/** The cell of an edit, if it may be written and is still as it was checked. Throws a Refusal. */
function cellFor(edit, notebook, words) {
  const cell = cellOf(edit.cell, edit.before, cellsOf(notebook), words);
  if (sourceOf(cell) !== edit.before) throw new Refusal(words.changed);
  if (notebook.context.model.readOnly || cell.getMetadata?.("editable") === false) throw new Refusal(words.read_only);
  if (cell.executionState === "running") throw new Refusal(words.running_cell);
  return cell;
}

/** Writes only the characters that differ, as one step of the cell's undo. */
function splice(cell, after) {
  const before = sourceOf(cell);
  const least = Math.min(before.length, after.length);
  let start = 0;
  while (start < least && before[start] === after[start]) start++;
  let end = 0;
  while (end < least - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  // Never between the halves of one character beyond the 16-bit plane.
  if (start && /[\uD800-\uDBFF]/.test(before[start - 1])) start--;
  if (end && /[\uDC00-\uDFFF]/.test(before[before.length - end])) end--;
  const shared = cell.sharedModel;
  shared.undoManager?.stopCapturing?.();
  shared.updateSource(start, before.length - end, after.slice(start, after.length - end));
  shared.undoManager?.stopCapturing?.();
}

/** One message of a run into the cell's outputs, as the front end itself would put it there. */
function feed(cell, message, shown) {
  const { outputs } = cell;
  const { content } = message;
  const kind = message.header.msg_type;
  const display = content.transient?.display_id;
  if (kind === "clear_output") {
    outputs.clear(content.wait);
    shown.clear();
  } else if (["stream", "display_data", "execute_result", "error"].includes(kind)) {
    const output = { output_type: kind, ...content };
    delete output.transient;
    if (outputs.clearNext) shown.clear();
    outputs.add(output);
    if (display) shown.set(display, [...(shown.get(display) ?? []), outputs.length - 1]);
  } else if (kind === "update_display_data") {
    const output = { output_type: "display_data", data: content.data, metadata: content.metadata };
    for (const index of shown.get(display) ?? []) if (index < outputs.length) outputs.set(index, output);
  }
}

/** Runs a cell as Shift+Enter would; resolves to whether it ended well. */
async function runCell(cell, kernel) {
  const shown = new Map();
  cell.sharedModel.transact?.(() => {
    cell.outputs.clear(true);
    cell.executionCount = null;
  }, false);
  cell.sharedModel.deleteMetadata?.("execution");
  cell.trusted = true;
  const state = (value) => "executionState" in cell && (cell.executionState = value);
  state("running");
  try {
    const request = { code: sourceOf(cell), stop_on_error: true, allow_stdin: false };
    const future = kernel.requestExecute(request, false, { ...cell.metadata, cellId: cell.id });
    let heard = false;
    future.onIOPub = (message) => {
      heard = heard || ["stream", "display_data", "execute_result", "error", "clear_output"].includes(message.header.msg_type);
      if (!cell.isDisposed) feed(cell, message, shown);
    };
    const reply = await future.done;
    if (!heard) cell.outputs.clear();
    // At the end only: a cell that has its number counts as idle and loses its `[*]`.
    cell.executionCount = reply.content.execution_count ?? null;
    return reply.content.status === "ok";
  } finally {
    state("idle");
  }
}

// Pressing ---------------------------------------------------------------------------------------

/** The kernel's answer to a command. Throws a Refusal when there is none, or a refusing one. */
async function ask(command, message, app, noKernel, noAnswer) {
  const status = app.kernel()?.status;
  // A front end that lets no widget reach its notebook may have a kernel all the same.
  if (app.canEdit && (!status || status === "dead")) throw new Refusal(noKernel);
  if (status === "busy") throw new Refusal(app.words.busy);
  const invoke = async (name, content) => {
    try {
      return (await app.experimental.invoke(name, content, { signal: AbortSignal.timeout(PATIENCE) }))[0];
    } catch {
      throw new Refusal(noAnswer);
    }
  };
  await invoke("ping", {});
  const answer = await invoke(command, message);
  if (!answer?.ok) throw new Refusal(answer?.why || noAnswer);
  return answer;
}

/** Checks every edit and every cell to run, then writes all, then runs one after another. */
async function carryOut(plan, app) {
  const { words, model } = app;
  const notebook = notebookOf(model);
  if (!notebook || !(await standsIn(notebook, model))) throw new Refusal(words.other_notebook);
  const targets = plan.edits.map((edit) => [cellFor(edit, notebook, words), edit]);
  const all = cellsOf(notebook);
  const edited = (id) => targets.find(([, edit]) => edit.cell === id)?.[0];
  const runs = plan.rerun.map((id) => edited(id) ?? cellOf(id, plan.sources?.[id], all, words));
  if (runs.some((cell) => cell.executionState === "running")) throw new Refusal(words.running_cell);
  for (const [cell, edit] of targets) splice(cell, edit.after);
  app.settle("applied");
  for (const [k, cell] of runs.entries()) {
    const kernel = app.kernel();
    if (!kernel) throw new Refusal(words.no_kernel);
    app.say(fill(words.running, { k: k + 1, n: runs.length }));
    if (!(await runCell(cell, kernel))) return { stopped: k + 1 < runs.length };
  }
  return { stopped: false };
}

/** What the notebook needs to be as it was: the same edits, the other way round. */
const reversed = (plan) => ({
  ok: true,
  rerun: [],
  edits: plan.edits.map((edit) => ({ cell: edit.cell, before: edit.after, after: edit.before })),
});

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // no permission, or a page that isn't secure: the diff stands there to be copied by hand
  }
}

class App {
  constructor({ model, el, experimental }) {
    Object.assign(this, { model, el, experimental, words: model.get("words"), busy: false });
    this.canEdit = notebookOf(model) !== null;
    this.place = null;
  }

  kernel() {
    return notebookOf(this.model)?.context.sessionContext?.session?.kernel ?? null;
  }

  /** Lets Python know what became of the last plan. The comm may be gone by then: its cell has run again. */
  settle(status) {
    this.model.set("status", status);
    try {
      this.model.save_changes();
    } catch (error) {
      console.debug("shapecheck: the kernel side of this card is gone", error);
    }
  }

  /** Shows a sentence where the button was pressed, with what can be done about it. */
  say(text, kind = "", label = "", act = null) {
    if (!this.place) return null;
    const button = act && h("button", { type: "button", class: "sm-undo", onclick: act }, label);
    this.place.className = `sm-status ${kind}`;
    this.place.replaceChildren(...(button ? [text, " · ", button] : [text]));
    return button;
  }

  /** Does one thing at a time: a second click while the first is at work does nothing. */
  async guarded(button, work, fix = null) {
    if (this.busy) return;
    this.busy = true;
    this.el.classList.add("sm-working");
    const scope = button.closest(".sm-card") ?? button.closest(".sm-done") ?? this.el;
    this.place = scope.querySelector(".sm-status");
    for (const other of this.el.querySelectorAll("button")) other.setAttribute("aria-disabled", "true");
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Refusal)) console.error(error);
      this.settle("refused");
      const why = error instanceof Refusal ? error.message : fill(this.words.failed, { why: String(error?.message ?? error) });
      const paste = fix?.paste && ((event) => this.guarded(event.currentTarget, () => this.copied(fix)));
      this.say(why, "sm-refused", this.words.copy, paste);
    } finally {
      this.busy = false;
      this.el.classList.remove("sm-working");
      for (const other of this.el.querySelectorAll("button")) other.removeAttribute("aria-disabled");
    }
  }

  press(request, button, fix) {
    if (request.mode === "copy") return this.guarded(button, () => this.copied(fix));
    return this.guarded(button, async () => {
      this.say(this.words.asking);
      const plan = await ask("plan", request, this, this.words.no_kernel, this.words.no_answer);
      const { stopped } = await carryOut(plan, this);
      const undo = request.mode === "undo" ? null : (event) => this.takeBack(plan, event.currentTarget, button);
      const said = stopped ? [this.words.stopped, "sm-refused"] : [plan.message, "sm-applied"];
      this.say(...said, this.words.undo, undo)?.focus();
    }, fix);
  }

  /** One hint more; the new view comes by itself, to every view of this widget, and the focus goes to it here. */
  askHint(card, button) {
    const { hint_no_kernel: noKernel, hint_no_answer: noAnswer } = this.words;
    return this.guarded(button, async () => {
      this.awaited = { finding: card.diagnostic, step: card.hints.length };
      await ask("hint", { finding: card.diagnostic }, this, noKernel, noAnswer).catch((error) => {
        this.awaited = null;
        throw error;
      });
    });
  }

  /** Focuses the hint that was asked for, if it has arrived. */
  focusHint() {
    const { finding, step } = this.awaited ?? {};
    const hint = this.el.querySelectorAll(`[data-diagnostic="${finding}"] .sm-hint`)[step];
    if (!hint) return;
    this.awaited = null;
    hint.focus();
  }

  async copied(fix) {
    const done = await copy(fix.paste);
    this.settle(done ? "copied" : "refused");
    this.say(done ? this.words.copied : this.words.copy_by_hand, done ? "sm-applied" : "sm-refused");
  }

  takeBack(plan, button, origin) {
    return this.guarded(button, async () => {
      await carryOut(reversed(plan), this);
      this.settle("undone");
      this.say(this.words.undone, "sm-applied");
      origin.focus();
    });
  }
}

// Drawing ----------------------------------------------------------------------------------------

function doneBar(done, app) {
  const undo = h("button", { type: "button", class: "sm-undo", onclick: (e) => app.press({ fix: null, mode: "undo" }, e.currentTarget) }, app.words.undo);
  const text = h("span", { class: "sm-status sm-applied", role: "status" });
  // Into the live region after it stands in the page: only then is it read out.
  setTimeout(() => text.append(done.message, done.undo ? " · " : "", done.undo ? undo : ""), 0);
  return h("div", { class: "sm-done" }, h("span", { class: "sm-tick", "aria-hidden": "true" }, "✓"), text);
}

function modelSection(model, app) {
  const card = (finding) => buildCard(finding, app);
  const above = model.cards.filter((finding) => finding.row === null).map(card);
  const done = app.model.get("view").done;
  const content = [above, model.items.length > 0 && ladder(model, app.words, card)].filter(Boolean);
  const [sign] = model.line;
  const head = h("span", { class: "sm-line" }, h("span", { class: "sm-sign" }, sign), model.line.slice(sign.length));
  const attributes = { class: `sm-model sm-status-${model.status}` };
  if (model.open) return h("section", { ...attributes, "aria-label": model.title }, h("p", { class: "sm-head" }, head), content);
  return h("details", { ...attributes, open: Boolean(done) && model.items.length > 0 }, h("summary", { class: "sm-head" }, head), content);
}

function draw(app) {
  const view = app.model.get("view");
  app.el.classList.add("shapecheck", "sm");
  app.el.replaceChildren(
    ...(view.done ? [doneBar(view.done, app)] : []),
    ...view.cards.map((card) => buildCard(card, app)),
    ...view.models.map((model) => modelSection(model, app)),
  );
  app.focusHint();
  if (view.done) setTimeout(() => focusUndo(app), 0);
}

/** The focus goes to Undo once, unless the reader is at work somewhere else by now. */
function focusUndo(app) {
  const identity = app.model.get("identity");
  const at = document.activeElement;
  const writing = at?.closest?.(".cm-content, input, textarea, select") && !at.closest(".jp-Cell")?.contains(app.el);
  if (focused.has(identity) || writing) return;
  focused.add(identity);
  app.el.querySelector(".sm-done .sm-undo")?.focus({ preventScroll: true });
}

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

function render(context) {
  const app = new App(context);
  draw(app);
  context.model.on("change:view", () => draw(app));
  const endings = [hideStatic(app), passAccelerators(app.el)];
  return () => endings.forEach((end) => end());
}

export default { render };
