// One guest: state, history, configuration, snapshots, backups, tasks, and what can be done with it.

const TIMEFRAMES = ['hour', 'day', 'week', 'month', 'year'];

/** The snapshots below `parent`, as nested lists; `placed` are those already listed. */
function snapshotTree(snapshots, parent, placed) {
  const here = snapshots.filter((snapshot) => (snapshot.parent || '') === parent && !placed.has(snapshot));
  here.forEach((snapshot) => placed.add(snapshot));
  if (!here.length) return null;
  return el('ul', parent ? {} : { class: 'plain' }, here.map((snapshot) => el('li', {},
    snapshot.name === 'current' ? el('strong', {}, 'now') : el('strong', {}, snapshot.name), ' ',
    el('small', {}, snapshot.snaptime ? moment(snapshot.snaptime) : '', snapshot.vmstate ? ', with memory' : ''),
    snapshot.description?.trim() && snapshot.name !== 'current' ? el('div', { class: 'small' }, snapshot.description.trim()) : null,
    snapshotTree(snapshots, snapshot.name, placed))));
}

function snapshotsPart(snapshots) {
  const placed = new Set();
  const known = new Set(snapshots.map((snapshot) => snapshot.name));
  // Children of a deleted parent become roots.
  const rooted = snapshots.map((snapshot) => (known.has(snapshot.parent) && snapshot.parent !== snapshot.name ? snapshot : { ...snapshot, parent: '' }));
  const real = snapshots.filter((snapshot) => snapshot.name !== 'current').length;
  return section(`Snapshots (${real})`, real ? snapshotTree(rooted, '', placed) : el('p', { class: 'small' }, 'None.'));
}

function backupsPart(backups) {
  if (!backups) return section('Backups', el('p', { class: 'small' }, 'Unknown: no storage could be queried.'));
  const rows = [...backups].sort((one, other) => other.ctime - one.ctime);
  return section(`Backups (${rows.length})`, rows.length
    ? el('table', {}, el('thead', {}, el('tr', {}, ['Created', 'Storage', 'Size', 'Notes'].map((name) => el('th', { scope: 'col' }, name)))),
        el('tbody', {}, rows.slice(0, 10).map((backup) => el('tr', {}, el('td', {}, moment(backup.ctime)), el('td', {}, (backup.volid ?? '').split(':')[0]),
          el('td', {}, bytes(backup.size)), el('td', {}, [backup.protected ? 'protected' : '', (backup.notes ?? '').split('\n')[0]].filter(Boolean).join(', '))))))
    : note('warn', 'There is no backup of this guest.'),
  10 < rows.length ? el('p', { class: 'small' }, `and ${rows.length - 10} older`) : null);
}

function tasksPart(tasks) {
  return section('Recent tasks', tasks?.length
    ? el('table', {}, el('thead', {}, el('tr', {}, ['Task', 'Started', 'Duration', 'Result'].map((name) => el('th', { scope: 'col' }, name)))),
        el('tbody', {}, tasks.slice(0, 8).map((task) => el('tr', {}, el('td', {}, task.type), el('td', {}, moment(task.starttime)),
          el('td', {}, task.endtime ? `${Math.max(0, task.endtime - task.starttime)} s` : 'running'),
          el('td', {}, task.endtime ? state(task.status ?? 'unknown') : '')))))
    : el('p', { class: 'small' }, 'None.'));
}

function historyPart(guest, choose) {
  const history = guest.history ?? { time: [] };
  const series = (...names) => names.filter(([, key]) => history[key]).map(([name, key]) => [name, history[key]]);
  const perSecond = (number) => (Number.isFinite(number) ? `${bytes(number)}/s` : '–');
  const plots = history.time.length
    ? el('div', { class: 'cards plots' },
        plot('CPU', history.time, series(['used', 'cpu']), { show: percent, most: Math.max(0.1, ...(history.cpu ?? []).filter(Number.isFinite)) <= 0.5 ? undefined : 1 }),
        plot('Memory', history.time, series(['used', 'mem']), { show: bytes, base: 1024, most: guest.maxmem }),
        plot('Network', history.time, series(['in', 'netin'], ['out', 'netout']), { show: perSecond, base: 1024 }),
        plot('Disk', history.time, series(['read', 'diskread'], ['written', 'diskwrite']), { show: perSecond, base: 1024 }))
    : el('p', { class: 'small' }, 'Proxmox has no values for this period.');
  const frames = el('div', { class: 'row', role: 'group', 'aria-label': 'Time range' }, TIMEFRAMES.map((frame) =>
    el('button', { type: 'button', 'aria-pressed': String(frame === (guest.timeframe ?? 'hour')), disabled: !bridge.canCall, click: () => choose(frame) }, frame)));
  return el('section', {}, el('div', { class: 'row' }, el('h2', { class: 'grow' }, 'History'), frames), plots);
}

function configPart(config) {
  const entries = Object.entries(config ?? {}).filter(([name]) => !['digest', 'description'].includes(name));
  const notes = config?.description?.trim();
  return [
    notes ? section('Notes', el('p', { class: 'box', style: 'white-space:pre-wrap' }, notes)) : null,
    el('details', {}, el('summary', {}, el('h2', { style: 'display:inline-block' }, `Configuration (${entries.length})`)),
      el('dl', { class: 'box' }, entries.map(([name, value]) => [el('dt', {}, name), el('dd', {}, worded(value, name))]))),
  ];
}

/** One guest. `target` holds the arguments that identify it; `back` is given if it was opened from a list. */
function guestPart(root, { back } = {}) {
  let target = {}, guest = {}, timeframe = 'hour', turn = 0;
  const status = statusLine();
  const body = el('div', {}), extra = el('div', {});
  let buttons = [];

  const load = () => busy(buttons, status, 'Loading…', async () => {
    const mine = ++turn;
    const result = await bridge.call('proxmox_view_guest', { ...target, timeframe });
    // A later request may have finished first.
    if (mine === turn) draw(dataOf(result));
  });

  /** Calls a tool that changes the guest; if it returns a plan, that is shown for confirmation. */
  const act = (text, tool, args) => busy(buttons, status, text, async () => {
    const result = await bridge.call(tool, { ...target, ...args });
    const data = dataOf(result);
    extra.replaceChildren();
    if (data.kind === 'confirm') {
      const part = confirmPart(data, { done: () => load() });
      extra.append(part);
      part.querySelector('input')?.focus();
      return { text: 'Nothing was changed yet: please confirm.', kind: 'warn' };
    }
    const shown = await bridge.call('proxmox_view_guest', { ...target, timeframe });
    draw(dataOf(shown));
    return { text: data.exitstatus && data.exitstatus !== 'OK' ? `The task ended with: ${data.exitstatus}` : 'Done.', kind: 'ok' };
  });

  function snapshotForm() {
    const proposal = `s${new Date().toISOString().slice(0, 16).replace(/[-:]/g, '').replace('T', '-')}`;
    const name = el('input', { value: proposal, 'aria-label': 'Snapshot name', maxlength: 40, pattern: '[A-Za-z][A-Za-z0-9_\\-]+' });
    const memory = el('input', { type: 'checkbox', style: 'min-height:0' });
    const take = () => {
      if (!name.checkValidity() || !name.value) {
        status.say('A name must begin with a letter and contain only letters, digits, - and _.', 'bad');
        return;
      }
      act('Taking a snapshot…', 'proxmox_create_snapshot', { snapname: name.value, ...(memory.checked ? { vmstate: true } : {}) });
    };
    name.addEventListener('keydown', (event) => { if (event.key === 'Enter') take(); });
    extra.replaceChildren(el('div', { class: 'box row' }, el('span', {}, 'Snapshot'), name,
      guest.type === 'qemu' && guest.status === 'running' ? el('label', { class: 'row' }, memory, 'with memory') : null,
      el('button', { type: 'button', click: take }, 'Take snapshot'),
      el('button', { type: 'button', click: () => extra.replaceChildren() }, 'Cancel')));
    name.focus();
    name.select();
  }

  function actions() {
    const kind = guest.type === 'lxc' ? 'container' : 'vm';
    const running = guest.status === 'running';
    const button = (text, usable, click) => el('button', { type: 'button', disabled: !usable || !bridge.canCall || Boolean(guest.template), click }, text);
    return [
      button('Start', !running, () => act('Starting…', `proxmox_start_${kind}`, {})),
      button('Shut down', running, () => act('Shutting down…', `proxmox_shutdown_${kind}`, {})),
      button('Snapshot…', true, snapshotForm),
    ];
  }

  function draw(data) {
    guest = data;
    timeframe = guest.timeframe ?? timeframe;
    const usable = actions();
    const refresh = el('button', { type: 'button', disabled: !bridge.canCall, click: load }, 'Refresh');
    const facts = [guest.type === 'lxc' ? 'container' : 'VM', `on ${guest.node}`, guest.uptime ? `up ${duration(guest.uptime)}` : null, guest.lock ? `locked: ${guest.lock}` : null, guest.hastate ? `HA ${guest.hastate}` : null];
    // Disabled buttons stay disabled after `busy`, which enables all buttons that it is given.
    buttons = [...usable.filter((button) => !button.disabled), refresh].filter((button) => !button.disabled);
    const heading = el('h1', { tabindex: -1 }, `${guest.name ?? 'Guest'} `, el('small', {}, guest.vmid));
    body.replaceChildren(
      el('div', { class: 'row' }, back ? el('button', { type: 'button', click: back }, '← All guests') : null, heading, state(guest.template ? 'template' : guest.status ?? 'unknown'), el('span', {}, tags(guest.tags))),
      el('p', { class: 'small' }, facts.filter(Boolean).join(' · ')),
      el('div', { class: 'row', role: 'group', 'aria-label': 'Actions' }, usable, refresh),
      status.line, extra,
      el('div', { class: 'cards bars' },
        bar('CPU', guest.cpu, 1, `${percent(guest.cpu)} of ${guest.maxcpu ?? '?'} ${guest.maxcpu === 1 ? 'core' : 'cores'}`),
        bar('Memory', guest.mem, guest.maxmem, sizes(guest.mem, guest.maxmem)),
        guest.type === 'lxc' ? bar('Disk', guest.disk, guest.maxdisk, sizes(guest.disk, guest.maxdisk)) : null),
      historyPart(guest, (frame) => { timeframe = frame; load(); }),
      snapshotsPart(guest.snapshots ?? []), backupsPart(guest.backups), tasksPart(guest.tasks), ...configPart(guest.config).filter(Boolean));
    bridge.tell(`The user is looking at ${guest.type === 'lxc' ? 'container' : 'VM'} ${guest.vmid} on node ${guest.node}.`);
  }

  root.replaceChildren(body);
  body.append(el('p', { role: 'status' }, 'Waiting for data…'), status.line);
  return {
    /** Opens a guest of which only a table row is known. */
    open(row, scope) {
      target = { vmid: row.vmid, ...scope };
      draw({ ...row, history: { time: [] } });
      body.querySelector('h1').focus();
      if (bridge.canCall) load();
    },
    input(args) {
      target = Object.fromEntries(['vmid', 'node', 'cluster'].filter((name) => name in args).map((name) => [name, args[name]]));
    },
    result(result) {
      if (result.isError) {
        status.say(textOf(result), 'bad');
        return;
      }
      const data = dataOf(result);
      if (data.kind === 'guest') draw(data);
      else if (bridge.canCall) load();
      else status.say('This host cannot show more than the assistant’s answer.');
    },
    cancelled() { status.say('The call was cancelled.'); },
    /** Redraws it in another theme or language. */
    again() { if (guest.vmid) draw(guest); },
  };
}
