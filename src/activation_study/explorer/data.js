// The study as Python has packed it: codes of 16 bits in two planes of bytes, code 0 for "no value".

async function opened(study, letters) {
  const bytes = decoded(letters);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  study.bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  return study;
}

function decoded(letters) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(letters);
  const text = atob(letters);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

// One number of a packed array; NaN where there is none.
function unpacked(study, entry, index) {
  const at = entry.offset + index;
  const code = study.bytes[at] + 256 * study.bytes[at + entry.count];
  if (code === 0) return NaN;
  const value = entry.low + ((code - 1) / entry.steps) * (entry.high - entry.low);
  return entry.logarithmic ? Math.exp(value) : value;
}

function groupOf(study, dataset, network) {
  const within = study.groups.filter((group) => group.dataset === dataset);
  return within.find((group) => group.network === network) || within[0] || study.groups[0];
}

function ratesOf(group) {
  return (group.rates ||= [...new Set(group.replicas.rate)].sort((a, b) => a - b));
}

function seedsOf(group) {
  return (group.seeds ||= [...new Set(group.replicas.seed)].sort((a, b) => a - b));
}

// A curve's value of a replica at an epoch, given by their positions.
function curveValue(study, group, name, replica, epoch) {
  return unpacked(study, group.curves[name], replica * group.epochs.length + epoch);
}

// What was measured in a layer (from 1) of a replica at a moment, given by its position.
function layerValue(study, group, quantity, replica, moment, layer) {
  const layers = group.layers.layers[group.replicas.depth[replica]];
  if (!layers || layer > layers) return NaN;
  return unpacked(study, group.layers[quantity], group.layers.begins[replica] + moment * layers + layer - 1);
}
