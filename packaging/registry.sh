#!/usr/bin/env bash
# Writes server.json, the entry for the MCP registry, with the packages on npm and PyPI, the image, and the bundle with
# its checksum, and validates it against its schema and the registry's other rules.
# usage: [REPOSITORY=URL] packaging/registry.sh
. "$(dirname "$0")/common.sh"

# A bundle that was not built here has no checksum, so it is left out.
bundle=$out/proxmox-mcp-$version.mcpb
if [ -f "$bundle" ]; then sum=$(sha256sum "$bundle" | cut -d ' ' -f 1); else sum=absent; fi
if ! why=$(python_tools registry 'import jsonschema, skillsaw' skillsaw==0.22.0 jsonschema==4.26.0); then
    skip "server.json: its schema could not be installed from PyPI (package skillsaw): $(tail -n 1 <<<"$why")"
    exit 0
fi
python=$tools/registry/bin/python

mkdir -p "$out/registry"
filled packaging/server.json "SHA256=$sum" "PYPI=$pypi_name" >"$out/registry/filled.json"
"$python" - "$out/registry" "$version" <<'EOF'
import json, pathlib, sys
import jsonschema, skillsaw

folder, version = pathlib.Path(sys.argv[1]), sys.argv[2]
entry = json.loads((folder / "filled.json").read_text())
(folder / "filled.json").unlink()
for package in [package for package in entry["packages"] if package.get("fileSha256") == "absent"]:
    print("left out, because it was not built here:", package["identifier"])
    entry["packages"].remove(package)
# The environment variables are the same for all packages, except a bundle, whose manifest asks for the values.
variables = next(package["environmentVariables"] for package in entry["packages"] if package["registryType"] == "oci")
for package in entry["packages"]:
    if package["registryType"] in ("npm", "pypi"):
        package["environmentVariables"] = variables
release = entry["$schema"].split("/")[-2]
schemas = pathlib.Path(skillsaw.__file__).parent / "schemas" / "mcp_registry"
schema = json.loads((schemas / f"v{release.replace('-', '_')}" / "server.schema.json").read_text())
assert schema["$id"] == entry["$schema"], "the schema is another"
validator = jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())
wrong = [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(entry)]
assert not wrong, "\n".join(wrong)
# Check that the validator reports mistakes at all.
for change in [{"name": "no slash"}, {"description": "x" * 101}, {"packages": [{"registryType": "oci"}]}]:
    assert not validator.is_valid({**entry, **change}), change
assert entry["version"] == version
(folder / "server.json").write_text(json.dumps(entry, indent=2) + "\n")
kinds = ", ".join(package["registryType"] for package in entry["packages"])
print(f"server.json: valid by the schema of {release}, with the packages {kinds}")
EOF
"$tools/registry/bin/skillsaw" lint "$out/registry" >"$out/registry.log" 2>&1 || { cat "$out/registry.log"; fail "server.json breaks a rule of the registry"; }
grep -q 'Repo type: mcp-registry' "$out/registry.log" || { cat "$out/registry.log"; fail "server.json was not checked"; }
[ "$owner" != example ] || echo "server.json: contains the placeholder $repository; set REPOSITORY=URL before publishing"
