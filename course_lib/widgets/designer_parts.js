// The pictures and controls of the schedule designer. It stands before designer.js in one module.

// --- picture of the curve --------------------------------------------------------------------------------------

function scaleOf(model, width) {
  const [inner, tall] = [width - MARGIN.left - MARGIN.right, HEIGHT - MARGIN.top - MARGIN.bottom];
  const steps = model.get("steps");
  return {
    width,
    x: (step) => MARGIN.left + (inner * step) / steps,
    y: (share) => MARGIN.top + tall * (1 - share),
    step: (x) => ((x - MARGIN.left) / inner) * steps,
    share: (y) => 1 - (y - MARGIN.top) / tall,
  };
}

function drawAxes(group, model, scale) {
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    const y = scale.y(share);
    svg("line", { x1: MARGIN.left, x2: scale.width - MARGIN.right, y1: y, y2: y, class: share ? "sd-grid" : "sd-axis" }, group);
    svg("text", { x: MARGIN.left - 6, y: y + 4, "text-anchor": "end" }, group).textContent = `${100 * share}\u00a0%`;
  }
  const raw = model.get("steps") / Math.max(2, scale.width / 90);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = Math.max(1, power * [1, 2, 5, 10].find((m) => m * power >= raw));
  for (let at = 0; at <= model.get("steps"); at += step)
    svg("text", { x: scale.x(at), y: scale.y(0) + 17, "text-anchor": "middle" }, group).textContent = number(at);
  svg("text", { x: MARGIN.left - 40, y: 12 }, group).textContent = "sparsity";
  svg("text", { x: scale.width - MARGIN.right, y: HEIGHT - 3, "text-anchor": "end" }, group).textContent = "training step";
}

const middle = ({ begin, end }) => (begin + end) / 2;
const HANDLES = { begin: "first cut", bend: "bend", end: "last cut" };

// Everything that depends on the width; returns how to move the curve, and which handle is near a point.
function drawPlot(root, model, width) {
  const scale = scaleOf(model, width);
  root.replaceChildren();
  root.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  root.setAttribute("height", HEIGHT);
  drawAxes(svg("g", {}, root), model, scale);
  const area = svg("path", { class: "sd-area" }, root);
  const smooth = svg("path", { class: "sd-smooth" }, root);
  const stairs = svg("path", { class: "sd-stairs" }, root);
  const dots = svg("path", { class: "sd-dots" }, root);
  const cursor = svg("g", { class: "sd-cursor" }, root);
  svg("line", { y1: MARGIN.top - 4, y2: scale.y(0) }, cursor);
  const label = svg("text", { y: MARGIN.top - 9, "text-anchor": "middle" }, cursor);
  const handles = {};
  for (const [name, words] of Object.entries(HANDLES)) {
    const group = (handles[name] = svg("g", { class: "sd-handle" }, root));
    svg("circle", { r: 7 }, group);
    svg("text", { x: name === "end" ? -12 : 12, y: name === "begin" ? -9 : 17, "text-anchor": name === "end" ? "end" : "start" }, group).textContent = words;
  }
  const places = (curve) => ({
    begin: [scale.x(curve.begin), scale.y(0)],
    bend: [scale.x(middle(curve)), scale.y(curve.final * (1 - 0.5 ** curve.power))],
    end: [scale.x(curve.end), scale.y(curve.final)],
  });
  return {
    scale,
    near(curve, x, y) {
      const distance = ([a, b]) => Math.hypot(a - x, b - y);
      const close = Object.entries(places(curve)).filter(([name]) => name !== "bend" || curve.end > curve.begin);
      const [name, place] = close.reduce((a, b) => (distance(b[1]) < distance(a[1]) ? b : a));
      return distance(place) < REACH ? name : "at";
    },
    move(curve, at, { cuts }) {
      const steps = model.get("steps");
      const points = Array.from({ length: 101 }, (_, i) => (i * steps) / 100);
      for (const step of [curve.begin, curve.end]) points.push(step - 1e-6, step);
      points.sort((a, b) => a - b);
      smooth.setAttribute("d", `M${points.filter((p) => p >= 0).map((p) => `${scale.x(p)},${scale.y(sparsityAt(curve, p))}`).join("L")}`);
      const treads = cuts.map((cut) => `H${scale.x(cut.step)}V${scale.y(cut.sparsity)}`).join("");
      const line = `M${scale.x(0)},${scale.y(0)}${treads}H${scale.x(steps)}`;
      stairs.setAttribute("d", line);
      area.setAttribute("d", `${line}V${scale.y(0)}Z`);
      dots.setAttribute("d", cuts.map((cut) => `M${scale.x(cut.step)},${scale.y(cut.sparsity)}h0`).join(""));
      cursor.setAttribute("transform", `translate(${scale.x(at)},0)`);
      label.textContent = `step ${number(at)}`;
      for (const [name, [x, y]] of Object.entries(places(curve))) handles[name].setAttribute("transform", `translate(${x},${y})`);
      handles.bend.style.display = curve.end > curve.begin ? "" : "none";
    },
  };
}

// --- picture of the weights ------------------------------------------------------------------------------------

// One square a weight. Only squares that change are touched: dragging stays smooth with thousands of them.
function drawWeights(parent, model) {
  const [ranks, columns] = [model.get("ranks"), model.get("columns")];
  const rows = ranks.length / columns;
  const caption = html("p", { class: "sd-caption" }, parent);
  const root = svg("svg", { role: "img", class: "sd-weights", viewBox: `0 0 ${10 * columns} ${10 * rows}` }, parent);
  root.style.maxWidth = `${Math.max(10 * columns, 220)}px`;
  const squares = new Array(ranks.length);
  ranks.forEach((rank, i) => {
    const [x, y] = [10 * (i % columns) + 1, 10 * Math.floor(i / columns) + 1];
    squares[rank] = svg("rect", { x, y, width: 8, height: 8 }, root);
  });
  let drawn = [];
  return ({ kept, before, total }, at) => {
    squares.forEach((square, rank) => {
      const state = rank < kept ? "sd-kept" : rank < before ? "sd-now" : "sd-gone";
      if (state !== drawn[rank]) square.setAttribute("class", (drawn[rank] = state));
    });
    caption.textContent = `${rows} × ${columns} weights at step ${number(at)}`;
    root.setAttribute("aria-label", `${number(kept)} of ${number(total)} weights stay at step ${number(at)}.`);
  };
}

// --- controls and words ----------------------------------------------------------------------------------------

function drawSliders(parent, model, changed) {
  const [steps, every] = [model.get("steps"), model.get("every")];
  const last = Math.floor(steps / every) * every;
  const ranges = {
    begin: ["First cut", 0, last, every],
    end: ["Last cut", 0, last, every],
    final: ["Final sparsity", 0, MOST, 0.01],
    power: ["Bend (power)", ...POWERS, 0.1],
    at: ["Look at step", 0, last, every],
  };
  const box = html("div", { class: "sd-sliders" }, parent);
  const rows = {};
  for (const [name, [label, min, max, step]] of Object.entries(ranges)) {
    const row = html("label", {}, box);
    html("span", {}, row, label);
    const slider = html("input", { type: "range", min, max, step, ...QUIET }, row);
    rows[name] = { slider, said: html("output", {}, row) };
    slider.addEventListener("input", () => changed(name, slider.valueAsNumber));
  }
  const words = { final: percent, power: (p) => p.toFixed(1), default: (step) => `step ${number(step)}` };
  return (values) => {
    for (const [name, { slider, said }] of Object.entries(rows)) {
      slider.value = values[name];
      said.textContent = (words[name] ?? words.default)(values[name]);
      slider.setAttribute("aria-valuetext", said.textContent);
    }
  };
}

function drawReadouts(parent, model) {
  const titles = { stay: "Stay at this step", last: "Last bite", heal: "Time to heal", budget: "Budget" };
  const tiles = drawTiles(parent, titles);
  const [[stay, stayNote], [last, lastNote], [heal, healNote], [budget, budgetNote]] = Object.values(tiles);
  return (curve, figures) => {
    stay.textContent = number(figures.kept);
    stayNote.textContent = `of ${number(figures.total)}: ${percent(1 - figures.kept / figures.total)} removed`;
    last.textContent = percent(figures.last?.bite ?? 0);
    lastNote.textContent = `of what is left; largest ${percent(figures.largest.bite)}, at step ${number(figures.largest.step)}`;
    heal.textContent = number(model.get("steps") - (figures.last?.step ?? 0));
    const n = figures.cuts.length;
    healNote.textContent = n === 1 ? "steps after the only cut" : `steps after the last of ${n} cuts`;
    budget.textContent = percent(figures.average);
    budgetNote.textContent = "of the weights stay, on average over all steps";
  };
}

function drawCuts(parent) {
  const [details, body] = drawTable(parent, "The cuts as a table", ["Step", "Removed", "Stay", "Bite"]);
  const row = ({ step, sparsity, kept, bite }) => {
    const line = html("tr", {});
    html("th", { scope: "row" }, line, number(step));
    for (const text of [percent(sparsity), number(kept), percent(bite)]) html("td", {}, line, text);
    return line;
  };
  let shown = [];
  const fill = () => details.open && body.replaceChildren(...shown.map(row));
  details.addEventListener("toggle", fill);
  return ({ cuts }) => ((shown = cuts), fill());
}

function drawLegend(parent) {
  const legend = html("p", { class: "cw-legend" }, parent);
  const key = (state, words) => {
    const item = html("span", { class: "cw-key" }, legend);
    svg("rect", { x: 1, y: 1, width: 8, height: 8, class: state }, svg("svg", { viewBox: "0 0 10 10", class: "sd-swatch", "aria-hidden": "true" }, item));
    item.append(words);
  };
  key("sd-kept", "stays");
  key("sd-now", "taken by the latest cut");
  key("sd-gone", "removed before");
  html("span", {}, legend, "Largest magnitudes stay; training would change their order a little.");
}

function sentence(model, curve, at, figures) {
  return (
    `Cuts from step ${number(curve.begin)} to ${number(curve.end)} of ${number(model.get("steps"))}, ` +
    `final sparsity ${percent(curve.final)}, power ${curve.power.toFixed(1)}. At step ${number(at)} ` +
    `${number(figures.kept)} of ${number(figures.total)} weights stay. The last cut takes ` +
    `${percent(figures.last?.bite ?? 0)} of what is left.`
  );
}
