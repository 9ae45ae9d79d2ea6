// A mask painted by hand. The browser counts what each pattern of zeros saves; the kernel only keeps the mask.

const [VALUE, INDEX] = [4, 4]; // bytes of a float32, and of an index
const [N, M] = [2, 4]; // the pattern of sparse tensor cores
let painters = 0; // radio buttons are grouped by a name that is global to the page

// --- counting --------------------------------------------------------------------------------------------------

const keptOf = (row) => row.filter(Boolean).length;
const turned = (keep) => keep[0].map((_, c) => keep.map((row) => row[c]));

function blocksOf(keep, [high, wide]) {
  const used = new Set();
  keep.forEach((row, r) => row.forEach((kept, c) => kept && used.add(`${Math.floor(r / high)},${Math.floor(c / wide)}`)));
  return { used: used.size, down: Math.ceil(keep.length / high), across: Math.ceil(keep[0].length / wide) };
}

// How many groups of M neighbours along the rows of a list keep more than N.
function groupsOf(lines) {
  const found = lines.flatMap((line) => {
    const groups = [];
    for (let i = 0; i < line.length; i += M) groups.push(keptOf(line.slice(i, i + M)));
    return groups;
  });
  return { all: found.length, over: found.filter((kept) => kept > N).length };
}

function figuresOf(model, keep) {
  const [weights, block] = [model.get("weights"), model.get("block")];
  const size = keep.length * keep[0].length;
  const kept = sum(keep.map(keptOf));
  const magnitude = sum(weights.map((row, r) => sum(row.filter((_, c) => keep[r][c]))));
  const blocks = blocksOf(keep, block);
  const [inputs, outputs] = [groupsOf(turned(keep)), groupsOf(keep)];
  const whole = sum(weights.map(sum));
  const figures = { size, kept, magnitude: whole ? magnitude / whole : 1, blocks, inputs, outputs };
  figures.formats = formatsOf(figures, keep.length, block);
  return figures;
}

// What each format takes, and what the kernel that reads it multiplies.
function formatsOf({ size, kept, blocks, inputs }, rows, [high, wide]) {
  const area = high * wide;
  const legal = inputs.over === 0;
  return [
    { name: "dense", bytes: size * VALUE, products: size },
    { name: "bitmask", bytes: Math.ceil(size / 8) + kept * VALUE, products: size },
    { name: "CSR", bytes: kept * (VALUE + INDEX) + (rows + 1) * INDEX, products: kept },
    {
      name: `BSR ${high} × ${wide}`,
      bytes: blocks.used * (area * VALUE + INDEX) + (blocks.down + 1) * INDEX,
      products: blocks.used * area,
    },
    // N values of each group, and for each of them two bits that tell its place among the four
    legal
      ? { name: "2 : 4", bytes: inputs.all * N * VALUE + Math.ceil((inputs.all * N * 2) / 8), products: inputs.all * N }
      : { name: "2 : 4" },
  ];
}

// --- words -----------------------------------------------------------------------------------------------------

const groupsInWords = ({ all, over }) =>
  over ? `${over} of ${all} groups of ${M} keep more than ${N}` : `no group of ${M} keeps more than ${N}`;

function sentence(figures) {
  const { size, kept, magnitude, blocks, inputs, formats } = figures;
  const bytes = formats.filter((f) => f.bytes !== undefined).map((f) => `${f.name} ${number(f.bytes)}`);
  return (
    `${number(kept)} of ${number(size)} weights stay, with ${percent(magnitude)} of the magnitude; ` +
    `${blocks.used} of ${blocks.down * blocks.across} blocks in use; along the inputs ${groupsInWords(inputs)}; ` +
    `bytes: ${bytes.join(", ")}`
  );
}

// --- widget ----------------------------------------------------------------------------------------------------

function drawStarts(parent, model, start) {
  const controls = html("div", { class: "cw-controls" }, parent);
  html("span", {}, controls, "Begin with");
  for (const [label, mask] of Object.entries(model.get("starts")))
    html("button", { type: "button", ...QUIET }, controls, label).addEventListener("click", () => start(mask));
}

function render({ model, el }) {
  const unheard = drawProblem(el, model);
  if (!model.get("weights").length) return unheard;

  const copied = (mask) => mask.map((row) => [...row]);
  let [keep, brush, settle] = [copied(model.get("keep")), [1, 1], null];
  const send = every(SEND_EVERY, () => {
    model.set("keep", copied(keep));
    model.save_changes();
  });
  // Returns what the stroke does, so that the rest of it does the same.
  const paint = (r, c, value = !keep[r][c]) => {
    const [top, left] = [r - (r % brush[0]), c - (c % brush[1])];
    for (let i = top; i < Math.min(top + brush[0], keep.length); i++)
      for (let j = left; j < Math.min(left + brush[1], keep[0].length); j++) keep[i][j] = value;
    show();
    send();
    return value;
  };
  const start = (mask) => ((keep = copied(mask)), show(), send());

  const card = html("div", { class: "cw mp" }, el);
  drawStarts(card, model, start);
  const brushes = brushesOf(keep.length, keep[0].length, model.get("block"));
  drawBrushes(card, brushes, (size) => (brush = size));
  const sides = html("div", { class: "mp-sides" }, card);
  const picture = html("div", { class: "mp-picture" }, sides);
  html("span", { class: "mp-across" }, picture, "outputs →");
  html("span", { class: "mp-down" }, picture, "inputs →");
  const parts = [drawBoxes(picture, model, paint)];
  const counts = [drawFormats(html("div", {}, sides), model, figuresOf(model, keep)), drawReadouts(card)];
  const words = "The stronger the colour of a box, the larger the weight; hatched boxes are removed. Drag to paint.";
  html("p", { class: "cw-legend" }, card, words);
  const status = html("div", { role: "status", class: "cw-hidden" }, card);
  parts.push(drawMask(card, model));

  const tell = () => {
    const said = sentence(figuresOf(model, keep));
    if (status.textContent !== said) status.textContent = said;
  };
  const show = () => {
    const figures = figuresOf(model, keep);
    for (const part of parts) part(keep);
    for (const count of counts) count(figures);
    clearTimeout(settle);
    settle = setTimeout(tell, SETTLE);
  };
  const kernelMoved = () => {
    const told = model.get("keep");
    if (told.some((row, r) => row.some((kept, c) => kept !== keep[r][c]))) keep = copied(told);
    show();
  };
  model.on("change:keep", kernelMoved);
  show();
  return () => {
    clearTimeout(settle);
    unheard();
    model.off("change:keep", kernelMoved);
  };
}

export default { render };
