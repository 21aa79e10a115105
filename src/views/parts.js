// Building blocks of every view. Data is inserted into the page as text only, never as markup.

/** An element: `el('p', { class: 'note' }, 'text', child)`. Functions become event listeners; `null` is skipped. */
function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** Like `el`, but in SVG. */
function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

function bytes(number) {
  if (!Number.isFinite(number)) return '–';
  let unit = 0;
  while (1024 <= number && unit < UNITS.length - 1) [number, unit] = [number / 1024, unit + 1];
  return `${number < 10 && unit ? number.toFixed(1) : Math.round(number)}\u00a0${UNITS[unit]}`;
}

const percent = (share) => (Number.isFinite(share) ? `${(100 * share).toFixed(0 < share && share < 0.1 ? 1 : 0)}\u00a0%` : '–');

function duration(seconds) {
  if (!(0 < seconds)) return '–';
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days) return `${days} d ${hours} h`;
  return hours ? `${hours} h ${minutes} min` : `${minutes} min`;
}

/** Formats a time in seconds since 1970 in the host's language and time zone. */
function moment(seconds, options = { dateStyle: 'medium', timeStyle: 'short' }) {
  if (!(0 < seconds)) return '–';
  const { locale, timeZone } = bridge.context;
  try {
    return new Intl.DateTimeFormat(locale, { timeZone, ...options }).format(seconds * 1000);
  } catch {
    return new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ');
  }
}

const level = (share) => (0.95 <= share ? 'bad' : 0.85 <= share ? 'warn' : '');

/** A bar with its name and value above it. */
function bar(label, used, total, words) {
  const share = 0 < total ? Math.min(1, Math.max(0, used / total)) : 0;
  const text = 0 < total && Number.isFinite(used) ? words : 'unknown';
  return el('div', { class: `bar ${level(share)}`, role: 'group', 'aria-label': `${label}: ${text}` },
    el('span', {}, label), el('span', {}, text), el('i', { 'aria-hidden': 'true' }, el('b', { style: `width:${100 * share}%` })));
}

/** `20 of 64 GiB, 31 %`: the unit only once if both are the same. */
function sizes(used, total) {
  const [part, whole] = [bytes(used), bytes(total)];
  const unit = whole.split('\u00a0')[1];
  return `${part.endsWith(unit) ? part.split('\u00a0')[0] : part} of ${whole}, ${percent(used / total)}`;
}

const STATES = { running: 'ok', online: 'ok', available: 'ok', OK: 'ok', stopped: 'off', paused: 'warn', suspended: 'warn', unknown: 'warn' };

function state(word, more) {
  return el('span', { class: `state ${STATES[word] ?? 'bad'}` }, more ? `${word}, ${more}` : word);
}

const tagsOf = (text) => (text ?? '').split(/[;, ]+/).filter(Boolean);
const tags = (text) => tagsOf(text).map((tag) => el('span', { class: 'tag' }, tag));
const note = (kind, text) => el('p', { class: `note ${kind}` }, text);
const section = (title, ...children) => el('section', {}, el('h2', {}, title), children);

/** The status line. Screen readers announce its changes. */
function statusLine() {
  const line = el('p', { role: 'status', class: 'small' });
  let timer = 0;
  return {
    line,
    say(text, kind = '') {
      clearTimeout(timer);
      line.textContent = text;
      line.className = kind ? `note ${kind}` : 'small';
    },
    /** Shows a text, and after a while adds that the host may be waiting for permission. */
    wait(text) {
      this.say(text);
      timer = setTimeout(() => this.say(`${text} No answer yet; the host may be asking you for permission.`), 5000);
    },
  };
}

/** Runs `work` with the buttons disabled, and shows its result. */
async function busy(buttons, status, text, work) {
  buttons.forEach((button) => { button.disabled = true; });
  status.wait(text);
  try {
    const said = await work();
    status.say(said?.text ?? '', said?.kind);
  } catch (error) {
    status.say(error.message, 'bad');
  }
  buttons.forEach((button) => { button.disabled = false; });
}
