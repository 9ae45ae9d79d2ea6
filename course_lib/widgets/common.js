// What all widgets share. It stands before each widget's own module: see assets.py.

const SEND_EVERY = 60; // ms: what a kernel behind a slow line can follow
const SETTLE = 350; // ms without movement before a screen reader is told
const QUIET = { "data-lm-suppress-shortcuts": "true" }; // or JupyterLab takes the keys

// --- elements --------------------------------------------------------------------------------------------------

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

// Tiles with a title, a value and a note each, from {name: title}; returns {name: [value, note]}.
function drawTiles(parent, titles) {
  const list = html("dl", { class: "cw-readouts" }, parent);
  const tile = ([name, title]) => {
    const box = html("div", { class: `cw-tile cw-${name}` }, list);
    html("dt", {}, box, title);
    return [name, [html("dd", { class: "cw-value" }, box), html("dd", { class: "cw-note" }, box)]];
  };
  return Object.fromEntries(Object.entries(titles).map(tile));
}

// One entry of a legend: a swatch (solid: stays; "cw-hatched": removed) and its words.
function drawKey(legend, pattern, words) {
  const item = html("span", { class: "cw-key" }, legend);
  html("i", { class: `cw-swatch ${pattern}` }, item);
  item.append(words);
}

// A table that opens at a click; returns the element that opens, and the table's body.
function drawTable(parent, summary, heads) {
  const details = html("details", {}, parent);
  html("summary", QUIET, details, summary);
  const table = html("table", {}, html("div", { class: "cw-scroll" }, details));
  const head = html("tr", {}, html("thead", {}, table));
  for (const title of heads) html("th", { scope: "col" }, head, title);
  return [details, html("tbody", {}, table)];
}

// The paragraph in which the kernel may say that something is wrong; returns how to stop listening.
function drawProblem(el, model) {
  const problem = html("p", { role: "status", class: "cw-problem" }, el, model.get("problem"));
  const told = () => (problem.textContent = model.get("problem"));
  model.on("change:problem", told);
  return () => model.off("change:problem", told);
}

// --- numbers ---------------------------------------------------------------------------------------------------

const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)}\u00a0%`;
const number = (count) => count.toLocaleString("en").replace("-", "−");
const sum = (values) => values.reduce((a, b) => a + b, 0);
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

// As Python rounds: an exact half goes to the even number.
function round(value) {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
}

// On the straight line between two neighbours of `from`; outside, the value at the nearer end.
function interpolate(at, from, to) {
  const above = from.findIndex((v) => v >= at);
  const i = above < 0 ? from.length - 1 : clamp(above, 1, from.length - 1);
  const width = from[i] - from[i - 1];
  return width > 0 ? to[i - 1] + ((to[i] - to[i - 1]) * clamp(at - from[i - 1], 0, width)) / width : to[i];
}

// --- movement --------------------------------------------------------------------------------------------------

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

// While the pointer is down: `moveTo(x, y, down)` in pixels of the picture; `down` is true for the first point.
function followPointer(root, moveTo) {
  let first = null;
  const follow = (event) => {
    const box = root.getBoundingClientRect();
    if (first) moveTo(event.clientX - box.left, event.clientY - box.top, first === event);
  };
  root.addEventListener("pointerdown", (event) => {
    first = event;
    root.setPointerCapture(event.pointerId);
    event.preventDefault(); // or a text selection starts
    follow(event);
  });
  root.addEventListener("pointermove", follow);
  for (const end of ["pointerup", "pointercancel"]) root.addEventListener(end, () => (first = null));
}
