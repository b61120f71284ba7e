// What each chart shows of a selection.

const figureOf = (id) => document.getElementById(id);

// Reads all widths before anything is drawn: to read one after a change makes the browser lay out the page in between.
function measure() {
  for (const figure of document.querySelectorAll("figure[id]")) figure.width = Math.max(260, figure.clientWidth);
}

function colors(study) {
  const theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  return (label) => (study.palette[label] || { light: "#444444", dark: "#cccccc" })[theme];
}

// What draws, where it begins, and the choices that it depends on beside those of the networks.
const NETWORKS = ["dataset", "network", "depth", "rate", "seeds", "off"];
const DRAWN = [[drawDifferences, "verdict", ["reference"]], [drawDepths, "depths", []], [drawSummary, "summary", []],
  [drawCurves, "curves", ["value", "split", "epoch", "reference"]], [drawLayers, "gradients", ["epoch", "layer"]],
  [drawMaps, "maps", ["epoch", "layer"]], [drawCommands, "commands", []]];
const drawnOf = new Map(); // for each of them, those choices when it drew last

// Draws what has changed: what is in the window at once, the rest frame by frame; all of it, and at once, where the page
// itself has changed, its width or its theme. Until all is drawn the page says so, as data-drawing.
function drawAll(view, change, isAnew) {
  const color = colors(view.study), root = document.documentElement;
  if (isAnew) drawnOf.clear();
  const due = DRAWN.map(([draw, id, keys]) => ({ draw, id, choices: JSON.stringify([...NETWORKS, ...keys].map((key) => view.state[key])) }))
    .filter(({ draw, choices }) => drawnOf.get(draw) !== choices);
  const isSeen = ({ id }) => {
    const { top, bottom } = figureOf(id).getBoundingClientRect();
    return isAnew || (top < innerHeight && bottom > 0);
  };
  const seen = due.filter(isSeen), rest = due.filter((one) => !seen.includes(one));
  const drawn = ({ draw, choices }) => { draw(view, color, change); drawnOf.set(draw, choices); };
  const goOn = () => {
    root.toggleAttribute("data-drawing", rest.length > 0);
    if (rest.length) drawAll.later = requestAnimationFrame(() => { drawn(rest.shift()); goOn(); });
  };
  cancelAnimationFrame(drawAll.later);
  seen.forEach(drawn);
  goOn();
}

function drawCommands(view) {
  figureOf("commands").textContent = commandsOf(view).join("\n") || "nothing is chosen";
}

function drawCurves(view, color, change) {
  if (view.state.value === "difference") return drawCurvesLess(view, color, change);
  const { group, state, study } = view, name = `${state.split} ${state.value}`, isShare = state.value === "accuracy";
  const points = (label, i) => over(view, view.chosen[label], `${name} ${i}`, (k) => curveValue(study, group, name, k, i), isShare ? { within: [0, 1] } : {});
  drawLines(titled("curves", `${OF_SPLIT[state.split]} ${state.value} by epoch`), {
    x: { label: "epoch", format: rounded }, cursor: state.epoch, pick: (epoch) => change({ epoch: nearest(view.moments.length ? view.moments : group.epochs, epoch) }),
    y: isShare ? { label: "accuracy, %", format: percent } : { label: "loss, nats", format: power },
    series: seriesOf(view, color, group.epochs, points),
  });
}

const OF_SPLIT = { valid: "Validation", train: "Training" };

// Accuracies less the reference's, paired by seed: curves that lie on one another come apart.
function drawCurvesLess(view, color, change) {
  const { group, state, study, reference } = view, name = `${state.split} accuracy`, { seed } = group.replicas;
  const theirs = new Map((view.chosen[reference] || []).map((k) => [seed[k], k]));
  const less = (k, i) => (theirs.has(seed[k]) ? curveValue(study, group, name, k, i) - curveValue(study, group, name, theirs.get(seed[k]), i) : NaN);
  const series = seriesOf(view, color, group.epochs, (label, i) =>
    over(view, view.chosen[label], `${name} ${i} less ${reference}`, (k) => less(k, i), { within: [-1, 1] }));
  const ends = (one) => one.points.flatMap((point) => [point.low, point.high, point.y]).filter(Number.isFinite);
  const near = withoutFar(series, ends), reach = near.flatMap(ends), isCut = near.length < series.length;
  drawLines(titled("curves", `${OF_SPLIT[state.split]} accuracy by epoch, less that of ${reference || "–"}`), {
    x: { label: "epoch", format: rounded }, cursor: state.epoch, pick: (epoch) => change({ epoch: nearest(view.moments.length ? view.moments : group.epochs, epoch) }),
    y: { label: isCut ? "points; what is beyond the edge is drawn at it" : "points", format: percent, within: reach.length ? [Math.min(...reach), Math.max(...reach)] : null, exact: points }, series,
  });
}

function titled(id, title) {
  const figure = figureOf(id);
  figure.dataset.title = title;
  figure.querySelector("figcaption").textContent = title;
  return figure;
}

function drawMaps(view, color, change) {
  const { state, moments } = view, numbers = layersOf(view), host = figureOf("maps");
  const variants = numbers.length ? view.variants : [];
  const grids = variants.map((name) => moments.map((_, moment) => numbers.map((layer) =>
    layerMean(view, view.chosen[name], "grad_norm", moment, layer, { log: true }).value)));
  const known = grids.flat(2).filter((value) => value > 0), high = Math.log(known.length ? Math.max(...known) : 1);
  const scale = { low: Math.max(Math.log(known.length ? Math.min(...known) : 0.1), high - Math.log(1e10)), high };
  const kept = new Map([...host.children].map((figure) => [figure.dataset.title, figure]));
  const figures = variants.map((name) => kept.get(name) || element("figure", { "data-title": name }, element("figcaption", {}, name)));
  if (figures.some((figure, i) => host.children[i] !== figure) || host.children.length !== figures.length) host.replaceChildren(...figures);
  variants.forEach((name, i) => drawMap(figures[i], {
    moments, layers: numbers.length, scale, value: (moment, layer) => grids[i][moment][layer - 1],
    cursor: { moment: view.moment, layer: Math.min(state.layer, numbers.length) },
    pick: (moment, layer) => change({ epoch: moments[moment], layer: Math.min(layer, state.depth) }),
  }));
  figureOf("maps-scale").textContent = variants.length
    ? `Layer 1, at the input, is lowest, the output layer highest; epochs go to the right. Dark: ${power(Math.exp(scale.low))} and below, bright: ${power(Math.exp(scale.high))}.`
    : "Nothing was measured by layer in these runs.";
}

function drawLayers(view, color, change) {
  const { group, study, state, moment } = view, numbers = layersOf(view), hidden = numbers.slice(0, -1);
  const when = `epoch ${rounded(state.epoch)}`;
  const along = (quantity, xs, options) => seriesOf(view, color, xs, (name, i) =>
    layerMean(view, view.chosen[name], quantity, moment, xs[i], options));
  const draw = (id, title, y, series, xs = hidden) => drawLines(titled(id, title), {
    x: { label: xs === numbers ? "layer (last: output)" : "hidden layer", ticks: xs }, y, series, cursor: Math.min(state.layer, xs.length || 1),
    pick: (layer) => change({ layer: Math.min(layer, state.depth) }),
  });
  draw("gradients", `Gradient norm by layer, ${when}`, { label: "gradient norm", log: true, format: power }, along("grad_norm", numbers, { log: true }), numbers);
  draw("saturation", `Saturated units by layer, ${when}`, { label: "% of units", format: percent, within: [0, 1] }, along("saturated", hidden, { within: [0, 1] }));
  draw("dead", `Units no validation image activates, ${when}`, { label: "% of units", format: percent, within: [0, 1] }, along("dead", hidden, { within: [0, 1] }));
  draw("mean", `Mean activation by layer, ${when}`, { label: "mean of f(z)", format: power }, along("mean", hidden, {}));
  const top = hidden.length, error = (k, layer) => layerValue(study, group, "error_rms", k, moment, layer);
  const relative = seriesOf(view, color, hidden, (name, i) =>
    over(view, view.chosen[name], `error ${moment} ${hidden[i]}`, (k) => error(k, hidden[i]) / error(k, top), { log: true }));
  const theory = view.variants.filter((name) => group.theory[name]).map((name) => ({ name: `${name}, theory before training`, color: color(name),
    dotted: true, points: hidden.map((layer) => ({ x: layer, y: group.theory[name] ** (top - layer) })) }));
  draw("errors", `Back-propagated error over the last hidden layer's, ${when}`, { label: "RMS error, ratio", log: true, format: power }, [...relative, ...theory]);
}

function drawDepths(view, color, change) {
  const { group, state } = view;
  const byDepth = group.depths.map((depth) => view.at(depth));
  const points = (name, i) => over(view, byDepth[i][name] || [], "test", (k) => group.replicas.test[k] ?? NaN, { within: [0, 1] });
  drawLines(titled("depths", "Test accuracy against depth"), {
    x: { label: "hidden layers", log: group.depths[0] > 0, ticks: group.depths }, bars: true, cursor: state.depth, pick: (depth) => change({ depth }, true),
    y: { label: "test accuracy, %", format: percent, exact: (value) => (100 * value).toFixed(2) }, series: seriesOf(view, color, group.depths, points),
  });
}

function drawDifferences(view) {
  const { rows, sentences } = conclusionsOf(view), host = titled("differences", `Test accuracy at depth ${view.state.depth}, less that of ${view.reference || "–"}`);
  figureOf("verdict").replaceChildren(...sentences.map((sentence) => element("li", {}, sentence)));
  const chart = hostOf(host, "svg"), { width } = host, left = Math.min(150, width / 3), line = 24;
  host.rows = rows;
  const height = 46 + line * Math.max(rows.length, 1);
  const shown = withoutFar(rows), x = scaleOf(shown.flatMap(endsOf).concat(0), {}, left, width - 20);
  const svg = shape("svg", { width, height, "aria-hidden": "true" });
  for (const tick of x.ticks) svg.append(shape("line", { x1: x.place(tick), x2: x.place(tick), y1: 6, y2: height - 34, class: tick ? "grid" : "frame" }),
    shape("text", { x: x.place(tick), y: height - 20, "text-anchor": "middle" }, plain(100 * tick)));
  rows.forEach((row, i) => {
    const y = 18 + i * line, color = colors(view.study)(row.variant);
    svg.append(shape("text", { x: 2, y: y + 4 }, row.variant.length > 20 ? `${row.variant.slice(0, 19)}…` : row.variant));
    if (!shown.includes(row)) return svg.append(...arrow(row, y, color, left, width - 20));
    if (hasInterval(row)) svg.append(shape("line", { x1: x.place(row.low), x2: x.place(row.high), y1: y, y2: y, stroke: color, class: "bar" }));
    if (Number.isFinite(row.difference)) svg.append(shape("circle", { cx: x.place(row.difference), cy: y, r: 4, fill: color }));
  });
  svg.append(shape("text", { x: width - 8, y: height - 4, "text-anchor": "end", class: "label" }, `points, joint 95 % intervals${rows.some((row) => row.lost) ? "; none where a network diverged" : ""}`));
  chart.replaceChildren(svg);
  beside(host, () => tableOf(host.dataset.title, ["variant", "n", "difference, points", "95 % interval, joint"], rows.map(differenceCells)));
  let at = -1;
  const say = (step) => {
    if (!rows.length) return;
    at = (at + step + rows.length) % rows.length;
    const [name, n, difference, interval] = differenceCells(rows[at]);
    spoken(`${name}: ${difference} points, interval ${interval}, ${n} seeds`);
  };
  listen(host, chart, { move: (dx, dy) => say(dx + dy < 0 ? -1 : 1), click: () => {} });
}

// What is left where a network has diverged is no sample of the same kind.
const hasInterval = (row) => Number.isFinite(row.low) && !row.lost;

const endsOf = (row) => (hasInterval(row) ? [row.low, row.high, row.difference] : [row.difference]).filter(Number.isFinite);

// The rows that set the scale: those that reach more than four times as far as all others, at most half of them, do not.
function withoutFar(rows, ends = endsOf) {
  const reach = (row) => Math.max(0, ...ends(row).map(Math.abs));
  const sorted = [...rows].sort((a, b) => reach(a) - reach(b));
  const far = sorted.findIndex((row, i) => i >= rows.length / 2 && reach(row) > 4 * reach(sorted[i - 1]));
  return far < 0 ? rows : sorted.slice(0, far);
}

// A row beyond the edge: an arrow at it, and the number.
function arrow(row, y, color, left, right) {
  const side = row.difference < 0 ? 1 : -1, edge = side > 0 ? left + 2 : right - 2;
  return [shape("path", { d: `M${edge + side * 16},${y}H${edge + side * 4}`, stroke: color, class: "bar" }),
    shape("path", { d: `M${edge},${y}l${side * 8},-5v10z`, fill: color }),
    shape("text", { x: edge + side * 20, y: y + 4, "text-anchor": side > 0 ? "start" : "end", class: "label" }, signed(row.difference))];
}

const signed = (value) => (value >= 0 ? "+" : "") + points(value);

function differenceCells(row) {
  return [row.variant, row.n, signed(row.difference), hasInterval(row) ? `${signed(row.low)} to ${signed(row.high)}` : "–"];
}

function drawSummary(view) {
  const rows = summaryOf(view).map((row) => [row.name, row.rates.map(plain).join(", "), row.n, row.diverged, points(row.accuracy.value),
    Number.isFinite(row.accuracy.low) && !row.diverged ? `${points(row.accuracy.low)} to ${points(row.accuracy.high)}` : "–", power(row.ratio.value), percent(row.saturated.value), percent(row.dead.value)]);
  figureOf("summary").replaceChildren(tableOf(`At depth ${view.state.depth}`, ["variant", "learning rate", "networks", "diverged", "test accuracy, %",
    "95 % interval", "gradient norm, first / last layer, before training", "saturated, %", "never active, %"], rows));
}
