// Recorded steps of a pruning run, to scrub through. Drawn here from what was sent; the kernel only hears of the place.

const HEIGHT = 220;
const MARGIN = { left: 46, right: 18, top: 24, bottom: 36 };
// Told from white and from black alike, so that another theme needs no new drawing: 0xAABBGGRR.
const [KEPT, CUT, GONE] = [0xffb87f2f, 0xff1d66cd, 0];
let scrubbers = 0; // radio buttons are grouped by a name that is global to the page

// --- figures ---------------------------------------------------------------------------------------------------

const shown = (share) => (share === null ? "–" : percent(share));
const LINES = { asked: "asked for", masked: "masked", zeros: "zero weights", accuracy: "accuracy" };
const weights = ({ rows, columns }) => rows * columns;

// What was noted last, up to a frame: the accuracy is not measured at every step.
const known = (values, at) => values.slice(0, at + 1).findLast((value) => value !== null) ?? null;

function figuresOf(model, run, at) {
  const total = sum(model.get("layers").map(weights));
  const cut = run.which[at];
  const [now, before] = [run.cuts[cut], run.cuts[Math.max(0, cut - 1)]];
  const [asked, zeros, accuracy] = ["asked", "zeros", "accuracy"].map((name) => known(run[name], at));
  const masked = 1 - sum(now.kept) / total;
  return { step: run.steps[at], last: run.steps.at(-1), cut, now, before, total, masked, asked, zeros, accuracy };
}

const cuts = (count) => `${number(count)} ${count === 1 ? "change" : "changes"} of the masks`;
function sentence(run, { step, last, cut, masked, asked, accuracy }) {
  const parts = [`step ${number(step)} of ${number(last)}`, `${cuts(cut)} so far`, `${percent(masked)} masked`];
  if (asked !== null) parts.push(`${percent(asked)} asked for`);
  if (accuracy !== null) parts.push(`accuracy ${percent(accuracy)}`);
  return parts.join(", ");
}

// --- widget ----------------------------------------------------------------------------------------------------

function render({ model, el }) {
  const stop = drawProblem(el, model);
  const runs = model.get("runs");
  if (!runs.length) return stop;

  let [place, at] = [model.get("run"), model.get("at")];
  const send = every(SEND_EVERY, () => {
    model.set("run", place);
    model.set("at", at);
    model.save_changes();
  });
  const moveTo = (frame, other = place) => {
    place = other;
    at = clamp(frame, 0, runs[place].steps.length - 1);
    show();
    send();
  };
  const frameAt = (run, step) => Math.max(0, run.steps.findLastIndex((s) => s <= step));
  const choose = (other) => {
    const step = runs[place].steps[at];
    moveTo(frameAt(runs[other], step), other);
  };

  const card = html("div", { class: "cw ss" }, el);
  const radios = runs.length > 1 ? drawRuns(card, runs, choose) : () => {};
  const root = svg("svg", { role: "img", class: "ss-plot" }, card);
  const controls = drawControls(card, moveTo, (way) => moveTo(target(runs[place], at, way) ?? at));
  const readouts = drawReadouts(card);
  const masks = drawMasks(html("div", { class: "ss-masks" }, card), model);
  const legend = html("p", { class: "cw-legend" }, card);
  drawKey(legend, "ss-kept", "stays");
  drawKey(legend, "ss-cut", "went at the last change");
  drawKey(legend, "ss-gone", "went before");
  const status = html("div", { role: "status", class: "cw-hidden" }, card);
  const table = drawCuts(card, model);

  let [plot, drawn, settle] = [null, null, null];
  const show = (resized) => {
    const run = runs[place];
    if (resized || drawn !== run) {
      if (card.clientWidth) plot = drawPlot(root, model, run, card.clientWidth);
      if (drawn !== run) table(run);
      drawn = run;
    }
    const figures = figuresOf(model, run, at);
    const words = `${runs.length > 1 ? `${run.label}: ` : ""}${sentence(run, figures)}`;
    radios(place);
    plot?.move(figures.step);
    controls(run, at, words);
    readouts(run, figures);
    masks(figures);
    clearTimeout(settle);
    settle = setTimeout(() => {
      root.setAttribute("aria-label", words);
      if (status.textContent !== words) status.textContent = words;
    }, SETTLE);
  };
  followPointer(root, (x) => plot && moveTo(frameAt(runs[place], Math.round(plot.step(x)))));
  const kernelMoved = () => (([place, at] = [model.get("run"), Math.min(model.get("at"), runs[model.get("run")].steps.length - 1)]), show());
  model.on("change:run", kernelMoved);
  model.on("change:at", kernelMoved);
  const resized = new ResizeObserver(() => show(true));
  resized.observe(card);
  return () => {
    stop();
    resized.disconnect();
    clearTimeout(settle);
    model.off("change:run", kernelMoved);
    model.off("change:at", kernelMoved);
  };
}

export default { render };
