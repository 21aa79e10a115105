#!/usr/bin/env node
// The views in a real host: official client, official bridge, headless Chromium, in all the ways of hosts.
// usage: APPS_HOST=FOLDER node views.mjs PICTURES SERVER [ARG…]
// FOLDER holds apps_host.mjs with its packages installed (its README says how; it needs Chromium). PICTURES is the folder
// for the screenshots. The server must be over the sample cluster; GUESTS says how many guests it has for the run with many.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const [pictures, ...server] = process.argv.slice(2);
const host = process.env.APPS_HOST;
if (!pictures || !server.length || !host) {
  console.error('usage: APPS_HOST=FOLDER node views.mjs PICTURES SERVER [ARG…]');
  process.exit(2);
}
mkdirSync(pictures, { recursive: true });

const CLUSTER = ['--tool', 'proxmox_get_cluster_status'];
const GUEST = ['--tool', 'proxmox_get_vm_info', '--args', '{"vmid":105}'];
const CONFIRM = ['--tool', 'proxmox_delete_vm', '--args', '{"vmid":105}'];
const dark = ['--theme', 'dark'];
const modern = ['--era', 'modern'];
const legacy = ['--era', 'legacy'];

// Scrolls through the table for two seconds, and counts frames: fewer than 10 in a second is jank on any machine.
const SCROLL = `(async () => {
  const pane = document.querySelector('.pane');
  let frames = 0;
  const start = performance.now();
  while (performance.now() - start < 2000) {
    pane.scrollTop += 300;
    await new Promise(requestAnimationFrame);
    frames++;
  }
  return { frames, rows: document.querySelectorAll('.pane tbody tr').length, moved: pane.scrollTop };
})()`;

// What a screen reader meets: every control has a name, every picture a text, and there is one heading of the first level.
const NAMED = `(() => {
  const name = (element) => element.getAttribute('aria-label') || element.textContent.trim() || element.labels?.length;
  const visible = [...document.querySelectorAll('button, input, select, svg[role=img]')].filter((element) => element.getClientRects().length);
  const headings = [...document.querySelectorAll('h1')].filter((element) => element.getClientRects().length);
  return { nameless: visible.filter((element) => !name(element)).map((element) => element.outerHTML.slice(0, 80)), headings: headings.length, controls: visible.length };
})()`;
const named = ({ nameless, headings, controls }) => !nameless.length && headings === 1 && 0 < controls;
const wide = ['--eval', 'document.documentElement.scrollWidth <= innerWidth'];

// [name, options, what each --eval must give]
const RUNS = [
  ['cluster-light', [...CLUSTER, ...legacy, '--expect', 'mail01', '--eval', NAMED], [named]],
  ['cluster-dark', [...CLUSTER, ...modern, ...dark, '--expect', 'Guests']],
  ['cluster-refresh', [...CLUSTER, ...modern, '--click', '.list > .row button', '--expect', 'As of']],
  ['cluster-filter', [...CLUSTER, '--type', 'input[type=search]=db prod', '--expect', '1 of '], []],
  ['cluster-opens-guest', [...CLUSTER, '--type', 'input[type=search]=mail01', '--click', 'tbody .link', '--expect', 'Snapshots', '--eval', NAMED], [named]],
  ['cluster-narrow', [...CLUSTER, '--size', '360x900', '--no-styles', '--opaque', ...wide], [Boolean]],
  ['cluster-no-server-tools', [...CLUSTER, '--no-server-tools', '--expect', 'Guests']],
  ['cluster-keys', [...CLUSTER, '--eval', KEYS()], [(at) => at === '3']],
  ['guest-light', [...GUEST, ...modern, '--expect', 'Snapshots', '--eval', NAMED], [named]],
  ['guest-dark', [...GUEST, ...legacy, ...dark, '--expect', 'History']],
  ['guest-day', [...GUEST, '--click', '[aria-label="Time shown"] button:nth-child(2)', '--expect', 'CPU']],
  ['guest-snapshot', [...GUEST, ...modern, '--click', '[aria-label=Actions] button:nth-child(3)', '--click', '.box.row button', '--expect', 'Done.']],
  ['guest-narrow', [...GUEST, '--size', '360x900', '--opaque', '--no-styles', '--retheme', 'dark', ...wide], [Boolean]],
  ['guest-fixed', [...GUEST, '--fixed', '--size', '720x600', '--expect', 'History']],
  ['guest-cancelled', [...GUEST, '--cancel', '--expect', 'cancelled']],
  ['guest-no-server-tools', [...GUEST, '--no-server-tools', '--opaque']],
  ['confirm-light', [...CONFIRM, ...legacy, '--expect', 'cannot be undone', '--eval', NAMED], [named]],
  ['confirm-dark', [...CONFIRM, ...modern, ...dark, '--expect', 'cannot be undone']],
  ['confirm-wrong-word', [...CONFIRM, '--type', '#word=106', '--eval', 'document.querySelector("button.danger").disabled'], [Boolean]],
  ['confirm-agreed', [...CONFIRM, ...modern, '--type', '#word=105', '--click', 'button.danger', '--expect', 'Confirmed']],
  ['confirm-narrow', [...CONFIRM, '--size', '360x700', '--opaque', '--no-styles', ...wide], [Boolean]],
  ['no-extension', [...CLUSTER, '--no-ui']],
];
const MANY = ['cluster-many', [...CLUSTER, ...dark, '--eval', SCROLL], [({ frames, rows, moved }) => 20 < frames && rows < 60 && 3000 < moved]];

function KEYS() {
  return `(async () => {
    const first = document.querySelector('tbody .link');
    first.focus();
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowUp', 'End', 'Home', 'ArrowDown', 'ArrowDown', 'ArrowDown']) {
      document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
      await new Promise(requestAnimationFrame);
    }
    return document.activeElement.dataset.at;
  })()`;
}

function run([name, options, checks = []], command) {
  const picture = join(pictures, `${name}.png`);
  const shot = options.includes('--no-ui') ? [] : ['--screenshot', picture];
  const ended = spawnSync(process.execPath, [join(host, 'apps_host.mjs'), '--quiet', ...shot, ...options, '--', ...command], { encoding: 'utf8', maxBuffer: 1 << 28 });
  let report;
  try {
    report = JSON.parse(ended.stdout);
  } catch {
    return { name, errors: [ended.stderr || 'the host ended without a report'] };
  }
  const errors = [...report.errors];
  const values = report.steps.flatMap((step) => step.actions ?? []).filter((action) => 'eval' in action).map((action) => action.value);
  checks.forEach((check, at) => {
    if (values[at] === undefined || !check(values[at])) errors.push(`check ${at + 1} failed: ${JSON.stringify(values[at])}`);
  });
  return { name, errors, timing: report.steps.map((step) => step.timing?.resultToPaintMs).filter(Number.isFinite), values };
}

let failed = 0;
function tell({ name, errors, timing = [], values = [] }) {
  if (errors.length) failed++;
  console.log(`${errors.length ? 'FAILED' : 'ok    '} ${name} ${timing.map((time) => `painted after ${time} ms`).join(', ')} ${values.length ? JSON.stringify(values) : ''}`);
  errors.forEach((error) => console.log(`       ${error}`));
}

for (const one of RUNS) tell(run(one, server));
if (process.env.GUESTS) {
  const many = run(MANY, [...server, '--guests', process.env.GUESTS]);
  // Drawn within a second of the result, also where two cores do everything.
  if (!many.errors.length && !many.timing.every((time) => time < 1000)) many.errors.push('not painted within a second');
  tell(many);
}
console.log(failed ? `${failed} runs failed` : `all ${RUNS.length + (process.env.GUESTS ? 1 : 0)} runs are good; pictures in ${pictures}`);
process.exit(failed ? 1 : 0);
