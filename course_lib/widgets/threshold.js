// A histogram with a threshold to drag. Drawn and answered here; the kernel only follows with exact figures.

const HEIGHT = 230;
const MARGIN = { left: 44, right: 16, top: 26, bottom: 34 };
let pictures = 0; // SVG ids are global to the page

// --- figures ---------------------------------------------------------------------------------------------------

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

// --- widget ----------------------------------------------------------------------------------------------------

function drawFrame(model, el) {
  const card = html("div", { class: "cw th" }, el);
  const root = svg("svg", { role: "img", class: "th-plot" }, card);
  const top = model.get("top");
  const label = html("label", { class: "th-slider" }, card);
  html("span", {}, label, "Threshold");
  const slider = html("input", { type: "range", min: 0, max: top, step: top / 1000, ...QUIET }, label);
  const readouts = drawReadouts(card, model);
  const legend = html("p", { class: "cw-legend" }, card);
  drawKey(legend, "", "kept");
  drawKey(legend, "cw-hatched", "removed (hatched): magnitude up to the threshold");
  if (!model.get("live")) html("span", { class: "cw-static" }, legend, "Without a kernel, ≈ marks an estimate.");
  const status = html("div", { role: "status", class: "cw-hidden" }, card);
  drawLevels(card, model);
  return { card, root, slider, readouts, status };
}

function render({ model, el }) {
  const unheard = drawProblem(el, model);
  if (!model.get("counts").length) return unheard;

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
    unheard();
    model.off("change:threshold", kernelMoved);
    model.off("change:exact", show);
  };
}

export default { render };
