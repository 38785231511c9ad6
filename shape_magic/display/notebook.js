/* The hand that edits a notebook's cells and runs them, as its reader would; stands before widget.js.
 *
 * The kernel decides what a fix writes; this file writes it, into cells that are still as they were checked. */

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
    if (cell.isDisposed) return false;
    if (!heard) cell.outputs.clear();
    // At the end only: a cell that has its number counts as idle and loses its `[*]`.
    cell.executionCount = reply.content.execution_count ?? null;
    return reply.content.status === "ok";
  } finally {
    if (!cell.isDisposed) state("idle");
  }
}
