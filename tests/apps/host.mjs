// A host of MCP Apps for tests: official client, official AppBridge, headless Chromium. The view runs behind a proxy on
// an origin of its own, under the CSP that the specification demands; everything that a host would block is an error.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import puppeteer from 'puppeteer-core';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { getToolUiResourceUri } from '@modelcontextprotocol/ext-apps/app-bridge';

const HERE = dirname(fileURLToPath(import.meta.url));
const UI = 'io.modelcontextprotocol/ui';
const MIME = 'text/html;profile=mcp-app';
/** Longer than any operation takes, even on a busy machine; in milliseconds. */
const PATIENCE = 60_000;
const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/snap/bin/chromium'];
const FLAGS = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--hide-scrollbars', '--force-color-profile=srgb', '--no-first-run', '--disable-background-networking', '--disable-features=Translate,MediaRouter'];

/** The specification's CSP for a view that requests no permissions (SEP-1865, "CSP Construction"). */
const CSP = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; connect-src 'none'; img-src 'self' data:; font-src 'self'; media-src 'self' data:; frame-src 'none'; object-src 'none'; base-uri 'self'";

/** Colours that differ from the views' own, to check that the host's are used. */
const STYLES = {
  '--color-background-primary': 'light-dark(#ffffff, #1f1f1f)', '--color-background-secondary': 'light-dark(#f4f4f2, #2b2b2b)',
  '--color-background-tertiary': 'light-dark(#e9e9e6, #383838)', '--color-background-danger': 'light-dark(#fde8e8, #4a1f1f)',
  '--color-background-warning': 'light-dark(#fdf3dc, #4a3a14)', '--color-background-success': 'light-dark(#e4f5e7, #173d22)',
  '--color-text-primary': 'light-dark(#1a1a1a, #f2f2f2)', '--color-text-secondary': 'light-dark(#5c5c5c, #b3b3b3)',
  '--color-text-danger': 'light-dark(#b3261e, #ff8a80)', '--color-text-warning': 'light-dark(#8a5a00, #ffc34d)',
  '--color-text-success': 'light-dark(#1b7f3b, #6fd68c)', '--color-border-primary': 'light-dark(#d9d9d6, #4a4a4a)',
  '--font-sans': 'DejaVu Sans, sans-serif', '--font-mono': 'DejaVu Sans Mono, monospace', '--border-radius-md': '8px',
};
const PAGE_STYLE = ':root{color-scheme:light}[data-theme=dark]{color-scheme:dark}body{margin:0;padding:16px;background:light-dark(#ececea,#141414)}.view{display:block;border:0;background:transparent}.border{border:1px solid light-dark(#ccc,#444);border-radius:8px}';

const listen = (handler) => new Promise((resolve) => {
  const server = createServer(handler).listen(0, '127.0.0.1', () => resolve(server));
});

/** In every frame: records the longest time from a message with data until its effect was drawn. */
function watchPaint() {
  window.__watchPaint = (frame) => frame.addEventListener('message', ({ data, timeStamp }) => {
    if (!data?.result && data?.method !== 'ui/notifications/tool-result') return;
    frame.requestAnimationFrame(() => frame.requestAnimationFrame(() => {
      frame.__paint = Math.max(frame.__paint ?? 0, frame.performance.now() - timeStamp);
    }));
  });
  window.__watchPaint(window);
}

/** A browser with the two sites that a host needs. `close` closes them. */
export async function openHost() {
  const executablePath = process.env.CHROMIUM ?? BROWSERS.find(existsSync);
  if (!executablePath) throw new Error('Chromium was not found; install it (apt install chromium) or set its path in CHROMIUM');
  const bundle = await build({ entryPoints: [join(HERE, 'page.mjs')], bundle: true, write: false, format: 'iife', platform: 'browser', logLevel: 'error', absWorkingDir: HERE });
  const files = {
    '/': ['text/html; charset=utf-8', `<!doctype html><html><meta charset="utf-8"><title>host</title><link rel="icon" href="data:,"><style>${PAGE_STYLE}</style><div id="views"></div><script src="/page.js"></script></html>`],
    '/page.js': ['text/javascript; charset=utf-8', bundle.outputFiles[0].text],
  };
  const page = await listen(({ url }, answer) => {
    const [type, text] = files[url] ?? [];
    if (text === undefined) answer.writeHead(404).end();
    else answer.writeHead(200, { 'content-type': type }).end(text);
  });
  const proxy = await readFile(join(HERE, 'sandbox.html'));
  const sandbox = await listen((_, answer) => answer.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': CSP }).end(proxy));
  const browser = await puppeteer.launch({ executablePath, headless: true, timeout: PATIENCE, protocolTimeout: 2 * PATIENCE, args: FLAGS });
  const origin = (server) => `http://127.0.0.1:${server.address().port}`;
  return {
    browser,
    page: origin(page),
    sandbox: origin(sandbox),
    async close() {
      await browser.close();
      for (const server of [page, sandbox]) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}

/** A client of the server in that protocol era; it supports views unless `ui` is false. */
async function connect(command, { era = 'modern', ui = true }) {
  const transport = new StdioClientTransport({ command: command[0], args: command.slice(1), env: process.env, stderr: 'ignore' });
  const mode = era === 'legacy' ? 'legacy' : { pin: '2026-07-28' };
  const capabilities = ui ? { extensions: { [UI]: { mimeTypes: [MIME] } } } : {};
  const client = new Client({ name: 'host', version: '1.0.0' }, { capabilities, versionNegotiation: { mode, probe: { timeoutMs: PATIENCE } } });
  await client.connect(transport, { timeout: PATIENCE });
  return client;
}

/** The HTML of a view; problems with its resource are passed to `error`. */
async function viewOf(client, uri, error) {
  const { contents } = await client.readResource({ uri });
  const [content] = contents;
  if (contents.length !== 1 || content.uri !== uri || content.mimeType !== MIME) error(`${uri}: not one content of the type ${MIME}`);
  if (!/^<!doctype html/i.test(content.text)) error(`${uri}: no HTML document`);
  if (60 * 1024 < Buffer.byteLength(content.text)) error(`${uri}: ${Buffer.byteLength(content.text)} bytes are more than 60 KiB`);
  if (content._meta?.ui?.csp) error(`${uri}: a view that fetches nothing needs no CSP of its own`);
  return { html: content.text, border: content._meta?.ui?.prefersBorder !== false };
}

/**
 * Calls a tool and shows its view. `steps` are `['click', selector]`, `['type', selector, text]`,
 * `['eval', expression]`. Returns `errors`, `values` (of `eval`), `text` (the visible text), `requests` (of the view to
 * the host), `result`, and `paint`: the longest time in milliseconds from an answer to the view until it was drawn. The
 * view is ready when the selector `ready` matches. `then` gets the client.
 */
export async function show(host, command, { tool, args = {}, steps = [], size = [720, 900], theme = 'light', retheme, fixed, opaque, styles = true, serverTools = true, cancel, ready, picture, then, ...client_options }) {
  const errors = [], values = [], requests = [];
  const error = (text) => errors.push(text);
  const seen = { errors, values, requests };
  const [width, height] = size;
  const client = await connect(command, client_options);
  const page = client_options.ui === false ? null : await host.browser.newPage();
  try {
    const tools = new Map((await client.listTools()).tools.map((one) => [one.name, one]));
    const called = client.callTool({ name: tool, arguments: args });
    const uri = tools.get(tool) && getToolUiResourceUri(tools.get(tool));
    seen.tools = tools;
    if (!page) {
      seen.result = await called;
      return seen;
    }
    if (!uri) throw new Error(`${tool} names no view`);
    const { html, border } = await viewOf(client, uri, error);
    await page.setViewport({ width: width + 32, height: height + 32 });
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(host.page) && !url.startsWith(host.sandbox) && !/^(data|about):/.test(url)) error(`the view asked for ${url}`);
    });
    page.on('console', (message) => {
      if (message.type() === 'error') error(`console: ${message.text().slice(0, 400)}`);
    });
    page.on('pageerror', (failure) => error(`page: ${failure.message}`));
    await page.evaluateOnNewDocument(watchPaint);
    await page.exposeFunction('__error', error);
    await page.exposeFunction('__note', (way, message) => {
      if (message.error) error(`${way}: ${JSON.stringify(message)}`);
    });
    await page.exposeFunction('__request', async (method, params) => {
      requests.push({ method, params });
      if (method !== 'tools/call') return { result: method === 'resources/read' ? await client.request({ method, params }) : {} };
      const visibility = tools.get(params.name)?._meta?.ui?.visibility ?? ['model', 'app'];
      if (!serverTools || !visibility.includes('app')) return { error: { code: -32601, message: 'this host passes no calls on' } };
      try {
        return { result: await client.request({ method, params }) };
      } catch (failure) {
        return { error: { code: failure.code ?? -32603, message: failure.message } };
      }
    });
    await page.goto(host.page, { waitUntil: 'load' });
    await page.waitForFunction('window.__ready === true', { timeout: PATIENCE });
    await page.evaluate((theme) => { document.documentElement.dataset.theme = theme; }, theme);
    const context = (theme) => ({
      theme, displayMode: fixed ? 'fullscreen' : 'inline', availableDisplayModes: ['inline', 'fullscreen'],
      containerDimensions: fixed ? { width, height } : { width, maxHeight: height }, locale: 'en-US', timeZone: 'UTC', platform: 'desktop',
      ...(styles ? { styles: { variables: STYLES } } : {}), toolInfo: { id: 0, tool: tools.get(tool) },
    });
    const capabilities = { openLinks: {}, logging: {}, ...(serverTools ? { serverTools: {} } : {}), serverResources: {}, message: { text: {} }, updateModelContext: { text: {} } };
    const opened = await page.evaluate((view) => window.host.open(view), { html, border, sandbox: host.sandbox, opaque, context: context(theme), capabilities, width, height, fixed, patience: PATIENCE });
    if (!opened) throw new Error('the view did not shake hands');
    await page.evaluate((args) => window.host.input(args), args);
    seen.result = await called;
    if (seen.result.isError) error(`${tool}: ${seen.result.content?.[0]?.text?.slice(0, 400)}`);
    if (!seen.result.content?.some((part) => part.type === 'text' && part.text.trim())) error('no text for the model');
    const outer = await page.waitForSelector('iframe', { timeout: PATIENCE });
    const view = await (await (await outer.contentFrame()).waitForSelector('iframe', { timeout: PATIENCE })).contentFrame();
    if (cancel) await page.evaluate(() => window.host.cancelled('user action'));
    else await page.evaluate((result) => window.host.result(result), seen.result);
    if (ready) await view.waitForSelector(ready, { visible: true, timeout: PATIENCE });
    const quiet = async () => {
      if (!(await page.evaluate((patience) => window.host.quiet(patience), PATIENCE))) error('the view never became quiet');
    };
    await quiet();
    for (const [kind, what, text] of steps) {
      if (kind === 'eval') {
        values.push(await view.evaluate(`(${what})`));
        await quiet();
        continue;
      }
      const element = await view.waitForSelector(what, { visible: true, timeout: 5000 });
      if (kind === 'click') await element.click();
      else await element.type(text);
      await quiet();
    }
    if (retheme) {
      await page.evaluate((context) => window.host.context(context), context(retheme));
      await quiet();
    }
    seen.paint = await view.evaluate(() => Math.round(window.__paint));
    seen.text = await view.evaluate(() => document.body.innerText);
    seen.background = await view.evaluate(() => getComputedStyle(document.body).backgroundColor);
    seen.overflow = await view.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (picture) await page.screenshot({ path: picture, clip: { x: 0, y: 0, width: width + 32, height: await page.evaluate(() => window.host.height()) }, captureBeyondViewport: true });
    await then?.(client, seen);
    const refused = await page.evaluate(() => window.host.teardown());
    if (refused) error(`no answer to ui/resource-teardown: ${refused}`);
  } catch (failure) {
    error(failure.stack ?? String(failure));
  } finally {
    await page?.close();
    await client.close();
  }
  return seen;
}
