// The host's page in the browser: one official AppBridge for the view. Bundled by esbuild; __note, __error and
// __request are provided by the test.
import { AppBridge, PostMessageTransport } from '@modelcontextprotocol/ext-apps/app-bridge';

/** Records every message in both directions. */
class NotedTransport extends PostMessageTransport {
  constructor(target, note) {
    super(target, target);
    this.note = note;
  }

  async start() {
    const inner = this.onmessage;
    this.onmessage = (message, extra) => {
      this.note('from view', message);
      inner?.call(this, message, extra);
    };
    await super.start();
  }

  async send(message, options) {
    this.note('to view', message);
    return super.send(message, options);
  }
}

let bridge, frame, last = 0, open = 0;

function note(way, message) {
  last = performance.now();
  if (way === 'from view' && message.method && message.id !== undefined) open++;
  if (way === 'to view' && !message.method && message.id !== undefined) open--;
  window.__note(way, message);
}

window.host = {
  /** Shows a view; returns whether it has initialized. */
  async open({ html, sandbox, opaque, context, capabilities, width, height, fixed, border, patience }) {
    frame = document.createElement('iframe');
    frame.className = border ? 'view border' : 'view';
    frame.style.width = `${width}px`;
    frame.style.height = fixed ? `${height}px` : '40px';
    frame.setAttribute('sandbox', 'allow-scripts allow-same-origin');
    bridge = new AppBridge(null, { name: 'host', version: '1.0.0' }, capabilities, { hostContext: context });
    bridge.onerror = (error) => window.__error(`AppBridge: ${error?.message ?? error}`);
    const forward = (method) => async (params) => {
      const { result, error } = await window.__request(method, params ?? {});
      if (error) throw Object.assign(new Error(error.message), { code: error.code });
      return result;
    };
    bridge.oncalltool = forward('tools/call');
    bridge.onreadresource = forward('resources/read');
    bridge.onmessage = forward('ui/message');
    bridge.onopenlink = forward('ui/open-link');
    bridge.onupdatemodelcontext = forward('ui/update-model-context');
    bridge.onrequestdisplaymode = async () => ({ mode: context.displayMode });
    bridge.addEventListener('sizechange', ({ height: wanted }) => {
      if (!fixed && wanted !== undefined) frame.style.height = `${Math.min(wanted, height)}px`;
    });
    const initialized = new Promise((resolve) => bridge.addEventListener('initialized', () => resolve(true)));
    const ready = new Promise((resolve) => bridge.addEventListener('sandboxready', resolve));
    document.getElementById('views').append(frame);
    await bridge.connect(new NotedTransport(frame.contentWindow, note));
    frame.src = sandbox;
    await ready;
    await bridge.sendSandboxResourceReady({ html, ...(opaque ? { sandbox: 'allow-scripts' } : {}) });
    return Promise.race([initialized, new Promise((resolve) => setTimeout(() => resolve(false), patience))]);
  },
  input: (args) => bridge.sendToolInput({ arguments: args }),
  result: (result) => bridge.sendToolResult(result),
  cancelled: (reason) => bridge.sendToolCancelled({ reason }),
  context(context) {
    document.documentElement.dataset.theme = context.theme;
    return bridge.setHostContext(context);
  },
  /** Waits until no message was sent for a while and no request is open; returns whether that was reached in time. */
  async quiet(patience) {
    const until = performance.now() + patience;
    for (;;) {
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 25)));
      if (open <= 0 && 400 < performance.now() - last) return true;
      if (until < performance.now()) return false;
    }
  },
  async teardown() {
    try {
      await bridge.teardownResource({}, { timeout: 5000 });
      return null;
    } catch (error) {
      return String(error?.message ?? error);
    }
  },
  height: () => Math.ceil(frame.getBoundingClientRect().bottom) + 16,
};
window.__ready = true;
