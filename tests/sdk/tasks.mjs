// Long-running work as tasks, with the official TypeScript client and its package for the extension: a task that
// succeeds, one that is cancelled, and the same call by clients that did not declare the extension.
// usage: MCP_NPM=FOLDER node tasks.mjs SERVER COMMAND…
import { pathToFileURL } from 'node:url';

const base = `${process.env.MCP_NPM ?? process.cwd()}/node_modules/@modelcontextprotocol`;
const load = (path) => import(pathToFileURL(`${base}/${path}`).href);
const { Client } = await load('client/dist/index.mjs');
const { StdioClientTransport } = await load('client/dist/stdio.mjs');
const { createTaskSessionFromClient, resultFromTaskOutcome } = await load('ext-tasks/dist/client/index.js');

const REVISION = '2026-07-28';
const clientInfo = { name: 'tasks', version: '1' };
const declared = { extensions: { 'io.modelcontextprotocol/tasks': {} } };
const [command, ...args] = process.argv.slice(2);
const backup = { vmid: 101, wait: 1 };

/** Runs `use` with a client connected to its own server. */
async function connected(capabilities, mode, use) {
  const client = new Client(clientInfo, { capabilities, versionNegotiation: { mode } });
  const transport = new StdioClientTransport({ command, args, stderr: 'inherit' });
  await client.connect(transport);
  try {
    return await use(client, transport);
  } finally {
    await client.close();
  }
}

/** The package for tasks sends its own requests besides those of the client, on the same pipe. */
function dispatcher(transport) {
  const waiting = new Map();
  const others = transport.onmessage;
  transport.onmessage = (message, extra) => {
    const answered = waiting.get(message.id);
    if (!answered) return others(message, extra);
    waiting.delete(message.id);
    answered(message.error ? { kind: 'error', error: message.error } : { kind: 'result', result: message.result });
  };
  return (request) =>
    new Promise((resolve, reject) => {
      const id = `task-${waiting.size}-${request.method}-${Math.random()}`;
      waiting.set(id, resolve);
      transport.send({ ...request, jsonrpc: '2.0', id }).catch(reject);
    });
}

/** Starts the backup as a client that supports tasks does; `then` gets the execution before it is awaited. */
function handedOut(then) {
  return connected(declared, { pin: REVISION }, async (client, transport) => {
    const session = createTaskSessionFromClient(client, {
      endpointId: 'proxmox-mcp',
      rawDispatch: dispatcher(transport),
      v2RequestFraming: { protocolVersion: REVISION, clientInfo, clientCapabilities: declared },
    });
    try {
      const execution = await session.callTool('proxmox_create_backup', backup);
      await then?.(execution);
      const { outcome } = await execution.settle();
      return { status: outcome.status, result: outcome.status === 'completed' ? resultFromTaskOutcome(outcome) : undefined };
    } finally {
      await session.close();
    }
  });
}

let failures = 0;
function expect(what, holds, found) {
  console.log(holds ? 'ok' : 'FAILED', what, holds ? '' : JSON.stringify(found));
  failures += holds ? 0 : 1;
}

const ended = await handedOut();
expect('a task ends with the answer of its call', ended.result?.structuredContent?.exitstatus === 'OK', ended);
const cancelled = await handedOut((execution) => execution.cancel());
expect('a cancelled task is no longer waited for', cancelled.status === 'cancelled', cancelled);
for (const mode of [{ pin: REVISION }, 'legacy']) {
  const result = await connected({}, mode, (client) => client.callTool({ name: 'proxmox_create_backup', arguments: backup }));
  expect(`undeclared, ${mode.pin ?? mode}: as before`, result.structuredContent?.task === 'running', result);
}
process.exit(failures ? 1 : 0);
