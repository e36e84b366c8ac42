// Probabilities of neighbours in the space of the data, for t-SNE.

/** Squared distances between rows, [n, n]. */
export function squaredDistances(data: ArrayLike<number>, rows: number, columns: number): Float64Array {
  const distances = new Float64Array(rows * rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < i; j++) {
      let sum = 0;
      for (let k = 0; k < columns; k++) sum += (data[i * columns + k] - data[j * columns + k]) ** 2;
      distances[i * rows + j] = distances[j * rows + i] = sum;
    }
  }
  return distances;
}

/**
 * p(j|i) ∝ exp(-β d²ᵢⱼ) for one row. β is found by bisection so that 2 to the entropy is the perplexity. The sum is 1, and p(i|i) is 0.
 */
function conditional(distances: Float64Array, perplexity: number, self: number): Float64Array {
  const target = Math.log(perplexity);
  // Distances minus the smallest one: exp() cannot underflow for the nearest neighbour.
  const nearest = distances.reduce((least, value, j) => (j === self ? least : Math.min(least, value)), Infinity);
  const row = new Float64Array(distances.length);
  let [beta, low, high] = [1, 0, Infinity];
  for (let i = 0; i < 100; i++) {
    let [total, energy] = [0, 0];
    for (let j = 0; j < row.length; j++) {
      const distance = distances[j] - nearest;
      row[j] = j === self ? 0 : Math.exp(-beta * distance);
      total += row[j];
      energy += row[j] * (j === self ? 0 : distance);
    }
    for (let j = 0; j < row.length; j++) row[j] /= total;
    const difference = Math.log(total) + (beta * energy) / total - target;
    if (Math.abs(difference) <= 1e-6) break;
    if (difference > 0) {
      low = beta;
      beta = high === Infinity ? beta * 2 : (beta + high) / 2;
    } else {
      high = beta;
      beta = (beta + low) / 2;
    }
  }
  return row;
}

/** Joint probabilities pᵢⱼ = (p(j|i) + p(i|j)) / 2n, [n, n]. They sum to 1. */
export function jointProbabilities(distances: Float64Array, rows: number, perplexity: number): Float64Array {
  const joint = new Float64Array(rows * rows);
  for (let i = 0; i < rows; i++) {
    const row = conditional(distances.subarray(i * rows, (i + 1) * rows), perplexity, i);
    for (let j = 0; j < rows; j++) {
      joint[i * rows + j] += row[j] / (2 * rows);
      joint[j * rows + i] += row[j] / (2 * rows);
    }
  }
  return joint;
}
