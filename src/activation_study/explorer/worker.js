// Trains one network until it is told to stop, and tells how it stands some twenty times a second.

const BATCH = 64, MOMENTUM = 0.9;
let current = 0;

onmessage = ({ data }) => {
  current += 1;
  if (data.start) train(data.start, current);
};

function train(asked, mine) {
  const { images, labels, heldOut, pixels, layers, width, gain, rate, net, bend } = asked;
  const activation = FUNCTIONS[net], classes = 10, count = labels.length - heldOut;
  const network = newNetwork([pixels, ...Array(layers).fill(width), classes], gain, 1);
  const draw = uniforms(2), x = new Float32Array(BATCH * pixels), y = new Uint8Array(BATCH);
  const valid = images.subarray(count * pixels), validLabels = labels.subarray(count);
  let steps = 0, told = 0;

  function step() {
    for (let b = 0; b < BATCH; b++) {
      const at = Math.floor(draw() * count);
      x.set(images.subarray(at * pixels, (at + 1) * pixels), b * pixels);
      y[b] = labels[at];
    }
    const passes = forward(network, x, BATCH, activation, bend);
    const found = judged(passes[passes.length - 1].outputs, y, BATCH, classes);
    const gradients = backward(network, passes, found.error, BATCH, activation, bend);
    const diverged = !Number.isFinite(found.loss);
    if (diverged || !steps || performance.now() - told > 50) tell(passes, found, gradients, diverged);
    if (diverged) return false;
    descend(network, gradients, rate, MOMENTUM);
    steps += 1;
    return true;
  }

  function tell(passes, found, gradients, diverged) {
    told = performance.now();
    const held = forward(network, valid, heldOut, activation, bend);
    postMessage({
      run: asked.run, steps, diverged, loss: found.loss,
      accuracy: diverged ? 0 : judged(held[held.length - 1].outputs, validLabels, heldOut, classes).accuracy,
      gradients: gradients.map((one) => norm(one.weights)),
      saturated: passes.slice(0, -1).map((pass) => saturatedShare(pass.z, activation.flat)),
    });
  }

  function portion() {
    const end = performance.now() + 25;
    while (performance.now() < end) if (mine !== current || !step()) return;
    setTimeout(portion); // lets a message in
  }
  portion();
}
