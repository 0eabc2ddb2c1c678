"""Builds the C++ of this folder once, with this machine's compiler, into the cache of compiled programs.

JAX is not imported here, so that the process that drives a search can build before its trials start.
"""

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from filelock import FileLock

from lru_tune.errors import ResourcesMissing
from lru_tune.files.atomic import write_atomically
from lru_tune.files.paths import compilation_cache

SOURCES = tuple(sorted(Path(__file__).parent.glob("*.cpp")))
HEADERS = tuple(sorted(Path(__file__).parent.glob("*.h")))
COMPILERS = ("c++", "g++", "clang++")  # tried in this order where $CXX names none
FLAGS = ("-std=c++17", "-O3", "-march=native", "-ffp-contract=fast", "-fPIC")
COMPILE_SECONDS = 600.0  # some seconds on a free core
CPU_INFO = Path("/proc/cpuinfo")


def native_library() -> Path:
    """Return the compiled library; build it if the cache does not hold it, or only a part of it.

    Its name in the cache depends on source, compiler, flags, processor and jaxlib. Processes that need it at
    the same time wait for the one that builds.

    Raises:
      ResourcesMissing: there is no compiler, it fails, or the cache cannot be written.
    """
    compiler = find_compiler()
    path = native_folder() / f"native-{_key(compiler)}.so"
    if _is_whole(path):
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if not _is_whole(path):  # no other process built it in the meantime
                library = _compile(compiler)
                write_atomically(path, library)
                write_atomically(_digest_file(path), hashlib.sha256(library).hexdigest())
    except OSError as error:
        raise ResourcesMissing(
            "ops.native-not-written", folder=path.parent, reason=error.strerror
        ) from error
    return path


def native_folder() -> Path:
    """Return the folder of compiled libraries; it can be deleted at any time."""
    return compilation_cache() / "native"


def find_compiler() -> tuple[str, ...]:
    """Return the command of the C++ compiler: the words of `$CXX`, or the first of COMPILERS on the PATH.

    Raises:
      ResourcesMissing: there is no compiler.
    """
    named = shlex.split(os.environ.get("CXX", ""))
    for words in [named] if named else [[name] for name in COMPILERS]:
        if shutil.which(words[0]):
            return tuple(words)
    sought = f"CXX={shlex.join(named)}" if named else f"CXX, {', '.join(COMPILERS)}"
    raise ResourcesMissing("ops.no-compiler", sought=sought)


def include_folder() -> Path:
    """Return jaxlib's C++ headers; the same as `jax.ffi.include_dir()`, without importing JAX."""
    spec = importlib.util.find_spec("jaxlib")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("jaxlib is not installed")
    return Path(spec.origin).parent / "include"


def _key(compiler: tuple[str, ...]) -> str:
    parts = {
        "source": [file.read_text() for file in (*SOURCES, *HEADERS)],
        "compiler": [*compiler, _run([*compiler, "--version"]).stdout],
        "flags": FLAGS,
        "processor": processor(),
        "jaxlib": importlib.metadata.version("jaxlib"),
    }
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def processor() -> list[str]:
    """Return what -march=native depends on: different machines may share a cache folder."""
    lines = CPU_INFO.read_text().splitlines() if CPU_INFO.is_file() else [platform.processor()]
    names = ("flags", "Features", "model name", "CPU part")
    features = list(dict.fromkeys(line for line in lines if line.startswith(names)))
    return [platform.machine(), *(features or lines[:1])]


def _compile(compiler: tuple[str, ...]) -> bytes:
    """Compile the sources in parallel, and return the bytes of the linked library."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:

        def compiled(source: Path) -> Path:
            made = Path(folder, source.stem).with_suffix(".o")
            headers = ("-isystem", str(include_folder()))
            _compile_or_raise([*compiler, *FLAGS, *headers, "-c", str(source), "-o", str(made)])
            return made

        objects = list(pool.map(compiled, SOURCES))
        library = Path(folder, "native.so")
        _compile_or_raise([*compiler, *FLAGS, "-shared", *map(str, objects), "-o", str(library)])
        return library.read_bytes()


def _compile_or_raise(command: list[str]) -> None:
    """Run a command of the compiler.

    Raises:
      ResourcesMissing: it fails.
    """
    done = _run(command)
    if done.returncode == 0:
        return
    lines = (done.stderr.strip() or "no message").splitlines()[:8]
    raise ResourcesMissing(
        "ops.compiler-failed",
        status=done.returncode,
        command=shlex.join(command),
        output="\n".join(f"  {line}" for line in lines),
    )


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=COMPILE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ResourcesMissing(
            "ops.compiler-did-not-run", compiler=shlex.join(command[:1]), reason=error
        ) from error


def _is_whole(path: Path) -> bool:
    """Return whether a library matches its digest; loading a part of one would crash the process."""
    digest = _digest_file(path)
    if not path.is_file() or not digest.is_file():
        return False
    return hashlib.sha256(path.read_bytes()).hexdigest() == digest.read_text()


def _digest_file(path: Path) -> Path:
    return path.with_suffix(".sha256")
