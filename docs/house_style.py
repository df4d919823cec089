"""Lets the documentation tool read this project's docstrings.

They put the description on the line of the name, `flank_bp : edges kept on each side`, because the
types stand in the signature. numpydoc reads what follows the colon as a type, so before parsing it
moves to a line of its own, and the type comes from the signature. [MASK] and [PAD] are letters of
the model, which Markdown would read as links.
"""

import re
from typing import Any

from griffe import Extension, Object

_SECTION = re.compile(r"^(Parameters|Attributes|Raises|Returns)\n-{3,}\n", re.MULTILINE)
_NEXT_SECTION = re.compile(r"^\w+\n-{3,}\n", re.MULTILINE)
_LETTER = re.compile(r"\[(MASK|PAD)\]")
_ITEM = re.compile(r"^(\w[\w, .]*) : (.+)$", re.MULTILINE)


def rewrite(text: str) -> str:
    """The docstring, with each item's description below its name."""
    parts, at = [], 0
    for section in _SECTION.finditer(text):
        following = _NEXT_SECTION.search(text, section.end())
        end = following.start() if following else len(text)
        body = text[section.end() : end]
        if section[1] == "Returns":
            body = ":\n" + "\n".join(f"    {line}".rstrip() for line in body.strip().splitlines())
            body += "\n\n"
        else:
            body = _ITEM.sub(r"\1\n    \2", body)
        parts += [text[at : section.end()], body]
        at = end
    return _LETTER.sub(r"\\[\1]", "".join([*parts, text[at:]]))


class HouseStyle(Extension):
    """Rewrites every docstring before it is parsed."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Called by griffe for each module, class, function and attribute."""
        if obj.docstring is not None:
            obj.docstring.value = rewrite(obj.docstring.value)
