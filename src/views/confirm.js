// What would be lost, and the word that agrees to it.

/** A value of a plan for reading. */
function worded(value) {
  if (Array.isArray(value)) return value.map(worded).join('\n');
  if (value !== null && typeof value === 'object') return Object.entries(value).map(([name, part]) => `${name}: ${worded(part)}`).join(', ');
  return String(value ?? '–');
}

/**
 * The plan: `sentence`, `lost` (names and values), and either `agree` (the tool and arguments that the word goes to) and `word`,
 * or `instead`, which says how else it is approved. `done` gets the result.
 */
function confirmPart(plan, { done, declined }) {
  const status = statusLine();
  const facts = Object.entries(plan.lost ?? {}).map(([name, value]) => [el('dt', {}, name.replaceAll('_', ' ')), el('dd', {}, worded(value))]);
  const part = el('div', { class: 'box', role: 'group', 'aria-label': 'Confirmation' },
    note('bad', `${plan.sentence ?? 'This loses data.'} This cannot be undone.`),
    facts.length ? el('dl', {}, facts) : null);
  if (!plan.agree) {
    part.append(el('p', {}, plan.instead ?? 'This cannot be agreed to here.'));
    return part;
  }
  const input = el('input', { id: 'word', autocomplete: 'off', spellcheck: 'false', 'aria-describedby': 'word-help' });
  const agree = el('button', { type: 'button', class: 'danger', disabled: true }, plan.action ?? 'Do it');
  const decline = el('button', { type: 'button' }, 'Leave it as it is');
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
      done?.(result);
    } catch (error) {
      // The agreement holds once: a second try needs a new plan.
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
    declined?.();
  });
  if (!bridge.canCall) {
    input.disabled = true;
    status.say('This host does not let views call tools: tell the assistant whether you agree.', 'warn');
  }
  part.append(el('p', {}, label), controls, status.line);
  return part;
}

/** The view around it: the plan, or what came of the call. */
function confirmView(root) {
  const show = (result) => {
    const data = dataOf(result);
    root.replaceChildren(el('h1', {}, data.title ?? 'Confirmation'));
    if (result.isError) root.append(note('bad', textOf(result)));
    else if (data.kind === 'confirm') root.append(confirmPart(data, { done: outcome }));
    else outcome(result);
  };
  const outcome = (result) => {
    const data = dataOf(result);
    const facts = Object.entries(data).filter(([name]) => name !== 'kind').map(([name, value]) => [el('dt', {}, name.replaceAll('_', ' ')), el('dd', {}, worded(value))]);
    root.append(facts.length ? el('dl', { class: 'box' }, facts) : el('p', {}, textOf(result) || 'Done.'));
  };
  root.append(el('p', { role: 'status' }, 'Waiting for the plan…'));
  return { result: show, cancelled: () => root.replaceChildren(note('', 'The call was cancelled.')) };
}
