// Believable pictures for the fake node: a tiny ray tracer (spheres on a floor under a sky) and a PNG writer, run in a
// worker so that the fake node keeps answering. Development only.
import { parentPort } from 'node:worker_threads';
import { crc32, deflateSync } from 'node:zlib';

const SPHERES = [
  { at: [0, 1, 0], r: 1, colour: [0.82, 0.8, 0.78], mirror: 0.55 },
  { at: [2.1, 0.62, 0.9], r: 0.62, colour: [0.75, 0.2, 0.12], mirror: 0.06 },
  { at: [-1.9, 0.75, 0.8], r: 0.75, colour: [0.12, 0.3, 0.5], mirror: 0.1 },
  { at: [-0.7, 0.36, 1.9], r: 0.36, colour: [0.85, 0.62, 0.16], mirror: 0.3 },
  { at: [1.1, 0.28, 2.2], r: 0.28, colour: [0.2, 0.45, 0.22], mirror: 0.05 },
  { at: [3.4, 1.3, -2.4], r: 1.3, colour: [0.55, 0.5, 0.46], mirror: 0.04 },
  { at: [-4.1, 1.7, -2.8], r: 1.7, colour: [0.4, 0.42, 0.45], mirror: 0.12 },
];
const LIGHT = normalise([0.55, 0.75, 0.35]);

function normalise(v) {
  const l = Math.hypot(v[0], v[1], v[2]);
  return [v[0] / l, v[1] / l, v[2] / l];
}
// What the last `hit` found: distance, and a sphere's number, -1 the sky, -2 the floor. Module variables, since objects
// made per ray would cost more than the arithmetic.
let hitT = 0;
let hitWhat = -1;
function hit(ox, oy, oz, dx, dy, dz) {
  hitT = Infinity;
  hitWhat = -1;
  for (let i = 0; i < SPHERES.length; i += 1) {
    const s = SPHERES[i];
    const x = ox - s.at[0];
    const y = oy - s.at[1];
    const z = oz - s.at[2];
    const b = x * dx + y * dy + z * dz;
    if (b > 0) continue;
    const disc = b * b - (x * x + y * y + z * z - s.r * s.r);
    if (disc < 0) continue;
    const near = -b - Math.sqrt(disc);
    if (near > 1e-3 && near < hitT) {
      hitT = near;
      hitWhat = i;
    }
  }
  if (dy < -1e-4 && -oy / dy > 1e-3 && -oy / dy < hitT) {
    hitT = -oy / dy;
    hitWhat = -2;
  }
}

/** Adds the sky seen in a direction, weighted, to `out`. */
function sky(dx, dy, dz, weight, out) {
  const up = Math.max(0, dy);
  const sun = Math.max(0, dx * LIGHT[0] + dy * LIGHT[1] + dz * LIGHT[2]) ** 60;
  out[0] += weight * (0.4 - 0.3 * up + sun);
  out[1] += weight * (0.42 - 0.22 * up + 0.8 * sun);
  out[2] += weight * (0.46 - 0.1 * up + 0.55 * sun);
}

const FLOOR_DARK = [0.3, 0.29, 0.28];
const FLOOR_LIGHT = [0.46, 0.45, 0.43];
const SUN = [1.15, 0.98, 0.74];
const AIR = [0.85, 0.97, 1.2];

/** Adds what a ray sees, weighted, to `out`; answers how far it went. */
function shade(ox, oy, oz, dx, dy, dz, weight, depth, out) {
  hit(ox, oy, oz, dx, dy, dz);
  const t = hitT;
  const what = hitWhat;
  if (what === -1) {
    sky(dx, dy, dz, weight, out);
    return 1000;
  }
  const px = ox + dx * t;
  const py = oy + dy * t;
  const pz = oz + dz * t;
  let nx = 0;
  let ny = 1;
  let nz = 0;
  let colour = FLOOR_LIGHT;
  let mirror = 0.05;
  if (what === -2) {
    if ((Math.floor(px * 0.9 + 100) + Math.floor(pz * 0.9 + 100)) % 2) colour = FLOOR_DARK;
  } else {
    const s = SPHERES[what];
    nx = (px - s.at[0]) / s.r;
    ny = (py - s.at[1]) / s.r;
    nz = (pz - s.at[2]) / s.r;
    colour = s.colour;
    mirror = s.mirror;
  }
  const facing = nx * LIGHT[0] + ny * LIGHT[1] + nz * LIGHT[2];
  let lit = 0;
  if (facing > 0) {
    hit(px, py, pz, LIGHT[0], LIGHT[1], LIGHT[2]);
    if (hitWhat === -1) lit = facing;
  }
  let occluded = 1;
  for (const s of SPHERES) {
    const x = px - s.at[0];
    const y = py - s.at[1];
    const z = pz - s.at[2];
    const gap = Math.sqrt(x * x + y * y + z * z) - s.r;
    if (gap > 1e-3 && gap < 2) occluded *= 1 - 0.55 * Math.exp(-gap * 3.2) * (ny > 0 ? 1 : 0.4);
  }
  const ambient = (0.16 + 0.1 * ny) * occluded;
  const fog = 1 - Math.exp(-t * 0.018);
  const cosine = dx * nx + dy * ny + dz * nz;
  const fresnel = depth < 2 ? mirror + (1 - mirror) * 0.5 * (1 - Math.abs(cosine)) ** 5 : 0;
  const own = weight * (1 - fog) * (1 - fresnel);
  for (let i = 0; i < 3; i += 1) out[i] += own * colour[i] * (lit * SUN[i] + ambient * AIR[i]);
  if (fresnel > 0.01) {
    const k = -2 * cosine;
    shade(px, py, pz, dx + k * nx, dy + k * ny, dz + k * nz, weight * (1 - fog) * fresnel, depth + 1, out);
  }
  sky(dx, 0.05, dz, weight * fog, out);
  return t;
}

const curve = (v) => (v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055);

/** Linear floats, four per pixel: red, green, blue, depth. */
function render(width, height, turn) {
  const pixels = new Float32Array(width * height * 4);
  const angle = turn * Math.PI * 0.5 + 0.5;
  const eye = [Math.sin(angle) * 6.4, 2.3, Math.cos(angle) * 6.4];
  const ahead = normalise([-eye[0], 0.65 - eye[1], -eye[2]]);
  const right = normalise([-ahead[2], 0, ahead[0]]);
  const up = [
    right[1] * ahead[2] - right[2] * ahead[1],
    right[2] * ahead[0] - right[0] * ahead[2],
    right[0] * ahead[1] - right[1] * ahead[0],
  ];
  const out = [0, 0, 0];
  for (let y = 0; y < height; y += 1) {
    const v = ((height / 2 - y - 0.5) / width) * 1.25;
    for (let x = 0; x < width; x += 1) {
      const u = ((x + 0.5 - width / 2) / width) * 1.25;
      const dx = ahead[0] + right[0] * u + up[0] * v;
      const dy = ahead[1] + right[1] * u + up[1] * v;
      const dz = ahead[2] + right[2] * u + up[2] * v;
      const l = 1 / Math.sqrt(dx * dx + dy * dy + dz * dz);
      out.fill(0);
      const at = (y * width + x) * 4;
      pixels[at + 3] = shade(eye[0], eye[1], eye[2], dx * l, dy * l, dz * l, 1, 0, out);
      pixels.set(out, at);
    }
  }
  return pixels;
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(data.length);
  const tail = Buffer.alloc(4);
  tail.writeUInt32BE(crc32(body));
  return Buffer.concat([head, body, tail]);
}

function png(width, height, rgba) {
  const raw = Buffer.alloc((width * 4 + 1) * height);
  for (let y = 0; y < height; y += 1) rgba.copy(raw, y * (width * 4 + 1) + 1, y * width * 4, (y + 1) * width * 4);
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 6, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(raw, { level: 1 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

const cache = new Map();
function linear(width, height, turn) {
  const key = `${width}x${height}@${turn}`;
  if (!cache.has(key)) {
    if (cache.size > 40) cache.delete(cache.keys().next().value);
    cache.set(key, render(width, height, turn));
  }
  return cache.get(key);
}

/** `done`: list of [x, y, w, h, share of samples], in shares of the picture; the rest is transparent. */
function preview({ width, height, turn, done, exposure, channel }) {
  const source = linear(width, height, turn);
  const rgba = Buffer.alloc(width * height * 4);
  const gain = 2 ** exposure;
  let seed = 1;
  for (const [tx, ty, tw, th, share] of done) {
    const noise = share >= 1 ? 0 : 0.22 * Math.sqrt(1 - share);
    const x1 = Math.min(width, Math.round((tx + tw) * width));
    const y1 = Math.min(height, Math.round((ty + th) * height));
    for (let y = Math.round(ty * height); y < y1; y += 1) {
      for (let x = Math.round(tx * width); x < x1; x += 1) {
        const at = (y * width + x) * 4;
        for (let i = 0; i < 3; i += 1) {
          let value = source[at + i] * gain;
          if (channel === 'Depth') value = (1 - Math.min(1, source[at + 3] / 14)) * gain;
          if (noise > 0) {
            seed = (seed * 1664525 + 1013904223) >>> 0;
            value *= 1 + (seed / 4294967296 - 0.5) * noise * 4;
          }
          rgba[at + i] = Math.max(0, Math.min(255, Math.round(curve(Math.max(0, value)) * 255)));
        }
        rgba[at + 3] = 255;
      }
    }
  }
  return png(width, height, rgba);
}

parentPort?.on('message', ({ id, request }) => parentPort.postMessage({ id, png: preview(request) }));
