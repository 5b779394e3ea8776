// Luma of what a browser decoded, bit for bit, and of the pictures that it was made from.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** The picture that a page shows: its luma as decoded, without a way through colours and canvases. */
export async function decodedLuma(page) {
  const shown = await page.evaluate(async () => {
    const frame = new VideoFrame(document.querySelector('video'));
    const { format, colorSpace, visibleRect } = frame;
    if (!/^(I420|I422|I444|NV12)/.test(format)) throw new Error(`the decoded picture is ${format}, not luma and chroma`);
    const planes = new Uint8Array(frame.allocationSize());
    const [{ offset, stride }] = await frame.copyTo(planes);
    frame.close();
    const { width, height } = visibleRect;
    const luma = new Uint8Array(width * height);
    for (let y = 0; y < height; y++) luma.set(planes.subarray(offset + y * stride, offset + y * stride + width), y * width);
    const text = await new Promise((done) => {
      const reader = new FileReader();
      reader.onload = () => done(reader.result);
      reader.readAsDataURL(new Blob([luma]));
    });
    return { width, height, matrix: colorSpace.matrix, fullRange: colorSpace.fullRange, text };
  });
  return { ...shown, luma: Buffer.from(shown.text.slice(shown.text.indexOf(',') + 1), 'base64'), text: undefined };
}

/** Peak signal to noise ratio of luma, dB; 100 when nothing differs. */
export function psnr(a, b) {
  if (a.length !== b.length) throw new Error(`${a.length} and ${b.length} pixels`);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum === 0 ? 100 : 10 * Math.log10((255 ** 2 * a.length) / sum);
}

/** Sum of squared differences of one pixel in 64: enough to tell one picture of a movement from the next. */
function coarse(a, b, width) {
  let sum = 0;
  for (let row = 4 * width; row + width <= a.length; row += 8 * width) {
    for (let i = row + 4; i < row + width; i += 8) sum += (a[i] - b[i]) ** 2;
  }
  return sum;
}

/** The picture that was decoded is one of these: how near it comes to the likeliest. */
export function bestMatch(decoded, width, pictures) {
  const ranked = pictures.map((luma, at) => ({ at, luma, off: coarse(decoded, luma, width) })).sort((a, b) => a.off - b.off);
  const near = ranked.slice(0, 3).map(({ at, luma }) => ({ at, db: psnr(decoded, luma) }));
  return near.reduce((a, b) => (b.db > a.db ? b : a));
}

/** Luma of the pictures that `rrhost` wrote down before it encoded them (RRHOST_KEEP_PICTURES), while it goes on writing. */
export class KeptPictures {
  constructor(path) {
    this.file = openSync(path, 'r');
    const head = Buffer.alloc(128);
    readSync(this.file, head, 0, 128, 0);
    const line = head.subarray(0, head.indexOf(10)).toString();
    this.start = line.length + 1;
    [this.width, this.height] = [/ W(\d+)/, / H(\d+)/].map((part) => Number(part.exec(line)[1]));
    this.pixels = this.width * this.height;
    this.size = 6 + this.pixels * 1.5;
  }
  get count() {
    return Math.floor((fstatSync(this.file).size - this.start) / this.size);
  }
  luma(index) {
    const luma = Buffer.alloc(this.pixels);
    readSync(this.file, luma, 0, this.pixels, this.start + index * this.size + 6);
    return luma;
  }
  /** The last so many. */
  last(count) {
    const end = this.count;
    return Array.from({ length: Math.min(count, end) }, (_, i) => this.luma(end - Math.min(count, end) + i));
  }
  close() {
    closeSync(this.file);
  }
}
