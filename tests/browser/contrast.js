// The lowest contrast ratio (WCAG 2) of text against what lies behind it. Colours go through a canvas, which
// understands every notation CSS has.
(selector) => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const over = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
    }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (element) => {
    const grounds = [];
    for (let e = element; e; e = e.parentElement) grounds.unshift(getComputedStyle(e).backgroundColor);
    const style = getComputedStyle(element);
    const svg = element instanceof SVGElement;
    const ink = svg ? `color-mix(in srgb, ${style.fill} ${100 * style.fillOpacity}%, transparent)` : style.color;
    const [a, b] = [luminance(over(["white", ...grounds])), luminance(over(["white", ...grounds, ink]))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const found = [...document.querySelectorAll(selector)].filter((e) => e.textContent.trim() && e.checkVisibility());
  if (!found.length) throw new Error(`Nothing to see matches ${selector}`);
  return Math.min(...found.map(ratio));
};
