#!/usr/bin/env bash
# npm @anthropic-ai/mcpb 2.1.2
# Input: a manifest of version 0.3 that passes a `user_config` of type string to the server as an environment variable, and a
# user who enters a password. The manifest's schema (mcpb-manifest-v0.3.schema.json) does not restrict such a string.
# Expected: getMcpConfigForManifest puts the string into the environment as it was typed.
# Seen: the string is used as a replacement pattern of JavaScript's String.replace: two dollar signs become one.
# Matters: a server installed as a bundle is started with a different secret than the one the user typed, and the API only reports
# that the login failed. A server can mention in that error that a dollar sign may have been lost.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @anthropic-ai/mcpb@2.1.2 >/dev/null

cat >try.mjs <<'EOF'
import { writeFileSync } from 'node:fs';
import { getMcpConfigForManifest, validateManifest } from '@anthropic-ai/mcpb';

const manifest = {
    manifest_version: '0.3', name: 'example', version: '1.0.0', description: 'An example', author: { name: 'Example' },
    server: {
        type: 'binary', entry_point: 'server/example',
        mcp_config: { command: '${__dirname}/server/example', args: [], env: { PASSWORD: '${user_config.password}' } },
    },
    user_config: { password: { type: 'string', title: 'Password', description: 'Of the account', sensitive: true } },
};
writeFileSync('manifest.json', JSON.stringify(manifest));
validateManifest('manifest.json');
for (const password of ['plain', 'one$sign', 'two$$signs']) {
    const { env } = await getMcpConfigForManifest({
        manifest, userConfig: { password }, extensionPath: '/bundle', systemDirs: {}, pathSeparator: '/',
    });
    console.log(`${password} -> ${env.PASSWORD}`);
}
EOF
seen=$(node try.mjs)
expected='Manifest schema validation passes!
plain -> plain
one$sign -> one$sign
two$$signs -> two$signs'
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
