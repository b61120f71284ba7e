// A fully connected network in plain arrays of 32 bits: rows are examples, weights lie as (inputs, units).

// Normal weights of standard deviation gain / sqrt(inputs), zero biases; the same seed gives the same network.
function newNetwork(sizes, gain, seed) {
  const draw = normals(seed);
  return sizes.slice(1).map((units, k) => {
    const inputs = sizes[k];
    const weights = Float32Array.from({ length: inputs * units }, () => (draw() * gain) / Math.sqrt(inputs));
    return { inputs, units, weights, biases: new Float32Array(units), speed: new Float32Array(inputs * units), drift: new Float32Array(units) };
  });
}

function normals(seed) {
  const uniform = uniforms(seed);
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

function uniforms(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// Pre-activations and outputs of every layer; the last one gives the logits and has no activation.
function forward(network, inputs, batch, activation, bend) {
  let x = inputs;
  return network.map((layer, k) => {
    const z = new Float32Array(batch * layer.units);
    for (let b = 0; b < batch; b++) {
      const row = b * layer.units;
      for (let o = 0; o < layer.units; o++) z[row + o] = layer.biases[o];
      for (let i = 0; i < layer.inputs; i++) {
        const value = x[b * layer.inputs + i], from = i * layer.units;
        if (value !== 0) for (let o = 0; o < layer.units; o++) z[row + o] += value * layer.weights[from + o];
      }
    }
    const outputs = k === network.length - 1 ? z : z.map((one) => activation.f(one, bend));
    const pass = { inputs: x, z, outputs };
    x = outputs;
    return pass;
  });
}

// Mean cross entropy in nats, the share that is right, and the loss's gradient with respect to the logits.
function judged(logits, labels, batch, classes) {
  const error = new Float32Array(batch * classes);
  let loss = 0, right = 0;
  for (let b = 0; b < batch; b++) {
    const row = logits.subarray(b * classes, (b + 1) * classes);
    const top = row.reduce((a, c) => Math.max(a, c), -Infinity);
    let sum = 0;
    for (const logit of row) sum += Math.exp(logit - top);
    loss -= (row[labels[b]] - top - Math.log(sum)) / batch;
    right += row.indexOf(top) === labels[b] ? 1 / batch : 0;
    for (let c = 0; c < classes; c++) error[b * classes + c] = (Math.exp(row[c] - top) / sum - (c === labels[b])) / batch;
  }
  return { loss, accuracy: right, error };
}

// Gradients of every layer's weights and biases.
function backward(network, passes, error, batch, activation, bend) {
  const gradients = new Array(network.length);
  for (let k = network.length - 1; k >= 0; k--) {
    const { inputs, units, weights } = network[k], x = passes[k].inputs;
    const ofWeights = new Float32Array(inputs * units), ofBiases = new Float32Array(units);
    const below = k ? new Float32Array(batch * inputs) : null;
    for (let b = 0; b < batch; b++) {
      const row = b * units;
      for (let o = 0; o < units; o++) ofBiases[o] += error[row + o];
      for (let i = 0; i < inputs; i++) {
        const value = x[b * inputs + i], from = i * units;
        let sum = 0;
        for (let o = 0; o < units; o++) {
          ofWeights[from + o] += value * error[row + o];
          sum += weights[from + o] * error[row + o];
        }
        if (below) below[b * inputs + i] = sum * activation.slope(passes[k - 1].z[b * inputs + i], bend);
      }
    }
    gradients[k] = { weights: ofWeights, biases: ofBiases };
    error = below;
  }
  return gradients;
}

function norm(values) {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}

// Stochastic gradient descent with momentum, as torch has it.
function descend(network, gradients, rate, momentum) {
  network.forEach((layer, k) => {
    for (const [values, speed, gradient] of [[layer.weights, layer.speed, gradients[k].weights], [layer.biases, layer.drift, gradients[k].biases]]) {
      for (let i = 0; i < values.length; i++) {
        speed[i] = momentum * speed[i] + gradient[i];
        values[i] -= rate * speed[i];
      }
    }
  });
}

function saturatedShare(z, [low, high]) {
  return z.reduce((count, value) => count + (value <= low || value >= high), 0) / z.length;
}
