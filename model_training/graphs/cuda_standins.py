"""Stand-ins for NVIDIA's libraries: with them ONNX Runtime's CUDA provider can be loaded anywhere.

The provider's library registers its kernels and decides which nodes it takes, but it cannot be
loaded on a machine without a driver: the libraries that it links are not there. A stand-in has
their names and their functions, and every function answers 0, "success". That is enough to ask
which nodes the provider takes; nothing can be computed.
"""

from __future__ import annotations

import os
from pathlib import Path

import lief
import onnxruntime as ort

_FUNCTIONS = "libstandin.so"
_RETURN_0 = [0x31, 0xC0, 0xC3]  # xor eax, eax; ret
_VERSIONS = ("VERDEF", "VERDEFNUM", "VERSYM", "VERNEED", "VERNEEDNUM")


def runtime_folder() -> Path:
    """Where the installed ONNX Runtime keeps its libraries."""
    return Path(ort.__file__).parent / "capi"


def write_standins(folder: Path, capi: Path) -> dict[str, str]:
    """Write stand-ins for what the CUDA provider of an ONNX Runtime links (Linux, x86-64).

    Args:
        folder: an existing folder; the libraries go there.
        capi: `runtime_folder()`.

    Returns:
        Environment variables with which a process finds the stand-ins.

    Raises:
        OSError: a library of ONNX Runtime is missing or not an ELF file.
    """
    provider = _parse(capi / "libonnxruntime_providers_cuda.so")
    linked = [str(name) for name in provider.libraries if str(name).startswith(("libcu", "libnv"))]
    functions = [
        str(symbol.name)
        for symbol in provider.imported_symbols
        if _library_of(symbol) in (*linked, None) and symbol.binding != symbol.BINDING.WEAK
    ]
    # ONNX Runtime's own smallest library is the mould: there may be no compiler.
    mould = capi / "libonnxruntime_providers_shared.so"
    for name in linked:
        _cast(mould, folder / name, [])
    # glibc asserts that a function looked up in a versioned library has that version, and a
    # stand-in has none; so all functions are in a library that comes before those.
    _cast(mould, folder / _FUNCTIONS, functions)
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("LD_LIBRARY_PATH", "")]))
    return {"LD_PRELOAD": str(folder / _FUNCTIONS), "LD_LIBRARY_PATH": path}


def _parse(path: Path) -> lief.ELF.Binary:
    binary = lief.ELF.parse(str(path)) if path.is_file() else None
    if binary is None:
        raise FileNotFoundError(f"{path} is missing or not an ELF file")
    return binary


def _library_of(symbol: lief.ELF.Symbol) -> str | None:
    """For NVIDIA's libraries the version of a symbol is the library's name."""
    version = symbol.symbol_version
    named = None if version is None else version.symbol_version_auxiliary
    return None if named is None else str(named.name)


def _cast(mould: Path, target: Path, functions: list[str]) -> None:
    """Copy `mould` under another name, with these functions instead of its own."""
    binary = _parse(mould)
    tags = lief.ELF.DynamicEntry.TAG
    for tag in (getattr(tags, name) for name in _VERSIONS):
        if binary.has(tag):
            binary.remove(tag)
    name = binary.get(tags.SONAME)
    assert isinstance(name, lief.ELF.DynamicSharedObject)
    name.name = target.name
    own = [(str(symbol.name), symbol.value) for symbol in binary.exported_symbols]
    address = own[0][1]
    binary.patch_address(address, _RETURN_0)
    for function in functions:
        binary.add_exported_function(address, function)
    for function, _ in own:
        binary.remove_dynamic_symbol(function)
    binary.write(str(target))
