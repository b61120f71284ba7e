// From numbers to places and to texts.

function scaleOf(values, { log = false, within = null } = {}, from, to) {
  const known = values.filter((value) => Number.isFinite(value) && (!log || value > 0));
  let [low, high] = within || [Math.min(...known), Math.max(...known)];
  if (!known.length && !within) [low, high] = log ? [0.1, 1] : [0, 1];
  if (low === high) [low, high] = log ? [low / 2, high * 2] : [low - 0.5, high + 0.5];
  const shape = log ? Math.log10 : (value) => value;
  const [a, b] = [shape(low), shape(high)];
  const place = (value) => from + ((shape(value) - a) / (b - a)) * (to - from);
  return { place, low, high, ticks: log ? decades(a, b) : rounds(low, high) };
}

function decades(a, b) {
  const first = Math.ceil(a - 1e-9), last = Math.floor(b + 1e-9);
  if (last - first < 1) return rounds(10 ** a, 10 ** b).filter((value) => value > 0);
  const step = Math.max(1, Math.ceil((last - first) / 5));
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => 10 ** (first + i * step));
}

function rounds(low, high, most = 5) {
  const raw = (high - low) / most, power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= raw * 0.999);
  const first = Math.ceil(low / step - 1e-9), count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: Math.max(count, 0) }, (_, i) => +((first + i) * step).toPrecision(12));
}

const plain = (value) => (Number.isFinite(value) ? String(+value.toPrecision(4)) : "–");
const rounded = (value) => (Number.isFinite(value) ? String(+value.toPrecision(3)) : "–"); // such as an epoch, which need not be whole
const percent = (value) => (Number.isFinite(value) ? (100 * value).toFixed(1) : "–");
const power = (value) => {
  if (!Number.isFinite(value)) return "–";
  return value !== 0 && (Math.abs(value) < 0.01 || Math.abs(value) >= 1000) ? value.toExponential(1).replace(".0e", "e") : String(+value.toPrecision(2));
};
