/* A broken cell to repair; stands behind ladder.js and common.js. Python runs and judges what is written here. */

let counter = 0;

class Exercise {
  constructor({ model, el, experimental }) {
    Object.assign(this, { model, el, experimental, words: model.get("words"), busy: false });
    el.classList.add("shapecheck", "sm", "sm-lesson");
    this.draw();
  }

  /** The whole exercise, as it is set: another one, another form. */
  draw() {
    const { words } = this;
    const view = this.model.get("view");
    const id = `sm-exercise-${counter++}`;
    const lines = view.source.trimEnd().split("\n");
    this.code = field("textarea", { id: `${id}-code`, class: "sm-code", rows: lines.length + 1, spellcheck: "false", autocapitalize: "off", autocomplete: "off", wrap: "off" });
    this.code.value = `${lines.join("\n")}\n`;
    this.list = field("select", { id: `${id}-list`, class: "sm-list", size: Math.max(2, Math.min(view.layers.length, lines.length)) });
    this.list.append(...view.layers.map((name) => h("option", { value: name }, name)));
    this.status = h("p", { class: "sm-status", role: "status" });
    this.hints = h("ol", { class: "sm-hints", "aria-label": words.hints, "aria-live": "polite" });
    this.head = h("b", { tabindex: "-1" }, fill(words.title, { rule: view.rule }));
    const buttons = h(
      "p",
      { class: "sm-buttons" },
      press(words.check, () => this.check(), { class: "sm-go" }),
      press(words.hint, () => this.send("hint", {})),
      press(words.another, () => this.another()),
    );
    this.el.replaceChildren(
      h("p", { class: "sm-task" }, this.head),
      h("p", { class: "sm-note" }, prose(words.task)),
      h(
        "div",
        { class: "sm-bench" },
        h("div", {}, h("label", { for: `${id}-code` }, words.repair), this.code),
        h("div", {}, h("label", { for: `${id}-list` }, words.find), this.list),
      ),
      buttons,
      this.status,
      this.hints,
    );
    this.update();
  }

  update() {
    const view = this.model.get("view");
    const known = this.hints.children.length;
    this.hints.append(...view.hints.slice(known).map((text) => h("li", {}, prose(text))));
  }

  /** Asks the kernel; what is said of it stands in the live region. */
  async send(name, message) {
    if (this.busy) return null;
    this.busy = true;
    const buttons = this.el.querySelectorAll("button");
    for (const button of buttons) button.setAttribute("aria-disabled", "true");
    tell(this.status, { text: this.words.checking });
    const answer = await ask(this, name, message);
    for (const button of buttons) button.removeAttribute("aria-disabled");
    this.busy = false;
    tell(this.status, answer?.ok ? answer : { text: this.words.no_answer, kind: "wrong" });
    return answer;
  }

  check() {
    const original = this.model.get("view").source;
    const changed = this.code.value.trimEnd() !== original.trimEnd();
    return this.send("answer", { layer: this.list.value || null, repair: changed ? this.code.value : null });
  }

  async another() {
    const answer = await this.send("another", {});
    if (answer?.ok) this.head.focus({ preventScroll: true });
  }
}

function render(context) {
  const exercise = new Exercise(context);
  let seed = context.model.get("view").seed;
  context.model.on("change:view", () => {
    const fresh = context.model.get("view").seed !== seed;
    seed = context.model.get("view").seed;
    return fresh ? exercise.draw() : exercise.update();
  });
  return passKeys(context.el);
}

export default { render };
