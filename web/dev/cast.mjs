// The jobs one finds on opening the studio, one for each thing worth looking at. Development only.
import { attempt, jobs, makeJob, touch } from './farm.mjs';
import { nodes, pick, problem, random } from './world.mjs';

const NAMES = [
  'barbershop',
  'classroom',
  'kitchen_sunset',
  'pavilion',
  'robot_walk',
  'shot_010',
  'shot_020',
  'shot_030',
  'teapot_turntable',
  'forest_pan',
  'logo_loop',
  'watch_macro',
  'city_flyover',
  'lamp_study',
  '分镜头_012',
];

/** The jobs one finds on opening the studio; `many` fills the list up to that number. */
export function populate(many) {
  const old = ['done', 'done', 'done', 'done', 'cancelled', 'failed'];
  for (let i = jobs.size; i < many; i += 1) {
    const state = pick(old);
    const job = makeJob({
      name: `${pick(NAMES)}${random() < 0.4 ? `_v${1 + Math.floor(random() * 9)}` : ''}`,
      state,
      frames: 1 + Math.floor(random() * 4),
      grid: [2, 2],
      price: 0.2 + random() * 9,
      age: 90_000 + i * 5400,
      done: state === 'done' ? 1 : random(),
    });
    if (state === 'failed')
      job.problem = problem(
        'scene_changed',
        'A file of the scene changed while it was packed',
        'textures/wood_albedo.png differs from the manifest (expected 4f1c…, got 9a02…)',
        'submit the scene again',
      );
  }
  const wide = { width: 2048, height: 858 };
  makeJob({
    name: 'kitchen_sunset',
    state: 'done',
    frames: 48,
    grid: [3, 2],
    price: 6.2,
    age: 9000,
    film: true,
    resolution: { width: 960, height: 540 },
  });
  jobs.get([...jobs.keys()].at(-1)).outputs.push({
    index: 48,
    name: 'kitchen_sunset.webm',
    kind: 'film',
    frame: null,
    bytes: 8_400_000,
    media_type: 'video/webm',
  });
  const failed = makeJob({
    name: 'city_flyover',
    state: 'failed',
    frames: 30,
    grid: [4, 3],
    done: 0.6,
    price: 12,
    age: 7000,
  });
  failed.problem = problem(
    'memory',
    'No node can hold this scene',
    'the scene needs 41 GiB; the largest of 14 offers has 32 GiB',
    'reduce texture sizes in the scene, or invite a node with more memory',
  );
  for (let i = 0; i < 3; i += 1) {
    const row = failed.rows[failed.order[failed.cursor + i]];
    for (const node of nodes.slice(4, 7))
      attempt(failed, row, node, 'failed', 'the session was stopped: memory limit of 32 GiB reached');
    touch(failed, row, { state: 'failed', node: nodes[6].id });
  }
  makeJob({ name: 'lamp_study', state: 'quoted', grid: [4, 4], slices: 2, price: 1.4, age: 300 });
  makeJob({ name: 'logo_loop', state: 'probing', frames: 90, price: 2, age: 40 });
  makeJob({ name: 'watch_macro', state: 'funding', frames: 1, grid: [8, 8], price: 3, age: 90 });
  makeJob({ name: 'shot_030', state: 'analysing', price: 2, age: 12 });
  const paused = makeJob({
    name: 'forest_pan',
    state: 'rendering',
    frames: 120,
    grid: [2, 2],
    done: 0.3,
    price: 18,
    age: 8000,
  });
  paused.paused = true;
  makeJob({
    name: 'mosaic_10k',
    state: 'rendering',
    frames: 1,
    grid: [100, 100],
    done: 0.45,
    price: 30,
    age: 900,
    resolution: { width: 4000, height: 2250 },
    pace: 2,
  });
  makeJob({
    name: 'classroom',
    state: 'rendering',
    frames: 1,
    grid: [8, 6],
    slices: 4,
    done: 0.3,
    price: 3.1,
    age: 260,
    pace: 0.25,
  });
  makeJob({
    name: 'barbershop',
    state: 'rendering',
    frames: 250,
    grid: [8, 5],
    done: 0.34,
    price: 46,
    age: 2300,
    resolution: wide,
    film: true,
    pace: 0.6,
  });
}
