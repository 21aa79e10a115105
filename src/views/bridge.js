// The communication with the host: JSON-RPC by postMessage, as specified by MCP Apps 2026-01-26.
const bridge = (() => {
  const waiting = new Map();
  let next = 1, ready = false, size = '', timer = 0, context = {}, can = {}, handlers = {};

  // The parent's origin is unknown, so messages contain only what the host itself provided.
  const post = (message) => parent.postMessage({ jsonrpc: '2.0', ...message }, '*');
  const notify = (method, params = {}) => post({ method, params });
  const request = (method, params) => new Promise((resolve, reject) => {
    const id = next++;
    waiting.set(id, { resolve, reject });
    post({ id, method, params });
  });

  /** Applies a host context; later ones contain only what changed. */
  function take(change) {
    context = { ...context, ...change };
    const root = document.documentElement;
    root.dataset.theme = context.theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
    for (const [name, value] of Object.entries(change.styles?.variables ?? {})) {
      if (name.startsWith('--') && value) root.style.setProperty(name, value);
    }
    if (context.locale) root.lang = context.locale;
    root.classList.toggle('fixed', Boolean(context.containerDimensions?.height));
    handlers.context?.(context);
  }

  function tellSize() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const height = Math.ceil(document.documentElement.getBoundingClientRect().height);
      const now = `${innerWidth}x${height}`;
      if (!ready || now === size) return;
      size = now;
      notify('ui/notifications/size-changed', { width: innerWidth, height });
    }, 30);
  }

  function answered({ id, result, error }) {
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (error) reject?.(new Error(error.message || 'The host refused the request.'));
    else resolve?.(result);
  }

  function asked({ id, method }) {
    if (method === 'ping' || method === 'ui/resource-teardown') post({ id, result: {} });
    else post({ id, error: { code: -32601, message: 'Method not found' } });
  }

  function told(method, params) {
    if (method === 'ui/notifications/tool-input') handlers.input?.(params.arguments ?? {});
    else if (method === 'ui/notifications/tool-result') handlers.result?.(params);
    else if (method === 'ui/notifications/tool-cancelled') handlers.cancelled?.(params.reason);
    else if (method === 'ui/notifications/host-context-changed') take(params);
  }

  addEventListener('message', (event) => {
    const message = event.data;
    if (event.source !== parent || message?.jsonrpc !== '2.0') return;
    if (message.method === undefined) answered(message);
    else if (message.id !== undefined) asked(message);
    else told(message.method, message.params ?? {});
  });

  return {
    /** Initializes the connection; `handlers` are input, result, cancelled, context and ready. */
    async start(name, given) {
      handlers = given;
      take({});
      new ResizeObserver(tellSize).observe(document.documentElement);
      const answer = await request('ui/initialize', {
        protocolVersion: '2026-01-26',
        appInfo: { name, version: '1.0.0' },
        appCapabilities: { availableDisplayModes: ['inline', 'fullscreen'] },
      });
      can = answer.hostCapabilities ?? {};
      take(answer.hostContext ?? {});
      ready = true;
      handlers.ready?.();
      notify('ui/notifications/initialized');
      tellSize();
    },
    get canCall() { return Boolean(can.serverTools); },
    get context() { return context; },
    get toolName() { return context.toolInfo?.tool?.name; },

    /** Calls a tool of the server and returns its result; throws the error of the tool or the host. */
    async call(name, args) {
      if (!can.serverTools) throw new Error('This host does not let views call tools. Ask the assistant instead.');
      const result = await request('tools/call', { name, arguments: args });
      if (result.isError) throw new Error(textOf(result) || 'The tool failed without giving a reason.');
      return result;
    },

    /** Adds to the model's context, for the user's next message, what is shown or was done here. */
    tell(text) {
      if (can.updateModelContext) request('ui/update-model-context', { content: [{ type: 'text', text }] }).catch(() => {});
    },
  };
})();

/** The text of a result. */
function textOf(result) {
  return (result.content ?? []).filter((part) => part.type === 'text').map((part) => part.text).join('\n');
}

/** A result's data for a view: from `_meta`, or else the answer itself. */
function dataOf(result) {
  const own = result._meta?.['proxmox-mcp/view'];
  if (own) return own;
  if (result.structuredContent) return result.structuredContent;
  try {
    return JSON.parse(textOf(result));
  } catch {
    return {};
  }
}
