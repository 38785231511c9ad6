/* The card in a notebook: what happens when a button is pressed, and what is drawn when; stands behind all the others. */

const PATIENCE = 6000; // milliseconds that the kernel has for an answer
const BREATH = 1000; // milliseconds that it may be at work before we say so
const focused = new Set(); // widgets whose Undo has had the focus, so that a redraw doesn't take it again

// Pressing ---------------------------------------------------------------------------------------

/** Whether the kernel is free, or is at once: what it is at may be what this card has just told it. */
async function isFree(app) {
  const end = performance.now() + BREATH;
  while (app.kernel()?.status === "busy") {
    if (performance.now() > end) return false;
    await new Promise((done) => setTimeout(done, 20));
  }
  return true;
}

/** The kernel's answer to a command. Throws a Refusal when there is none, or a refusing one. */
async function ask(command, message, app, noKernel, noAnswer) {
  const status = app.kernel()?.status;
  // A front end that lets no widget reach its notebook may have a kernel all the same.
  if (app.canEdit && (!status || status === "dead")) throw new Refusal(noKernel);
  if (!(await isFree(app))) throw new Refusal(app.words.busy);
  const invoke = async (name, content) => {
    try {
      return (await app.experimental.invoke(name, content, { signal: AbortSignal.timeout(PATIENCE) }))[0];
    } catch {
      // A cell may have been queued before this: then the answer waits behind it.
      throw new Refusal(app.kernel()?.status === "busy" ? app.words.busy : noAnswer);
    }
  };
  await invoke("ping", {});
  const answer = await invoke(command, message);
  if (!answer?.ok) throw new Refusal(answer?.why || noAnswer);
  return answer;
}

/** Checks every edit and every cell to run, then writes all, then runs one after another; gives what came of the run. */
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
  return runAll(runs, app);
}

/** Runs cells one after another: `done`, `stopped` at an error, or `broken_off` where the kernel or a cell is gone. */
async function runAll(cells, app) {
  for (const [k, cell] of cells.entries()) {
    const kernel = app.kernel();
    if (!kernel || cell.isDisposed) return "broken_off";
    app.say(fill(app.words.running, { k: k + 1, n: cells.length }));
    try {
      if (!(await runCell(cell, kernel))) return k + 1 < cells.length ? "stopped" : "done";
    } catch (error) {
      console.debug("shapecheck: a run was broken off", error);
      return "broken_off";
    }
  }
  return "done";
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
      const end = await carryOut(plan, this);
      const undo = request.mode === "undo" ? null : (event) => this.takeBack(plan, event.currentTarget, button);
      const said = end === "done" ? [plan.message, "sm-applied"] : [this.words[end], "sm-refused"];
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

function modelSection(model, done, app) {
  const card = (finding) => buildCard(finding, app);
  const above = model.cards.filter((finding) => finding.row === null).map(card);
  const content = [above, model.items.length > 0 && ladder(model, app.words, card)].filter(Boolean);
  const [sign] = model.line;
  const head = h("span", { class: "sm-line" }, h("span", { class: "sm-sign" }, sign), model.line.slice(sign.length));
  const attributes = { class: `sm-model sm-status-${model.status}` };
  if (model.open) return h("section", { ...attributes, "aria-label": model.title }, h("p", { class: "sm-head" }, head), content);
  return h("details", { ...attributes, open: Boolean(done) && model.items.length > 0 }, h("summary", { class: "sm-head" }, head), content);
}

function draw(app) {
  const view = unpacked(app.model.get("view"));
  app.words = app.model.get("words");
  app.el.lang = app.words.lang;
  app.el.classList.add("shapecheck", "sm");
  app.el.replaceChildren(
    ...(view.done ? [doneBar(view.done, app)] : []),
    ...view.cards.map((card) => buildCard(card, app)),
    ...view.models.map((model) => modelSection(model, view.done, app)),
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

function render(context) {
  performance.mark("shapecheck"); // what is measured from here on is our own
  const app = new App(context);
  draw(app);
  context.model.on("change:view", () => draw(app));
  const endings = [hideStatic(app), passAccelerators(app.el)];
  return () => endings.forEach((end) => end());
}

export default { render };
