"""What `crossfade record` does and says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from crossfade.contract.cases.http_file import cases_below
from crossfade.contract.errors import ContractError
from crossfade.contract.recording.folder import doubt_of
from crossfade.contract.recording.har import hosts, keep, read_har
from crossfade.contract.recording.har_entries import Entry, host_of
from crossfade.contract.recording.keeper import Keeper
from crossfade.gateway.dispatch import Gateway
from crossfade.migration_map.edit import read_file, set_setting, write_file
from crossfade.wording import from_here, visible


def switch(gateway: Gateway, share: float) -> None:
    """Save the map with this share of live requests.

    Raises:
        MapError: the map can't have it; it stays as it is.
    """
    path = gateway.live.path
    text = read_file(path)
    edited = set_setting(text, "record", "share", share)
    gateway.live.preview(edited)
    if edited != text:
        write_file(path, edited)
        gateway.live.poll()


def recorded_lines(gateway: Gateway) -> Iterator[str]:
    """Say whether live traffic is recorded, and what is there.

    Raises:
        CaseError: a file that is there can't be read.
    """
    settings = gateway.live.snapshot.map.record
    keeper = Keeper.beside(from_here(gateway.live.path), settings, gateway.flask_app)
    if settings.share:
        yield f"{100 * settings.share:.4g}% of the live requests are recorded into {keeper.folder}"
    else:
        yield "live requests are not recorded; --share 0.05 begins with 5% of them"
    cases = cases_below(keeper.folder)
    counted = Counter(case.route for case in cases)
    width = max(map(len, counted), default=0)
    for route, number in sorted(counted.items()):
        yield f"{route:{width}}  {number}"
    yield f"{len(cases)} of at most {settings.count} cases in {keeper.folder}"


def har_lines(gateway: Gateway, file: Path, host: str | None) -> Iterator[str]:
    """Keep the exchanges of a HAR file, and say what was kept and what was not.

    Raises:
        ContractError: the file can't be read, or its hosts leave open which is meant.
    """
    entries = read_har(file)
    found = hosts(entries)
    host = None if host is None else host_of(host)
    if host is None and len(found) == 1:
        host = next(iter(found))
    if host is None or host not in found:
        raise ContractError(_which_host(file, host, found, entries))
    snapshot = gateway.live.snapshot
    doubt = doubt_of(
        gateway.live.path, snapshot.map.record, gateway.flask_app, None, gateway.native.app
    )
    if doubt:
        raise ContractError(f"{snapshot.map.file}: record.folder: {doubt}")
    keeper = Keeper.beside(from_here(gateway.live.path), snapshot.map.record, gateway.flask_app)
    written = keep(entries, host, gateway, keeper, f"har:{file.name}")
    for path in written:
        yield str(path)
    yield f"{len(written)} of {found[host]} exchanges with {host} kept in {keeper.folder}"
    for reason, number in keeper.skipped.most_common():
        yield f"  {number} not: {visible(reason)}"


def _which_host(file: Path, host: str | None, found: Counter[str], entries: list[Entry]) -> str:
    if not found:
        reasons = Counter(entry.reason for entry in entries)
        listed = ", ".join(f"{reason} ({number})" for reason, number in reasons.most_common())
        listed = listed or "it has no entries"
        return visible(f"{file} has no exchange that could be kept: {listed}")
    listed = ", ".join(f"{name} ({number})" for name, number in found.most_common())
    asked = f"{file} has no exchange with {host}" if host else f"{file} has several hosts"
    return visible(f"{asked}. Name one with --host: {listed}")
