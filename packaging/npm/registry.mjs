// A local npm registry: serves the packages in a folder, and counts the bytes that are fetched.
// usage: node registry.mjs FOLDER COMMAND [WORD…]   runs COMMAND with npm's registry set to it, then prints to stderr
//        what was fetched, in bytes; exits like COMMAND
import { spawn, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

const [folder, command, ...words] = process.argv.slice(2);
const packages = new Map();
for (const file of readdirSync(folder).filter((name) => name.endsWith('.tgz'))) {
    const bytes = readFileSync(join(folder, file));
    const manifest = JSON.parse(execFileSync('tar', ['-xzOf', join(folder, file), 'package/package.json']));
    packages.set(manifest.name, { file, bytes, manifest });
}

let fetched = 0;
const seen = [];
const server = createServer((request, response) => {
    const name = decodeURIComponent(request.url.slice(1));
    const found = packages.get(name.replace(/^tarballs\//, ''));
    let body = Buffer.from('{"error": "not found"}');
    if (found && name.startsWith('tarballs/')) {
        body = found.bytes;
        seen.push(found.file);
    } else if (found) {
        const { manifest, bytes } = found;
        const dist = {
            tarball: `http://127.0.0.1:${server.address().port}/tarballs/${manifest.name}`,
            integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
        };
        const versions = { [manifest.version]: { ...manifest, dist } };
        body = Buffer.from(JSON.stringify({ name: manifest.name, 'dist-tags': { latest: manifest.version }, versions }));
    }
    fetched += body.length;
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' }).end(body);
});
server.listen(0, '127.0.0.1', () => {
    const env = { ...process.env, npm_config_registry: `http://127.0.0.1:${server.address().port}/` };
    const child = spawn(command, words, { stdio: 'inherit', env });
    child.on('close', (code) => {
        console.error(`fetched ${fetched} bytes: ${seen.join(', ')}`);
        process.exit(code ?? 1);
    });
});
