// A chart of lines: series of points, with bands or bars for their intervals, a cursor, a table, and arrow keys.
//
// spec: { x: { label, format, log, ticks }, y: { label, format, log, within }, cursor, pick(x), bars, empty, series: [
//   { name, color, dashes, dotted, points: [{ x, y, low, high }] }] }; it is as wide as the figure's `width`.

function drawLines(figure, spec) {
  const host = hostOf(figure, "svg");
  figure.spec = spec;
  const { width } = figure, height = Math.round(Math.min(300, Math.max(220, width * 0.55)));
  const left = 52, bottom = 36, top = 26;
  const points = spec.series.flatMap((one) => one.points.filter((point) => Number.isFinite(point.y)));
  const ends = spec.y.log ? [] : points.flatMap((point) => [point.low, point.high]);
  const within = spec.y.log ? lastDecades(points.map((point) => point.y)) : spec.y.within || null;
  const y = scaleOf(points.map((point) => point.y).concat(ends), { log: spec.y.log, within }, height - bottom, top);
  const xs = [...new Set(spec.series.flatMap((one) => one.points.map((point) => point.x)))].sort((a, b) => a - b);
  const x = scaleOf(xs, { log: spec.x.log }, left + 6, width - 16);
  const svg = shape("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  if (points.length) axes(svg, x, y, { width, height, left, bottom, top, xLabel: spec.x.label, yLabel: spec.y.label,
    xFormat: spec.x.format || plain, yFormat: spec.y.format === percent ? (value) => plain(100 * value) : spec.y.format || plain, xTicks: spec.x.ticks });
  if (!points.length) svg.append(shape("text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, spec.empty || "nothing was measured here"));
  if (spec.cursor !== undefined && points.length) {
    svg.append(shape("line", { x1: x.place(spec.cursor), x2: x.place(spec.cursor), y1: top, y2: height - bottom, class: "cursor" }));
  }
  const inside = (value) => Math.min(Math.max(y.place(value), top - 4), height - bottom + 2);
  for (const one of spec.series) svg.append(...marks(one, x, inside, spec));
  host.replaceChildren(svg);
  beside(figure, () => lineTable(figure));
  listen(figure, host, {
    move: (dx, dy) => moveLine(figure, xs, dx, dy),
    click: (at) => spec.pick && xs.length && spec.pick(xs.reduce((best, value) => (Math.abs(x.place(value) - at * width) < Math.abs(x.place(best) - at * width) ? value : best))),
  });
}

// Of what vanished further than ten decades below the largest, only the edge is drawn.
function lastDecades(values) {
  const known = values.filter((value) => value > 0);
  if (!known.length) return null;
  const high = Math.max(...known) * 1.5;
  return [Math.max(Math.min(...known) / 1.5, high / 1e10), high];
}

function marks(one, x, inside, spec) {
  const found = [], known = one.points.filter((point) => Number.isFinite(point.y));
  const banded = known.filter((point) => Number.isFinite(point.low));
  const at = (point, value) => `${x.place(point.x).toFixed(1)},${inside(value).toFixed(1)}`;
  if (!spec.bars && banded.length > 1) {
    const around = [...banded.map((point) => at(point, point.high)), ...banded.reverse().map((point) => at(point, point.low))];
    found.push(shape("polygon", { points: around.join(" "), fill: one.color, class: "band" }));
  }
  found.push(shape("polyline", { points: known.map((point) => at(point, point.y)).join(" "), stroke: one.color,
    "stroke-dasharray": one.dashes || null, class: one.dotted ? "line dotted" : "line" }));
  if (spec.bars) for (const point of banded) {
    const place = x.place(point.x);
    found.push(shape("line", { x1: place, x2: place, y1: inside(point.low), y2: inside(point.high), stroke: one.color, class: "bar" }));
  }
  if (spec.bars || known.length < 2) {
    for (const point of known) found.push(shape("circle", { cx: x.place(point.x), cy: inside(point.y), r: 3.5, fill: one.color }));
  }
  return found;
}

function lineTable(figure) {
  const { spec } = figure, format = spec.y.exact || spec.y.format || plain;
  const rows = spec.series.flatMap((one) => one.points.map((point) => [one.name, (spec.x.format || plain)(point.x), format(point.y),
    Number.isFinite(point.low) ? `${format(point.low)} to ${format(point.high)}` : "–"]));
  return tableOf(figure.dataset.title, ["line", spec.x.label, spec.y.label, "95 % interval"], rows);
}

// Arrow keys: left and right along a line, which moves the cursor where there is one; up and down from line to line.
function moveLine(figure, xs, dx, dy) {
  const { spec } = figure, at = (figure.at ||= { series: 0, x: 0 });
  if (!spec.series.length) return;
  if (spec.cursor !== undefined) at.x = xs.indexOf(xs.reduce((best, value) => (Math.abs(value - spec.cursor) < Math.abs(best - spec.cursor) ? value : best), xs[0]));
  at.series = (at.series + dy + spec.series.length) % spec.series.length;
  at.x = Math.min(Math.max(at.x + dx, 0), xs.length - 1);
  const one = spec.series[at.series], x = xs[at.x], point = one.points.find((some) => some.x === x);
  const format = spec.y.exact || spec.y.format || plain;
  if (dx && spec.pick) spec.pick(x);
  spoken(`${one.name}, ${spec.x.label} ${(spec.x.format || plain)(x)}, ${spec.y.label} ${point ? format(point.y) : "–"}`);
}

// The part of a figure that takes the focus; it stays when what is in it is drawn anew.
function hostOf(figure, kind) {
  let host = figure.querySelector(":scope > .chart");
  if (!host) {
    host = element("div", { class: `chart ${kind}`, tabindex: "0", role: "application", "aria-roledescription": "chart",
      "aria-label": `${figure.dataset.title}. Arrow keys move through it; the table below has all numbers.` });
    figure.append(host);
  }
  return host;
}

// `move` takes steps to the right and down, `click` where it was, from 0 to 1.
function listen(figure, host, actions) {
  figure.actions = actions;
  if (figure.listens) return;
  figure.listens = true;
  host.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!move) return;
    event.preventDefault();
    figure.actions.move(...move);
  });
  host.addEventListener("click", (event) => {
    const box = host.getBoundingClientRect();
    figure.actions.click((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  });
}
