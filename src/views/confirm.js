// What would be lost, and the word to type to confirm it.

const LABELS = { vmid: 'VMID', upid: 'task', exitstatus: 'ended', snaptime: 'snapshot taken', hastate: 'HA' };
const labelled = (name) => LABELS[name] ?? name.replaceAll('_', ' ');

/** A value of a plan as text. */
function worded(value, name) {
  if (Array.isArray(value)) return value.map((part) => worded(part)).join('\n') || 'none';
  if (name === 'snaptime' && 0 < value) return moment(value);
  if (value !== null && typeof value === 'object') return Object.entries(value).map(([key, part]) => `${key}: ${worded(part)}`).join(', ');
  return String(value ?? '–');
}

const facts = (values) => Object.entries(values).map(([name, value]) => [el('dt', {}, labelled(name)), el('dd', {}, worded(value, name))]);

/**
 * The plan: `sentence`, `why`, `lost` (names and values), `request`, and either `agree` (the tool and arguments that take the
 * typed word) with `word` and `action`, or `instead`, which says how else to approve it. `done` gets the result.
 */
function confirmPart(plan, { done, declined }) {
  const status = statusLine();
  const { guest, ...lost } = plan.lost ?? {};
  const part = el('div', { class: 'box', role: 'group', 'aria-label': 'Confirmation' },
    note('bad', [plan.sentence, plan.why].filter(Boolean).join(' ') || `${guest ?? 'Something'} would be changed.`),
    el('dl', {}, facts(lost)),
    plan.request ? el('p', { class: 'small' }, 'Request: ', el('code', {}, plan.request)) : null);
  if (!plan.agree) {
    // Text between backticks is to be typed.
    const words = (plan.instead ?? 'This cannot be confirmed here.').split('`');
    part.append(el('p', {}, words.map((text, at) => (at % 2 ? el('code', {}, text) : text))));
    return part;
  }
  const input = el('input', { id: 'word', autocomplete: 'off', spellcheck: 'false', 'aria-describedby': 'word-help' });
  const agree = el('button', { type: 'button', class: 'danger', disabled: true }, plan.action ?? 'Confirm');
  const decline = el('button', { type: 'button' }, 'Decline');
  const controls = el('div', { class: 'row' }, input, agree, decline);
  const fits = () => input.value.trim() === String(plan.word);

  const go = async () => {
    if (!fits() || agree.disabled) return;
    agree.disabled = decline.disabled = input.disabled = true;
    status.wait('Sent. Waiting for the answer…');
    try {
      const result = await bridge.call(plan.agree.tool, { ...plan.agree.arguments, word: input.value.trim() });
      controls.remove();
      label.remove();
      status.say('Confirmed and carried out.', 'ok');
      bridge.tell(`The user confirmed this in the view, and it was carried out: ${plan.sentence} Do not do it again.`);
      done?.(result);
    } catch (error) {
      // A plan can be confirmed only once: a second attempt needs a new plan.
      controls.remove();
      label.remove();
      status.say(error.message, 'bad');
    }
  };
  const label = el('label', { for: 'word', id: 'word-help' }, 'Type ', el('code', {}, String(plan.word)), ' to confirm:');
  input.addEventListener('input', () => { agree.disabled = !fits() || !bridge.canCall; });
  input.addEventListener('keydown', (event) => { if (event.key === 'Enter') go(); });
  agree.addEventListener('click', go);
  decline.addEventListener('click', () => {
    controls.remove();
    label.remove();
    status.say('Nothing was done.');
    bridge.tell(`The user declined this in the view, and nothing was done: ${plan.sentence}`);
    declined?.();
  });
  if (!bridge.canCall) {
    input.disabled = true;
    status.say('This host does not let views call tools: tell the assistant whether you approve.', 'warn');
  }
  part.append(el('p', {}, label), controls, status.line);
  return part;
}

/** The whole view: the plan, or the result of the call. */
function confirmView(root) {
  const show = (result) => {
    const data = dataOf(result);
    root.replaceChildren(el('h1', {}, data.title ?? (result.isError ? 'Not done' : 'Result')));
    if (result.isError) root.append(note('bad', textOf(result)));
    else if (data.kind === 'confirm') root.append(confirmPart(data, { done: outcome }));
    else outcome(result);
  };
  const outcome = (result) => {
    const data = dataOf(result);
    const { kind, ...values } = data;
    root.append(Object.keys(values).length ? el('dl', { class: 'box' }, facts(values)) : el('p', {}, textOf(result) || 'Done.'));
  };
  root.append(el('p', { role: 'status' }, 'Waiting for the plan…'));
  return { result: show, cancelled: () => root.replaceChildren(note('', 'The call was cancelled.')) };
}
