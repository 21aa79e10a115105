#!/usr/bin/env bash
# Tests what `cargo install`, `cargo binstall` and `cargo publish` need. Uses test builds, not release builds, because
# only the installation is tested.
# usage: packaging/cargo.sh
. "$(dirname "$0")/common.sh"
command -v cargo >/dev/null || fail "cargo is not installed"
# The program does not contain it, and a new value would compile the C code again.
unset SOURCE_DATE_EPOCH
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
cargo install --path . --debug --locked --quiet --no-track --root "$root"
check_example "cargo install" "$(example_session | "$root/bin/proxmox-mcp" demo)"
echo "cargo install --path .: runs"

# Builds the program from what would be uploaded.
cargo publish --dry-run --locked --allow-dirty --quiet 2>"$root/log" || { cat "$root/log"; fail "cargo publish would be refused"; }
# A dry run leaves the package in a folder that depends on cargo's version; this writes it to the documented one.
cargo package --no-verify --locked --allow-dirty --quiet
package=target/package/proxmox-mcp-$version.crate
size=$(wc -c <"$package")
[ "$size" -le 10485760 ] || fail "crates.io does not accept a package of $size bytes"
cp "$package" "$out/"
echo "cargo publish --dry-run: $(tar -tzf "$package" | wc -l) files, $size bytes"

command -v python3 >/dev/null || { skip "cargo binstall: python3 is not installed"; exit 0; }
# cargo binstall must find the program in the files of a release, which the other scripts have made.
python3 - "$out" "$version" <<'END'
import json, pathlib, subprocess, sys, tarfile, zipfile
out, version = pathlib.Path(sys.argv[1]), sys.argv[2]
metadata = json.loads(subprocess.check_output(["cargo", "metadata", "--format-version", "1", "--no-deps", "--locked"]))
overrides = metadata["packages"][0]["metadata"]["binstall"]["overrides"]
found = 0
for target, entry in overrides.items():
    fill = lambda text: text.replace("{ repo }", "R").replace("{ version }", version).replace("{ bin }", "proxmox-mcp")
    url, inside = fill(entry["pkg-url"]), fill(entry["bin-dir"])
    assert url.startswith(f"R/releases/download/v{version}/") and "{" not in url + inside, (url, inside)
    file = out / url.rsplit("/", 1)[1]
    if not file.exists():
        print(f"cargo binstall for {target}: {file.name} was not built here")
        continue
    names = zipfile.ZipFile(file).namelist() if file.suffix == ".zip" else tarfile.open(file).getnames()
    assert inside in names, f"{file.name} lacks {inside}"
    found += 1
assert found, "no release was built"
print(f"cargo binstall: finds the program in {found} releases")
END
