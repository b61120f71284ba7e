// The activations that the page can train: f(z), its slope, and where a unit is saturated, as in the package's classes.

const sigmoidOf = (z) => 1 / (1 + Math.exp(-z));
const FUNCTIONS = {
  sigmoid: { f: sigmoidOf, slope: (z) => sigmoidOf(z) * sigmoidOf(-z), flat: [-Math.log(39), Math.log(39)] },
  tanh: { f: Math.tanh, slope: (z) => 4 * sigmoidOf(2 * z) * sigmoidOf(-2 * z), flat: [-Math.atanh(0.95), Math.atanh(0.95)] },
  softsign: { f: (z) => z / (1 + Math.abs(z)), slope: (z) => 1 / (1 + Math.abs(z)) ** 2, flat: [-19, 19] },
  relu: { f: (z) => (z > 0 ? z : 0), slope: (z) => (z > 0 ? 1 : 0), flat: [0, Infinity] },
  lrelu: { f: (z, s) => (z > 0 ? z : s * z), slope: (z, s) => (z > 0 ? 1 : s), flat: [-Infinity, Infinity], bend: "slope below zero" },
  elu: { f: (z, a) => (z > 0 ? z : a * Math.expm1(z)), slope: (z, a) => (z > 0 ? 1 : a * Math.exp(z)), flat: [Math.log(0.05), Infinity], bend: "alpha" },
  softplus: { f: (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))), slope: sigmoidOf, flat: [Math.log(Math.expm1(0.05)), Infinity] },
  silu: { f: (z) => z * sigmoidOf(z), slope: (z) => sigmoidOf(z) * (1 + z * sigmoidOf(-z)), flat: [-4.485, Infinity] },
};
