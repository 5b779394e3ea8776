// The figures as a table that documents can hold.
const number = (value, digits = 0) => (Number.isFinite(value) ? value.toFixed(digits) : '-');

const ROWS = [
  ['codec', (r) => r.codec ?? (r.id.includes('websocket') ? 'H264, WebCodecs' : '-')],
  ['link to first frame, median, ms', (r) => number(r.startMs)],
  ['press to changed pixel P50 / P95, ms (lost)', (r) => `${number(r.latencyP50)} / ${number(r.latencyP95)} (${r.lost ?? '-'})`],
  ['in motion: pictures a second', (r) => number(r.fps, 1)],
  ['in motion: Mbit/s', (r) => number(r.mbps, 2)],
  ['in motion: kbit a picture', (r) => number((r.mbps * 1000) / r.fps)],
  ['in motion: luma PSNR median / least, dB', (r) => `${number(r.motionDb, 1)} / ${number(r.motionDbLeast, 1)}`],
  ['in motion: pictures of full size', (r) => (Number.isFinite(r.fullSize) ? `${number(r.fullSize * 100)} %` : '-')],
  ['CPU per frame, drawing left out, ms', (r) => number(r.cpuStreaming, 1)],
  ['... and of the X server for the capture, ms', (r) => number(r.cpuServer, 1)],
  ['... of it drawing the scene, ms', (r) => number(r.cpuDrawing, 1)],
  ['at rest: luma PSNR, dB', (r) => number(r.restDb, 1)],
  ['at rest: sharper than 48 dB after, s', (r) => (r.sharpMs ? number(r.sharpMs / 1000, 1) : r.restDb === null ? '-' : 'never')],
  ['at rest: bytes a second', (r) => number(r.restBytes)],
  ['at rest: CPU, ms a second', (r) => number(r.restCpu, 1)],
  ['CPU per added viewer at 30 pictures a second, ms a second', (r) => number(r.cpuPerViewer, 1)],
  ['pictures a second with that many viewers', (r) => (r.viewers ? `${number(r.fpsMany, 1)} (${r.viewers})` : '-')],
  ['failed', (r) => r.error ?? ''],
];

export function table(about, results) {
  const rows = ROWS.map(([name, cell]) => [name, ...results.map(cell)]).filter(([, ...cells]) => cells.some((cell) => cell !== ''));
  const all = [['', ...results.map((r) => r.name)], ...rows];
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const line = (cells) => `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  const head = [
    `${about.date}, ${about.cpu}, Chromium ${about.chromium}, ${about.gstreamer} (${about.x264}), ${about.selkies}`,
    `1280x720 at ${about.fps}, encoders at ${about.kbps / 1000} Mbit/s, link ${about.link.mbps} Mbit/s with ${2 * about.link.delayMs} ms there and back${about.quick ? ', QUICK' : ''}`,
  ];
  return [...head, '', line(all[0]), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...all.slice(1).map(line)].join('\n');
}
