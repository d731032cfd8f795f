// The fake node's jobs: a little farm in which nodes take tasks, render, deliver and are audited, at a pace that is
// pleasant to watch. Development only.
import { ago, amount, hex, nodes, now, pick, random } from './world.mjs';

export const jobs = new Map();

function facts(job) {
  return {
    engine: 'blender',
    engine_version: '4.5.15',
    saved_by: '4.5.3',
    renderer: 'CYCLES',
    frame_start: job.frame_numbers[0],
    frame_end: job.frame_numbers.at(-1),
    frame_step: 1,
    frame_rate: { numerator: 24, denominator: 1 },
    resolution: job.resolution,
    pixel_aspect_milli: 1000,
    samples: 256,
    adaptive_sampling: false,
    denoise: true,
    compositor: false,
    cameras: [{ name: 'Camera', active: true, marker_frames: [] }],
    view_layers: [{ name: 'ViewLayer', passes: ['Combined', 'Depth'] }],
    output: { name: 'frame_####', format: 'PNG', color_mode: 'RGBA', color_depth: 8 },
    memory_estimate: 3_400_000_000,
    dependencies: [
      { reference: '//textures/wood_albedo.png', path: 'textures/wood_albedo.png', kind: 'image', state: 'found' },
    ],
    findings: [
      {
        severity: 'note',
        code: 'denoise',
        message: 'denoising happens after merging, on this node',
        remedy: 'nothing to do',
      },
    ],
    sequential: false,
    tile_padding: 0,
    tiles_exact: true,
    slices_refused: null,
  };
}

function quote(job, price) {
  const curve = [0.6, 0.75, 1, 1.4, 2, 3].map((f) => ({
    budget: amount(price * f),
    time_s: 3600 / f ** 1.4,
    providers: Math.round(4 * f) + 1,
  }));
  return {
    resolution: job.resolution,
    samples: 256,
    price: amount(price * 0.82),
    budget: amount(price),
    time_s: 3600,
    time_low_s: 2900,
    time_high_s: 4700,
    tasks: job.rows.length,
    frames: job.frame_numbers.length,
    tiles: job.grid[0] * job.grid[1],
    slices: job.slices,
    result_bytes: job.rows.length * 3_100_000,
    providers: 12,
    assumptions: ['offers of the last minute stay', 'a quarter of the tasks is audited'],
    curve,
  };
}

export function makeJob({
  name,
  state,
  frames = 1,
  grid = [4, 3],
  slices = 1,
  done = 0,
  price = 4,
  age = 600,
  resolution = { width: 1920, height: 1080 },
  film = false,
  pace = 1,
}) {
  const job = {
    id: `job_${hex(10)}`,
    name,
    state,
    paused: false,
    priority: 0,
    problem: null,
    grid,
    slices,
    film,
    pace,
    revision: 1,
    created_at: ago(age),
    started_at: state === 'analysing' || state === 'quoted' ? null : ago(age * 0.9),
    finished_at: null,
    frame_numbers: Array.from({ length: frames }, (_, i) => i + 1),
    resolution,
    rows: [],
    changed: new Set(),
    cursor: 0,
    finished: new Int32Array(frames),
    log: [],
    attempts: [],
    lanes: [],
    outputs: [],
    price,
    verified: 0,
  };
  const tileW = Math.ceil(resolution.width / grid[0]);
  const tileH = Math.ceil(resolution.height / grid[1]);
  for (const frame of job.frame_numbers)
    for (let y = 0; y < grid[1]; y += 1)
      for (let x = 0; x < grid[0]; x += 1)
        for (let slice = 0; slice < slices; slice += 1)
          job.rows.push({
            id: job.rows.length,
            frame,
            tile: {
              x: x * tileW,
              y: y * tileH,
              width: Math.min(tileW, resolution.width - x * tileW),
              height: Math.min(tileH, resolution.height - y * tileH),
            },
            slice,
            slices,
            state: 'waiting',
            node: null,
            permille: 0,
            attempts: 0,
            rev: 1,
          });
  // A wandering order, so that a half-done job looks like one.
  job.order = job.rows.map((_, i) => i);
  const reach = Math.min(60, Math.ceil(job.rows.length / 4));
  for (let i = 0; i + 1 < job.order.length; i += 1) {
    const j = Math.min(job.order.length - 1, i + Math.floor(random() * reach));
    [job.order[i], job.order[j]] = [job.order[j], job.order[i]];
  }
  job.facts = state === 'analysing' ? null : facts(job);
  job.quote = state === 'analysing' || state === 'probing' ? null : quote(job, price);
  const upTo = Math.floor(job.rows.length * (state === 'done' || state === 'settling' ? 1 : done));
  for (; job.cursor < upTo; job.cursor += 1) finish(job, job.rows[job.order[job.cursor]], pick(nodes), true);
  if (state === 'done') job.finished_at = ago(age * 0.2);
  jobs.set(job.id, job);
  log(job, `plan: ${job.rows.length} tasks, ${frames} frames, ${grid[0]} × ${grid[1]} tiles, ${slices} slices`);
  return job;
}

function log(job, text) {
  const line = { at: now(), text };
  job.log.push(line);
  if (job.log.length > 500) job.log.shift();
  job.onLog?.(line);
}

/** The attempt behind a task that was done before this server began. */
export function recall(job, row) {
  if (row.state !== 'verified' || job.attempts.some((known) => known.task === row.id)) return;
  row.attempts = 0;
  attempt(
    job,
    row,
    nodes.find((node) => node.id === row.node),
    'verified',
  );
}

export function attempt(job, row, node, state, endedReason = null) {
  row.attempts += 1;
  job.attempts.push({
    id: job.attempts.length + 1,
    task: row.id,
    frame: row.frame,
    node: node.id,
    purpose: 'render',
    of: null,
    state,
    reason: pick([
      `fastest free node that has the scene warm (${node.wu_per_second} WU/s)`,
      'cheapest offer that still meets the deadline',
      'the frame is already in its memory; starting another would cost 14 s of loading',
      'replica of the slowest task: its first node is expected to need 40 s more',
    ]),
    granted_at: ago(30 + random() * 60),
    started_at: ago(20 + random() * 9),
    ended_at: state === 'rendering' ? null : ago(random() * 10),
    ended_reason: endedReason,
    cpu_ms: state === 'rendering' ? null : Math.round(20_000 + random() * 90_000),
    price_per_wu_hour: node.price_per_wu_hour,
  });
}

export function touch(job, row, change) {
  Object.assign(row, change);
  row.rev = ++job.revision;
  job.changed.add(row);
}

function output(job, frame, kind = 'frame') {
  const index = job.outputs.length;
  const digits = String(frame ?? 0).padStart(4, '0');
  const made =
    kind === 'film'
      ? { index, name: `${job.name}.webm`, kind, frame: null, bytes: 8_400_000, media_type: 'video/webm' }
      : {
          index,
          name: `frame_${digits}.png`,
          kind,
          frame,
          bytes: 2_600_000 + Math.floor(random() * 4e5),
          media_type: 'image/png',
        };
  job.outputs.push(made);
  job.onOutput?.(made);
}

function finish(job, row, node, quietly = false) {
  if (quietly) row.attempts = 1;
  touch(job, row, { state: 'verified', node: node.id, permille: 1000 });
  job.verified += 1;
  const at = row.frame - job.frame_numbers[0];
  job.finished[at] += 1;
  if (job.finished[at] === job.grid[0] * job.grid[1] * job.slices) output(job, row.frame);
}

const MOST_LANES = 40;
/** One tick of 200 ms: lanes advance, free lanes take the next waiting task. */
export function tick(job) {
  if (job.state !== 'rendering' || job.paused) return;
  const lanes = Math.min(MOST_LANES, Math.max(6, Math.ceil(job.rows.length / 60)));
  while (job.lanes.length < lanes && job.cursor < job.order.length) {
    const row = job.rows[job.order[job.cursor++]];
    const node = nodes[(job.lanes.length * 5 + job.cursor) % 12];
    job.lanes.push({
      row,
      node,
      wait: 2 + Math.floor(random() * 4),
      speed: (12 + random() * 40) * node.wu_per_second * job.pace,
      audit: random() < 0.25 ? 8 : 0,
    });
    touch(job, row, { state: 'given', node: node.id, permille: 0 });
  }
  job.lanes = job.lanes.filter((lane) => {
    const { row, node } = lane;
    if (row.state === 'given') {
      if (--lane.wait > 0) return true;
      attempt(job, row, node, 'rendering');
      touch(job, row, { state: 'rendering' });
      return true;
    }
    if (row.state === 'rendering') {
      if (random() < 0.0006) {
        job.attempts.at(-1).ended_reason = 'the session was stopped: memory limit of 12 GiB reached';
        attempt(
          job,
          row,
          node,
          'failed',
          'the session was stopped: memory limit of 12 GiB reached; the task goes to a node with more memory',
        );
        touch(job, row, { state: 'failed', permille: 0 });
        log(job, `task ${row.id}: attempt failed on ${node.id.slice(0, 8)}: memory limit reached`);
        job.order.splice(job.cursor + 10, 0, row.id);
        return false;
      }
      const permille = Math.min(1000, Math.round(row.permille + lane.speed));
      touch(job, row, { permille, ...(permille === 1000 && { state: 'delivered' }) });
      return true;
    }
    if (lane.audit > 0) {
      lane.audit -= 1;
      if (row.state !== 'auditing') touch(job, row, { state: 'auditing' });
      return true;
    }
    finish(job, row, node);
    if (random() < 0.05) log(job, `task ${row.id} verified (frame ${row.frame}, ${node.id.slice(0, 8)})`);
    return false;
  });
  if (job.cursor >= job.order.length && job.lanes.length === 0) {
    job.state = 'done';
    job.finished_at = now();
    if (job.film) output(job, null, 'film');
    log(job, 'settled in one transaction; the rest was refunded');
  }
}
