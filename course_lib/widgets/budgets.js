// One slider a layer under one budget of kept weights. The browser keeps the budget and estimates; the kernel follows.

const MOST = 0.99; // the end of every slider
const STEP = 0.005; // of a slider: one press of an arrow key

// --- counting --------------------------------------------------------------------------------------------------

const keptOf = (size, share) => Math.max(1, round(size * (1 - share)));
const fewest = (size) => Math.max(1, Math.ceil(size * (1 - MOST) - 1e-6));

// What the layers other than `moved` keep so that all together keep `budget`: each the same multiple of what it kept
// before (`base`), as far as its size allows, in whole weights.
function paying(sizes, base, moved, keptThere, budget) {
  const within = (factor) => base.map((b, i) => Math.min(sizes[i], Math.max(fewest(sizes[i]), b * factor)));
  const total = (kept) => keptThere + sum(kept.filter((_, i) => i !== moved));
  let [low, high] = [0, Math.max(...sizes.map((size, i) => size / base[i]))];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (total(within(middle)) > budget) high = middle;
    else low = middle;
  }
  const exact = within(low).map((kept, i) => (i === moved ? keptThere : kept));
  const kept = exact.map(Math.floor);
  const hungry = exact.map((e, i) => i).filter((i) => i !== moved && kept[i] < sizes[i]);
  hungry.sort((i, j) => exact[j] - kept[j] - (exact[i] - kept[i]));
  for (const i of hungry) if (sum(kept) < budget) kept[i] += 1;
  return kept;
}

// A layer alone costs what its curve says; together, the losses are taken to multiply.
function estimate(model, shares) {
  const [levels, curves] = [model.get("levels"), model.get("curves")];
  if (!curves.length) return undefined;
  const whole = curves[0][0] || 1;
  return shares.reduce((product, share, i) => (product * interpolate(share, levels, curves[i])) / whole, whole);
}

function figuresOf(model, shares) {
  const exact = model.get("exact");
  const same = exact.shares?.every((share, i) => Math.abs(share - shares[i]) < 1e-9);
  const kept = shares.map((share, i) => keptOf(model.get("sizes")[i], share));
  const total = sum(kept);
  const accuracy = same ? exact.accuracy : estimate(model, shares);
  return { kept, total, rest: model.get("budget") - total, accuracy, about: same ? "" : "≈ " };
}

// --- words -----------------------------------------------------------------------------------------------------

const weights = (count) => `${number(count)} ${count === 1 ? "weight" : "weights"}`;
const restInWords = (rest) =>
  rest === 0 ? "budget spent exactly" : rest > 0 ? `${weights(rest)} left to spend` : `${weights(-rest)} over the budget`;

function sentence(model, figures) {
  const parts = [`${number(figures.total)} of ${weights(sum(model.get("sizes")))} kept`, restInWords(figures.rest)];
  if (figures.accuracy !== undefined)
    parts.push(`accuracy ${figures.about ? "about " : ""}${percent(figures.accuracy)}`);
  return parts.join(", ");
}

// --- widget ----------------------------------------------------------------------------------------------------

// The split as it stands. `base` is what the layers kept when the one that moves began to: so dragging there and back
// brings the others back too.
function splitOf(model) {
  const sizes = model.get("sizes");
  const keep = (shares) => shares.map((share, i) => keptOf(sizes[i], share));
  const split = { shares: model.get("shares"), moved: -1, base: null };
  split.start = (shares) => Object.assign(split, { shares: [...shares], moved: -1 });
  split.move = (i, share, others) => {
    if (i !== split.moved) [split.moved, split.base] = [i, keep(split.shares)];
    const kept = others ? paying(sizes, split.base, i, keptOf(sizes[i], share), model.get("budget")) : keep(split.shares);
    split.shares = split.shares.map((s, j) => (j === i ? share : others ? 1 - kept[j] / sizes[j] : s));
    if (!others) split.moved = -1;
  };
  return split;
}

function render({ model, el }) {
  const unheard = drawProblem(el, model);
  if (!model.get("names").length) return unheard;

  const labels = model.get("names").map((name) => name.replace(/\/kernel$/, ""));
  const split = splitOf(model);
  const send = every(SEND_EVERY, () => {
    model.set("shares", split.shares);
    model.save_changes();
  });
  const moveTo = (i, share) => (split.move(i, share, pay.checked), show(), send());
  const start = (shares) => (split.start(shares), show(), send());

  const card = html("div", { class: "cw lb" }, el);
  const rows = drawRows(html("div", { class: "lb-rows" }, card), model, labels, moveTo);
  const pay = drawStarts(card, model, start);
  const parts = [drawStrip(card, model, labels), drawReadouts(card, model)];
  drawLegend(card, model);
  const status = html("div", { role: "status", class: "cw-hidden" }, card);
  parts.push(drawLayers(card, model, labels));

  let settle = null;
  const tell = () => {
    const words = sentence(model, figuresOf(model, split.shares));
    if (status.textContent !== words) status.textContent = words;
  };
  const show = () => {
    const figures = figuresOf(model, split.shares);
    rows(split.shares, figures, sentence(model, figures));
    for (const part of parts) part(figures);
    clearTimeout(settle);
    settle = setTimeout(tell, SETTLE);
  };
  const kernelMoved = () => {
    const told = model.get("shares");
    if (told.some((share, i) => share !== split.shares[i])) split.start(told);
    show();
  };
  model.on("change:shares", kernelMoved);
  model.on("change:exact", show);
  const resized = new ResizeObserver(show);
  resized.observe(card);
  show();
  return () => {
    resized.disconnect();
    clearTimeout(settle);
    unheard();
    model.off("change:shares", kernelMoved);
    model.off("change:exact", show);
  };
}

export default { render };
