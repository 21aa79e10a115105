// The guests: sorted, filtered, and with only the visible rows in the page, so that thousands cost no more than dozens.

const ROW = 32;
const OVERSCAN = 6;
// The height of the pane before the first layout, when it has none yet.
const HEIGHT = 430;

const COLUMNS = [
  { key: 'vmid', name: 'ID' },
  { key: 'name', name: 'Name' },
  { key: 'status', name: 'State' },
  { key: 'node', name: 'Node', wide: 520 },
  { key: 'cpu', name: 'CPU', number: true },
  { key: 'mem', name: 'Memory', number: true, wide: 440 },
  { key: 'uptime', name: 'Uptime', number: true, wide: 880 },
  { key: 'spark', name: 'Last hour', wide: 600, unsorted: true },
  { key: 'tags', name: 'Tags', wide: 640 },
];

/** The sort order of states: problems first, then running guests, then stopped ones. */
const RANK = { running: 1, paused: 0, suspended: 0, stopped: 2 };

function guestTable({ open, sparks }) {
  const lines = new Map();
  let guests = [], shown = [], sort = { key: 'status', down: false }, active = 0, width = 0, first = -1, last = -1, settled = 0;
  const text = el('input', { type: 'search', placeholder: 'Filter: name, ID, node, tag', 'aria-label': 'Filter guests', class: 'grow', input: () => filter() });
  const pick = (label, options) => el('select', { 'aria-label': label, change: () => filter() }, options.map(([value, name]) => el('option', { value }, name)));
  const states = pick('State', [['', 'All states'], ['running', 'Running'], ['stopped', 'Stopped'], ['other', 'Other states'], ['template', 'Templates']]);
  const kinds = pick('Kind', [['', 'VMs and containers'], ['qemu', 'VMs'], ['lxc', 'Containers']]);
  const count = el('p', { role: 'status', class: 'small' });
  const head = el('tr'), rows = el('tbody');
  const table = el('table', { 'aria-label': 'Guests', class: 'guests' }, el('thead', {}, head), rows);
  const pane = el('div', { class: 'pane', tabindex: -1, scroll: () => requestAnimationFrame(paint) }, table);
  const part = el('div', {}, el('div', { class: 'row' }, text, states, kinds), count, pane);

  const stateOf = (guest) => (guest.template ? 'template' : guest.status);
  const value = (guest, key) => {
    if (key === 'status') return RANK[stateOf(guest)] ?? (guest.template ? 3 : 0);
    if (key === 'mem') return guest.status === 'running' ? guest.mem / guest.maxmem : -1;
    if (key === 'cpu') return guest.status === 'running' ? guest.cpu : -1;
    return guest[key] ?? '';
  };

  function heads() {
    head.replaceChildren(...visible().map((column) => el('th', { scope: 'col', class: `c-${column.key}${column.number ? ' num' : ''}`, 'aria-sort': sort.key === column.key ? (sort.down ? 'descending' : 'ascending') : null },
      column.unsorted ? column.name : el('button', { type: 'button', click: () => order(column) }, column.name, sort.key === column.key ? (sort.down ? ' ▾' : ' ▴') : ''))));
  }

  function order(column) {
    sort = { key: column.key, down: sort.key === column.key ? !sort.down : ['cpu', 'mem', 'uptime'].includes(column.key) };
    heads();
    head.querySelector(`.c-${column.key} button`)?.focus();
    filter();
  }

  function filter() {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (guest) => {
      const word = stateOf(guest);
      if (states.value && (states.value === 'other' ? ['running', 'stopped', 'template'].includes(word) : word !== states.value)) return false;
      if (kinds.value && guest.type !== kinds.value) return false;
      return words.every((part) => guest.search.includes(part));
    };
    const way = sort.down ? -1 : 1;
    shown = guests.filter(fits).sort((one, other) => {
      const [a, b] = [value(one, sort.key), value(other, sort.key)];
      const by = typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
      return by * way || one.vmid - other.vmid;
    });
    const running = shown.filter((guest) => guest.status === 'running').length;
    count.textContent = `${shown.length === guests.length ? guests.length : `${shown.length} of ${guests.length}`} guests, ${running} running`;
    active = 0;
    pane.scrollTop = 0;
    paint(true);
  }

  const visible = () => COLUMNS.filter((column) => !(width < column.wide) && (column.key !== 'spark' || bridge.canCall));

  const cells = {
    vmid: (guest) => guest.vmid,
    name: (guest, at) => el('button', { type: 'button', class: 'link', 'data-at': at, tabindex: at === active ? 0 : -1, title: guest.name, click: () => open(guest) }, guest.name || `(${guest.vmid})`),
    status: (guest) => el('span', { title: guest.lock ? `locked: ${guest.lock}` : null }, state(stateOf(guest), guest.lock || null)),
    node: (guest) => guest.node,
    cpu: (guest) => (guest.status === 'running' ? percent(guest.cpu) : '–'),
    mem: (guest) => (guest.status === 'running' ? percent(guest.mem / guest.maxmem) : '–'),
    uptime: (guest) => duration(guest.uptime),
    spark: (guest) => (sparks.get(guest.vmid) ? sparkline(sparks.get(guest.vmid), 1, `CPU of the last hour, now ${percent(guest.cpu)}`) : ''),
    tags: (guest) => el('span', { title: guest.tags ?? null }, tags(guest.tags)),
  };

  const spacer = (count) => el('tr', { 'aria-hidden': 'true', class: 'space' }, el('td', { colspan: visible().length, style: `height:${count * ROW}px;padding:0;border:0` }));

  const line = (guest, at, columns) => el('tr', { 'aria-rowindex': at + 2 },
    columns.map((column) => el('td', { class: `c-${column.key}${column.number ? ' num' : ''}` }, cells[column.key](guest, at))));

  /** Puts the visible rows into the page; rows that are already there stay. */
  function paint(force) {
    const from = Math.max(0, Math.floor(pane.scrollTop / ROW) - OVERSCAN);
    const to = Math.min(shown.length, Math.ceil((pane.scrollTop + Math.max(pane.clientHeight, HEIGHT)) / ROW) + OVERSCAN);
    if (from === first && to === last && force !== true) return;
    [first, last] = [from, to];
    const focused = rows.contains(document.activeElement);
    const columns = visible();
    if (force === true) lines.clear();
    for (const at of lines.keys()) if (at < from || to <= at) lines.delete(at);
    for (let at = from; at < to; at++) if (!lines.has(at)) lines.set(at, line(shown[at], at, columns));
    table.setAttribute('aria-rowcount', shown.length + 1);
    rows.replaceChildren(spacer(from), ...Array.from({ length: to - from }, (_, index) => lines.get(from + index)), spacer(shown.length - to));
    // If the focused row was scrolled out of sight, the keys still work from the pane.
    if (focused) (rows.querySelector(`[data-at="${active}"]`) ?? pane).focus({ preventScroll: true });
    clearTimeout(settled);
    settled = setTimeout(() => sparks.want(shown.slice(from, to), drawSparks), 300);
  }

  /** Replaces only the cells: a row that is replaced between pressing and releasing a button loses the click. */
  function drawSparks() {
    for (const [at, element] of lines) element.querySelector('.c-spark')?.replaceChildren(cells.spark(shown[at]));
  }

  pane.addEventListener('keydown', (event) => {
    if (!rows.contains(event.target) && event.target !== pane) return;
    const page = Math.max(1, Math.floor(pane.clientHeight / ROW) - 2);
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined || !shown.length) return;
    event.preventDefault();
    active = Math.min(shown.length - 1, Math.max(0, active + step));
    const top = active * ROW, height = pane.clientHeight - ROW;
    if (top < pane.scrollTop) pane.scrollTop = top;
    else if (pane.scrollTop + height - ROW < top) pane.scrollTop = top - height + ROW;
    paint(true);
    rows.querySelector(`[data-at="${active}"]`)?.focus({ preventScroll: true });
  });
  rows.addEventListener('focusin', (event) => { if (event.target.dataset.at) active = Number(event.target.dataset.at); });

  new ResizeObserver(() => {
    if (innerWidth === width) return;
    width = innerWidth;
    heads();
    paint(true);
  }).observe(part);

  return {
    part,
    set(list) {
      guests = list.map((guest) => ({ ...guest, search: `${guest.name} ${guest.vmid} ${guest.node} ${guest.tags ?? ''}`.toLowerCase() }));
      width = innerWidth;
      heads();
      const place = pane.scrollTop;
      filter();
      pane.scrollTop = place;
    },
    again: () => paint(true),
    focus: () => (rows.querySelector(`[data-at="${active}"]`) ?? text).focus({ preventScroll: true }),
  };
}
