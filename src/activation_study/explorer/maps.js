// A map of layers (up) and moments of training (right), its colour the gradient norm on a logarithmic scale.
//
// spec: { moments, layers, value(moment, layer), scale: { low, high } in logarithms, cursor: { moment, layer }, pick(moment, layer) }

const SHADES = ["#0b1d51", "#274690", "#3f7cac", "#5fb0a5", "#a8d08d", "#f4e285"].map((text) =>
  [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16)));

function shadeOf(value, { low, high }) {
  const share = high > low ? Math.min(Math.max((Math.log(value) - low) / (high - low), 0), 1) : 1;
  const at = Math.min(share * (SHADES.length - 1), SHADES.length - 1.0001), k = Math.floor(at);
  return SHADES[k].map((channel, i) => Math.round(channel + (SHADES[k + 1][i] - channel) * (at - k)));
}

// One pixel a cell, which the style sheet enlarges; the cursor lies over them.
function drawMap(figure, spec) {
  const host = hostOf(figure, "map"), { moments, layers, scale, cursor } = (figure.spec = spec);
  if (!host.firstChild) host.append(element("canvas", { "aria-hidden": "true" }), element("div", { class: "here" }));
  const [canvas, here] = host.children;
  Object.assign(canvas, { width: moments.length, height: layers });
  const context = canvas.getContext("2d"), image = context.createImageData(moments.length, layers);
  moments.forEach((_, moment) => {
    for (let layer = 1; layer <= layers; layer++) {
      const value = spec.value(moment, layer);
      if (value > 0) image.data.set([...shadeOf(value, scale), 255], 4 * ((layers - layer) * moments.length + moment));
    }
  });
  context.putImageData(image, 0, 0);
  const share = (part, whole) => `${(100 * part) / whole}%`;
  Object.assign(here.style, { left: share(cursor.moment, moments.length), top: share(layers - cursor.layer, layers),
    width: share(1, moments.length), height: share(1, layers) });
  beside(figure, () => mapTable(figure));
  const within = (value, most) => Math.min(Math.max(value, 0), most);
  const go = (moment, layer) => {
    spec.pick(moment, layer);
    spoken(`${figure.dataset.title}: layer ${layer}, epoch ${rounded(moments[moment])}, ${power(figure.spec.value(moment, layer))}`);
  };
  listen(figure, host, {
    move: (dx, dy) => go(within(cursor.moment + dx, moments.length - 1), 1 + within(cursor.layer - dy - 1, layers - 1)),
    click: (x, y) => go(within(Math.floor(x * moments.length), moments.length - 1), 1 + within(layers - 1 - Math.floor(y * layers), layers - 1)),
  });
}

function mapTable(figure) {
  const { moments, layers, value } = figure.spec, numbers = Array.from({ length: layers }, (_, i) => i + 1);
  return tableOf(`${figure.dataset.title}, gradient norm`, ["epoch", ...numbers.map((layer) => `layer ${layer}`)],
    moments.map((epoch, moment) => [rounded(epoch), ...numbers.map((layer) => power(value(moment, layer)))]));
}
