"""`mlops token create | list | revoke`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from mlops_lab.cli.records.projects import NewToken, RevokedToken, TokenList, TokenRecord
from mlops_lab.cli.shared import HERE, Folder, Json, console, local, open_project, print_record, print_table
from mlops_lab.serving.http.tokens import Role, create_token, list_tokens, revoke_token

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.command()
def create(
    role: Annotated[Role, typer.Option(help="predict: only predictions; operate: also changes.")],
    name: Annotated[str | None, typer.Option(help="The token's name.", show_default="ROLE-NUMBER")] = None,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Make a new token. It is shown only this once: only its hash is stored."""
    token, clear = create_token(open_project(project), role, name=name)
    if json:
        print_record(NewToken(name=token.name, role=str(token.role), token=clear))
        return
    print(clear)
    console.print(f'token "{token.name}" may {token.role}; it is not shown again')


@app.command("list")
def list_all(project: Folder = HERE, json: Json = False) -> None:
    """List the tokens that the server accepts: name, role, creation time."""
    opened = open_project(project)
    tokens = list_tokens(opened)
    if json:
        records = [
            TokenRecord(name=token.name, role=str(token.role), created_at=token.created_at.isoformat())
            for token in tokens
        ]
        print_record(TokenList(tokens=records))
        return
    table = Table("name", "role", "since", box=None, header_style="bold")
    for one in tokens:
        table.add_row(one.name, one.role, local(one.created_at, opened))
    print_table(table)


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="The token's name, as in `mlops token list`.")],
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Revoke a token: running servers refuse it 10 ms later."""
    token = revoke_token(open_project(project), name)
    if json:
        print_record(RevokedToken(revoked=token.name, role=str(token.role)))
    else:
        console.print(f'token "{token.name}" is refused from now on')
