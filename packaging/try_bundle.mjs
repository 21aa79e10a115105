// Starts an unpacked MCP bundle with the command, arguments and environment that a client derives from its manifest, and
// checks by the server's answers that the user's settings arrive.
// usage: MCPB=FOLDER node try_bundle.mjs BUNDLE VERSION
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { resolve } from 'node:path';

const [folder, version] = process.argv.slice(2);
const { getMcpConfigForManifest } = await import(resolve(process.env.MCPB, 'dist/index.js'));
const manifest = JSON.parse(readFileSync(`${folder}/manifest.json`, 'utf8'));

const start = (userConfig) => getMcpConfigForManifest({
    manifest, userConfig, extensionPath: resolve(folder), systemDirs: {}, pathSeparator: '/',
});
const required = { host: '127.0.0.1:1', token_id: 'mcp@pve!bundle', token_secret: 'a-secret-that-must-not-be-shown' };
const expect = (what, holds, seen) => {
    if (!holds) throw new Error(`${what}; seen: ${JSON.stringify(seen)}`);
};

// Runs the server with a user's settings; returns its answers to the requests, and everything that it wrote.
async function session(userConfig, requests) {
    const { command, args, env } = await start(userConfig);
    const server = spawn(command, args, { env: { PATH: process.env.PATH, ...env } });
    let written = '';
    server.stderr.on('data', (data) => { written += data; });
    const answers = [];
    createInterface({ input: server.stdout }).on('line', (line) => { written += line; answers.push(JSON.parse(line)); });
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'try_bundle', version: '1' } };
    const lines = [{ id: 0, method: 'initialize', params }, ...requests.map((name, at) => (
        { id: at + 1, method: 'tools/call', params: { name, arguments: {} } }))];
    for (const line of lines) server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...line })}\n`);
    server.stdin.end();
    const code = await new Promise((done) => { server.on('close', done); });
    expect('the exit code is not 0', code === 0, code);
    return { answers: answers.sort((one, other) => one.id - other.id), written };
}

expect('it starts without a token', await start({ host: 'pve' }) === undefined, 'a command');
for (const [settings, access] of [
    [{}, 'read-only'],
    [{ access: 'standard' }, 'standard'],
    [{ fingerprint: Array(32).fill('AB').join(':'), access: 'full' }, 'full'],
]) {
    const { answers, written } = await session({ ...required, ...settings }, ['proxmox_get_server_info', 'proxmox_get_version']);
    const [hello, info, refused] = answers;
    expect('the version is wrong', hello.result.serverInfo.version === version, hello);
    expect(`access is not ${access}`, info.result.structuredContent.access === access, info);
    expect('the host was not asked', refused.result.isError && refused.result.content[0].text.includes('127.0.0.1:1'), refused);
    expect('the secret is shown', !written.includes(required.token_secret), 'the secret');
}
const wrong = await session({ ...required, access: 'everything' }, ['proxmox_get_version']);
expect('a wrong access is not reported', wrong.answers[1].result.content[0].text.includes('PROXMOX_ACCESS'), wrong.answers[1]);

// The file that a client would start on each system exists, is executable, and is a program for that system.
const starts = { linux: '#!/b', win32: 'MZ', darwin: '\xca\xfe\xba\xbe' };
const here = process.platform;
for (const platform of manifest.compatibility.platforms) {
    Object.defineProperty(process, 'platform', { value: platform });
    const { command, env } = await start(required);
    Object.defineProperty(process, 'platform', { value: here });
    const file = openSync(command);
    const magic = Buffer.alloc(starts[platform].length);
    readSync(file, magic);
    closeSync(file);
    expect(`on ${platform} another program is started`, magic.toString('latin1') === starts[platform], command);
    expect(`on ${platform} it cannot be run`, statSync(command).mode & 0o100, command);
    expect(`on ${platform} the host is not passed on`, env.PROXMOX_HOST === required.host, env);
}
console.log(`the bundle has a program for ${manifest.compatibility.platforms.join(', ')}`);
console.log('the bundle starts as a client starts it; host, token, fingerprint and access arrive');
