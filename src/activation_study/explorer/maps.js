// A map of layers (up) and moments of training (right) on a canvas, its colour the gradient norm on a logarithmic scale.
//
// spec: { moments, layers, value(moment, layer), scale: { low, high } in logarithms, cursor: { moment, layer }, pick(moment, layer) }

const SHADES = ["#0b1d51", "#274690", "#3f7cac", "#5fb0a5", "#a8d08d", "#f4e285"].map((text) =>
  [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16)));

function shadeOf(value, { low, high }) {
  const share = high > low ? Math.min(Math.max((Math.log(value) - low) / (high - low), 0), 1) : 1;
  const at = Math.min(share * (SHADES.length - 1), SHADES.length - 1.0001), k = Math.floor(at);
  return SHADES[k].map((channel, i) => Math.round(channel + (SHADES[k + 1][i] - channel) * (at - k)));
}

function drawMap(figure, spec) {
  const host = hostOf(figure, "map");
  figure.spec = spec;
  const canvas = host.firstChild || host.appendChild(element("canvas", { "aria-hidden": "true" }));
  const { moments, layers } = spec, width = Math.max(120, host.clientWidth), height = 150;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const cell = { width: width / moments.length, height: height / layers };
  const box = (moment, layer) => [Math.round(moment * cell.width), Math.round((layers - layer) * cell.height)];
  for (let moment = 0; moment < moments.length; moment++) for (let layer = 1; layer <= layers; layer++) {
    const value = spec.value(moment, layer), [x, y] = box(moment, layer), [right] = box(moment + 1, layer), [, below] = box(moment, layer - 1);
    if (!(value > 0)) continue;
    context.fillStyle = `rgb(${shadeOf(value, spec.scale).join(",")})`;
    context.fillRect(x, y, right - x, below - y);
  }
  const [x, y] = box(spec.cursor.moment, spec.cursor.layer);
  context.lineWidth = 2;
  for (const [color, inset] of [["#000", 0], ["#fff", 2]]) {
    context.strokeStyle = color;
    context.strokeRect(x + inset, y + inset, Math.max(cell.width - 2 * inset, 2), Math.max(cell.height - 2 * inset, 2));
  }
  beside(figure, () => mapTable(figure));
  const within = (value, most) => Math.min(Math.max(value, 0), most);
  const go = (moment, layer) => {
    spec.pick(moment, layer);
    spoken(`${figure.dataset.title}: layer ${layer}, epoch ${plain(moments[moment])}, ${power(figure.spec.value(moment, layer))}`);
  };
  listen(figure, host, {
    move: (dx, dy) => go(within(spec.cursor.moment + dx, moments.length - 1), 1 + within(spec.cursor.layer - dy - 1, layers - 1)),
    click: (px, py) => go(within(Math.floor(px / cell.width), moments.length - 1), 1 + within(layers - 1 - Math.floor(py / cell.height), layers - 1)),
  });
}

function mapTable(figure) {
  const { moments, layers, value } = figure.spec, numbers = Array.from({ length: layers }, (_, i) => i + 1);
  return tableOf(`${figure.dataset.title}, gradient norm`, ["epoch", ...numbers.map((layer) => `layer ${layer}`)],
    moments.map((epoch, moment) => [plain(epoch), ...numbers.map((layer) => power(value(moment, layer)))]));
}
