"""Compiled programs on disk: a later process loads one and need not trace, lower or compile the function.

JAX's own cache of compilations has the lowered function as its key, so that each process must trace and
lower it first, which takes longer than to load the executable. The key here is what the function is built
from. Both caches share a folder, this one in its subfolder `programs`; where JAX's cache is off, so is this
one.

A file has the frame of `lru_tune.files.framed` around what `jax.experimental.serialize_executable` makes of
an executable, pickled and deflated. Like all of the folder it is code that will be run: the folder must be
the user's own.
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

from lru_tune.files.framed import read_framed, write_framed
from lru_tune.files.paths import PACKAGE
from lru_tune.ops.native.build import processor

logger = logging.getLogger(__name__)

HEADER = "lru-tune program 1"
CACHE_HIT = "/jax/compilation_cache/cache_hits"  # the event that JAX reports
LOADING = "/lru_tune/load_program"  # the event that this module reports
SUFFIXES = (".py", ".cpp", ".h")  # of sources that programs may come from
PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy")
# Read by XLA and its libraries when they compile; NPROC sets into how many parts loops are cut.
VARIABLES = ("XLA_FLAGS", "LIBTPU_INIT_ARGS", "NPROC")
# Settings of JAX that no program depends on, by a part of their names; the device is in the key by itself.
IRRELEVANT = ("cache", "dump", "log", "platforms", "traceback")
# What unpacking a file of another machine, or of another build of the same versions, may raise.
FAILURES = (
    *(RuntimeError, ValueError, TypeError, AttributeError, ImportError, EOFError, LookupError),
    *(pickle.UnpicklingError, zlib.error),
)


class CachedProgram:
    """A jitted function whose executables, one for each shape of its arguments, are cached on disk.

    It is called like the function; within another transformation of JAX, such as `vmap`, the function
    itself is used. Threads may share it: one that needs an executable which another is compiling waits for
    it.

    Args:
      name: of the function among those of the same origin.
      build: makes the jitted function; called when it must be traced.
      origin: what the function is built from beside the source of this package; JSON values.
    """

    def __init__(self, name: str, build: Callable[[], Any], origin: Mapping[str, Any]) -> None:
        self._name, self._build, self._origin = name, build, origin
        self._function: Any = None
        self._ready: dict[Hashable, Any] = {}
        self._lock = threading.RLock()

    @property
    def jitted(self) -> Any:
        """The jitted function, to be traced or lowered."""
        with self._lock:
            if self._function is None:
                self._function = self._build()
            return self._function

    def derived(self, name: str, build: Callable[[], Any]) -> "CachedProgram":
        """Return another program of the same origin."""
        return CachedProgram(name, build, self._origin)

    def __call__(self, *args: Any) -> Any:
        """Call the function; arguments are arrays or scalars of JAX and NumPy, in tuples and dictionaries."""
        if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(args)):
            return self.jitted(*args)
        return self.prepare(*args)(*args)

    def prepare(self, *args: Any) -> Any:
        """Return the executable for arguments of these shapes; load or compile it if need be.

        Args:
          args: the function's own, or `jax.ShapeDtypeStruct` in place of arrays.
        """
        shapes = _shapes(args)
        if shapes not in self._ready:
            with self._lock:
                if shapes not in self._ready:
                    self._ready[shapes] = self._load(shapes) or self._compile(shapes, args)
        return self._ready[shapes]

    def output_shapes(self, *args: Any) -> Any:
        """Return the shapes of what the function returns, from its executable if that is cached."""
        shapes = _shapes(args)
        with self._lock:
            if shapes not in self._ready and (loaded := self._load(shapes)):
                self._ready[shapes] = loaded
        if shapes in self._ready:
            known = self._ready[shapes].out_info
            return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), known)
        return jax.eval_shape(self.jitted, *args)

    def _file(self, shapes: Hashable) -> Path | None:
        """Return the file of the executable; None if this process caches none."""
        config: Any = jax.config  # whose settings JAX does not declare
        folder = config.jax_compilation_cache_dir
        if folder is None or not config.jax_enable_compilation_cache:
            return None
        parts = {"program": self._name, "shapes": shapes, **self._origin, **environment_key()}
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode())
        return Path(folder, "programs", f"{self._name}-{digest.hexdigest()[:32]}.bin")

    def _load(self, shapes: Hashable) -> Any:
        """Return the cached executable, None if there is none that can be used."""
        file = self._file(shapes)
        if file is None or not file.is_file():
            return None
        begun = time.monotonic()
        try:
            loaded = read_program(file)
        except (OSError, *FAILURES) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            logger.warning("%s cannot be used, and the program is compiled again: %s", file, reason)
            return None
        jax.monitoring.record_event_duration_secs(LOADING, time.monotonic() - begun)
        return loaded

    def _compile(self, shapes: Hashable, args: tuple[Any, ...]) -> Any:
        hits = cache_hits()
        before = hits.count
        compiled = self.jitted.lower(*args).compile()
        # XLA serialises the code of a CPU program only if it compiled the program itself. After a hit in
        # JAX's own cache it would serialise something that loads, but fails when it is called.
        if hits.count == before and (file := self._file(shapes)):
            # In a thread, beside the first steps; not a daemon, so that a short process stores its programs
            # too.
            threading.Thread(target=store_program, args=(file, compiled), name="store").start()
        return compiled


class CacheHits:
    """Counts the compilations of each thread that JAX took from its own cache."""

    def __init__(self) -> None:
        self._of_thread = threading.local()

    @property
    def count(self) -> int:
        """Of the calling thread; JAX reports a hit in the thread that compiles."""
        return getattr(self._of_thread, "count", 0)

    def on_event(self, event: str, **_about: Any) -> None:
        """Take an event of JAX's monitoring."""
        if event == CACHE_HIT:
            self._of_thread.count = self.count + 1


@functools.cache
def cache_hits() -> CacheHits:
    """Return the hits of this process, counted from the first call on."""
    hits = CacheHits()
    jax.monitoring.register_event_listener(hits.on_event)
    return hits


def store_program(file: Path, compiled: Any) -> None:
    """Write an executable; log why it cannot be stored, as later processes are only slower then."""
    try:
        content = zlib.compress(pickle.dumps(serialize_executable.serialize(compiled)), level=1)
    except (ValueError, NotImplementedError) as error:  # a back end that cannot
        logger.info("%s is not cached: %s", file.name, error)
        return
    try:
        write_framed(file, HEADER, content)
    except OSError as error:
        warn_once(file.parent, error.strerror or str(error))


@functools.cache
def warn_once(folder: Path, reason: str) -> None:
    """Warn that programs cannot be stored, once for each folder and reason."""
    logger.warning("compiled programs cannot be stored in %s: %s", folder, reason)


def read_program(file: Path) -> Any:
    """Return the executable in a file, on this process's default device.

    Raises:
      OSError: the file cannot be read.
      Invalid: it was cut short or changed, or has another format.
      RuntimeError, ...: any of FAILURES, if it is whole but of no use here.
    """
    executable, in_tree, out_tree = pickle.loads(zlib.decompress(read_framed(file, HEADER)))
    return serialize_executable.deserialize_and_load(
        executable, in_tree, out_tree, execution_devices=jax.devices()[:1]
    )


def environment_key() -> dict[str, Any]:
    """Return what a program depends on beside its origin: versions, source, device, settings."""
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


def _shapes(args: tuple[Any, ...]) -> Hashable:
    """Return structure, shapes and dtypes of arguments, as a key."""
    leaves, tree = jax.tree.flatten(args)
    return (str(tree), *((leaf.shape, str(leaf.dtype)) for leaf in leaves))
