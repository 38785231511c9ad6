"""A cell that shows a card from a report made by hand, with a planner that the notebook itself defines.

It lets the widget's own behaviour be tested without Keras: what it edits, runs, refuses and takes back.
"""

from __future__ import annotations

#: Defines ``show()``: the card for the cell in which it is called, and ``marks``: what has run.
PRELUDE = """\
from IPython.display import HTML, display
from shape_magic.display.html import render_html
from shape_magic.display.parts import Done
from shape_magic.display.widget import ShapeWidget
from tests import samples

marks, requests, widgets, before_fix = [], [], [], {}

def parent():
    return get_ipython().get_parent()

def plan_for(cell, source, rerun):
    def plan(request):
        requests.append(request)
        if request["mode"] == "undo":
            edits = [{"cell": cell, "before": source, "after": before_fix[cell]}]
            return {"ok": True, "edits": edits, "rerun": [], "message": "Taken back"}
        before_fix[cell] = source
        after = source.replace("# here", "'Flatten',")
        run = list(rerun or [cell]) if request["mode"] == "run" else []
        edits = [{"cell": cell, "before": source, "after": after}]
        return {"ok": True, "edits": edits, "rerun": run, "message": "Fixed and run" if run else "Edited, not run"}
    return plan

def show(source=None, cell="", rerun=None):
    source, cell = source or parent()["content"]["code"], cell or parent()["metadata"]["cellId"]
    fixed = "'Flatten'" in source
    report = samples.green() if fixed else samples.seed_with_labels()
    done = Done("Inserted Flatten(), line 2", model="model", calls=(4,)) if fixed else None
    widget = ShapeWidget(report, plan_for(cell, source, rerun), done=done)
    widgets.append(widget)
    display(widget)
    display(HTML(render_html(report, identity=widget.identity)))
    marks.append("fixed" if fixed else "broken")

print("ready")"""
#: A cell whose comment the planner replaces by a layer.
MODEL_CELL = """\
layers = [
    # here
]
show()"""
FIXED_CELL = MODEL_CELL.replace("    # here", "    'Flatten',")
