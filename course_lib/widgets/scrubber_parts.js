// The pictures and controls of the step scrubber. It stands before scrubber.js in one module.

// --- picture of the run ----------------------------------------------------------------------------------------

function seriesOf(run, total) {
  const at = (values) => values.flatMap((value, i) => (value === null ? [] : [[run.steps[i], value]]));
  const masked = run.which.map((cut) => 1 - sum(run.cuts[cut].kept) / total);
  return { asked: at(run.asked), masked: at(masked), zeros: at(run.zeros), accuracy: at(run.accuracy) };
}

// Everything that depends on the run and the width; returns how to move the cursor, and the step at a place.
function drawPlot(root, model, run, width) {
  const last = Math.max(1, run.steps.at(-1));
  const inner = width - MARGIN.left - MARGIN.right;
  const x = (step) => MARGIN.left + (inner * step) / last;
  const y = (share) => HEIGHT - MARGIN.bottom - (HEIGHT - MARGIN.top - MARGIN.bottom) * share;
  root.replaceChildren();
  root.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  root.setAttribute("height", HEIGHT);
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    svg("line", { x1: MARGIN.left, x2: width - MARGIN.right, y1: y(share), y2: y(share), class: share ? "ss-grid" : "ss-axis" }, root);
    svg("text", { x: MARGIN.left - 6, y: y(share) + 4, "text-anchor": "end" }, root).textContent = `${100 * share}\u00a0%`;
  }
  const raw = last / Math.max(2, width / 90);
  const power = 10 ** Math.floor(Math.log10(raw));
  const apart = Math.max(1, power * [1, 2, 5, 10].find((m) => m * power >= raw));
  for (let step = 0; step <= last; step += apart)
    svg("text", { x: x(step), y: y(0) + 17, "text-anchor": "middle" }, root).textContent = number(step);
  svg("text", { x: width - MARGIN.right, y: HEIGHT - 3, "text-anchor": "end" }, root).textContent = "training step";
  for (const [name, points] of Object.entries(seriesOf(run, sum(model.get("layers").map(weights))))) {
    const steps = name === "masked" ? ([a, b]) => `H${x(a)}V${y(b)}` : ([a, b]) => `L${x(a)},${y(b)}`;
    if (!points.length) continue;
    const start = `M${x(points[0][0])},${y(points[0][1])}`;
    svg("path", { class: `ss-line ss-${name}`, d: start + points.slice(1).map(steps).join("") }, root);
  }
  const cursor = svg("g", { class: "ss-cursor" }, root);
  svg("line", { y1: MARGIN.top - 4, y2: y(0) }, cursor);
  const label = svg("text", { y: MARGIN.top - 9, "text-anchor": "middle" }, cursor);
  return {
    step: (place) => ((place - MARGIN.left) / inner) * last,
    move(step) {
      cursor.setAttribute("transform", `translate(${x(step)},0)`);
      label.setAttribute("x", Math.max(0, 30 - x(step)) - Math.max(0, x(step) + 30 - width));
      label.textContent = `step ${number(step)}`;
    },
  };
}

// --- pictures of the masks -------------------------------------------------------------------------------------

const decoded = new WeakMap(); // a set of masks → bytes by layer
function bytesOf(masks, i) {
  if (!decoded.has(masks)) decoded.set(masks, masks.bits.map((bits) => Uint8Array.from(atob(bits), (c) => c.charCodeAt(0))));
  return decoded.get(masks)[i];
}
const bit = (bytes, i) => (bytes[i >> 3] >> (7 - (i & 7))) & 1;

// A dot a weight: kept, gone at the last change, or nothing where it went before.
function drawMasks(parent, model) {
  const pictures = model.get("layers").map((layer) => {
    const figure = html("figure", {}, parent);
    const caption = html("figcaption", {}, figure);
    html("span", { class: "ss-name" }, caption, layer.name);
    const said = html("span", {}, caption);
    const canvas = html("canvas", { role: "img", width: layer.columns, height: layer.rows }, figure);
    canvas.style.maxWidth = `${Math.max(8 * layer.columns, 160)}px`;
    return { layer, said, canvas, drawn: null };
  });
  return ({ now, before }) =>
    pictures.forEach((picture, i) => {
      if (picture.drawn === now) return;
      picture.drawn = now;
      const { layer, said, canvas } = picture;
      const [bytes, old] = [bytesOf(now, i), bytesOf(before, i)];
      const image = new ImageData(layer.columns, layer.rows);
      const pixels = new Uint32Array(image.data.buffer);
      for (let i = 0; i < pixels.length; i++) pixels[i] = bit(bytes, i) ? KEPT : bit(old, i) ? CUT : GONE;
      const gone = pixels.reduce((count, pixel) => count + (pixel === CUT), 0);
      canvas.getContext("2d").putImageData(image, 0, 0);
      const words = `${number(now.kept[i])} of ${number(weights(layer))} stay, ${number(gone)} went at the last change`;
      said.textContent = `${layer.shape}${layer.turned ? " (turned)" : ""}: ${words}`;
      canvas.setAttribute("aria-label", `Mask of ${layer.name}: ${words}.`);
    });
}

// --- controls and words ----------------------------------------------------------------------------------------

function drawRuns(parent, runs, chosen) {
  const field = html("fieldset", { class: "ss-runs" }, parent);
  html("legend", {}, field, "Recorded run");
  const group = `ss-${++scrubbers}`;
  const radios = runs.map(({ label }, i) => {
    const radio = html("input", { type: "radio", name: group, ...QUIET }, html("label", {}, field));
    radio.after(label);
    radio.addEventListener("change", () => chosen(i));
    return radio;
  });
  return (run) => (radios[run].checked = true);
}

function drawControls(parent, moveTo, jump) {
  const box = html("div", { class: "cw-controls" }, parent);
  const label = html("label", {}, box);
  html("span", {}, label, "Training step");
  const slider = html("input", { type: "range", min: 0, step: 1, ...QUIET }, label);
  slider.addEventListener("input", () => moveTo(slider.valueAsNumber));
  const names = { "-1": "Previous change", 1: "Next change" };
  const buttons = ["-1", "1"].map((way) => {
    const button = html("button", { type: "button", ...QUIET }, box, names[way]);
    button.addEventListener("click", () => jump(Number(way)));
    return button;
  });
  return (run, at, words) => {
    slider.max = run.steps.length - 1;
    slider.value = at;
    slider.setAttribute("aria-valuetext", words);
    buttons.forEach((button, i) => button.setAttribute("aria-disabled", target(run, at, i ? 1 : -1) === undefined));
  };
}

// The frame at which the masks change next, or changed last.
function target(run, at, way) {
  const changes = run.which.flatMap((cut, i) => (i && cut !== run.which[i - 1] ? [i] : []));
  return way > 0 ? changes.find((i) => i > at) : changes.findLast((i) => i < at);
}

function drawReadouts(parent) {
  const tiles = Object.entries(drawTiles(parent, LINES));
  for (const [name, [value]] of tiles) {
    const line = svg("svg", { width: 26, height: 10, "aria-hidden": "true" });
    svg("path", { d: "M0,5H26", class: `ss-line ss-${name}` }, line);
    value.previousElementSibling.prepend(line);
  }
  const note = html("p", { class: "cw-note" }, parent);
  return (run, figures) => {
    for (const [name, [value]] of tiles) value.textContent = shown(figures[name]);
    const all = run.cuts.length - 1;
    note.textContent = all ? `${cuts(figures.cut)} so far, ${number(all)} in the whole run.` : "The masks never change in this run.";
  };
}

function drawCuts(parent, model) {
  const layers = model.get("layers").map(({ name }) => `stay in ${name}`);
  const heads = ["step", "asked for", "masked", ...layers, "accuracy"];
  const [, body] = drawTable(parent, "The changes of the masks as a table", heads);
  return (run) => {
    body.replaceChildren();
    run.cuts.forEach((_, cut) => {
      const figures = figuresOf(model, run, run.which.indexOf(cut));
      const row = html("tr", {}, body);
      html("th", { scope: "row" }, row, number(figures.step));
      const cells = [shown(figures.asked), shown(figures.masked), ...figures.now.kept.map(number), shown(figures.accuracy)];
      for (const text of cells) html("td", {}, row, text);
    });
  };
}
