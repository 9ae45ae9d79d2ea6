// A histogram with a threshold to drag. Drawn and answered here; the kernel only follows with exact figures.

const HEIGHT = 230;
const MARGIN = { left: 44, right: 16, top: 26, bottom: 34 };
const SEND_EVERY = 50; // ms: what a kernel behind a slow line can follow
const SETTLE = 350; // ms without movement before a screen reader is told
let pictures = 0; // SVG ids are global to the page

const SVG = "http://www.w3.org/2000/svg";
function svg(tag, attributes, parent) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  parent?.append(element);
  return element;
}
function html(tag, attributes, parent, text) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  parent?.append(element);
  return element;
}

// --- figures ---------------------------------------------------------------------------------------------------

const percent = (share) => `${(100 * share).toFixed(1)}\u00a0%`;
const size = (bytes) =>
  bytes < 1e3
    ? `${bytes.toFixed(0)}\u00a0B`
    : bytes < 1e6
      ? `${(bytes / 1e3).toFixed(1)}\u00a0kB`
      : `${(bytes / 1e6).toFixed(2)}\u00a0MB`;
const FIGURES = {
  sparsity: { name: "Removed", format: percent },
  bytes: { name: "Zipped size", format: size },
  accuracy: { name: "Accuracy", format: percent },
};

function interpolate(at, from, to) {
  const i = Math.min(Math.max(from.findIndex((v) => v >= at), 1), from.length - 1);
  const width = from[i] - from[i - 1];
  return width > 0 ? to[i - 1] + ((to[i] - to[i - 1]) * Math.min(at - from[i - 1], width)) / width : to[i];
}

// Size and accuracy depend on the share removed far more smoothly than on the threshold: interpolate over the share.
function estimate(model, threshold) {
  const [cumulative, levels] = [model.get("cumulative"), model.get("levels")];
  const place = (threshold / model.get("top")) * (cumulative.length - 1);
  const i = Math.min(Math.floor(place), cumulative.length - 2);
  const sparsity = cumulative[i] + (place - i) * (cumulative[i + 1] - cumulative[i]);
  const figures = { sparsity };
  for (const name of ["bytes", "accuracy"])
    if (levels[name]) figures[name] = interpolate(sparsity, levels.sparsity, levels[name]);
  return figures;
}

function exactAt(model, threshold) {
  const exact = model.get("exact");
  return Math.abs(exact.threshold - threshold) < 1e-12 ? exact : null;
}

// --- picture ---------------------------------------------------------------------------------------------------

function niceStep(span, about, steps = [1, 2, 5, 10]) {
  const raw = span / about;
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * steps.find((m) => m * power >= raw);
}

function ticksWithin(top, about) {
  const step = niceStep(2 * top, about);
  const n = Math.floor(top / step);
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  return Array.from({ length: 2 * n + 1 }, (_, i) => (i - n) * step).map((v) => [v, v.toFixed(digits).replace("-", "−")]);
}

function drawAxes(group, model, scale) {
  const tallest = Math.max(...model.get("counts"));
  const step = Math.max(1, niceStep(tallest, 4, [1, 2, 2.5, 5, 10]));
  for (let count = step; count <= tallest; count += step) {
    const y = scale.y(count);
    svg("line", { x1: MARGIN.left, x2: scale.width - MARGIN.right, y1: y, y2: y, class: "th-grid" }, group);
    svg("text", { x: MARGIN.left - 6, y: y + 4, "text-anchor": "end" }, group).textContent =
      count >= 1e4 ? `${count / 1e3}k` : count.toLocaleString("en");
  }
  for (const [value, text] of ticksWithin(model.get("top"), scale.width / 80)) {
    svg("line", { x1: scale.x(value), x2: scale.x(value), y1: scale.y(0), y2: scale.y(0) + 4, class: "th-axis" }, group);
    svg("text", { x: scale.x(value), y: scale.y(0) + 17, "text-anchor": "middle" }, group).textContent = text;
  }
  svg("line", { x1: MARGIN.left, x2: scale.width - MARGIN.right, y1: scale.y(0), y2: scale.y(0), class: "th-axis" }, group);
  svg("text", { x: MARGIN.left - 38, y: 13 }, group).textContent = "weights per bin";
  svg("text", { x: scale.width - MARGIN.right, y: HEIGHT - 3, "text-anchor": "end" }, group).textContent = "value of a weight";
}

function barsPath(model, scale) {
  const [counts, top] = [model.get("counts"), model.get("top")];
  const width = (2 * top) / counts.length;
  const gap = Math.min(0.5, (scale.x(width) - scale.x(0)) / 12);
  const bar = (count, i) => {
    const [a, b] = [scale.x(-top + i * width) + gap, scale.x(-top + (i + 1) * width) - gap];
    return count ? `M${a},${scale.y(0)}V${scale.y(count)}H${b}V${scale.y(0)}Z` : "";
  };
  return counts.map(bar).join("");
}

// Everything that depends on the width; returns how to move the threshold, which touches a few attributes only.
function drawPicture(root, model, width) {
  const top = model.get("top");
  const inner = width - MARGIN.left - MARGIN.right;
  const tallest = Math.max(...model.get("counts"));
  const scale = {
    width,
    x: (v) => MARGIN.left + (inner * (v + top)) / (2 * top),
    y: (c) => HEIGHT - MARGIN.bottom - ((HEIGHT - MARGIN.bottom - MARGIN.top) * c) / tallest,
    value: (x) => Math.min(top, Math.abs(((x - MARGIN.left) / inner) * 2 * top - top)),
  };
  root.replaceChildren();
  root.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  root.setAttribute("height", HEIGHT);
  const id = `th-${++pictures}`;
  const defs = svg("defs", {}, root);
  const hatch = svg("pattern", { id: `${id}-h`, width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, defs);
  svg("line", { x1: 0, x2: 0, y1: 0, y2: 5, class: "th-hatch" }, hatch);
  const inside = svg("rect", { y: 0, height: HEIGHT }, svg("clipPath", { id: `${id}-in` }, defs));
  const outside = svg("clipPath", { id: `${id}-out` }, defs);
  const left = svg("rect", { x: 0, y: 0, height: HEIGHT }, outside);
  const right = svg("rect", { y: 0, height: HEIGHT, width }, outside);
  const band = svg("rect", { y: MARGIN.top, height: scale.y(0) - MARGIN.top, class: "th-band" }, root);
  drawAxes(svg("g", {}, root), model, scale);
  const d = barsPath(model, scale);
  svg("path", { d, class: "th-kept", "clip-path": `url(#${id}-out)` }, root);
  svg("path", { d, class: "th-cut", fill: `url(#${id}-h)`, "clip-path": `url(#${id}-in)` }, root);
  const handles = [-1, 1].map((sign) => [sign, drawHandle(root, scale)]);
  const label = svg("text", { y: MARGIN.top - 9, class: "th-label", "text-anchor": "middle" }, root);

  return {
    valueAt: scale.value,
    move(threshold) {
      const [a, b] = [scale.x(-threshold), scale.x(threshold)];
      for (const rect of [inside, band]) rect.setAttribute("x", a), rect.setAttribute("width", b - a);
      left.setAttribute("width", a);
      right.setAttribute("x", b);
      for (const [sign, handle] of handles) handle.setAttribute("transform", `translate(${sign < 0 ? a : b},0)`);
      label.setAttribute("x", Math.min(b, width - 52));
      label.textContent = `± ${readable(threshold, top)}`;
    },
  };
}

function drawHandle(root, scale) {
  const handle = svg("g", { class: "th-handle" }, root);
  svg("line", { y1: MARGIN.top, y2: scale.y(0) }, handle);
  svg("rect", { x: -5, y: (MARGIN.top + scale.y(0)) / 2 - 13, width: 10, height: 26, rx: 5 }, handle);
  return handle;
}

// Three significant digits of the range, so that the number does not jump about while it moves.
function readable(threshold, top) {
  return threshold.toFixed(Math.max(0, 2 - Math.floor(Math.log10(top))));
}

// --- words -----------------------------------------------------------------------------------------------------

function sentence(model, threshold, figures, exact) {
  const about = exact ? "" : "about ";
  const parts = [`threshold ${readable(threshold, model.get("top"))}`, `${about}${percent(figures.sparsity)} removed`];
  if (figures.bytes !== undefined) parts.push(`${about}${size(figures.bytes)} zipped`);
  if (figures.accuracy !== undefined) parts.push(`accuracy ${about}${percent(figures.accuracy)}`);
  return parts.join(", ");
}

function describe(model, threshold, figures) {
  const [top, total] = [model.get("top"), model.get("total")];
  const half = estimate(model, top / 4).sparsity;
  const at = readable(threshold, top);
  return (
    `Histogram of ${total.toLocaleString("en")} weights between −${readable(top, top)} and ${readable(top, top)}; ` +
    `${percent(half)} of them lie in the middle quarter around zero. The hatched part, from −${at} to ${at}, ` +
    `is removed: ${percent(figures.sparsity)}.`
  );
}

function drawTable(parent, model) {
  const levels = model.get("levels");
  const names = ["threshold", ...Object.keys(FIGURES).filter((name) => levels[name])];
  const details = html("details", {}, parent);
  html("summary", { "data-lm-suppress-shortcuts": "true" }, details, "The same as a table");
  const table = html("table", {}, html("div", { class: "th-scroll" }, details));
  const head = html("tr", {}, html("thead", {}, table));
  for (const name of names) html("th", { scope: "col" }, head, name === "threshold" ? "Threshold" : FIGURES[name].name);
  const body = html("tbody", {}, table);
  levels.threshold.forEach((threshold, i) => {
    const row = html("tr", {}, body);
    html("th", { scope: "row" }, row, readable(threshold, model.get("top")));
    for (const name of names.slice(1)) html("td", {}, row, FIGURES[name].format(levels[name][i]));
  });
}

function drawReadouts(parent, model) {
  const levels = model.get("levels");
  const list = html("dl", { class: "th-readouts" }, parent);
  const readouts = {};
  for (const [name, { name: title }] of Object.entries(FIGURES)) {
    if (!levels[name]) continue;
    const tile = html("div", { class: `th-tile th-${name}` }, list);
    html("dt", {}, tile, title);
    readouts[name] = { value: html("dd", { class: "th-value" }, tile), note: html("dd", { class: "th-note" }, tile) };
  }
  return (figures, exact) => {
    const [total, first] = [model.get("total"), (name) => levels[name][0]];
    const notes = {
      sparsity: () => `${Math.round(figures.sparsity * total).toLocaleString("en")} of ${total.toLocaleString("en")} weights`,
      bytes: () => {
        const times = (first("bytes") / figures.bytes).toFixed(1);
        return times === "1.0" ? `with nothing removed ${size(first("bytes"))}` : `of ${size(first("bytes"))}: ${times}× smaller`;
      },
      accuracy: () => `with nothing removed ${percent(first("accuracy"))}`,
    };
    for (const [name, { value, note }] of Object.entries(readouts)) {
      value.textContent = (exact ? "" : "≈ ") + FIGURES[name].format(figures[name]);
      note.textContent = notes[name]();
    }
  };
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

function drawFrame(model, el) {
  const card = html("div", { class: "th" }, el);
  const root = svg("svg", { role: "img", class: "th-plot" }, card);
  const top = model.get("top");
  const label = html("label", { class: "th-slider" }, card);
  html("span", {}, label, "Threshold");
  const slider = html("input", { type: "range", min: 0, max: top, step: top / 1000, "data-lm-suppress-shortcuts": "true" }, label);
  const readouts = drawReadouts(card, model);
  const legend = html("p", { class: "th-legend" }, card);
  const key = (pattern, words) => {
    const item = html("span", { class: "th-key" }, legend);
    html("i", { class: `th-swatch ${pattern}` }, item);
    item.append(words);
  };
  key("", "kept");
  key("th-hatched", "removed (hatched): magnitude up to the threshold");
  if (!model.get("live")) html("span", { class: "th-static" }, legend, "Without a kernel, ≈ marks an estimate.");
  const status = html("div", { role: "status", class: "th-hidden" }, card);
  drawTable(card, model);
  return { card, root, slider, readouts, status };
}

function render({ model, el }) {
  const problem = html("p", { role: "status", class: "th-problem" }, el, model.get("problem"));
  const told = () => (problem.textContent = model.get("problem"));
  model.on("change:problem", told);
  if (!model.get("counts").length) return () => model.off("change:problem", told);

  const { card, root, slider, readouts, status } = drawFrame(model, el);
  let threshold = model.get("threshold");
  let [sent, picture, settle] = [threshold, null, null];

  const send = every(SEND_EVERY, () => {
    sent = threshold;
    model.set("threshold", threshold);
    model.save_changes();
  });
  const tell = () => {
    const exact = exactAt(model, threshold);
    const figures = exact ?? estimate(model, threshold);
    const words = sentence(model, threshold, figures, exact);
    if (status.textContent !== words) status.textContent = words;
    root.setAttribute("aria-label", describe(model, threshold, figures));
  };
  const show = () => {
    const exact = exactAt(model, threshold);
    const figures = exact ?? estimate(model, threshold);
    picture?.move(threshold);
    slider.value = threshold;
    slider.setAttribute("aria-valuetext", sentence(model, threshold, figures, exact));
    readouts(figures, exact);
    clearTimeout(settle);
    settle = setTimeout(tell, SETTLE);
  };
  const moveTo = (value) => {
    threshold = value;
    show();
    send();
  };

  slider.addEventListener("input", () => moveTo(slider.valueAsNumber));
  followPointer(root, (x) => moveTo(picture.valueAt(x)));
  const kernelMoved = () => {
    if (model.get("threshold") !== sent) threshold = sent = model.get("threshold");
    show();
  };
  model.on("change:threshold", kernelMoved);
  model.on("change:exact", show);
  const resized = new ResizeObserver(() => {
    const width = card.clientWidth;
    if (width) picture = drawPicture(root, model, width);
    show();
  });
  resized.observe(card);
  tell();
  return () => {
    resized.disconnect();
    clearTimeout(settle);
    model.off("change:problem", told);
    model.off("change:threshold", kernelMoved);
    model.off("change:exact", show);
  };
}

function followPointer(root, moveTo) {
  let dragging = false;
  const follow = (event) => dragging && moveTo(event.clientX - root.getBoundingClientRect().left);
  root.addEventListener("pointerdown", (event) => {
    dragging = true;
    root.setPointerCapture(event.pointerId);
    event.preventDefault(); // or a text selection starts
    follow(event);
  });
  root.addEventListener("pointermove", follow);
  for (const end of ["pointerup", "pointercancel"]) root.addEventListener(end, () => (dragging = false));
}

export default { render };
