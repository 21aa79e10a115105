#!/usr/bin/env bash
# Writes an SBOM in CycloneDX format for each program that was built, and validates it against that format's schema.
# usage: packaging/sbom.sh
. "$(dirname "$0")/common.sh"
if ! why=$(python_tools sbom 'import cyclonedx, jsonschema' 'cyclonedx-python-lib[json-validation]==11.12.0'); then
    skip "SBOM: cyclonedx-python-lib could not be installed from PyPI: $(tail -n 1 <<<"$why")"
    exit 0
fi
for platform in $(platforms); do
    case $platform in
        linux-x64) name=x86_64-linux target=x86_64-unknown-linux-musl ;;
        linux-arm64) name=aarch64-linux target=aarch64-unknown-linux-musl ;;
        win32-x64) name=x86_64-windows target=x86_64-pc-windows-gnu ;;
        darwin-x64) name=x86_64-macos target=x86_64-apple-darwin ;;
        darwin-arm64) name=aarch64-macos target=aarch64-apple-darwin ;;
    esac
    python3 packaging/sbom.py $target "$out/proxmox-mcp-$version-$name.cdx.json"
done
"$tools/sbom/bin/python" - "$out"/*.cdx.json <<'END'
import json, pathlib, sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

validator = JsonStrictValidator(SchemaVersion.V1_5)
for path in map(pathlib.Path, sys.argv[1:]):
    text = path.read_text()
    wrong = validator.validate_str(text)
    assert wrong is None, f"{path.name}: {wrong}"
    document = json.loads(text)
    # Check that the validator reports mistakes at all, which it would not without its schema.
    document["components"][0]["type"] = "nonsense"
    assert validator.validate_str(json.dumps(document)) is not None
    names = {component["name"] for component in document["components"]}
    assert {"rustls", "ring", "ureq", "serde_json"} <= names and not {"jsonschema", "rcgen", "serde_derive"} & names, names
    assert ("security-framework" in names) == path.name.endswith("-macos.cdx.json"), names
    assert ("schannel" in names) == path.name.endswith("-windows.cdx.json"), names
print(f"{len(sys.argv) - 1} documents: valid CycloneDX 1.5")
END
