// The boxes, tables and controls of the channel picker. It stands before channels.js in one module.

function drawCriteria(parent, model, chosen) {
  const names = Object.keys(model.get("scores"));
  const field = html("fieldset", { class: "cp-criteria" }, parent);
  html("legend", {}, field, "Fill the boxes by");
  const group = `cp-${++pickers}`;
  names.forEach((name, i) => {
    const radio = html("input", { type: "radio", name: group, ...QUIET }, html("label", {}, field));
    radio.checked = i === 0;
    radio.after(name);
    radio.addEventListener("change", () => chosen(name));
  });
  return names[0];
}

// One row of boxes. One of them can be reached with Tab; the arrow keys go on from there, as in a toolbar.
function drawBoxes(parent, label, count, toggle) {
  const words = `Channels of ${label}: arrow keys move, the space bar removes or brings back`;
  const strip = html("div", { class: "cp-strip", role: "group", "aria-label": words }, parent);
  const boxes = Array.from({ length: count }, (_, i) => {
    const box = html("button", { type: "button", class: "cp-box", tabindex: i ? -1 : 0, ...QUIET }, strip);
    html("i", {}, box);
    box.addEventListener("click", () => (reach(i), toggle(i)));
    return box;
  });
  const reach = (i) => {
    boxes.forEach((box, j) => (box.tabIndex = i === j ? 0 : -1));
    boxes[i].focus();
  };
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity };
  strip.addEventListener("keydown", (event) => {
    if (!(event.key in steps)) return;
    event.preventDefault();
    event.stopPropagation();
    const at = boxes.indexOf(event.target.closest(".cp-box")) + steps[event.key];
    reach(Math.min(count - 1, Math.max(0, at)));
  });
  return (row, scores) => {
    const top = Math.max(...scores) || 1;
    boxes.forEach((box, i) => {
      box.setAttribute("aria-pressed", row[i]);
      box.setAttribute("aria-label", `Channel ${i}, score ${percent(scores[i] / top, 0)} of the best, ${row[i] ? "kept" : "removed"}`);
      box.title = `channel ${i}`;
      box.style.setProperty("--score", Math.max(0, scores[i] / top));
    });
  };
}

function drawRow(parent, group, toggle, keepBest) {
  const row = html("div", { class: "cp-row" }, parent);
  const head = html("div", { class: "cp-head" }, row);
  html("span", { class: "cp-name" }, head, group.name);
  const said = html("span", { class: "cp-said" }, head);
  const attributes = { type: "range", min: 1, max: group.channels, step: 1, "aria-label": `Best channels of ${group.name} kept`, ...QUIET };
  const slider = html("input", attributes, head);
  slider.addEventListener("input", () => keepBest(slider.valueAsNumber));
  const boxes = drawBoxes(row, group.name, group.channels, toggle);
  return (keep, scores, words) => {
    const kept = keptOf(keep);
    said.textContent = `${kept} of ${group.channels} stay`;
    slider.value = kept;
    slider.setAttribute("aria-valuetext", `${kept} of ${group.channels} channels of ${group.name} stay; ${words}`);
    boxes(keep, scores);
  };
}

function drawReadouts(parent, model) {
  const titles = { parameters: "Parameters", macs: "MACs an image", time: "Time", accuracy: "Accuracy" };
  const { time: [time, timeNote], accuracy: [accuracy, accuracyNote], ...counts } = drawTiles(parent, titles);
  return ({ now, whole, measured, time: share }) => {
    for (const [name, [value, note]] of Object.entries(counts)) {
      value.textContent = percent(now[name] / whole[name], 0);
      note.textContent = `${number(now[name])} of ${number(whole[name])}`;
    }
    time.textContent = share === undefined ? "–" : `${measured ? "" : "≈\u00a0"}${percent(share, 0)}`;
    const images = `${model.get("images")} images`;
    timeNote.textContent = measured ? `${millis(measured.seconds)} of ${millis(measured.whole)}, ${images}` : `of the whole, ${images}`;
    accuracy.textContent = measured ? percent(measured.accuracy, 1) : "–";
    accuracyNote.textContent = measured ? "measured, without further training" : model.get("live") ? "press Measure" : "needs a kernel";
  };
}

function drawGroups(parent, model) {
  const [, body] = drawTable(parent, "The same as a table", ["Group", "Channels", "Kept", "Removed channels"]);
  const rows = model.get("groups").map(({ name, channels }) => {
    const row = html("tr", {}, body);
    html("th", { scope: "row" }, row, name);
    html("td", {}, row, number(channels));
    return [html("td", {}, row), html("td", { class: "cp-gone" }, row)];
  });
  return (keep) =>
    rows.forEach(([kept, gone], g) => {
      kept.textContent = keptOf(keep[g]);
      gone.textContent = keep[g].flatMap((k, i) => (k ? [] : [i])).join(", ") || "none";
    });
}

function drawControls(parent, model, reset) {
  const controls = html("div", { class: "cw-controls" }, parent);
  const measure = html("button", { type: "button", class: "cp-measure", ...QUIET }, controls, "Measure");
  measure.hidden = !model.get("live");
  html("button", { type: "button", ...QUIET }, controls, "Bring all back").addEventListener("click", reset);
  const words = model.get("live") ? "" : "Without a kernel, the time is an estimate (≈). ";
  const legend = html("span", { class: "cw-note" }, controls, `${words}Hatched: removed. ≈: estimated from a few networks that were timed.`);
  return { measure, legend };
}
