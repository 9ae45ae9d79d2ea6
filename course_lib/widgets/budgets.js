// One slider a layer under one budget of kept weights. The browser keeps the budget and estimates; the kernel follows.

const SEND_EVERY = 60; // ms: what a kernel behind a slow line can follow
const SETTLE = 350; // ms without movement before a screen reader is told
const MOST = 0.99; // the end of every slider
const STEP = 0.005; // of a slider: one press of an arrow key

function html(tag, attributes, parent, text) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  parent?.append(element);
  return element;
}
const QUIET = { "data-lm-suppress-shortcuts": "true" }; // or JupyterLab takes the keys

// --- counting --------------------------------------------------------------------------------------------------

const percent = (share) => `${(100 * share).toFixed(1)}\u00a0%`;
const number = (count) => count.toLocaleString("en").replace("-", "−");
const sum = (values) => values.reduce((a, b) => a + b, 0);

// As Python rounds: an exact half goes to the even number.
function round(value) {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
}
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
function interpolate(at, from, to) {
  const i = Math.min(Math.max(from.findIndex((v) => v >= at), 1), from.length - 1);
  return to[i - 1] + ((to[i] - to[i - 1]) * (at - from[i - 1])) / (from[i] - from[i - 1]);
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

// --- parts -----------------------------------------------------------------------------------------------------

function drawStrip(parent, model, labels) {
  html("p", { class: "lb-caption" }, parent, "The weights that stay, by layer");
  const strip = html("div", { class: "lb-strip", role: "img" }, parent);
  const segments = labels.map((label) => html("span", { class: "lb-segment" }, strip));
  const mark = html("span", { class: "lb-mark" }, strip);
  html("span", { class: "lb-mark-label" }, mark, "budget");
  return (figures) => {
    const budget = model.get("budget");
    const room = Math.max(1.25 * budget, figures.total);
    const width = strip.clientWidth;
    segments.forEach((segment, i) => {
      const share = figures.kept[i] / room;
      segment.style.width = `${100 * share}%`;
      segment.textContent = share * width > 8 * labels[i].length + 12 ? labels[i] : "";
    });
    mark.style.left = `${(100 * budget) / room}%`;
    strip.classList.toggle("lb-over", figures.rest < 0);
    const parts = labels.map((label, i) => `${label} ${number(figures.kept[i])}`);
    strip.setAttribute("aria-label", `Weights that stay: ${parts.join(", ")}. ${restInWords(figures.rest)}.`);
  };
}

function drawRows(parent, model, labels, moveTo) {
  const sizes = model.get("sizes");
  const rows = labels.map((label, i) => {
    const row = html("div", { class: "lb-row" }, parent);
    const name = html("div", { class: "lb-name" }, row);
    html("span", {}, name, label);
    html("small", {}, name, weights(sizes[i]));
    const attributes = { type: "range", min: 0, max: MOST, step: STEP, "aria-label": `Share of ${label} removed`, ...QUIET };
    const slider = html("input", attributes, row);
    const said = html("div", { class: "lb-said" }, row);
    const [removed, kept] = [html("span", {}, said), html("small", {}, said)];
    slider.addEventListener("input", () => moveTo(i, slider.valueAsNumber));
    return { slider, removed, kept };
  });
  return (shares, figures, words) =>
    rows.forEach(({ slider, removed, kept }, i) => {
      slider.value = shares[i];
      slider.style.setProperty("--share", shares[i] / MOST);
      slider.setAttribute("aria-valuetext", `${percent(shares[i])} of ${labels[i]} removed; ${words}`);
      removed.textContent = `${percent(shares[i])} removed`;
      kept.textContent = `${number(figures.kept[i])} stay`;
    });
}

function drawReadouts(parent, model) {
  const list = html("dl", { class: "lb-readouts" }, parent);
  const tile = (name, title) => {
    const box = html("div", { class: `lb-tile lb-${name}` }, list);
    html("dt", {}, box, title);
    return [html("dd", { class: "lb-value" }, box), html("dd", { class: "lb-note" }, box)];
  };
  const [kept, keptNote] = tile("kept", "Weights that stay");
  const [rest, restNote] = tile("rest", "Rest of the budget");
  const [accuracy, accuracyNote] = model.get("curves").length ? tile("accuracy", "Accuracy") : [];
  const all = sum(model.get("sizes"));
  return (figures) => {
    kept.textContent = number(figures.total);
    keptNote.textContent = `of ${number(all)}: ${percent(1 - figures.total / all)} removed`;
    rest.textContent = figures.rest < 0 ? `${number(-figures.rest)} over` : number(figures.rest);
    restNote.textContent = `the budget is ${weights(model.get("budget"))}`;
    if (!accuracy) return;
    accuracy.textContent = figures.about + percent(figures.accuracy);
    accuracyNote.textContent = `with nothing removed ${percent(model.get("curves")[0][0])}`;
  };
}

function drawTable(parent, model, labels) {
  const details = html("details", {}, parent);
  html("summary", QUIET, details, "The same as a table");
  const table = html("table", {}, html("div", { class: "lb-scroll" }, details));
  const head = html("tr", {}, html("thead", {}, table));
  for (const name of ["Layer", "Weights", "Removed", "Stay"]) html("th", { scope: "col" }, head, name);
  const body = html("tbody", {}, table);
  const sizes = model.get("sizes");
  const rows = [...labels, "together"].map((label) => {
    const row = html("tr", {}, body);
    html("th", { scope: "row" }, row, label);
    return [html("td", {}, row), html("td", {}, row), html("td", {}, row)];
  });
  const line = (cells, size, kept) =>
    [number(size), percent(1 - kept / size), number(kept)].forEach((text, i) => (cells[i].textContent = text));
  return (figures) => {
    labels.forEach((_, i) => line(rows[i], sizes[i], figures.kept[i]));
    line(rows.at(-1), sum(sizes), figures.total);
  };
}

function drawLegend(parent, model) {
  const legend = html("p", { class: "lb-legend" }, parent);
  const key = (pattern, words) => {
    const item = html("span", { class: "lb-key" }, legend);
    html("i", { class: `lb-swatch ${pattern}` }, item);
    item.append(words);
  };
  key("lb-hatched", "removed (hatched)");
  key("", "stays");
  if (!model.get("curves").length) return;
  const words = "≈ is an estimate: each layer alone, the losses multiplied.";
  html("span", { class: "lb-static" }, legend, model.get("live") ? words : `Without a kernel, ${words}`);
}

function drawStarts(parent, model, start) {
  const controls = html("div", { class: "lb-controls" }, parent);
  for (const [label, shares] of Object.entries(model.get("starts")))
    html("button", { type: "button", ...QUIET }, controls, label).addEventListener("click", () => start(shares));
  const pay = html("input", { type: "checkbox", ...QUIET }, html("label", {}, controls));
  pay.checked = true;
  pay.after("The other layers pay");
  return pay;
}

// --- widget ----------------------------------------------------------------------------------------------------

function every(ms, act) {
  let [last, timer] = [-Infinity, null];
  const fire = () => {
    [last, timer] = [performance.now(), null];
    act();
  };
  return () => {
    const wait = last + ms - performance.now();
    if (wait <= 0) fire();
    else timer ??= setTimeout(fire, wait); // fires later with the value of then, so the last one is always sent
  };
}

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
  const problem = html("p", { role: "status", class: "lb-problem" }, el, model.get("problem"));
  const told = () => (problem.textContent = model.get("problem"));
  model.on("change:problem", told);
  if (!model.get("names").length) return () => model.off("change:problem", told);

  const labels = model.get("names").map((name) => name.replace(/\/kernel$/, ""));
  const split = splitOf(model);
  const send = every(SEND_EVERY, () => {
    model.set("shares", split.shares);
    model.save_changes();
  });
  const moveTo = (i, share) => (split.move(i, share, pay.checked), show(), send());
  const start = (shares) => (split.start(shares), show(), send());

  const card = html("div", { class: "lb" }, el);
  const rows = drawRows(html("div", { class: "lb-rows" }, card), model, labels, moveTo);
  const pay = drawStarts(card, model, start);
  const parts = [drawStrip(card, model, labels), drawReadouts(card, model)];
  drawLegend(card, model);
  const status = html("div", { role: "status", class: "lb-hidden" }, card);
  parts.push(drawTable(card, model, labels));

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
    model.off("change:problem", told);
    model.off("change:shares", kernelMoved);
    model.off("change:exact", show);
  };
}

export default { render };
