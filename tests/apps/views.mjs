#!/usr/bin/env node
// The views in a host (host.mjs): both eras, both themes, narrow, without styles, without calls, in an opaque origin.
// usage: node views.mjs PICTURES PROGRAM
// PROGRAM is proxmox-mcp, run over its sample cluster. Screenshots are written into the folder PICTURES.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openHost, show } from './host.mjs';

const [pictures, program, ...more] = process.argv.slice(2);
if (!program || more.length) {
  console.error('usage: node views.mjs PICTURES PROGRAM');
  process.exit(2);
}
mkdirSync(pictures, { recursive: true });
// Requests that wait for approval are stored here, not with the user's own.
process.env.XDG_STATE_HOME = resolve(pictures, 'state');
delete process.env.XDG_RUNTIME_DIR;

/** The command of a server over a sample cluster, in which plans are confirmed as `confirm` says. */
function server(confirm = 'token', guests) {
  const config = resolve(pictures, `${confirm}.json`);
  writeFileSync(config, JSON.stringify({ confirm, wait: confirm === 'person' ? 0 : 30, notify: false }));
  return [program, '--config', config, 'demo', ...(guests ? ['--guests', String(guests)] : [])];
}

// Scrolls far through the table, and returns how long a frame took that was not delayed by other load on the machine.
const SCROLL = `(async () => {
  const pane = document.querySelector('.pane');
  const gaps = [];
  let last = performance.now();
  for (let frame = 0; frame < 120; frame++) {
    pane.scrollTop += 300;
    await new Promise(requestAnimationFrame);
    gaps.push(performance.now() - last);
    last = performance.now();
  }
  gaps.sort((one, other) => one - other);
  return { frame: Math.round(gaps[12]), rows: document.querySelectorAll('.pane tbody tr').length, moved: pane.scrollTop };
})()`;

// What a screen reader needs: every control has a name, every image a text, and there is one first-level heading.
const NAMED = `(() => {
  const name = (element) => element.getAttribute('aria-label') || element.textContent.trim() || element.labels?.length;
  const visible = [...document.querySelectorAll('button, input, select, svg[role=img]')].filter((element) => element.getClientRects().length);
  const headings = [...document.querySelectorAll('h1')].filter((element) => element.getClientRects().length);
  return { nameless: visible.filter((element) => !name(element)).map((element) => element.outerHTML.slice(0, 80)), headings: headings.length, controls: visible.length };
})()`;
const named = ({ values: [{ nameless, headings, controls }] }) => !nameless.length && headings === 1 && 0 < controls;

// Moves through the table with the keyboard, and returns the row that has the focus at the end.
const KEYS = `(async () => {
  const first = document.querySelector('tbody .link');
  first.focus();
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowUp', 'End', 'Home', 'ArrowDown', 'ArrowDown', 'ArrowDown']) {
    document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
    await new Promise(requestAnimationFrame);
  }
  return document.activeElement.dataset.at;
})()`;

const CLUSTER = { tool: 'proxmox_get_cluster_status' };
const GUEST = { tool: 'proxmox_get_vm_info', args: { vmid: 105 } };
const CONFIRM = { tool: 'proxmox_delete_vm', args: { vmid: 101 } };
const legacy = { era: 'legacy' };
const dark = { theme: 'dark' };
const narrow = { size: [360, 900], opaque: true, styles: false };
const TYPE_WORD = ['type', '#word', '101'];
const AGREE = ['click', 'button.danger'];
const told = ({ result }) => result.content.map((part) => part.text ?? '').join('') + JSON.stringify(result.structuredContent ?? null);
const calls = ({ requests }, name) => requests.filter(({ method, params }) => method === 'tools/call' && params.name === name);

/** What a run must fulfil, besides having no error: visible texts, and predicates on the result of `show`. */
const RUNS = {
  'cluster-light': [{ ...CLUSTER, ...legacy, steps: [['eval', NAMED]] }, 'mail01', named],
  'cluster-dark': [{ ...CLUSTER, ...dark }, 'Guests', ({ background }) => background === 'rgb(31, 31, 31)'],
  'cluster-refresh': [{ ...CLUSTER, steps: [['click', '.list > .row button']] }, 'As of', (seen) => calls(seen, 'proxmox_view_cluster').length === 1],
  'cluster-filter': [{ ...CLUSTER, steps: [['type', 'input[type=search]', 'db prod']] }, '1 of '],
  'cluster-opens-guest': [{ ...CLUSTER, steps: [['type', 'input[type=search]', 'mail01'], ['click', 'tbody .link'], ['eval', NAMED]] }, 'Snapshots', named],
  'cluster-narrow': [{ ...CLUSTER, ...narrow }, 'Guests', ({ overflow }) => overflow <= 0],
  'cluster-no-server-tools': [{ ...CLUSTER, serverTools: false }, 'Guests', ({ requests }) => !requests.some(({ method }) => method === 'tools/call')],
  'cluster-keys': [{ ...CLUSTER, steps: [['eval', KEYS]] }, ({ values: [row] }) => row === '3'],
  'guest-light': [{ ...GUEST, steps: [['eval', NAMED]] }, 'Snapshots', named],
  'guest-dark': [{ ...GUEST, ...legacy, ...dark }, 'History'],
  'guest-day': [{ ...GUEST, steps: [['click', '[aria-label="Time range"] button:nth-child(2)']] }, 'CPU', (seen) => calls(seen, 'proxmox_view_guest').some(({ params }) => params.arguments.timeframe === 'day')],
  'guest-snapshot': [{ ...GUEST, steps: [['click', '[aria-label=Actions] button:nth-child(3)'], ['click', '.box.row button']] }, 'Done.', (seen) => calls(seen, 'proxmox_create_snapshot').length === 1],
  'guest-narrow': [{ ...GUEST, ...narrow, retheme: 'dark' }, 'History', ({ overflow }) => overflow <= 0, ({ background }) => background === 'rgb(30, 31, 34)'],
  'guest-fixed': [{ ...GUEST, fixed: true, size: [720, 600] }, 'History'],
  'guest-cancelled': [{ ...GUEST, cancel: true }, 'cancelled'],
  'guest-no-server-tools': [{ ...GUEST, ...legacy, serverTools: false, opaque: true }, 'History'],
  'confirm-light': [{ ...CONFIRM, ...legacy, steps: [['eval', NAMED]] }, 'Type 101 to confirm', named],
  'confirm-dark': [{ ...CONFIRM, ...dark }, 'Type 101 to confirm', (seen) => !told(seen).includes(seen.result._meta['proxmox-mcp/view'].agree.arguments.plan)],
  'confirm-wrong-word': [{ ...CONFIRM, steps: [['type', '#word', '100'], ['eval', 'document.querySelector("button.danger").disabled']] }, ({ values: [off] }) => off === true],
  'confirm-agreed': [{ ...CONFIRM, steps: [TYPE_WORD, AGREE], then: isGone }, 'Confirmed', (seen) => calls(seen, 'proxmox_view_confirm').length === 1],
  'confirm-agreed-legacy': [{ ...CONFIRM, ...legacy, ...dark, opaque: true, steps: [TYPE_WORD, AGREE], then: isGone }, 'Confirmed', ({ requests }) => requests.some(({ method }) => method === 'ui/update-model-context')],
  'confirm-left': [{ ...CONFIRM, steps: [['click', '.row button:nth-child(3)']], then: isThere }, 'Nothing was done'],
  'confirm-person': [{ ...CONFIRM, confirm: 'person' }, 'proxmox-mcp approve'],
  'confirm-no-server-tools': [{ ...CONFIRM, serverTools: false, steps: [['eval', 'document.querySelector("#word").disabled']] }, 'assistant', ({ values: [off] }) => off],
  'confirm-narrow': [{ ...CONFIRM, ...narrow }, 'Type 101', ({ overflow }) => overflow <= 0],
  'cluster-many': [{ ...CLUSTER, ...dark, guests: 5000, tries: 3, ready: 'tbody .link', steps: [['eval', SCROLL]] }, '5000 guests', ({ paint }) => paint < 1000, ({ values: [{ frame, rows, moved }] }) => frame < 50 && rows < 60 && 30000 < moved],
};

async function isGone(client, { errors }) {
  const { isError, content } = await client.callTool({ name: 'proxmox_get_vm_info', arguments: { vmid: 101 } });
  if (!isError) errors.push(`VM 101 is still there: ${content[0].text.slice(0, 200)}`);
}

async function isThere(client, { errors }) {
  const { isError, content } = await client.callTool({ name: 'proxmox_get_vm_info', arguments: { vmid: 101 } });
  if (isError) errors.push(`VM 101 is gone: ${content[0].text}`);
}

let failed = 0;
function tell(name, { errors, paint, values }) {
  if (errors.length) failed++;
  console.log(`${errors.length ? 'FAILED' : 'ok    '} ${name}${paint === undefined ? '' : `, drawn within ${paint} ms`}${values.length ? ` ${JSON.stringify(values)}` : ''}`);
  errors.forEach((error) => console.log(`       ${error}`));
}

const host = await openHost();
for (const [name, [options, ...wanted]] of Object.entries(RUNS)) {
  const { guests, confirm, tries = 1, ...rest } = options;
  let seen;
  // Timing checks are retried, because other programs may use the machine.
  for (let attempt = 0; attempt < tries && (!seen || seen.errors.length); attempt++) {
    seen = await show(host, server(confirm, guests), { ...rest, picture: join(pictures, `${name}.png`) });
    for (const want of wanted) {
      if (typeof want === 'string' ? !seen.text?.includes(want) : !seen.errors.length && !want(seen)) seen.errors.push(`not so: ${want}`);
    }
  }
  tell(name, seen);
}
// A client that does not declare the extension sees nothing of it.
for (const era of ['legacy', 'modern']) {
  const seen = await show(host, server(), { ...CONFIRM, era, ui: false });
  if ([...seen.tools.values()].some((tool) => tool.name.startsWith('proxmox_view_') || tool._meta?.ui)) seen.errors.push('its list names views');
  if (JSON.stringify(seen.result).includes('proxmox-mcp/view')) seen.errors.push('its result is for a view');
  tell(`no-extension-${era}`, seen);
}
await host.close();
console.log(failed ? `${failed} runs failed` : `all ${Object.keys(RUNS).length + 2} runs are good; pictures in ${pictures}`);
process.exit(failed ? 1 : 0);
