// linear.js: the linear algebra of small matrices, as rows of numbers: solve, and all eigenvalues.

/** The solution x of A x = b by elimination with pivots; null where A is singular to rounding.
 * @param {number[][]} A rows, (n, n)
 * @param {number[]} b (n,)
 * @returns {number[] | null} */
export function solveLinear(A, b) {
  const n = b.length;
  const rows = A.map((row, i) => [...row, b[i]]);
  for (let k = 0; k < n; k += 1) {
    let pivot = k;
    for (let i = k + 1; i < n; i += 1) if (Math.abs(rows[i][k]) > Math.abs(rows[pivot][k])) pivot = i;
    if (!(Math.abs(rows[pivot][k]) > 1e-300)) return null;
    [rows[k], rows[pivot]] = [rows[pivot], rows[k]];
    for (let i = k + 1; i < n; i += 1) {
      const factor = rows[i][k] / rows[k][k];
      if (factor !== 0) for (let j = k; j <= n; j += 1) rows[i][j] -= factor * rows[k][j];
    }
  }
  const x = new Array(n).fill(0);
  for (let i = n - 1; i >= 0; i -= 1) {
    let sum = rows[i][n];
    for (let j = i + 1; j < n; j += 1) sum -= rows[i][j] * x[j];
    x[i] = sum / rows[i][i];
  }
  return x;
}

/** The columns of A as rows.
 * @param {number[][]} A
 * @returns {number[][]} */
export function transposed(A) {
  return A.map((_, j) => A.map((row) => row[j]));
}

/** All eigenvalues [real, imaginary] of a real square matrix, by decreasing real part, then by increasing imaginary part.
 * Balanced, brought to Hessenberg form, then the QR iteration with double shifts.
 * Source: Golub & Van Loan (2013), "Matrix computations", sections 7.4 and 7.5.
 * @param {number[][]} A rows, (n, n)
 * @returns {[number, number][]} */
export function eigenvaluesOf(A) {
  const H = hessenberg(balanced(A));
  /** @type {[number, number][]} */
  const values = [];
  let high = H.length - 1;
  let tries = 0;
  while (high >= 0) {
    let low = high;
    for (; low > 0; low -= 1) {
      const size = Math.abs(H[low - 1][low - 1]) + Math.abs(H[low][low]);
      if (Math.abs(H[low][low - 1]) <= 2.3e-16 * (size || 1e-300)) {
        H[low][low - 1] = 0;
        break;
      }
    }
    if (low === high) {
      values.push([H[high][high], 0]);
      high -= 1;
      tries = 0;
    } else if (low === high - 1) {
      values.push(...pairOf(H, high));
      high -= 2;
      tries = 0;
    } else {
      if (tries === 200) break; // never seen; what is missing would show as a shorter list
      const off = Math.abs(H[high][high - 1]) + Math.abs(H[high - 1][high - 2]);
      const [sum, product] =
        tries % 10 === 9
          ? [1.5 * off, off * off] // where the usual shifts go round in circles
          : [
              H[high - 1][high - 1] + H[high][high],
              H[high - 1][high - 1] * H[high][high] - H[high - 1][high] * H[high][high - 1],
            ];
      tries += 1;
      francis(H, low, high, sum, product);
    }
  }
  return values.sort((a, b) => b[0] - a[0] || a[1] - b[1]);
}

/** Rows and columns scaled by powers of two until their sizes agree.
 * @param {number[][]} matrix
 * @returns {number[][]} */
function balanced(matrix) {
  const A = matrix.map((row) => [...row]);
  const n = A.length;
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = 0; i < n; i += 1) {
      let [row, column] = [0, 0];
      for (let j = 0; j < n; j += 1) {
        if (j === i) continue;
        row += Math.abs(A[i][j]);
        column += Math.abs(A[j][i]);
      }
      if (!row || !column) continue;
      let factor = 1;
      const sum = row + column;
      while (column < row / 2) [factor, column] = [factor * 2, column * 4];
      while (column >= row * 2) [factor, column] = [factor / 2, column / 4];
      if ((column + row) / factor < 0.95 * sum) {
        changed = true;
        for (let j = 0; j < n; j += 1) A[i][j] /= factor;
        for (let j = 0; j < n; j += 1) A[j][i] *= factor;
      }
    }
  }
  return A;
}

/** The same eigenvalues, zeros below the first subdiagonal, by elimination with pivots.
 * @param {number[][]} A changed in place
 * @returns {number[][]} */
function hessenberg(A) {
  const n = A.length;
  for (let k = 1; k < n - 1; k += 1) {
    let pivot = k;
    for (let i = k + 1; i < n; i += 1) if (Math.abs(A[i][k - 1]) > Math.abs(A[pivot][k - 1])) pivot = i;
    if (A[pivot][k - 1] === 0) continue;
    if (pivot !== k) {
      [A[k], A[pivot]] = [A[pivot], A[k]];
      for (const row of A) [row[k], row[pivot]] = [row[pivot], row[k]];
    }
    for (let i = k + 1; i < n; i += 1) {
      const factor = A[i][k - 1] / A[k][k - 1];
      if (factor === 0) continue;
      for (let j = k - 1; j < n; j += 1) A[i][j] -= factor * A[k][j];
      for (const row of A) row[k] += factor * row[i];
      A[i][k - 1] = 0;
    }
  }
  return A;
}

/** The two eigenvalues of the last block of two.
 * @param {number[][]} H
 * @param {number} high
 * @returns {[number, number][]} */
function pairOf(H, high) {
  const [a, b, c, d] = [H[high - 1][high - 1], H[high - 1][high], H[high][high - 1], H[high][high]];
  const half = (a - d) / 2;
  const inside = half * half + b * c;
  if (inside < 0) {
    const im = Math.sqrt(-inside);
    return [
      [d + half, -im],
      [d + half, im],
    ];
  }
  const away = half + (half < 0 ? -1 : 1) * Math.sqrt(inside);
  return [
    [d + away, 0],
    [away === 0 ? d : d - (b * c) / away, 0],
  ];
}

/** One QR step with two shifts at once, of this sum and product, on the rows low ... high, in place.
 * @param {number[][]} H
 * @param {number} low
 * @param {number} high
 * @param {number} sum
 * @param {number} product */
function francis(H, low, high, sum, product) {
  let x = H[low][low] * (H[low][low] - sum) + H[low][low + 1] * H[low + 1][low] + product;
  let y = H[low + 1][low] * (H[low][low] + H[low + 1][low + 1] - sum);
  let z = H[low + 1][low] * H[low + 2][low + 1];
  for (let k = low; k < high; k += 1) {
    const size = k < high - 1 ? 3 : 2;
    const v = size === 3 ? [x, y, z] : [x, y];
    const norm = Math.hypot(...v);
    if (norm > 0) {
      v[0] += v[0] < 0 ? -norm : norm;
      const scale = 2 / v.reduce((total, value) => total + value * value, 0);
      for (let j = Math.max(k - 1, 0); j < H.length; j += 1) {
        // from the left
        let dot = 0;
        for (let i = 0; i < size; i += 1) dot += v[i] * H[k + i][j];
        dot *= scale;
        for (let i = 0; i < size; i += 1) H[k + i][j] -= dot * v[i];
      }
      for (let i = 0; i <= Math.min(k + 3, high); i += 1) {
        // from the right
        let dot = 0;
        for (let j = 0; j < size; j += 1) dot += v[j] * H[i][k + j];
        dot *= scale;
        for (let j = 0; j < size; j += 1) H[i][k + j] -= dot * v[j];
      }
    }
    x = H[k + 1][k];
    y = k + 2 <= high ? H[k + 2][k] : 0;
    z = k + 3 <= high ? H[k + 3][k] : 0;
  }
  for (let i = low + 2; i <= high; i += 1) for (let j = low; j < i - 1; j += 1) H[i][j] = 0;
}
