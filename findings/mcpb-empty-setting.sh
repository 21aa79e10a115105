#!/usr/bin/env bash
# npm @anthropic-ai/mcpb 2.1.2
# Input: a manifest of version 0.3 with two optional settings (`user_config` without `required`), one with the default "" and one
# without a default; both allowed by mcpb-manifest-v0.3.schema.json. Each is used in `args` and in `env`. The user fills in neither.
# Expected: an empty argument and an empty or absent variable, the same in both places.
# Seen: the setting with the default "" arrives empty in `env`, but as the text of its own placeholder in `args`; the one without
# a default arrives as its placeholder in both.
# Matters: a server that is started from a bundle can receive the text ${user_config.NAME} as a value. It should treat such a
# value as not filled in; optional settings belong in `env`, each with a default.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @anthropic-ai/mcpb@2.1.2 >/dev/null

cat >try.mjs <<'EOF'
import { writeFileSync } from 'node:fs';
import { getMcpConfigForManifest, validateManifest } from '@anthropic-ai/mcpb';

const both = ['${user_config.fingerprint}', '${user_config.node}'];
const manifest = {
    manifest_version: '0.3', name: 'example', version: '1.0.0', description: 'An example', author: { name: 'Example' },
    server: {
        type: 'binary', entry_point: 'server/example',
        mcp_config: { command: '${__dirname}/server/example', args: both, env: { FINGERPRINT: both[0], NODE: both[1] } },
    },
    user_config: {
        fingerprint: { type: 'string', title: 'Fingerprint', description: 'Of the certificate', default: '' },
        node: { type: 'string', title: 'Node', description: 'To ask first' },
    },
};
writeFileSync('manifest.json', JSON.stringify(manifest));
validateManifest('manifest.json');
const { args, env } = await getMcpConfigForManifest({
    manifest, userConfig: {}, extensionPath: '/bundle', systemDirs: {}, pathSeparator: '/',
});
console.log(`args ${JSON.stringify(args)}`);
console.log(`env ${JSON.stringify(env)}`);
EOF
seen=$(node try.mjs)
expected='Manifest schema validation passes!
args ["${user_config.fingerprint}","${user_config.node}"]
env {"FINGERPRINT":"","NODE":"${user_config.node}"}'
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
