/* What the widgets of lessons share: fields to write in, and questions to the kernel; stands behind ladder.js. */

const PATIENCE = 30000; // milliseconds that the kernel has for an answer

/** An element to write or choose in: the notebook's own keys stay away from it. */
const field = (tag, attributes) => h(tag, { ...attributes, "data-lm-suppress-shortcuts": "true" });

/** As passAccelerators, but of the keys that mean something in a field only Ctrl+S goes to the notebook. */
function passKeys(el) {
  const pass = (event) => {
    const node = event.target;
    if (!(event.ctrlKey || event.metaKey) || !el.contains(node) || !node.dataset.lmSuppressShortcuts) return;
    if (node.matches("input, textarea, select") && event.key.toLowerCase() !== "s") return;
    delete node.dataset.lmSuppressShortcuts;
    setTimeout(() => (node.dataset.lmSuppressShortcuts = "true"), 0);
  };
  window.addEventListener("keydown", pass, true);
  return () => window.removeEventListener("keydown", pass, true);
}

/** The kernel's answer to a command; null where there is none. */
async function ask(app, name, message) {
  try {
    return (await app.experimental.invoke(name, message, { signal: AbortSignal.timeout(PATIENCE) }))[0];
  } catch (error) {
    console.debug("shapecheck: no answer", error);
    return null;
  }
}

/** A sentence in a live region: an icon, a word and the text, none of which is left to colour. */
function tell(place, { icon = "", word = "", text = "", kind = "" }) {
  place.className = `sm-status ${kind ? `sm-tell-${kind}` : ""}`;
  place.replaceChildren(
    ...(icon ? [h("span", { class: "sm-icon", "aria-hidden": "true" }, icon), " "] : []),
    ...(word ? [h("b", {}, word), " "] : []),
    ...prose(text).flat(Infinity),
  );
}

const press = (label, act, attributes = {}) => h("button", { type: "button", onclick: act, ...attributes }, label);
