// The strip, rows, tables and starts of the layer budgets. It stands before budgets.js in one module.

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
  const titles = { kept: "Weights that stay", rest: "Rest of the budget" };
  if (model.get("curves").length) titles.accuracy = "Accuracy";
  const { kept: [kept, keptNote], rest: [rest, restNote], accuracy: [accuracy, accuracyNote] = [] } = drawTiles(parent, titles);
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

function drawLayers(parent, model, labels) {
  const [, body] = drawTable(parent, "The same as a table", ["Layer", "Weights", "Removed", "Stay"]);
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
  const legend = html("p", { class: "cw-legend" }, parent);
  drawKey(legend, "cw-hatched", "removed (hatched)");
  drawKey(legend, "", "stays");
  if (!model.get("curves").length) return;
  const words = "≈ is an estimate: each layer alone, the losses multiplied.";
  html("span", { class: "cw-static" }, legend, model.get("live") ? words : `Without a kernel, ${words}`);
}

function drawStarts(parent, model, start) {
  const controls = html("div", { class: "cw-controls" }, parent);
  for (const [label, shares] of Object.entries(model.get("starts")))
    html("button", { type: "button", ...QUIET }, controls, label).addEventListener("click", () => start(shares));
  const pay = html("input", { type: "checkbox", ...QUIET }, html("label", {}, controls));
  pay.checked = true;
  pay.after("The other layers pay");
  return pay;
}
