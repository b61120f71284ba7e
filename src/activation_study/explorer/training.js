// Training in the page: sliders for a network, a worker that trains it, and what it tells, drawn as it comes.

function liveSection(study, getState, change) {
  const url = URL.createObjectURL(new Blob([study.worker], { type: "text/javascript" }));
  const worker = new Worker(url), status = figureOf("live-status"), { digits } = study;
  const images = standardized(study.bytes, digits), labels = study.bytes.slice(digits.labels, digits.labels + digits.count);
  let curve = [], latest = null, waiting = false, run = 0, ended = "";

  worker.onmessage = ({ data }) => {
    if (data.run !== run) return; // a word of the network before
    latest = data;
    curve.push({ x: data.steps, y: data.accuracy });
    if (data.diverged) figureOf("stop").disabled = true;
    if (!waiting) requestAnimationFrame(draw);
    waiting = true;
  };

  function draw() {
    waiting = false;
    drawFunctions();
    const color = colors(study)(getState().net), gradients = latest ? latest.gradients : [];
    const ratio = gradients.length ? gradients[0] / gradients[gradients.length - 2] : NaN;
    drawLines(titled("live-gradients", "Gradient norm by layer, now"), { x: { label: "layer (last: output)" }, y: { label: "gradient norm", log: true, format: power },
      empty: "press Train", series: [{ name: getState().net, color, points: gradients.map((y, i) => ({ x: i + 1, y })) }] });
    drawLines(titled("live-accuracy", "Accuracy on digits held out"), { x: { label: "step" }, y: { label: "accuracy, %", format: percent, within: [0, 1] },
      empty: "press Train", series: [{ name: getState().net, color, points: thinned(curve) }] });
    drawLines(titled("live-saturation", "Saturated units by layer, now"), { x: { label: "hidden layer" }, y: { label: "% of units", format: percent, within: [0, 1] },
      empty: "press Train", series: [{ name: getState().net, color, points: (latest ? latest.saturated : []).map((y, i) => ({ x: i + 1, y })) }] });
    if (latest) {
      status.textContent = `${ended}${latest.diverged ? "diverged: the loss is no longer finite. " : ""}step ${latest.steps}, ` +
        `accuracy ${percent(latest.accuracy)} %, gradient norm first / last hidden layer ${Number.isFinite(ratio) ? ratio.toExponential(1) : "–"}`;
      Object.assign(status.dataset, { steps: latest.steps, accuracy: latest.accuracy, ratio, diverged: latest.diverged });
    }
  }

  function drawFunctions() {
    const state = getState(), { f, slope, bend } = FUNCTIONS[state.net], xs = Array.from({ length: 81 }, (_, i) => i / 10 - 4);
    figureOf("bend").disabled = !bend;
    figureOf("bend-name").textContent = bend || "slope or alpha";
    const color = colors(study)(state.net), points = (of) => xs.map((x) => ({ x, y: of(x, state.bend) }));
    drawLines(titled("functions", `${state.net} and its slope`), { x: { label: "z", format: plain }, y: { label: "f(z), dashed: f'(z)", format: plain },
      series: [{ name: "f(z)", color, points: points(f) }, { name: "f'(z)", color, dashes: "5 3", points: points(slope) }] });
    const gains = study.gains[state.net];
    figureOf("gain-hint").textContent = `Weights have the standard deviation scale / √inputs. With the slope's usual option, errors keep their size near scale ${plain(gains.backward)} and activations theirs near ${plain(gains.forward)} (z standard normal).`;
  }

  function start() {
    const { net, layers, width, gain, lr, bend } = getState();
    curve = [];
    latest = null;
    run += 1;
    ended = "";
    status.textContent = "training";
    figureOf("stop").disabled = false;
    worker.postMessage({ start: { run, images, labels, heldOut: digits.held_out, pixels: digits.pixels, net, layers, width, gain, rate: lr, bend } });
  }

  figureOf("train").addEventListener("click", start);
  figureOf("stop").addEventListener("click", () => {
    worker.postMessage({ stop: true });
    run += 1;
    figureOf("stop").disabled = true;
    ended = "stopped. ";  // a picture that is still due says so too
    status.textContent = ended;
    draw();
  });
  figureOf("live-settings").addEventListener("input", (event) => {
    const { id, value } = event.target;
    change({ [id]: id === "net" ? value : fromSlider(id, value) });
    draw();
  });
  return draw;
}

// Sliders of what ranges over decades stand at its logarithm.
const IN_DECADES = ["gain", "lr", "bend"];
const fromSlider = (id, value) => (IN_DECADES.includes(id) ? +(10 ** Number(value)).toPrecision(3) : Number(value));
const toSlider = (id, value) => (IN_DECADES.includes(id) ? Math.log10(value) : value);

function thinned(points, most = 300) {
  const step = Math.ceil(points.length / most);
  return points.filter((_, i) => i % step === 0 || i === points.length - 1);
}

// Pixels of zero mean and unit variance over the digits that are trained on.
function standardized(bytes, { offset, count, pixels, held_out: heldOut }) {
  const raw = bytes.subarray(offset, offset + count * pixels), known = (count - heldOut) * pixels, found = new Float32Array(raw.length);
  let sum = 0, squares = 0;
  for (let i = 0; i < known; i++) sum += raw[i];
  const mean = sum / known;
  for (let i = 0; i < known; i++) squares += (raw[i] - mean) ** 2;
  const deviation = Math.sqrt(squares / known);
  for (let i = 0; i < raw.length; i++) found[i] = (raw[i] - mean) / deviation;
  return found;
}
