// The brushes, boxes and tables of the mask painter. It stands before painter.js in one module.

// A brush covers all of the tile of its size in which the box lies, so that it paints what the formats count.
function brushesOf(rows, cols, [high, wide]) {
  const all = { "one weight": [1, 1], [`${high} inputs`]: [high, 1], [`${wide} outputs`]: [1, wide] };
  return { ...all, [`block ${high} × ${wide}`]: [high, wide], "whole output": [rows, 1], "whole input": [1, cols] };
}

function drawBrushes(parent, brushes, chosen) {
  const field = html("fieldset", { class: "mp-brushes" }, parent);
  html("legend", {}, field, "Brush");
  const group = `mp-${++painters}`;
  Object.entries(brushes).forEach(([name, size], i) => {
    const radio = html("input", { type: "radio", name: group, ...QUIET }, html("label", {}, field));
    radio.checked = i === 0;
    radio.after(name);
    radio.addEventListener("change", () => chosen(size));
  });
}

// A box for each weight. One of them can be reached with Tab; the arrow keys go on from there.
function drawBoxes(parent, model, paint) {
  const [weights, [high, wide]] = [model.get("weights"), model.get("block")];
  const [rows, cols] = [weights.length, weights[0].length];
  const top = Math.max(...weights.flat()) || 1;
  const words = "The weights: arrow keys move, the space bar removes or brings back what the brush covers";
  const grid = html("div", { class: "mp-grid", role: "group", "aria-label": words, ...QUIET }, parent);
  grid.style.setProperty("--columns", cols);
  const boxes = weights.map((row, r) =>
    row.map((weight, c) => {
      const box = html("button", { type: "button", class: "mp-box", tabindex: r || c ? -1 : 0, ...QUIET }, grid);
      box.style.setProperty("--size", 0.1 + (0.9 * weight) / top);
      box.classList.toggle("mp-below", r % high === 0 && r > 0);
      box.classList.toggle("mp-right", c % wide === 0 && c > 0);
      box.title = `input ${r}, output ${c}: ${weight}`;
      return box;
    }),
  );
  const reach = (r, c) => {
    boxes.flat().forEach((box) => (box.tabIndex = -1));
    boxes[r][c].tabIndex = 0;
    boxes[r][c].focus({ preventScroll: true });
  };
  followKeys(grid, boxes, reach);
  followStrokes(grid, [rows, cols], reach, paint);
  return (keep) =>
    boxes.forEach((row, r) =>
      row.forEach((box, c) => {
        if (box.getAttribute("aria-pressed") === `${keep[r][c]}`) return;
        box.setAttribute("aria-pressed", keep[r][c]);
        box.setAttribute("aria-label", `Input ${r}, output ${c}, ${keep[r][c] ? "kept" : "removed"}`);
      }),
    );
}

function placeOf(boxes, box) {
  const r = boxes.findIndex((row) => row.includes(box));
  return [r, r < 0 ? -1 : boxes[r].indexOf(box)];
}

function followKeys(grid, boxes, reach) {
  const steps = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0], Home: [0, -Infinity], End: [0, Infinity] };
  grid.addEventListener("keydown", (event) => {
    if (!(event.key in steps)) return;
    event.preventDefault();
    event.stopPropagation();
    const [r, c] = placeOf(boxes, event.target.closest(".mp-box"));
    const [down, right] = steps[event.key];
    reach(clamp(r + down, 0, boxes.length - 1), clamp(c + right, 0, boxes[0].length - 1));
  });
}

// The places on the way: a fast hand skips boxes between two events.
function between([r0, c0], [r1, c1]) {
  const steps = Math.max(Math.abs(r1 - r0), Math.abs(c1 - c0));
  const part = (from, to, i) => Math.round(from + ((to - from) * i) / steps);
  return Array.from({ length: steps }, (_, i) => [part(r0, r1, i + 1), part(c0, c1, i + 1)]);
}

// A stroke removes or brings back: whichever the box it begins on needs. Keys and screen readers send a click alone.
function followStrokes(grid, [rows, cols], reach, paint) {
  let [stroke, last, pressed] = [false, null, false];
  const place = (at, length, count) => clamp(Math.floor((at / length) * count), 0, count - 1);
  followPointer(grid, (x, y, down) => {
    const to = [place(y, grid.clientHeight, rows), place(x, grid.clientWidth, cols)];
    if (down) {
      reach(...to);
      [stroke, pressed] = [paint(...to), true];
    } else for (const one of between(last, to)) paint(...one, stroke);
    last = to;
  });
  for (const end of ["pointerup", "pointercancel"]) grid.addEventListener(end, () => setTimeout(() => (pressed = false))); // after its click
  grid.addEventListener("click", (event) => {
    const i = [...grid.children].indexOf(event.target.closest(".mp-box"));
    if (i >= 0 && !pressed) paint(Math.floor(i / cols), i % cols);
  });
}

function drawReadouts(parent) {
  const titles = { kept: "Weights that stay", magnitude: "Magnitude that stays" };
  Object.assign(titles, { inputs: "2 : 4 along the inputs", outputs: "2 : 4 along the outputs", blocks: "Blocks in use" });
  const tiles = drawTiles(parent, titles);
  const say = (name, value, note) => [value, note].forEach((text, i) => (tiles[name][i].textContent = text));
  return ({ size, kept, magnitude, inputs, outputs, blocks }) => {
    say("kept", number(kept), `of ${number(size)}: ${percent(1 - kept / size)} removed`);
    say("magnitude", percent(magnitude), "of the sum of all sizes");
    say("inputs", inputs.over ? "no" : "yes", groupsInWords(inputs));
    say("outputs", outputs.over ? "no" : "yes", groupsInWords(outputs));
    say("blocks", number(blocks.used), `of ${number(blocks.down * blocks.across)}`);
  };
}

function drawFormats(parent, model, figures) {
  const table = html("table", { class: "mp-formats" }, parent);
  html("caption", {}, table, "What each format takes, with values and indices of four bytes");
  const head = html("tr", {}, html("thead", {}, table));
  for (const title of ["format", "bytes", "multipli\u00adcations"]) html("th", { scope: "col" }, head, title);
  const body = html("tbody", {}, table);
  const rows = figures.formats.map((format) => {
    const row = html("tr", {}, body);
    html("th", { scope: "row" }, row, format.name);
    return ["bytes", "products"].map((name) => {
      const cell = html("td", { class: `mp-${name}` }, row);
      return [html("span", {}, cell), html("i", {}, cell)];
    });
  });
  return ({ formats }) => {
    const most = Math.max(...formats.map((format) => format.bytes ?? 0));
    const least = Math.min(...formats.map((format) => format.bytes ?? Infinity));
    formats.forEach(({ bytes, products }, i) => {
      const fill = ([said, bar], value, top, mark = "") => {
        said.textContent = value === undefined ? "not legal" : `${number(value)}${mark}`;
        bar.style.setProperty("--share", value === undefined ? 0 : value / top);
      };
      fill(rows[i][0], bytes, most, bytes === least ? " ◂ fewest" : "");
      fill(rows[i][1], products, Math.max(...formats.map((format) => format.products ?? 0)));
    });
  };
}

function drawMask(parent, model) {
  const [, body] = drawTable(parent, "The mask as a table", ["input", "kept", "outputs that are kept"]);
  const rows = model.get("weights").map((_, r) => {
    const row = html("tr", {}, body);
    html("th", { scope: "row" }, row, `${r}`);
    return [html("td", {}, row), html("td", { class: "mp-list" }, row)];
  });
  return (keep) =>
    rows.forEach(([count, list], r) => {
      count.textContent = keptOf(keep[r]);
      list.textContent = keep[r].flatMap((kept, c) => (kept ? [c] : [])).join(", ") || "none";
    });
}
