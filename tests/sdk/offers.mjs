// Prompts, resources and completions, requested by the official TypeScript clients, 1.x and 2.x.
// usage: MCP_NPM=FOLDER node offers.mjs SERVER [ARG…]
// FOLDER is where npm installed them. The server must use the sample cluster.
import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';

const base = `${process.env.MCP_NPM ?? process.cwd()}/node_modules/@modelcontextprotocol`;
const load = path => import(pathToFileURL(`${base}/${path}`).href);
const [command, ...args] = process.argv.slice(2);
const values = { vmid: '101', node: 'pve1' };

/** The code of the error that this must fail with. */
async function codeOf(wish) {
  return wish.then(answer => assert.fail(`${JSON.stringify(answer)} instead of an error`), error => error.code);
}

async function converse(client, missing) {
  const offered = client.getServerCapabilities();
  for (const name of ['prompts', 'resources', 'completions']) assert.ok(offered[name], name);
  assert.ok(client.getInstructions().length < 2048);

  const { prompts } = await client.listPrompts();
  assert.equal(prompts.length, 6);
  for (const prompt of prompts) {
    const given = Object.fromEntries(prompt.arguments.map(({ name }) => [name, values[name]]));
    const { messages } = await client.getPrompt({ name: prompt.name, arguments: given });
    assert.match(messages[0].content.text, /proxmox_/);
    for (const { name } of prompt.arguments) {
      const { completion } = await client.complete({
        ref: { type: 'ref/prompt', name: prompt.name }, argument: { name, value: '' },
      });
      assert.ok(completion.values.includes(values[name]), JSON.stringify(completion));
    }
  }
  assert.equal(await codeOf(client.getPrompt({ name: 'no_such_prompt' })), -32602);
  assert.equal(await codeOf(client.getPrompt({ name: 'guest_slow' })), -32602);

  const { resources } = await client.listResources();
  assert.ok(resources.length > 3);
  for (const { uri } of resources) {
    const { contents } = await client.readResource({ uri });
    assert.equal(contents[0].uri, uri);
    JSON.parse(contents[0].text);
  }
  const { resourceTemplates } = await client.listResourceTemplates();
  const uris = resourceTemplates.map(template => template.uriTemplate);
  assert.deepEqual(uris, ['pve://guest/{vmid}', 'pve://node/{node}', 'pve://task/{upid}']);
  const complete = (uri, name, value) =>
    client.complete({ ref: { type: 'ref/resource', uri }, argument: { name, value } });
  assert.deepEqual((await complete(uris[0], 'vmid', 'db01')).completion.values, ['101']);
  await client.callTool({ name: 'proxmox_start_vm', arguments: { vmid: 100 } });
  const [upid] = (await complete(uris[2], 'upid', 'qmstart')).completion.values;
  const { contents } = await client.readResource({ uri: `pve://task/${encodeURIComponent(upid)}` });
  assert.equal(contents[0].mimeType, 'text/plain');
  for (const uri of ['pve://guest/999', 'nosuch://nothing/at/all']) {
    assert.equal(await codeOf(client.readResource({ uri })), missing);
  }

  const { tools } = await client.listTools();
  const kept = tools.filter(tool => tool._meta?.['anthropic/alwaysLoad']).map(tool => tool.name);
  assert.deepEqual(kept, ['proxmox_get_cluster_status']);
  return `${prompts.length} prompts, ${resources.length} resources, all as they should be`;
}

async function run(label, client, Transport, missing) {
  const errors = [];
  client.onerror = error => errors.push(String(error.message ?? error));
  await client.connect(new Transport({ command, args, env: process.env, stderr: 'ignore' }));
  console.log(`${label}: ${await converse(client, missing)}`);
  await client.close();
  assert.deepEqual(errors, []);
}

const info = { name: 'offers', version: '0' };
const v2 = { ...(await load('client/dist/index.mjs')), ...(await load('client/dist/stdio.mjs')) };
// These clients convert the older error code of a missing resource to the newer one.
for (const [name, mode] of [['legacy', 'legacy'], ['pinned', { pin: '2026-07-28' }]]) {
  const client = new v2.Client(info, { capabilities: {}, versionNegotiation: { mode } });
  await run(`TypeScript 2.x, ${name}`, client, v2.StdioClientTransport, -32602);
}
const { Client } = await load('sdk/dist/esm/client/index.js');
const { StdioClientTransport } = await load('sdk/dist/esm/client/stdio.js');
await run('TypeScript 1.x', new Client(info, { capabilities: {} }), StdioClientTransport, -32002);
