// The pictures that everybody streams, as luma, to compare with what a browser decoded.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { bestMatch } from '../luma.mjs';
import { SIZE } from './stage.mjs';

/** Weights of red and blue by the matrix that a decoder names. */
const WEIGHTS = { bt709: [0.2126, 0.0722], smpte170m: [0.299, 0.114], bt470bg: [0.299, 0.114], bt601: [0.299, 0.114] };

/** As a browser shows it: between the pixels, in a straight line from one to the next. */
function enlarged(luma, width, height) {
  const out = Buffer.alloc(SIZE.width * SIZE.height);
  const steps = (from, to) =>
    Array.from({ length: to }, (_, i) => {
      const at = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
      return [Math.floor(at), Math.min(from - 1, Math.floor(at) + 1), at - Math.floor(at)];
    });
  const columns = steps(width, SIZE.width);
  steps(height, SIZE.height).forEach(([top, bottom, down], y) => {
    columns.forEach(([left, right, along], x) => {
      const row = (r) => luma[r * width + left] * (1 - along) + luma[r * width + right] * along;
      out[y * SIZE.width + x] = 0.5 + row(top) * (1 - down) + row(bottom) * down;
    });
  });
  return out;
}

export class References {
  constructor(path) {
    this.path = path;
    this.pixels = SIZE.width * SIZE.height;
    const file = openSync(path, 'r');
    this.count = Math.floor(fstatSync(file).size / (this.pixels * 4));
    closeSync(file);
    this.planes = new Map();
  }

  /** Luma of all pictures by a matrix, limited or full range, to the nearest of 256 levels. */
  luma(matrix, fullRange) {
    const key = `${matrix} ${fullRange}`;
    if (!this.planes.has(key)) {
      const [red, blue] = WEIGHTS[matrix] ?? WEIGHTS.bt709;
      const green = 1 - red - blue;
      const [scale, base] = fullRange ? [1, 0] : [219 / 255, 16];
      const [r, g, b] = [red, green, blue].map((weight) => Float64Array.from({ length: 256 }, (_, v) => v * weight * scale));
      const file = openSync(this.path, 'r');
      const rgba = Buffer.alloc(this.pixels * 4);
      const all = [];
      for (let picture = 0; picture < this.count; picture++) {
        readSync(file, rgba, 0, rgba.length, picture * rgba.length);
        const luma = Buffer.alloc(this.pixels);
        for (let i = 0; i < this.pixels; i++) luma[i] = base + 0.5 + r[rgba[4 * i]] + g[rgba[4 * i + 1]] + b[rgba[4 * i + 2]];
        all.push(luma);
      }
      closeSync(file);
      this.planes.set(key, all);
    }
    return this.planes.get(key);
  }

  /** How near a decoded picture comes to the one of these that it shows. A smaller one is enlarged. */
  likeness({ luma, width, height, matrix, fullRange }) {
    const full = luma.length === this.pixels;
    const seen = full ? luma : enlarged(luma, width, height);
    return { ...bestMatch(seen, SIZE.width, this.luma(matrix, fullRange)), full };
  }
}
