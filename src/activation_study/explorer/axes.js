// Frame, ticks and labels of a chart, drawn at its real width, so that type keeps its size on a phone.

function axes(svg, x, y, { width, height, left, bottom, top, xLabel, yLabel, xFormat, yFormat, xTicks }) {
  const base = height - bottom;
  for (const tick of y.ticks) {
    const at = y.place(tick);
    svg.append(shape("line", { x1: left, x2: width - 8, y1: at, y2: at, class: "grid" }),
      shape("text", { x: left - 6, y: at + 4, "text-anchor": "end" }, yFormat(tick)));
  }
  let end = -Infinity;
  for (const tick of xTicks || x.ticks) {
    const at = x.place(tick), text = xFormat(tick), half = 4 * text.length;
    if (at - half < end) continue;
    end = at + half + 4;
    svg.append(shape("line", { x1: at, x2: at, y1: base, y2: base + 4, class: "frame" }),
      shape("text", { x: at, y: base + 17, "text-anchor": "middle" }, text));
  }
  svg.append(shape("line", { x1: left, x2: width - 8, y1: base, y2: base, class: "frame" }),
    shape("text", { x: width - 8, y: height - 4, "text-anchor": "end", class: "label" }, xLabel),
    shape("text", { x: 2, y: top - 10, class: "label" }, yLabel));
}
