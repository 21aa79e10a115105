#!/usr/bin/env python3
"""Writes the SBOM of the program for one platform, as CycloneDX 1.5: each crate that is linked, with its version, licence
and checksum, and the dependencies between them. Unlike cargo-cyclonedx, which writes a new serial number and time each
run, the output is reproducible.

usage: sbom.py TARGET OUTPUT   (TARGET is a Rust target triple; SOURCE_DATE_EPOCH is set)
"""
import datetime, json, os, pathlib, subprocess, sys, tomllib, uuid

target, output = sys.argv[1], pathlib.Path(sys.argv[2])
command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", target]
metadata = json.loads(subprocess.check_output(command))
packages = {package["id"]: package for package in metadata["packages"]}
nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
root = metadata["resolve"]["root"]
locked = tomllib.loads(pathlib.Path("Cargo.lock").read_text())["package"]
checksums = {(package["name"], package["version"]): package.get("checksum") for package in locked}


def is_macro(identity):
    """Whether a crate is a macro, which runs in the compiler and is not linked."""
    return any("proc-macro" in part["kind"] for part in packages[identity]["targets"])


def needed(identity):
    """The dependencies that a crate needs at run time, without those of its tests and its build."""
    wanted = (one["pkg"] for one in nodes[identity]["deps"] if any(kind["kind"] is None for kind in one["dep_kinds"]))
    return sorted((one for one in wanted if not is_macro(one)), key=reference)


def reference(identity):
    return f"pkg:cargo/{packages[identity]['name']}@{packages[identity]['version']}"


def component(identity):
    package = packages[identity]
    entry = {"type": "application" if identity == root else "library", "bom-ref": reference(identity)}
    entry |= {"name": package["name"], "version": package["version"]}
    if package["description"]:
        entry["description"] = " ".join(package["description"].split())
    if checksum := checksums[package["name"], package["version"]]:
        entry["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    # Some crates still separate licences with a slash, which means OR.
    entry["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    entry["purl"] = reference(identity)
    if package["repository"]:
        entry["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return entry


linked, waiting = set(), [root]
while waiting:
    identity = waiting.pop()
    if identity not in linked:
        linked.add(identity)
        waiting += needed(identity)
linked = sorted(linked, key=reference)
moment = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
document = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.5",
    "version": 1,
    "metadata": {
        "timestamp": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "component": component(root),
        "properties": [{"name": "cdx:rustc:sbom:target:triple", "value": target}],
    },
    "components": [component(identity) for identity in linked if identity != root],
    "dependencies": [{"ref": reference(one), "dependsOn": [reference(other) for other in needed(one)]} for one in linked],
}
# The serial number of the document is derived from its content.
number = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(document, sort_keys=True))
document = {"bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": number.urn} | document
output.write_text(json.dumps(document, indent=2) + "\n")
print(f"{output.name}: {len(document['components'])} crates")
