// What is wrong with the page by axe: each rule that it breaks, and where. Without its animations, in the midst of which
// colours are not yet what they will be. The body of an asynchronous script of WebDriver, which calls its last argument.
const done = arguments[arguments.length - 1];
const where = ({ target, failureSummary }) => `${target.join(' ')}: ${failureSummary}`;
document.getAnimations().forEach((animation) => animation.finish());
axe.run(document, { resultTypes: ['violations'] }).then(
  ({ violations }) => done(violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map(where) }))),
  (error) => done([{ id: String(error) }]),
);
