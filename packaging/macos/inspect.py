#!/usr/bin/env python3
"""Reads a program for macOS like a Mac's loader: the processor, the oldest system it runs on, the libraries that it
loads, where each symbol that it does not hold is to be found, and the signature. Apple's own processors run no program
without one; Intel's do, and zig's linker signs none for them.

usage: inspect.py BINARY x86_64|aarch64 FRAMEWORKS   (FRAMEWORKS is the folder with what the frameworks export)
"""
import hashlib, pathlib, re, struct, sys

path, processor, frameworks = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
data = path.read_bytes()
PROCESSORS = {"x86_64": 0x01000007, "aarch64": 0x0100000C}
OLDEST = {"x86_64": (10, 12), "aarch64": (11, 0)}
SYSTEM = "/usr/lib/libSystem.B.dylib"
SYMTAB, LOAD_DYLIB, LOAD_DYLINKER, CODE_SIGNATURE, BUILD_VERSION, MIN_VERSION, MAIN = 2, 0xC, 0xE, 0x1D, 0x32, 0x24, 0x80000028
# The other ways in which a library may be loaded: weak, reexported, upward or lazy.
OTHER_LOADS = {0x80000018, 0x8000001F, 0x80000023, 0x20}


def demand(holds, sentence):
    if not holds:
        sys.exit(f"inspect.py: {path}: {sentence}")


def text(offset):
    return data[offset : data.index(b"\0", offset)].decode()


magic, cpu, _, kind, count, _, flags, _ = struct.unpack_from("<8I", data)
demand(magic == 0xFEEDFACF and kind == 2, "it is no program of 64 bits for macOS")
demand(cpu == PROCESSORS[processor], f"it is for another processor ({cpu:#x})")
demand(flags & 0x200000, "it is not position-independent")

libraries, at, commands = [], 32, {}
for _ in range(count):
    command, size = struct.unpack_from("<2I", data, at)
    demand(command not in OTHER_LOADS, f"it loads a library by {command:#x}")
    commands.setdefault(command, at)
    if command == LOAD_DYLIB:
        libraries.append(text(at + struct.unpack_from("<I", data, at + 8)[0]))
    at += size
demand(MAIN in commands, "it has no entry point")
demand(text(commands[LOAD_DYLINKER] + 12) == "/usr/lib/dyld", "it asks for another loader")

if BUILD_VERSION in commands:
    platform, oldest = struct.unpack_from("<2I", data, commands[BUILD_VERSION] + 8)
    demand(platform == 1, f"it is for the platform {platform}, not macOS")
else:
    demand(MIN_VERSION in commands, "it does not say which system it needs")
    oldest = struct.unpack_from("<I", data, commands[MIN_VERSION] + 8)[0]
oldest = (oldest >> 16, oldest >> 8 & 0xFF)
demand(oldest <= OLDEST[processor], f"it needs macOS {oldest[0]}.{oldest[1]}, later than what the packages say")

# The symbols that each framework exports, by its path on a Mac.
exports = {}
for stub in frameworks.glob("*.framework/*.tbd"):
    words = stub.read_text()
    place = re.search(r"install-name: *'([^']+)'", words)[1]
    exports[place] = set(re.findall(r"\b_\w+", words.split("exports:")[1]))
demand(set(libraries) == {SYSTEM, *exports}, f"it loads {', '.join(libraries)}, not just the system and {', '.join(exports)}")

# The imported symbols, each with the number of its library.
symbols, number, strings, _ = struct.unpack_from("<4I", data, commands[SYMTAB] + 8)
taken = {library: set() for library in libraries}
for index in range(number):
    name, type_, _, description, _ = struct.unpack_from("<IBBHQ", data, symbols + 16 * index)
    if type_ & 0xE0 or type_ & 0x0E or not type_ & 1:
        continue
    name, ordinal = text(strings + name), description >> 8
    demand(1 <= ordinal <= len(libraries), f"{name} is looked for in no library that it loads ({ordinal})")
    taken[libraries[ordinal - 1]].add(name)
demand(taken[SYSTEM], "it takes nothing from the system: its symbols are gone")
for place, known in exports.items():
    demand(taken[place], f"it takes nothing from {place}")
    demand(taken[place] <= known, f"{place} does not export {', '.join(taken[place] - known)}")
    demand(known <= taken[place], f"{', '.join(known - taken[place])} is no longer used: take it out of packaging/macos")


def check_signature():
    """The signature contains the hash of every page; none of the pages may have changed since."""
    start, _ = struct.unpack_from("<2I", data, commands[CODE_SIGNATURE] + 8)
    blob_magic, _, blobs = struct.unpack_from(">3I", data, start)
    demand(blob_magic == 0xFADE0CC0 and blobs >= 1, "its signature cannot be read")
    directory = start + struct.unpack_from(">2I", data, start + 12)[1]
    fields = struct.unpack_from(">9I4B", data, directory)
    demand(fields[0] == 0xFADE0C02 and fields[3] & 2, "it is not signed ad hoc")
    hashes, pages, limit, hash_size, hash_type, page = directory + fields[4], fields[7], fields[8], fields[9], fields[10], 1 << fields[12]
    demand(hash_type == 2 and limit == start, "its signature covers something else")
    demand(pages == -(-limit // page), "its signature lacks pages")
    for index in range(pages):
        there = hashlib.sha256(data[index * page : min((index + 1) * page, limit)]).digest()
        at = hashes + index * hash_size
        demand(data[at : at + hash_size] == there, f"page {index} is not what was signed")
    return f"signed ad hoc ({pages} pages)"


demand(CODE_SIGNATURE in commands or processor == "x86_64", "it is not signed")
signed = check_signature() if CODE_SIGNATURE in commands else "not signed"
print(f"{processor}: {len(data)} bytes, macOS {oldest[0]}.{oldest[1]} or later, {signed}")
for library in libraries:
    print(f"  {library}: {len(taken[library])} symbols")
