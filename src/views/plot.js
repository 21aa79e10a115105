// History as lines: small ones in tables, large ones with axes that show the value under the pointer.

const points = (values, most, width, height) => {
  const step = width / Math.max(1, values.length - 1);
  const lines = [];
  let line = [];
  values.forEach((value, at) => {
    if (Number.isFinite(value)) line.push(`${(at * step).toFixed(1)},${(height - (height * Math.min(value, most)) / most).toFixed(1)}`);
    if ((!Number.isFinite(value) || at === values.length - 1) && line.length) {
      lines.push(line);
      line = [];
    }
  });
  return lines;
};

/** A line without axes, 0 to `most`. */
function sparkline(values, most, label) {
  const top = most ?? Math.max(...values.filter(Number.isFinite), 1e-9);
  return svg('svg', { viewBox: '0 -1 80 22', width: 80, height: 22, preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
    points(values, top, 80, 20).map((line) => svg('polyline', { class: 's0', points: line.join(' ') })));
}

/** A round number at or above the greatest value. */
function ceiling(most, base) {
  if (!(0 < most)) return 1;
  const unit = base === 1024 ? 1024 ** Math.floor(Math.log2(most) / 10) : 10 ** Math.floor(Math.log10(most));
  const steps = base === 1024 ? [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] : [1, 2, 4, 5, 8, 10];
  return unit * (steps.find((step) => most <= step * unit) ?? steps.at(-1));
}

/**
 * One plot: `series` are `[name, values]`, at most two; `show` formats a value; `most` is the top of the axis, if known.
 * The pointer or the arrow keys read single values.
 */
function plot(title, times, series, { show, base = 10, most }) {
  const [width, height, left, bottom] = [420, 110, 58, 16];
  const inner = width - left;
  const all = series.flatMap(([, values]) => values).filter(Number.isFinite);
  if (!all.length) return el('div', { class: 'box' }, el('strong', {}, title), el('p', { class: 'small' }, 'No values for this period.'));
  const top = most ?? ceiling(Math.max(...all), base);
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const summary = series.map(([name, values]) => {
    const known = values.filter(Number.isFinite);
    return `${name} ${known.length ? `${show(Math.min(...known))} to ${show(Math.max(...known))}, on average ${show(mean(known))}` : 'unknown'}`;
  }).join('; ');

  const grid = [0, 0.5, 1].map((share) => [
    svg('line', { class: 'grid', x1: left, x2: width, y1: height * (1 - share), y2: height * (1 - share) }),
    svg('text', { x: left - 6, y: height * (1 - share) + 4, 'text-anchor': 'end' }, show(top * share)),
  ]);
  const long = 2 * 86400 < times.at(-1) - times[0];
  const label = (time) => moment(time, long ? { month: 'short', day: 'numeric' } : { hour: '2-digit', minute: '2-digit' });
  const axis = [[0, 'start'], [0.5, 'middle'], [1, 'end']].map(([share, anchor]) =>
    svg('text', { x: left + inner * share, y: height + bottom, 'text-anchor': anchor }, label(times[Math.round((times.length - 1) * share)])));
  const drawn = series.map(([, values], at) => points(values, top, inner, height).map((line) => [
    at === 0 && svg('polygon', { class: 'f0', points: `${line[0].split(',')[0]},${height} ${line.join(' ')} ${line.at(-1).split(',')[0]},${height}` }),
    svg('polyline', { class: `s${at}`, points: line.join(' ') }),
  ]));
  const cross = svg('line', { class: 'cross', y1: 0, y2: height, visibility: 'hidden' });
  const picture = svg('svg', { viewBox: `0 -6 ${width} ${height + bottom + 12}`, role: 'img', 'aria-label': `${title}: ${summary}. Use the arrow keys to read single values.`, tabindex: 0 },
    grid, axis, svg('g', { transform: `translate(${left} 0)` }, drawn, cross));

  const legend = () => series.map(([name, values], at) => [el('span', { class: `key k${at}` }), `${name} ${show(values.findLast(Number.isFinite))} `]);
  const reading = el('span', { class: 'small', role: 'status' }, legend());
  let at = times.length - 1;
  const read = (index) => {
    at = Math.min(times.length - 1, Math.max(0, index));
    const x = (at * inner) / Math.max(1, times.length - 1);
    for (const [name, value] of Object.entries({ x1: x, x2: x, visibility: 'visible' })) cross.setAttribute(name, value);
    reading.replaceChildren(`${moment(times[at], { dateStyle: 'short', timeStyle: 'short' })}: ${series.map(([name, values]) => `${name} ${show(values[at])}`).join(', ')}`);
  };
  const leave = () => {
    cross.setAttribute('visibility', 'hidden');
    reading.replaceChildren(...legend().flat());
  };
  picture.addEventListener('pointermove', (event) => {
    const box = picture.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * width - left;
    read(Math.round((x / inner) * (times.length - 1)));
  });
  picture.addEventListener('pointerleave', leave);
  picture.addEventListener('blur', leave);
  picture.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    read(at + step);
  });
  return el('div', { class: 'box' }, el('div', { class: 'row' }, el('strong', { class: 'grow' }, title), reading), picture);
}
