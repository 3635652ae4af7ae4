"""Signing the versions of a project: when it gets its first key, when the key is replaced, or when a person says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlops_lab.errors import EnvironmentFault, InvalidInput, MlopsError, Refused
from mlops_lab.project import Project
from mlops_lab.registry.package import package_fingerprint
from mlops_lab.registry.signing.keyring import Algorithm, TrustedKey, read_keys
from mlops_lab.registry.signing.sign import create_key, find_key, need_signing_key, revoke_key, sign_package
from mlops_lab.rollout.decisions import Decision, fold
from mlops_lab.rollout.versions import find_version, live_versions, open_package_of, package_folder
from mlops_lab.serving.answering.routing_table import LiveVersion


@dataclass
class SignedVersions:
    """The versions that were signed with a key, and by version why others were not."""

    key: TrustedKey
    signed: list[int] = field(default_factory=list)
    left_out: dict[int, str] = field(default_factory=dict)


def create_signing_key(
    project: Project, decisions: Sequence[Decision], *, name: str | None, algorithm: Algorithm
) -> SignedVersions:
    """A new key, which signs from now on, and again all versions that a trusted key has signed. The first key of a
    project signs all versions whose model and plan are as they were registered."""
    versions = _recorded(decisions)
    first: list[SignedVersions] = []

    def sign_all(key: TrustedKey) -> None:
        first.append(_sign(project, decisions, versions, key))

    key = create_key(project.home, name, algorithm, before_first=sign_all)
    return first[0] if first else _sign(project, decisions, versions, key, only_checked=True)


def sign_versions(project: Project, decisions: Sequence[Decision], versions: Iterable[int]) -> SignedVersions:
    """Sign versions whose model and plan are as they were registered, whoever has signed them before. EnvironmentFault,
    and none is signed, where one is not."""
    keys = read_keys(project.home)
    if keys is None:
        hint = "`mlops key create` makes the first key, and signs all versions"
        raise InvalidInput("this project does not sign yet", code="no_signing_key", where="mlops key sign", hint=hint)
    key = need_signing_key(project.home, keys)
    numbers = sorted({*versions})
    for number in numbers:
        _check_registered(project, decisions, number)
    return _sign(project, decisions, numbers, key)


def revoke_signing_key(
    project: Project, decisions: Sequence[Decision], name: str, *, force: bool
) -> tuple[TrustedKey, list[int]]:
    """The key, revoked, and the live versions that it has signed: they are not loaded any more. Refused where there are
    such versions, unless `force`."""
    key = find_key(read_keys(project.home) or [], name)
    affected = [number for number in live_versions(fold(decisions)) if _signer(project, decisions, number) == key.id]
    if affected and not force:
        raise Refused(
            f"{_name(affected)} live and signed with it: a server that starts could not load them",
            code="key_in_use",
            where=name,
            hint="`mlops key create` first: the new key signs them again. If the key was stolen: --force, look at "
            "what is live, then `mlops key create` and `mlops key sign VERSION`",
        )
    return revoke_key(project.home, name), affected


def _name(versions: Sequence[int]) -> str:
    if len(versions) == 1:
        return f"version {versions[0]} is"
    return f"versions {', '.join(map(str, versions))} are"


def _recorded(decisions: Sequence[Decision]) -> list[int]:
    """The numbers of all versions with a package."""
    return sorted({item.version for item in decisions if item.version is not None and "package" in item.evidence})


def _sign(
    project: Project,
    decisions: Sequence[Decision],
    versions: Iterable[int],
    key: TrustedKey,
    *,
    only_checked: bool = False,
) -> SignedVersions:
    result = SignedVersions(key)
    for number in versions:
        live = find_version(decisions, number)
        try:
            if only_checked:
                open_package_of(project, live)
            else:
                _check_registered(project, decisions, number)
            package = package_folder(project, live)
            sign_package(package, key, home=project.home)
            if project.settings.tracking.uri:
                _send_signature(project, live, package)
            result.signed.append(number)
        except EnvironmentFault as fault:
            result.left_out[number] = str(fault)
    return result


def _send_signature(project: Project, live: LiveVersion, package: Path) -> None:
    from mlops_lab.registry.store.open_registry import open_registry  # brings MLflow: 4 s that other projects save

    open_registry(project).send_signature(live.version, fingerprint=live.fingerprint, package=package)


def _check_registered(project: Project, decisions: Sequence[Decision], number: int) -> None:
    live = find_version(decisions, number)
    package = package_folder(project, live)
    if package_fingerprint(package) != live.fingerprint:
        raise EnvironmentFault(
            "is not what was registered: a file was changed",
            code="package_changed",
            where=str(package),
            hint="restore the folder from a backup; nothing was signed",
        )


def _signer(project: Project, decisions: Sequence[Decision], number: int) -> str | None:
    """The id of the key that has signed a version; None where its package is not accepted anyway."""
    try:
        key = open_package_of(project, find_version(decisions, number)).files.key
    except MlopsError:
        return None
    return key.id if key is not None else None
