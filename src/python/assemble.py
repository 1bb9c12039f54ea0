"""Turns a folder of wheels into one archive that becomes a Python environment wherever it is unpacked.

Arguments: folder of wheels, archive to write, X.Y of the environment's Python, text of the stamp.
Prints one line per package (name, version), and last the archive's SHA-256. Needs nothing but the standard library.

Wheels are unpacked as https://packaging.python.org/en/latest/specifications/binary-distribution-format says; pip
itself cannot do it here, for it installs wheels of another platform only with --target, which loses their lib/.
"""

import configparser
import hashlib
import io
import os
import posixpath
import py_compile
import re
import sys
import tarfile
import tempfile
import zipfile

wheels, archive, python, stamp = sys.argv[1:]
site = f"lib/python{python}/site-packages"
# Unpacked from another path than it was built at, a script finds its Python beside itself.
SHEBANG = b"""#!/bin/sh
'''exec' "$(dirname -- "$(readlink -f -- "$0")")/python3" "$0" "$@"
' '''
"""
ENTRY = """import sys
from {module} import {name}
if __name__ == "__main__":
    sys.exit({call}())
"""
# A rank writes whole lines, as at a terminal: unbuffered, print() writes a line in pieces, and launchers mix the pieces of
# several ranks; buffered in blocks, nothing is seen until the end.
LINES = """import os, sys; os.environ.get("MPIUP_JOB") and sys.stdout and sys.stdout.reconfigure(line_buffering=True, write_through=False)
"""
# A third of NumPy's files are its tests and type stubs; nothing imports them when a program runs.
UNUSED = re.compile(r"numpy/(.*/)?tests/|numpy/.*\.pyi$")
SCHEME = {"purelib": site, "platlib": site, "data": "", "scripts": "bin"}
same_python = python == "%d.%d" % sys.version_info[:2]


def place(path, distribution):
    """Where a file of a wheel goes in the environment; None for what is not needed."""
    if path.endswith("/") or UNUSED.match(path):
        return None
    data, _, rest = path.partition("/")
    if data.endswith(".data"):
        kind, _, rest = rest.partition("/")
        if kind == "headers":
            return f"include/site/python{python}/{distribution}/{rest}"
        path, root = rest, SCHEME[kind]
    else:
        root = site
    target = posixpath.normpath(posixpath.join(root, path))
    if target.startswith(("/", "../")):
        raise SystemExit(f"a wheel holds a file outside of its folder: {path}")
    return target


def compiled(source, target, folder):
    """The bytecode of a module, which is taken without a look at the source's time; None where it does not compile."""
    path, cache = os.path.join(folder, "m.py"), os.path.join(folder, "m.pyc")
    with open(path, "wb") as file:
        file.write(source)
    try:
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(path, cache, dfile=target, doraise=True, invalidation_mode=mode, quiet=1)
    except (py_compile.PyCompileError, ValueError, RecursionError):
        return None
    with open(cache, "rb") as file:
        return file.read()


def entry_points(text):
    parser = configparser.RawConfigParser(delimiters=("=",))
    parser.optionxform = str
    parser.read_string(text)
    for kind in ("console_scripts", "gui_scripts"):
        for name, target in parser.items(kind) if parser.has_section(kind) else ():
            module, _, call = target.partition("[")[0].strip().partition(":")
            source = ENTRY.format(module=module, name=call.partition(".")[0], call=call)
            yield f"bin/{name}", SHEBANG + source.encode()


def files_of(wheel, distribution):
    for info in wheel.infolist():
        target = place(info.filename, distribution)
        if target is None:
            continue
        content, executable = wheel.read(info), bool(info.external_attr >> 16 & 0o111)
        if re.match(r"[^/]*\.data/scripts/", info.filename):
            executable = True
            if content.startswith(b"#!python"):
                content = SHEBANG + content.partition(b"\n")[2]
        yield target, content, executable
        if info.filename.endswith(".dist-info/entry_points.txt"):
            for name, script in entry_points(content.decode()):
                yield name, script, True


def add(out, path, content, mode):
    info = tarfile.TarInfo(path)
    # 1980 is what wheels themselves use; the same wheels give the same archive.
    info.size, info.mode, info.mtime = len(content), mode, 315532800
    out.addfile(info, io.BytesIO(content))


with tarfile.open(archive, "w:gz", compresslevel=1) as out, tempfile.TemporaryDirectory() as folder:
    for name in sorted(os.listdir(wheels)):
        distribution, version = name.split("-")[:2]
        with zipfile.ZipFile(os.path.join(wheels, name)) as wheel:
            for path, content, executable in files_of(wheel, distribution):
                add(out, path, content, 0o755 if executable else 0o644)
                if same_python and path.startswith(site) and path.endswith(".py"):
                    code = compiled(content, path, folder)
                    if code is not None:
                        head, tail = posixpath.split(path)
                        cache = f"{head}/__pycache__/{tail[:-3]}.{sys.implementation.cache_tag}.pyc"
                        add(out, cache, code, 0o644)
        print(distribution.replace("_", "-"), version)
    add(out, f"{site}/mpiup-lines.pth", LINES.encode(), 0o644)
    # Last, so that an archive which was cut short is known by the lack of it.
    add(out, ".mpiup-env", (stamp + "\n").encode(), 0o644)

with open(archive, "rb") as file:
    print("sha256", hashlib.sha256(file.read()).hexdigest())
