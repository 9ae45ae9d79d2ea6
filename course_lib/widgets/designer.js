// A pruning schedule to drag, and the weights it leaves. All is computed here; the kernel only hears of the curve.

const HEIGHT = 250;
const MARGIN = { left: 46, right: 18, top: 24, bottom: 36 };
const MOST = 0.99; // some weights always stay
const POWERS = [0.5, 6];
const REACH = 26; // pixels from a handle at which the mouse takes it

// --- counting --------------------------------------------------------------------------------------------------

function sparsityAt({ begin, end, final, power }, step) {
  if (step < begin) return 0;
  return step >= end ? final : final * (1 - (1 - (step - begin) / (end - begin)) ** power);
}

// Each cut with what it leaves, and its bite: the share it takes of the weights that were left.
function cutsOf(curve, every, total) {
  const cuts = [];
  let left = total;
  const cut = (step) => {
    const sparsity = sparsityAt(curve, step);
    if (step < curve.begin || sparsity <= 0) return;
    const kept = Math.max(1, round(total * (1 - sparsity)));
    cuts.push({ step, sparsity, kept, bite: 1 - kept / left });
    left = kept;
  };
  for (let step = 0; step < curve.end; step += every) cut(step);
  cut(curve.end);
  return cuts;
}

function figuresOf(model, curve, at) {
  const [total, steps] = [model.get("ranks").length, model.get("steps")];
  const cuts = cutsOf(curve, model.get("every"), total);
  const done = cuts.filter((cut) => cut.step <= at);
  const before = done.length > 1 ? done.at(-2).kept : total;
  let [sum, from, left] = [0, 0, total];
  for (const { step, kept } of cuts) [sum, from, left] = [sum + left * (step - from), step, kept];
  const average = (sum + left * (steps - from)) / (steps * total);
  const largest = cuts.reduce((a, b) => (b.bite > a.bite ? b : a), { bite: 0, step: 0 });
  return { total, cuts, kept: done.at(-1)?.kept ?? total, before, average, largest, last: cuts.at(-1) };
}

// --- widget ----------------------------------------------------------------------------------------------------

// What a value for one name makes of the curve: the first cut never comes after the last one.
function changed(curve, name, value) {
  const next = { ...curve, [name]: value };
  if (name === "begin") next.end = Math.max(next.begin, next.end);
  if (name === "end") next.begin = Math.min(next.begin, next.end);
  return next;
}

// What dragging a handle to a step and a share makes of the curve.
function dragged(model, curve, handle, step, share) {
  const grid = model.get("every");
  const snapped = clamp(Math.round(step / grid), 0, Math.floor(model.get("steps") / grid)) * grid;
  if (handle === "begin") return changed(curve, "begin", snapped);
  if (handle === "end") return { ...changed(curve, "end", snapped), final: clamp(Math.round(100 * share) / 100, 0, MOST) };
  const power = -Math.log2(Math.max(1e-9, 1 - share / Math.max(curve.final, 1e-9)));
  return { ...curve, power: clamp(Math.round(10 * power) / 10, ...POWERS) };
}

function render({ model, el }) {
  const unheard = drawProblem(el, model);
  if (!model.get("ranks").length) return unheard;

  let [curve, at] = [model.get("curve"), model.get("at")];
  const send = every(SEND_EVERY, () => {
    model.set("curve", curve);
    model.set("at", at);
    model.save_changes();
  });
  const moveTo = (next, step = at) => (([curve, at] = [next, step]), show(), send());
  const lookAt = (step) => {
    const grid = model.get("every");
    moveTo(curve, clamp(Math.round(step / grid), 0, Math.floor(model.get("steps") / grid)) * grid);
  };

  const card = html("div", { class: "cw sd" }, el);
  const root = svg("svg", { role: "img", class: "sd-plot" }, card);
  const sliders = drawSliders(card, model, (name, value) => (name === "at" ? lookAt(value) : moveTo(changed(curve, name, value))));
  const buttons = html("div", { class: "cw-controls" }, card);
  for (const [label, start] of Object.entries(model.get("starts")))
    html("button", { type: "button", ...QUIET }, buttons, label).addEventListener("click", () => moveTo({ ...start }));
  const weights = drawWeights(card, model);
  drawLegend(card);
  const readouts = drawReadouts(card, model);
  const status = html("div", { role: "status", class: "cw-hidden" }, card);
  const table = drawCuts(card);

  let [plot, settle] = [null, null];
  const show = () => {
    const figures = figuresOf(model, curve, at);
    plot?.move(curve, at, figures);
    sliders({ ...curve, at });
    weights(figures, at);
    readouts(curve, figures);
    table(figures);
    const words = sentence(model, curve, at, figures);
    clearTimeout(settle);
    settle = setTimeout(() => {
      root.setAttribute("aria-label", words);
      if (status.textContent !== words) status.textContent = words;
    }, SETTLE);
  };
  let handle = null; // the one that was near when the pointer went down
  followPointer(root, (x, y, down) => {
    if (down) handle = plot.near(curve, x, y);
    const [step, share] = [plot.scale.step(x), plot.scale.share(y)];
    if (handle === "at") lookAt(step);
    else moveTo(dragged(model, curve, handle, step, share));
  });
  const kernelMoved = () => (([curve, at] = [model.get("curve"), model.get("at")]), show());
  model.on("change:curve", kernelMoved);
  model.on("change:at", kernelMoved);
  const resized = new ResizeObserver(() => {
    if (card.clientWidth) plot = drawPlot(root, model, card.clientWidth);
    show();
  });
  resized.observe(card);
  return () => {
    resized.disconnect();
    clearTimeout(settle);
    unheard();
    model.off("change:curve", kernelMoved);
    model.off("change:at", kernelMoved);
  };
}

export default { render };
