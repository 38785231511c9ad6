/* The cards of findings: their texts, fixes with what they change, hints and buttons; stands behind ladder.js. */

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
    card.keras_message && more(words.keras_said, h("pre", { class: "sm-keras", lang: "en" }, card.keras_message)),
    card.terms.length > 0 && more(words.terms, h("dl", { class: "sm-terms" }, card.terms.map(([word, says]) => [h("dt", {}, word), h("dd", {}, says)]))),
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
