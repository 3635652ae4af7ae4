"""`mlops key create | list | show | trust | revoke | sign`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from mlops_lab.cli.records.keys import KeyList, KeyRecord, RevokedKeyRecord, ShownKey, SignedRecord, TrustedRecord
from mlops_lab.cli.shared import HERE, Folder, Json, console, local, open_project, print_record, print_table
from mlops_lab.errors import InvalidInput
from mlops_lab.project import Project
from mlops_lab.registry.signing.keyring import Algorithm, TrustedKey, private_path, read_keys
from mlops_lab.registry.signing.private_keys import to_pem
from mlops_lab.registry.signing.sign import DEFAULT_ALGORITHM, find_key, find_signing_key, trust_key
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.signing import SignedVersions, create_signing_key, revoke_signing_key, sign_versions
from mlops_lab.tables.open_lake import open_lake

app = typer.Typer(add_completion=False, no_args_is_help=True)
_Name = Annotated[str, typer.Argument(help="The key's name, as in `mlops key list`.")]


@app.command()
def create(
    name: Annotated[str | None, typer.Option(help="The key's name.", show_default="project, project-2, …")] = None,
    algorithm: Annotated[
        Algorithm, typer.Option(help="p256: OpenSSF's own command line can check the signatures; ed25519: it cannot.")
    ] = DEFAULT_ALGORITHM,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Make a key that signs from now on, and sign the versions that are here with it.

    Where the variable MLOPS_SIGNING_KEY holds a private key (PEM), that one is taken.
    """
    opened = open_project(project)
    decisions = read_decisions(open_lake(opened))
    _print_signed(opened, create_signing_key(opened, decisions, name=name, algorithm=algorithm), json=json)


@app.command("list")
def list_all(project: Folder = HERE, json: Json = False) -> None:
    """List the keys that this project trusts or has trusted."""
    opened = open_project(project)
    keys = read_keys(opened.home)
    signing = find_signing_key(opened.home, keys or ())
    if json:
        records = [_record(opened, key) for key in keys or ()]
        print_record(KeyList(is_signing=keys is not None, signs_with=signing.name if signing else None, keys=records))
        return
    table = Table("name", "algorithm", "id", "", "since", "revoked", box=None, header_style="bold")
    for key in keys or ():
        is_own = private_path(opened.home, key).is_file()
        what = "signs" if key == signing else "own" if is_own else ""
        revoked = local(key.revoked_at, opened) if key.revoked_at else ""
        table.add_row(key.name, key.algorithm, key.id[:16], what, local(key.added_at, opened), revoked)
    print_table(table)
    if keys is None:
        console.print("this project does not sign yet: its first training, or `mlops key create`, makes a key")
    elif signing is None:
        console.print("there is no key to sign new versions with: `mlops key create` makes one")


@app.command()
def show(name: _Name, project: Folder = HERE, json: Json = False) -> None:
    """Print the public key as PEM, for other projects and for OpenSSF's command line."""
    opened = open_project(project)
    key = find_key(read_keys(opened.home) or [], name)
    if json:
        print_record(ShownKey(key=_record(opened, key), pem=to_pem(key)))
    else:
        print(to_pem(key), end="")


@app.command()
def trust(
    file: Annotated[Path, typer.Argument(help="The public key, as PEM.", metavar="FILE")],
    name: Annotated[str | None, typer.Option(help="Its name here.", show_default="that of the file")] = None,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Trust the packages that the owner of another key signs."""
    opened = open_project(project)
    try:
        content = file.read_bytes()
    except OSError as error:
        hint = "`mlops key show NAME > key.pem` writes that of a project"
        raise InvalidInput(f"cannot be read: {error.strerror}", code="no_file", where=str(file), hint=hint) from None
    key = trust_key(opened.home, content, name or file.stem, where=str(file))
    if json:
        print_record(TrustedRecord(key=_record(opened, key)))
    else:
        console.print(f"packages that {key.name} ({key.id[:16]}) has signed are used from now on")


@app.command()
def revoke(
    name: _Name,
    force: Annotated[bool, typer.Option("--force", help="Also where a live version is signed with it.")] = False,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Trust a key no more: packages that it has signed are not loaded from now on."""
    opened = open_project(project)
    decisions = read_decisions(open_lake(opened))
    key, refused = revoke_signing_key(opened, decisions, name, force=force)
    if json:
        print_record(RevokedKeyRecord(key=_record(opened, key), refused=refused))
        return
    console.print(f"packages that {name} has signed are refused from now on")
    for version in refused:
        console.print(f"version {version} is live: servers keep what they have loaded, and load it no more")
    if refused:
        console.print("next: look at it, then `mlops key create` and `mlops key sign VERSION`; or `mlops rollback`")


@app.command()
def sign(
    versions: Annotated[list[int], typer.Argument(help="Numbers of registered versions.", metavar="VERSION...")],
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Sign versions whose model is as it was registered, whoever has signed them before."""
    opened = open_project(project)
    _print_signed(opened, sign_versions(opened, read_decisions(open_lake(opened)), versions), json=json)


def _print_signed(project: Project, result: SignedVersions, *, json: bool) -> None:
    if json:
        left_out = {str(version): why for version, why in result.left_out.items()}
        print_record(SignedRecord(key=_record(project, result.key), signed=result.signed, left_out=left_out))
        return
    print(f"key {result.key.name} ({result.key.algorithm}) {result.key.id[:16]}")
    if result.signed:
        print(f"signed: {', '.join(f'version {version}' for version in result.signed)}")
    for version, why in result.left_out.items():
        console.print(f"not signed, and refused from now on: version {version}: {why}")


def _record(project: Project, key: TrustedKey) -> KeyRecord:
    return KeyRecord(
        name=key.name,
        id=key.id,
        algorithm=key.algorithm,
        is_own=private_path(project.home, key).is_file(),
        added_at=key.added_at.isoformat(),
        revoked_at=key.revoked_at.isoformat() if key.revoked_at else None,
    )
