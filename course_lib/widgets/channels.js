// Channels to remove by a click. The browser counts parameters and work; the kernel builds and measures when asked.

let pickers = 0; // radio buttons are grouped by a name that is global to the page

// --- counting --------------------------------------------------------------------------------------------------

const millis = (seconds) => `${(1000 * seconds).toFixed(1)}\u00a0ms`;
const keptOf = (row) => row.filter(Boolean).length;

// An axis is fixed + Σ m · kept long; a weight has as many numbers as the product of its axes.
function sizesOf(model, kept) {
  const long = ([fixed, ...times]) => fixed + sum(times.map((m, i) => m * kept[i]));
  const total = { parameters: 0, macs: 0 };
  for (const { uses, axes } of model.get("weights")) {
    const size = axes.reduce((product, axis) => product * long(axis), 1);
    total.parameters += size;
    total.macs += uses * size;
  }
  return total;
}

// Straight lines between the networks that were timed, over their share of the work.
function estimated(grid, share) {
  if (!grid.macs?.length) return undefined;
  const points = grid.macs.map((m, i) => [m, grid.seconds[i]]).sort((a, b) => a[0] - b[0]);
  return interpolate(share, points.map(([macs]) => macs), points.map(([, seconds]) => seconds));
}

const same = (one, other) => one?.every((row, g) => row.every((kept, i) => kept === other[g][i]));

function figuresOf(model, keep) {
  const counts = model.get("groups").map((group) => group.channels);
  const [now, whole] = [sizesOf(model, keep.map(keptOf)), sizesOf(model, counts)];
  const exact = model.get("exact");
  const measured = same(exact.keep, keep) ? exact : null;
  const time = measured ? measured.time : estimated(model.get("grid"), now.macs / whole.macs);
  return { now, whole, measured, time };
}

function sentence(figures) {
  const { now, whole, measured, time } = figures;
  const parts = [`${percent(now.parameters / whole.parameters, 0)} of the parameters`, `${percent(now.macs / whole.macs, 0)} of the MACs`];
  if (time !== undefined) parts.push(`${measured ? "" : "about "}${percent(time, 0)} of the time`);
  if (measured) parts.push(`accuracy ${percent(measured.accuracy, 1)}`);
  return parts.join(", ");
}

// --- widget ----------------------------------------------------------------------------------------------------

function render({ model, el }) {
  const unheard = drawProblem(el, model);
  const groups = model.get("groups");
  if (!groups.length) return unheard;

  const copied = () => model.get("keep").map((row) => [...row]);
  let [keep, settle, asking] = [copied(), null, false];
  const send = every(SEND_EVERY, () => {
    model.set("keep", keep.map((row) => [...row]));
    model.save_changes();
  });
  const changed = () => ((refusal.textContent = ""), show(), send());
  const toggle = (g, i) => {
    if (keep[g][i] && keptOf(keep[g]) === 1) return (refusal.textContent = `The last channel of ${groups[g].name} has to stay.`);
    keep[g][i] = !keep[g][i];
    changed();
  };
  const keepBest = (g, count) => {
    const scores = model.get("scores")[criterion][g];
    const order = scores.map((_, i) => i).sort((a, b) => scores[b] - scores[a] || a - b);
    keep[g] = keep[g].map(() => false);
    for (const i of order.slice(0, count)) keep[g][i] = true;
    changed();
  };

  const card = html("div", { class: "cw cp" }, el);
  let criterion = drawCriteria(card, model, (name) => ((criterion = name), show()));
  const rows = groups.map((group, g) => drawRow(card, group, (i) => toggle(g, i), (count) => keepBest(g, count)));
  const { measure } = drawControls(card, model, () => ((keep = keep.map((row) => row.map(() => true))), changed()));
  const readouts = drawReadouts(card, model);
  const refusal = html("div", { role: "status", class: "cp-refusal" }, card);
  const status = html("div", { role: "status", class: "cw-hidden" }, card);
  const table = drawGroups(card, model);

  const say = (words) => status.textContent !== words && (status.textContent = words);
  const show = () => {
    const figures = figuresOf(model, keep);
    if (figures.measured) asking = false;
    measure.textContent = asking ? "Measuring…" : "Measure";
    measure.setAttribute("aria-disabled", asking);
    rows.forEach((row, g) => row(keep[g], model.get("scores")[criterion]?.[g] ?? keep[g].map(() => 1), sentence(figures)));
    readouts(figures);
    table(keep);
    clearTimeout(settle);
    settle = setTimeout(() => say(sentence(figures)), SETTLE);
  };
  measure.addEventListener("click", () => {
    if (asking) return;
    asking = true;
    model.set("keep", keep.map((row) => [...row])); // together with the question: what is measured is what is seen
    model.set("asked", model.get("asked") + 1);
    model.save_changes();
    show();
  });
  const kernelMoved = () => {
    if (!same(model.get("keep"), keep)) keep = copied();
    show();
  };
  const answered = () => ((asking = false), show());
  model.on("change:keep", kernelMoved);
  model.on("change:exact", answered);
  show();
  return () => {
    clearTimeout(settle);
    unheard();
    model.off("change:keep", kernelMoved);
    model.off("change:exact", answered);
  };
}

export default { render };
