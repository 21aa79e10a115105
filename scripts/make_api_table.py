#!/usr/bin/env python3
"""Writes src/pve/api/table.txt, the compact table of the Proxmox VE API.

    scripts/make_api_table.py FOLDER [OUTPUT]

FOLDER holds one file per version (6.4.jsonl ... 9.2.jsonl) with one JSON object per method. The table is made from the newest
version; the older ones only show when a method or a parameter was introduced. The format is described in src/pve/api/mod.rs.
OUTPUT is src/pve/api/table.txt by default; `-` is standard output. The same input always gives the same bytes.
"""

import json
import pathlib
import sys

VERSIONS = ["6.4", "7.4", "8.4", "9.2"]
METHODS = ["GET", "POST", "PUT", "DELETE"]
SMALLEST_SET = 3  # a set of fewer parameters costs more lines than it saves

HEADER = """\
# The Proxmox VE API {newest}, written by scripts/make_api_table.py. Do not edit; the grammar is in mod.rs.
"""


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    versions = {version: load(folder / f"{version}.jsonl") for version in VERSIONS}
    text = Table(versions).text()
    assert text.isascii(), "the search in src/pve/api/mod.rs cuts the table at any byte"
    default = pathlib.Path(__file__).resolve().parent.parent / "src/pve/api/table.txt"
    target = sys.argv[2] if 2 < len(sys.argv) else default
    if target == "-":
        sys.stdout.write(text)
    else:
        pathlib.Path(target).write_text(text, encoding="utf-8")


def load(file):
    """The methods of one version: (path, method) -> object."""
    with open(file, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    return {(row["path"], row["method"]): row for row in rows}


class Table:
    def __init__(self, versions):
        self.versions = versions
        self.formats = {}  # the text of a property string's keys -> its name
        self.newest = versions[VERSIONS[-1]]
        self.order = sorted(self.newest, key=lambda key: (key[0], METHODS.index(key[1])))
        self.lines = {key: self.parameter_lines(key) for key in self.order}
        self.holes = self.common_holes()
        self.sets = self.common_sets()

    # --- sections ---

    def text(self):
        out = [HEADER.format(newest=VERSIONS[-1]).rstrip("\n")]
        path_before = None
        for key in self.order:
            path, method = key
            if path != path_before:
                out.append(path)
                path_before = path
            out.append("\t".join([method, self.newest[key]["name"] or "-", *self.method_fields(key)]))
            out.extend("\t" + line for line in self.body(key))
        out.extend("{" + name + "}\t" + line for name, line in sorted(self.holes.items()))
        for name, keys in sorted((name, keys) for keys, name in self.formats.items()):
            out.append("@" + name)
            out.extend("\t" + line for line in keys.split("\n"))
        for name, lines in sorted((name, lines) for lines, name in self.sets.items()):
            out.append("&" + name)
            out.extend("\t" + line for line in lines)
        return "\n".join(out) + "\n"

    def method_fields(self, key):
        row = self.newest[key]
        fields = []
        since = self.method_since(key)
        if since != VERSIONS[0]:
            fields.append("from " + since)
        if row["proxyto"] is not None:
            fields.append("at " + row["proxyto"])
        if row["allowtoken"] is False:
            fields.append("notoken")
        if row["additionalProperties"]:
            fields.append("open")
        fields.append("may " + permission(row["permissions"]))
        fields.append("-> " + ((row["returns"] or {}).get("type") or "any"))
        return fields

    def body(self, key):
        """The parameter lines of a method, without common placeholders of its path, and with sets in place of their lines."""
        own = [line for line in self.lines[key] if not self.is_common_hole(key[0], line)]
        sets = [(lines, name) for lines, name in self.sets.items() if set(lines) <= set(own) and key in self.owners[lines]]
        held = {line for lines, _ in sets for line in lines}
        return sorted("&" + name for _, name in sets) + [line for line in own if line not in held]

    # --- what is shared ---

    def common_holes(self):
        """For each name in braces, the definition that most methods give it."""
        counts = {}
        for key in self.order:
            for line in self.lines[key]:
                name, _, rest = line.partition("\t")
                if name in holes_of(key[0]):
                    of_name = counts.setdefault(name, {})
                    of_name[rest] = of_name.get(rest, 0) + 1
        return {name: max(sorted(of_name), key=of_name.get) for name, of_name in counts.items()}

    def is_common_hole(self, path, line):
        name, _, rest = line.partition("\t")
        return name in holes_of(path) and self.holes[name] == rest

    def common_sets(self):
        """Lines that occur in exactly the same methods, at least two, become a set."""
        used = {}
        for key in self.order:
            for line in self.lines[key]:
                if not self.is_common_hole(key[0], line):
                    used.setdefault(line, []).append(key)
        groups = {}
        for line, keys in used.items():
            groups.setdefault(tuple(keys), []).append(line)
        sets = {}
        self.owners = {}
        for keys, lines in groups.items():
            # Two lines with the same name are alternatives of one parameter and have to stay together.
            names = [line.split("\t")[0] for line in lines]
            if 1 < len(keys) and SMALLEST_SET <= len(set(names)):
                first = self.newest[keys[0]]["name"] or "-"
                name = unique(f"{first}.{names[0]}", sets.values())
                sets[tuple(lines)] = name
                self.owners[tuple(lines)] = set(keys)
        return sets

    def format_name(self, path, parameter, keys):
        """The name of a property string, made from the path and parameter at which it was first seen."""
        if keys not in self.formats:
            fixed = [part for part in path.split("/") if part and not part.startswith("{")][-1]
            self.formats[keys] = unique(f"{fixed}.{parameter.removesuffix('[n]')}", self.formats.values())
        return self.formats[keys]

    # --- parameters ---

    def parameter_lines(self, key):
        path = key[0]
        parameters = self.newest[key]["parameters"] or []
        lines = []
        for parameter in parameters:
            since = self.parameter_since(key, parameter["name"])
            for alternative in parameter.get("oneOf", [parameter]):
                merged = {**alternative, "name": parameter["name"]}
                if "type-property" in parameter:
                    merged["type-property"] = parameter["type-property"]
                lines.append(self.line(path, merged, since))
        names = {parameter["name"] for parameter in parameters}
        lines.extend(f"{hole}\tany" for hole in holes_of(path) if hole not in names)
        return sorted(lines, key=lambda line: line.split("\t")[0])

    def line(self, path, parameter, since=None):
        facts = parameter
        word = parameter.get("type", "alias" if "alias" in parameter else "any")
        if word == "array":
            facts = parameter.get("items", {})
            word = f"[{facts.get('type', 'any')}]"
        fields = [parameter["name"], word + ("?" if parameter.get("optional") else "")]
        if "minimum" in facts or "maximum" in facts:
            fields.append(f"{number(facts, 'minimum')}..{number(facts, 'maximum')}")
        if "minLength" in facts or "maxLength" in facts:
            fields.append(f"len {number(facts, 'minLength')}..{number(facts, 'maxLength')}")
        if facts.get("enum") is not None:
            choices = [plain(choice) for choice in facts["enum"]]
            assert not any("|" in choice for choice in choices), parameter
            fields.append("of " + "|".join(choices))
        form = facts.get("format")
        if isinstance(form, str):
            fields.append("<" + form)
        elif form is not None:
            keys = "\n".join(self.line(path, inner) for inner in form["subkeys"])
            fields.append("@" + self.format_name(path, parameter["name"], keys))
        if facts.get("pattern") is not None:
            fields.append("~" + facts["pattern"])
        if parameter.get("default") is not None:
            fields.append("=" + plain(parameter["default"]))
        if parameter.get("default_key"):
            fields.append("key")
        if "alias" in parameter:
            key_alias = parameter.get("keyAlias")
            fields.append("as " + parameter["alias"] + (f"/{key_alias}" if key_alias else ""))
        if "requires" in parameter:
            fields.append("needs " + parameter["requires"])
        if "instance-types" in parameter:
            fields.append(f"if {parameter['type-property']}={'|'.join(parameter['instance-types'])}")
        if since is not None:
            fields.append("from " + since)
        assert not any("\t" in field or "\n" in field for field in fields), fields
        return "\t".join(fields)

    # --- versions ---

    def method_since(self, key):
        return next(version for version in VERSIONS if key in self.versions[version])

    def parameter_since(self, key, name):
        """The first version that has the parameter, if it is later than the first version that has the method."""
        first = self.method_since(key)
        for version in VERSIONS[VERSIONS.index(first) :]:
            row = self.versions[version].get(key)
            if row and any(parameter["name"] == name for parameter in row["parameters"] or []):
                return None if version == first else version
        raise AssertionError(f"{key} has no {name}")


def permission(permissions):
    """Who may call: `root`, `world`, `user` or an expression of checks."""
    if permissions is None:
        return "root"
    user = permissions.get("user")
    if user is not None:
        return {"all": "user", "world": "world"}[user]
    return check(permissions["check"]) if permissions.get("check") else "root"


def check(expression):
    word = expression[0]
    if word in ("or", "and"):
        return f"{word}({';'.join(check(part) for part in expression[1:])})"
    if word == "perm":
        path, privileges, *options = expression[1:]
        options = dict(zip(options[::2], options[1::2]))
        if isinstance(privileges, str):
            privileges = [privileges]
        privileges = list(dict.fromkeys(privileges))
        text = f"{path} " + ("|" if options.pop("any", 0) else "&").join(privileges)
        if "require_param" in options:
            text += " with " + options.pop("require_param")
        if not options and not any(mark in text for mark in ";()"):
            return text
    return "other " + json.dumps(expression, separators=(",", ":")).replace(";", "\\u003b").replace("(", "\\u0028").replace(")", "\\u0029")


def holes_of(path):
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def number(facts, name):
    return plain(facts[name]) if name in facts else ""


def plain(value):
    return value if isinstance(value, str) else json.dumps(value)


def unique(name, taken):
    taken = set(taken)
    candidate, count = name, 1
    while candidate in taken:
        count += 1
        candidate = f"{name}-{count}"
    return candidate


if __name__ == "__main__":
    main()
