// The histogram and the words of the threshold widget. It stands before threshold.js in one module.

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

function drawLevels(parent, model) {
  const levels = model.get("levels");
  const names = Object.keys(FIGURES).filter((name) => levels[name]);
  const [, body] = drawTable(parent, "The same as a table", ["Threshold", ...names.map((name) => FIGURES[name].name)]);
  levels.threshold.forEach((threshold, i) => {
    const row = html("tr", {}, body);
    html("th", { scope: "row" }, row, readable(threshold, model.get("top")));
    for (const name of names) html("td", {}, row, FIGURES[name].format(levels[name][i]));
  });
}

function drawReadouts(parent, model) {
  const levels = model.get("levels");
  const measured = Object.entries(FIGURES).filter(([name]) => levels[name]);
  const tiles = drawTiles(parent, Object.fromEntries(measured.map(([name, { name: title }]) => [name, title])));
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
    for (const [name, [value, note]] of Object.entries(tiles)) {
      value.textContent = (exact ? "" : "≈ ") + FIGURES[name].format(figures[name]);
      note.textContent = notes[name]();
    }
  };
}
