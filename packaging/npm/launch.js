#!/usr/bin/env node
// Starts the binary in the package for this platform, and exits with its exit code or signal.
'use strict';
const { spawn } = require('node:child_process');

const platform = `${process.platform}-${process.arch}`;
const suffix = process.platform === 'win32' ? '.exe' : '';

let binary;
try {
    binary = require.resolve(`proxmox-mcp-${platform}/bin/proxmox-mcp${suffix}`);
} catch {
    const known = Object.keys(require('../package.json').optionalDependencies).map((name) => name.replace('proxmox-mcp-', ''));
    console.error(known.includes(platform)
        ? `proxmox-mcp: The package proxmox-mcp-${platform}, which holds the program, is not installed. Install again without --omit=optional (--no-optional).`
        : `proxmox-mcp: There is no package for ${platform}, only for ${known.join(', ')}. Build it from source with cargo.`);
    process.exit(1);
}

const child = spawn(binary, process.argv.slice(2), { stdio: 'inherit' });
// Signals are passed on to the program, so that it can answer the calls in progress before it exits.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => child.kill(signal));
}
child.on('error', (error) => {
    console.error(`proxmox-mcp: ${binary} cannot be started (${error.message}).`);
    process.exit(1);
});
child.on('close', (code, signal) => {
    if (signal === null) {
        process.exit(code);
    }
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
});
