// The cluster: what needs attention, nodes, storage, and all guests.

const objects = ({ columns, rows } = { columns: [], rows: [] }) =>
  rows.map((row) => Object.fromEntries(columns.map((column, at) => [column, row[at]]).filter(([, value]) => value !== null)));

/** The last hour of the visible guests, fetched once each, a few at a time. */
function sparkStore(scope) {
  const known = new Map(), asked = new Set();
  return {
    get: (vmid) => known.get(vmid),
    forget() { known.clear(); asked.clear(); },
    async want(guests, painted) {
      if (!bridge.canCall || innerWidth < 600) return;
      const missing = guests.filter((guest) => guest.status === 'running' && !asked.has(guest.vmid)).slice(0, 24);
      if (!missing.length) return;
      missing.forEach((guest) => asked.add(guest.vmid));
      try {
        const { series = {} } = dataOf(await bridge.call('proxmox_view_history', { vmids: missing.map((guest) => guest.vmid), ...scope() }));
        for (const [vmid, values] of Object.entries(series)) known.set(Number(vmid), values);
        painted();
      } catch {
        // The table is complete without sparklines; other failures report themselves.
      }
    },
  };
}

function nodeCard(node) {
  const online = node.status === 'online';
  return el('li', { class: 'box' },
    el('div', { class: 'row' }, el('strong', { class: 'grow' }, node.node), online ? el('small', {}, `up ${duration(node.uptime)}`) : null, state(node.status)),
    online ? [
      bar('CPU', node.cpu, 1, `${percent(node.cpu)} of ${node.maxcpu} cores`),
      bar('Memory', node.mem, node.maxmem, sizes(node.mem, node.maxmem)),
      bar('Root disk', node.disk, node.maxdisk, sizes(node.disk, node.maxdisk)),
    ] : el('small', {}, 'Its guests are shown in their last known state.'));
}

/** The storages, the fullest first; a shared one is listed once. */
function storageList(storage) {
  const seen = new Set();
  const once = storage.filter((one) => !one.shared || (!seen.has(one.storage) && seen.add(one.storage)));
  const full = (one) => (one.status === 'available' ? one.disk / one.maxdisk || 0 : 2);
  return once.sort((one, other) => full(other) - full(one)).map((one) => el('li', { class: 'box' },
    el('div', { class: 'row' }, el('strong', { class: 'grow' }, one.storage), el('small', {}, one.shared ? 'shared' : one.node)),
    one.status === 'available' ? bar('Used', one.disk, one.maxdisk, sizes(one.disk, one.maxdisk)) : state(one.status ?? 'unknown')));
}

function clusterView(root) {
  let scope = {}, data = {};
  const status = statusLine();
  const overview = el('div', {}), stores = el('div', {}), list = el('div', { class: 'list' }), detail = el('div', { hidden: true });
  const refresh = el('button', { type: 'button', disabled: true, click: load }, 'Refresh');
  const title = el('h1', { class: 'grow' }, 'Cluster');
  const sparks = sparkStore(() => scope);
  const show = (guest) => {
    list.hidden = Boolean(guest);
    detail.hidden = !guest;
    scrollTo(0, 0);
    if (guest) one.open(guest, scope);
    else table.focus();
  };
  const table = guestTable({ open: show, sparks });
  const one = guestPart(detail, { back: () => show(null) });
  const guests = el('section', { hidden: true }, el('h2', {}, 'Guests'), table.part);
  list.append(el('div', { class: 'row' }, title, refresh), status.line, overview, guests, stores);
  root.append(list, detail);
  status.say('Waiting for data…');

  function load() {
    return busy([refresh], status, 'Loading…', async () => {
      const result = await bridge.call('proxmox_view_cluster', scope);
      sparks.forget();
      draw(dataOf(result));
      return { text: asOf() };
    });
  }

  const asOf = () => (data.time ? `As of ${moment(data.time)}.` : '');

  function draw(given) {
    data = given;
    const away = (node) => (node.status === 'online' ? 1 : 0);
    const nodes = objects(data.nodes).sort((one, other) => away(one) - away(other) || one.node.localeCompare(other.node, undefined, { numeric: true }));
    const storage = objects(data.storage);
    const attention = data.attention ?? [];
    title.textContent = data.name ? `Cluster ${data.name}` : 'Cluster';
    overview.replaceChildren(
      attention.length
        ? el('section', { 'aria-label': 'Needs attention' }, el('ul', { class: 'plain' }, attention.slice(0, 8).map((sentence) => el('li', { class: 'note warn' }, sentence))),
            8 < attention.length ? el('details', {}, el('summary', {}, `${attention.length - 8} more`), el('ul', { class: 'plain' }, attention.slice(8).map((sentence) => el('li', { class: 'note warn' }, sentence)))) : null)
        : note('ok', 'Nothing needs attention.'),
      section('Nodes', el('ul', { class: 'plain cards' }, nodes.map(nodeCard))));
    stores.replaceChildren(
      el('details', { open: storage.length <= 6 }, el('summary', {}, el('h2', { style: 'display:inline-block' }, 'Storage')), el('ul', { class: 'plain cards' }, storageList(storage))));
    guests.hidden = false;
    table.set(objects(data.guests));
    status.say(asOf());
  }

  return {
    input(args) { scope = args.cluster ? { cluster: args.cluster } : {}; },
    result(result) {
      if (result.isError) {
        status.say(textOf(result), 'bad');
        return;
      }
      const given = dataOf(result);
      if (given.kind === 'cluster') draw(given);
      else if (bridge.canCall) load();
      else status.say('This host cannot show more than the assistant’s answer.');
    },
    cancelled() { status.say('The call was cancelled.'); },
    ready() { refresh.disabled = !bridge.canCall; },
    context() {
      if (data.kind && !guests.hidden) table.again();
    },
  };
}
