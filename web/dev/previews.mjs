// Previews of the fake node, rendered by picture.mjs in a worker. Development only.
import { Worker } from 'node:worker_threads';

const worker = new Worker(new URL('./picture.mjs', import.meta.url));
worker.unref();
const waiting = new Map();
worker.on('message', ({ id, png }) => {
  waiting.get(id)?.(Buffer.from(png));
  waiting.delete(id);
});
// Rays are slow in JavaScript: larger previews are rendered at this size, which the studio then enlarges.
const MOST_PIXELS_SIDE = Number(process.env.FAKE_SIDE ?? 960);
export function picture(job, frame, side, exposure, channel) {
  const { width, height } = job.resolution;
  const scale = Math.min(1, Math.min(side, MOST_PIXELS_SIDE) / Math.max(width, height));
  const per = new Map();
  for (const row of job.rows) {
    if (row.frame !== frame || (row.state !== 'verified' && row.state !== 'auditing' && row.state !== 'delivered'))
      continue;
    const key = `${row.tile.x},${row.tile.y}`;
    const tile = per.get(key) ?? [
      row.tile.x / width,
      row.tile.y / height,
      row.tile.width / width,
      row.tile.height / height,
      0,
    ];
    tile[4] += 1 / row.slices;
    per.set(key, tile);
  }
  const request = {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
    turn: (frame - 1) / 250,
    done: [...per.values()].map((t) => [t[0], t[1], t[2], t[3], t[4] > 0.999 ? 1 : t[4]]),
    exposure,
    channel,
  };
  return new Promise((resolve) => {
    const id = Math.random();
    waiting.set(id, resolve);
    worker.postMessage({ id, request });
  });
}
