"""The model card of a version as HTML: what `mlops docs` writes as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup

from mlops_lab.lineage.documents.model_card import write_body
from mlops_lab.lineage.documents.version_facts import read_version_facts
from mlops_lab.project import Project


def render_card(project: Project, number: int) -> Markup:
    """The card, which begins with its heading; nothing that it quotes is markup. NotFound where there is no such
    version; EnvironmentFault where its package, or a table that it was trained on, cannot be read."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("table_open", _open_table)
    markdown.add_render_rule("table_close", _close_table)
    return Markup(markdown.render(write_body(read_version_facts(project, number))))


def _open_table(_: RendererHTML, tokens: Sequence[Token], index: int, *_more: Any) -> str:
    """A table scrolls by itself where the screen is narrow; it is named by its number."""
    number = sum(token.type == "table_open" for token in tokens[: index + 1])
    return f'<div class="scroll" role="region" aria-label="Table {number}" tabindex="0"><table class="card">\n'


def _close_table(*_: Any) -> str:
    return "</table></div>\n"
