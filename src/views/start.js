/** Builds the view and connects it to the host. */
function start(name, build) {
  const root = document.getElementById('root');
  const view = build(root);
  bridge.start(name, {
    input: view.input,
    result: view.result,
    cancelled: view.cancelled,
    ready: view.ready,
    context: () => (view.context ?? view.again)?.(),
  }).catch((error) => root.append(note('bad', `This host refused the view: ${error.message}`)));
}
