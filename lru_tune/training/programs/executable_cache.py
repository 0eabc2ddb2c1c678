"""Compiled programs that outlive their process: loaded from disk, a function is neither traced nor lowered.

JAX's own cache of compilations is asked by what a function lowers to, so that each process traces and lowers
it first, which takes longer than to load what comes of it. Here it is asked by what the function is built
from. Both lie in one folder, `programs` is this one's; where JAX keeps nothing, nothing is kept here either.

A file is the line `lru-tune program 1`, the sha256 of the rest as a line of hexadecimal digits, then what
`jax.experimental.serialize_executable` makes of an executable, pickled and deflated. Like all of the folder
it is code that will be run: the folder must be the user's own.
"""

import functools
import hashlib
import importlib.metadata
import json
import logging
import os
import pickle
import threading
import time
import zlib
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any

import jax
from jax.experimental import serialize_executable

from lru_tune.files.atomic import write_atomically
from lru_tune.files.paths import PACKAGE
from lru_tune.ops.native.build import processor

logger = logging.getLogger(__name__)

HEADER = b"lru-tune program 1\n"
CACHE_HIT = "/jax/compilation_cache/cache_hits"  # the event that JAX reports
LOADING = "/lru_tune/load_program"  # the event that JAX's listeners of durations hear
SUFFIXES = (".py", ".cpp", ".h")  # of sources that programs may come from
PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy")
# Read by XLA and its libraries when they compile; NPROC decides into how many parts loops are cut.
VARIABLES = ("XLA_FLAGS", "LIBTPU_INIT_ARGS", "NPROC")
# Settings of JAX that no program depends on, by a part of their names; the device is named by itself.
IRRELEVANT = ("cache", "dump", "log", "platforms", "traceback")
# What reading a whole file of another machine, or of another build of the same versions, ends with.
FAILURES = (
    *(RuntimeError, ValueError, TypeError, AttributeError, ImportError, EOFError, LookupError),
    *(pickle.UnpicklingError, zlib.error),
)


class KeptProgram:
    """A jitted function whose executables, one for each size of its arguments, are kept on disk.

    It is called like the function, and within another transformation of JAX it is the function. Threads may
    share it; one that needs what another is compiling waits for it.

    Args:
      name: of the function among those of the same origin.
      build: makes the jitted function; called where it is needed.
      origin: what the function is built from beside the source of this package, as JSON has it.
    """

    def __init__(self, name: str, build: Callable[[], Any], origin: Mapping[str, Any]) -> None:
        self._name, self._build, self._origin = name, build, origin
        self._function: Any = None
        self._ready: dict[Hashable, Any] = {}
        self._lock = threading.RLock()

    @property
    def jitted(self) -> Any:
        """The function itself, to be traced or lowered."""
        with self._lock:
            if self._function is None:
                self._function = self._build()
            return self._function

    def derived(self, name: str, build: Callable[[], Any]) -> "KeptProgram":
        """Return another program of the same origin."""
        return KeptProgram(name, build, self._origin)

    def __call__(self, *args: Any) -> Any:
        """Call the function: arrays of JAX and NumPy, or scalars of theirs, in tuples and dictionaries."""
        if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(args)):
            return self.jitted(*args)
        return self.prepare(*args)(*args)

    def prepare(self, *args: Any) -> Any:
        """Return the executable for arguments of these shapes, loaded or compiled now if need be.

        Args:
          args: the function's own, or `jax.ShapeDtypeStruct` in place of arrays.
        """
        sizes = _sizes(args)
        if sizes not in self._ready:
            with self._lock:
                if sizes not in self._ready:
                    self._ready[sizes] = self._load(sizes) or self._compile(sizes, args)
        return self._ready[sizes]

    def result(self, *args: Any) -> Any:
        """Return the shapes of what the function returns, from its executable where that is kept."""
        sizes = _sizes(args)
        with self._lock:
            if sizes not in self._ready and (loaded := self._load(sizes)):
                self._ready[sizes] = loaded
        if sizes in self._ready:
            known = self._ready[sizes].out_info
            return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), known)
        return jax.eval_shape(self.jitted, *args)

    def _file(self, sizes: Hashable) -> Path | None:
        """Return where the executable is kept; None where this process keeps none."""
        config: Any = jax.config  # whose settings JAX does not declare
        folder = config.jax_compilation_cache_dir
        if folder is None or not config.jax_enable_compilation_cache:
            return None
        parts = {"program": self._name, "sizes": sizes, **self._origin, **surroundings()}
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode())
        return Path(folder, "programs", f"{self._name}-{digest.hexdigest()[:32]}.bin")

    def _load(self, sizes: Hashable) -> Any:
        """Return the kept executable, None where there is none that can be used."""
        file = self._file(sizes)
        if file is None or not file.is_file():
            return None
        begun = time.monotonic()
        try:
            loaded = read_program(file)
        except (OSError, *FAILURES) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            logger.warning("%s cannot be used and is made anew: %s", file, reason)
            return None
        jax.monitoring.record_event_duration_secs(LOADING, time.monotonic() - begun)
        return loaded

    def _compile(self, sizes: Hashable, args: tuple[Any, ...]) -> Any:
        hits = cache_hits()
        before = hits.count
        compiled = self.jitted.lower(*args).compile()
        # XLA hands out the code of a CPU program once, not again where JAX's own cache handed it in: what
        # would be kept of that loads, but fails when it is called.
        if hits.count == before and (file := self._file(sizes)):
            # Beside the first steps; not a daemon, so that a short process keeps its programs too.
            threading.Thread(target=keep_program, args=(file, compiled), name="keep").start()
        return compiled


class CacheHits:
    """Hears how often this thread's compilations came out of JAX's own cache."""

    def __init__(self) -> None:
        self._of_thread = threading.local()

    @property
    def count(self) -> int:
        """Of the calling thread, in which JAX reports them."""
        return getattr(self._of_thread, "count", 0)

    def hear(self, event: str, **_about: Any) -> None:
        """Take an event of JAX's."""
        if event == CACHE_HIT:
            self._of_thread.count = self.count + 1


@functools.cache
def cache_hits() -> CacheHits:
    """Return the process's hits, heard from the first call on."""
    heard = CacheHits()
    jax.monitoring.register_event_listener(heard.hear)
    return heard


def keep_program(file: Path, compiled: Any) -> None:
    """Write an executable, or say why it cannot be kept: it is only slower then."""
    try:
        content = zlib.compress(pickle.dumps(serialize_executable.serialize(compiled)), level=1)
    except (ValueError, NotImplementedError) as error:  # a back end that cannot
        logger.info("%s is not kept: %s", file.name, error)
        return
    digest = hashlib.sha256(content).hexdigest().encode()
    try:
        write_atomically(file, HEADER + digest + b"\n" + content)
    except OSError as error:
        complain(file.parent, error.strerror or str(error))


@functools.cache
def complain(folder: Path, reason: str) -> None:
    """Warn, once in a process, that programs cannot be kept."""
    logger.warning("compiled programs cannot be kept in %s: %s", folder, reason)


def read_program(file: Path) -> Any:
    """Return the executable in a file, on this process's default device.

    Raises:
      OSError: the file cannot be read.
      ValueError: it is cut, changed or of another format.
      RuntimeError, ...: any of FAILURES, where it is whole but of no use here.
    """
    header, digest, content = file.read_bytes().split(b"\n", 2)
    if header + b"\n" != HEADER:
        raise ValueError("it is no program of this version of lru-tune")
    if hashlib.sha256(content).hexdigest().encode() != digest:
        raise ValueError("its checksum does not fit its content")
    executable, in_tree, out_tree = pickle.loads(zlib.decompress(content))
    return serialize_executable.deserialize_and_load(
        executable, in_tree, out_tree, execution_devices=jax.devices()[:1]
    )


def surroundings() -> dict[str, Any]:
    """Return what a compiled program depends on beside its origin: versions, source, device, settings."""
    settings = {
        name: getattr(jax.config, name, value)
        for name, value in jax.config.values.items()
        if not any(part in name for part in IRRELEVANT)
    }
    return _machine() | {
        "settings": settings,
        "variables": {name: os.environ.get(name) for name in VARIABLES},
    }


@functools.cache
def _machine() -> dict[str, Any]:
    device = jax.devices()[0]
    return {
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "source": source_digest(PACKAGE),
        "device": [device.platform, device.device_kind, device.client.platform_version],
        "processor": processor(),
    }


def source_digest(folder: Path) -> str:
    """Return the sha256 of all source below a folder, by names and content."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _sizes(args: tuple[Any, ...]) -> Hashable:
    """Return structure, shapes and dtypes of arguments."""
    leaves, tree = jax.tree.flatten(args)
    return (str(tree), *((leaf.shape, str(leaf.dtype)) for leaf in leaves))
