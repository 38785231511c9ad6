/* A ladder with blanks; stands behind ladder.js and common.js. Python checks: no answer is in this page before it is given. */

let counter = 0;

/** A row without a blank: drawn anew only when it says something new. */
function plainRow(item, lanes) {
  let node = row(item, lanes, false);
  let drawn = JSON.stringify(item);
  return {
    node: () => node,
    update(next) {
      if (JSON.stringify(next) === drawn) return;
      drawn = JSON.stringify(next);
      const fresh = row(next, lanes, false);
      node.replaceWith(fresh);
      node = fresh;
    },
  };
}

/** A row with a blank: its field and its live region stay the same nodes, so that nothing typed or said is lost. */
function blankRow(item, app) {
  const { words } = app;
  const layer = item.blank.layer;
  const id = `sm-quiz-${counter++}`;
  const status = h("p", { class: "sm-status", role: "status", id });
  const input = field("input", { type: "text", class: "sm-blank", "aria-label": item.blank.label, "aria-describedby": id, autocomplete: "off", autocapitalize: "off", spellcheck: "false", placeholder: "?" });
  const send = (mode) => app.send(mode, layer, input);
  const buttons = h(
    "span",
    { class: "sm-buttons" },
    press(words.check, () => send("answer"), { "aria-label": `${words.check}: ${item.blank.label}` }),
    press(words.show, () => send("show"), { class: "sm-quiet", "aria-label": item.blank.show }),
  );
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    send("answer");
  });
  let line = row(item, app.lanes, false);
  const node = h("div", { class: "sm-ask", role: "rowgroup" }, line, h("div", { class: "sm-say", role: "row" }, spine(item, app.lanes), h("div", { class: "sm-said", role: "cell" }, status)));
  let said = "";
  function update(next) {
    const { blank } = next;
    const open = blank.state === "open";
    node.className = `sm-ask sm-ask-${blank.icon && open ? "wrong" : blank.state}`;
    if (open) {
      if (!buttons.isConnected) line.querySelector(".sm-shape").replaceChildren(input, buttons);
    } else if (buttons.isConnected) {
      const fresh = row(next, app.lanes, false);
      line.replaceWith(fresh);
      line = fresh;
    }
    input.setAttribute("aria-invalid", String(open && Boolean(blank.icon)));
    const text = JSON.stringify([blank.icon, blank.word, blank.message]);
    if (text !== said) tell(status, { icon: blank.icon, word: blank.word, text: blank.message, kind: open ? "wrong" : blank.state });
    said = text;
  }
  update(item);
  return { node: () => node, update, input, isOpen: () => buttons.isConnected, say: (text) => tell(status, { text, kind: "wrong" }) };
}

class Quiz {
  constructor({ model, el, experimental }) {
    Object.assign(this, { model, el, experimental, words: model.get("words"), busy: false });
    const view = model.get("view");
    this.lanes = view.lanes;
    this.progress = h("p", { class: "sm-progress", role: "status", tabindex: "-1" });
    this.rows = view.rows.map((item) => (item.blank ? blankRow(item, this) : plainRow(item, view.lanes)));
    this.legend = h("div");
    const heads = ["layer", "does", "axes", "shape", "params"].map((key) => h("span", { role: "columnheader" }, this.words[key]));
    el.classList.add("shapecheck", "sm", "sm-lesson");
    el.replaceChildren(
      h("p", { class: "sm-task" }, h("b", {}, fill(this.words.title, { name: view.title })), this.progress),
      h("p", { class: "sm-note" }, prose(this.words.help)),
      h("div", { class: "sm-ladder", role: "table", "aria-label": fill(this.words.caption, { name: view.title }) }, h("div", { class: "sm-hidden", role: "row" }, heads), this.rows.map((each) => each.node())),
      this.legend,
    );
    this.update();
  }

  update() {
    const view = this.model.get("view");
    view.rows.forEach((item, k) => this.rows[k]?.update(item));
    if (this.progress.textContent !== view.progress) this.progress.textContent = view.progress;
    const items = view.rows.map((item) => ({ ...item, type: "row" }));
    this.legend.replaceChildren(legend({ items }, this.words));
  }

  async send(mode, layer, input) {
    if (this.busy) return;
    this.busy = true;
    const at = this.rows.findIndex((each) => each.input === input);
    const answer = await ask(this, mode, { layer, text: input.value });
    this.busy = false;
    if (!answer?.ok) return this.rows[at].say(this.words.no_answer);
    this.update();
    if (this.rows[at].isOpen()) return mode === "answer" && (input.focus(), input.select());
    const blanks = this.rows.filter((each) => each.input);
    const next = blanks.find((each, k) => k > blanks.indexOf(this.rows[at]) && each.isOpen()) ?? blanks.find((each) => each.isOpen());
    (next?.input ?? this.progress).focus({ preventScroll: true });
  }
}

function render(context) {
  const quiz = new Quiz(context);
  context.model.on("change:view", () => quiz.update());
  return passKeys(context.el);
}

export default { render };
