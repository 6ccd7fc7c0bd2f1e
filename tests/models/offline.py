"""A machine without a network: whoever looks for one is refused, and written down."""

from __future__ import annotations

from pathlib import Path

# Imported by Python as it starts, in every process that has its folder in PYTHONPATH.
_SITECUSTOMIZE = """
import socket
RECORD = {record!r}
def refuse(*arguments, **options):
    with open(RECORD, "a", encoding="utf-8") as file:
        file.write(repr(arguments) + "\\n")
    raise OSError("there is no network")
real = socket.socket.connect
def connect(self, address):
    if self.family == socket.AF_UNIX:
        return real(self, address)
    return refuse(address)
socket.socket.connect = connect
socket.socket.connect_ex = connect
socket.getaddrinfo = refuse
socket.gethostbyname = refuse
"""


def without_network(folder: Path) -> tuple[dict[str, str], Path]:
    """Return settings of processes without a network, and the file that lists who looked for one.

    Also their caches are empty.
    """
    blocked = folder / "blocked"
    blocked.mkdir()
    record = folder / "looked_for_a_network.txt"
    code = _SITECUSTOMIZE.format(record=str(record))
    (blocked / "sitecustomize.py").write_text(code, encoding="utf-8")
    caches = str(folder / "empty")
    settings = {
        "PYTHONPATH": str(blocked),
        "HF_HUB_CACHE": caches,
        "TABPFN_MODEL_CACHE_DIR": caches,
    }
    return settings, record
