"""What can be measured of a widget's accessibility in a page: what is cut off, focused, named, moving or unreadable."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator

#: Roles that a screen reader announces by their name.
_NAMED = "button|checkbox|combobox|img|link|listbox|radio|radiogroup|searchbox|slider|spinbutton|switch|table|textbox"
_NAMELESS = re.compile(rf"^\s*- '?({_NAMED})(?! \")(?: \[[^\]]*\])*'?:?(?: .*)?$")
_FOCUSABLE = """el => [...el.querySelectorAll(
    'button, summary, a[href], input, select, textarea, [tabindex], audio[controls], [contenteditable=true]')].filter(
    node => node.tabIndex >= 0 && !node.disabled && node.checkVisibility({visibilityProperty: true})
        && (node.type !== 'radio' || node.checked || !document.querySelector(`input[name="${node.name}"]:checked`)
            && node === document.querySelector(`input[name="${node.name}"]`)))"""


def cut_off(widget: Locator) -> list[str]:
    """What a reader can't see without scrolling sideways: elements over the edge, and text in too small a box."""
    found: list[str] = widget.evaluate(
        """el => {
        const edge = el.getBoundingClientRect();
        const name = node => `${node.tagName.toLowerCase()}.${node.className}: ${node.textContent.trim().slice(0, 40)}`;
        // A drawing is measured as a whole: its parts may reach over their own edges.
        const shown = node => node.checkVisibility({visibilityProperty: true}) && !node.closest('.sm-hidden')
            && !node.parentElement.closest('svg');
        const over = node => node.getBoundingClientRect().right > edge.right + 1
            || node.getBoundingClientRect().left < edge.left - 1;
        const clips = node => ['hidden', 'clip', 'auto', 'scroll'].includes(getComputedStyle(node).overflowX);
        const tight = node => node.scrollWidth > node.clientWidth + 1 && clips(node) && node.textContent.trim();
        const nodes = [...el.querySelectorAll('*')].filter(shown);
        const found = nodes.filter(node => over(node) || tight(node)).map(name);
        const area = el.closest('.jp-OutputArea-output');
        if (area.scrollWidth > area.clientWidth + 1) found.push('the output scrolls sideways');
        return found;
    }"""
    )
    return found


def moving(widget: Locator) -> list[str]:
    """What moves by itself or would when something changes: animations and transitions of any element."""
    found: list[str] = widget.evaluate(
        """el => [el, ...el.querySelectorAll('*')].flatMap(node => ['', '::before', '::after'].flatMap(part => {
        const style = getComputedStyle(node, part);
        const moves = style.animationName !== 'none' && parseFloat(style.animationDuration) > 0;
        const slides = style.transitionDuration.split(',').some(time => parseFloat(time) > 0);
        return moves || slides ? [`${node.className}${part}: ${style.animationName} ${style.transitionProperty}`] : [];
    }))"""
    )
    return found


def nameless(widget: Locator) -> list[str]:
    """The lines of the accessibility tree whose role wants a name and has none."""
    return [line.strip() for line in widget.aria_snapshot().splitlines() if _NAMELESS.match(line)]


def focusable(widget: Locator) -> list[str]:
    """Everything that Tab must reach, in the order of the page."""
    names: list[str] = widget.evaluate(f"el => ({_FOCUSABLE})(el).map(node => node.outerHTML.slice(0, 120))")
    return names


def focus(widget: Locator, place: int) -> None:
    """Puts the focus on one of the elements that Tab reaches."""
    widget.evaluate(f"(el, place) => ({_FOCUSABLE})(el)[place].focus()", place)


def focused(widget: Locator) -> dict[str, Any] | None:
    """What has the focus, as its place among what Tab reaches, and whether that can be seen; None outside."""
    state: dict[str, Any] | None = widget.evaluate(
        f"""el => {{
        const node = document.activeElement;
        if (!el.contains(node)) return null;
        // A slider's handle or a hidden box may leave the outline to what surrounds it.
        const drawn = [node, node.parentElement, node.nextElementSibling].filter(Boolean).map(n => getComputedStyle(n));
        const box = node.getBoundingClientRect();
        return {{
            place: ({_FOCUSABLE})(el).indexOf(node),
            outlined: drawn.some(style => (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1)
                || style.boxShadow !== 'none'),
            inside: box.bottom > 0 && box.top < innerHeight,
        }};
    }}"""
    )
    return state


def borderless(widget: Locator) -> list[str]:
    """Buttons and fields that nothing sets apart from text: without a border that differs from what is behind it."""
    found: list[str] = widget.evaluate(
        """el => [...el.querySelectorAll('button:not(.sm-fold-button), input, select, textarea')].filter(node => {
        const style = getComputedStyle(node);
        return node.checkVisibility({visibilityProperty: true}) && !['range', 'radio', 'checkbox'].includes(node.type)
            && (style.borderTopStyle === 'none' || parseFloat(style.borderTopWidth) < 1
                || style.borderTopColor === style.backgroundColor);
    }).map(node => node.outerHTML.slice(0, 120))"""
    )
    return found
