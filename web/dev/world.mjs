// The fake node's surroundings: seeded chance, the nodes of its farm, times, problems. Development only.

let seed = 20_240_611;
export function random() {
  seed = (seed * 1664525 + 1013904223) >>> 0;
  return seed / 4294967296;
}
export const pick = (list) => list[Math.floor(random() * list.length)];
export const hex = (bytes) => Array.from({ length: bytes * 2 }, () => Math.floor(random() * 16).toString(16)).join('');
export const RAY = 10n ** 18n;
export const amount = (tokens) => ((BigInt(Math.round(tokens * 1e6)) * RAY) / 1_000_000n).toString();

const DEVICES = [
  'Ryzen 9 7950X',
  'Threadripper 3970X',
  'Core i9-13900K',
  'Xeon Gold 6338',
  'RTX 4090',
  'EPYC 7543',
  'M2 Ultra',
  'Core i7-9700',
];
export const nodes = Array.from({ length: 14 }, (_, i) => ({
  id: hex(32),
  account: `0x${hex(20)}`,
  engines: ['blender 4.5.15'],
  threads: pick([8, 16, 24, 32, 64]),
  memory_bytes: pick([16, 32, 64, 128]) * 2 ** 30,
  wu_per_second: Math.round((0.4 + random() * 2.6) * 100) / 100,
  price_per_wu_hour: amount(0.02 + random() * 0.06),
  rtt_ms: i === 0 ? null : Math.round(4 + random() * 120),
  classes: [hex(8)],
  device: DEVICES[i % DEVICES.length],
  last_seen_s: Math.floor(random() * 20),
  registered: i !== 3,
  own: i === 0,
  tier: i < 3 ? 'private' : 'open',
  busy: random() < 0.7,
  tasks_verified: Math.floor(random() * 4000),
  tasks_rejected: random() < 0.3 ? Math.floor(random() * 9) : 0,
  earned: amount(random() * 40),
}));

export const now = () => new Date().toISOString();
export const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();

export function problem(code, title, detail, next_step, status = 409) {
  return { type: `urn:rayswarm:problem:${code}`, title, status, detail, next_step };
}
