// Uploads and what is found in them, as the fake node does it: chunks are checked against their names and kept across
// uploads; one picture is missing until it is sent. Development only.
import { createHash } from 'node:crypto';
import { asCommands, inspectTemplate } from './commands.mjs';
import { emit, watch } from './events.mjs';
import { jobs, makeJob } from './farm.mjs';
import { summary } from './views.mjs';
import { problem } from './world.mjs';

const uploads = new Map();
const chunks = new Set();
const RUG = '//textures/rug.png';
const INSPECT_MS = 700;
const STEP_MS = 900;

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const refused = (code, title, detail, next, status) => ({ refusal: problem(code, title, detail, next, status) });
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function shown({ id, scene, list, complete }) {
  const all = new Set(list.flatMap((file) => file.chunks));
  return {
    id,
    scene,
    files: list.length,
    bytes: list.reduce((sum, file) => sum + file.bytes, 0),
    missing: [...all].filter((hash) => !chunks.has(hash)),
    complete,
    expires_at: new Date(Date.now() + 864e5).toISOString(),
  };
}

function finish(known) {
  if (known.scene) return;
  const [archive] = known.list;
  if (archive.path.includes('several'))
    return refused(
      'several_scenes',
      'The archive has several scenes',
      'it holds shot/a.blend, shot/b.blend',
      'say which of them is meant',
      409,
    );
  known.scene = archive.path.includes('bundle') ? 'template.yaml' : archive.path.replace(/zip$/, 'blend');
}

/** POST /v1/uploads, GET …/{id}, PUT …/chunks/{sha256}, POST …/finish; `bytes` is the request's body. */
export function upload(id, rest, method, bytes) {
  if (!id) {
    const { files, scene } = JSON.parse(bytes.toString());
    const key = `up_${sha256(JSON.stringify([files, scene])).slice(0, 20)}`;
    if (!uploads.has(key)) uploads.set(key, { id: key, scene, list: files, complete: false });
    return shown(uploads.get(key));
  }
  const known = uploads.get(id);
  if (!known) return refused('not_found', 'There is no such upload', id, 'begin a new one', 404);
  if (method === 'PUT') {
    if (sha256(bytes) !== rest)
      return refused('wrong_hash', 'The chunk is not what its name says', rest, 'send it again', 422);
    chunks.add(rest);
    return null;
  }
  if (method === 'POST') {
    const refusal = finish(known);
    if (refusal) return refusal;
    known.complete = true;
  }
  return shown(known);
}

const sceneOf = ({ upload: id }) => uploads.get(id)?.scene ?? '';
const isTemplate = (path) => /\.(ya?ml|json)$/.test(path);

/** POST /v1/commands/inspect */
export const inspectCommands = ({ scene }) => inspectTemplate(sceneOf(scene));

/** POST /v1/inspect */
export async function inspect({ scene, allow_missing: allowed = [] }) {
  await wait(INSPECT_MS);
  const sent = uploads.get(scene.upload)?.list.some((file) => file.path.endsWith('textures/rug.png'));
  const facts = [...jobs.values()].at(-1).facts;
  const findings = [
    {
      severity: 'note',
      code: 'denoise',
      message: 'denoising happens after merging, on this node',
      remedy: 'nothing to do',
    },
    {
      severity: 'warning',
      code: 'unbaked_simulation',
      message: 'the cloth of "Curtain" is not baked, so frames may differ from those in Blender',
      remedy: 'bake it, or render the frames in order',
    },
  ];
  if (!sent && !allowed.includes(RUG))
    findings.push({
      severity: 'refusal',
      code: 'missing_files',
      message: `files the scene needs are missing: ${RUG}`,
      remedy: 'put them in place or pack them, or render without them',
    });
  return {
    ...facts,
    findings,
    dependencies: [
      { reference: '//textures/wood.png', path: 'textures/wood.png', kind: 'image', state: 'found' },
      { reference: '//lib/chair.blend', path: 'lib/chair.blend', kind: 'library', state: 'found' },
      { reference: 'Bfont', path: null, kind: 'font', state: 'packed' },
      sent
        ? { reference: RUG, path: 'textures/rug.png', kind: 'image', state: 'found' }
        : { reference: RUG, path: null, kind: 'image', state: 'missing' },
    ],
  };
}

const made = new Map();
/**
 * POST /v1/jobs: the same key is the same job; a new one is analysed, measured, quoted, and started if it was asked. One of
 * commands begins at once.
 */
export function createJob(input, key) {
  if (key && made.has(key)) return summary(made.get(key));
  const begun = isTemplate(sceneOf(input.scene)) ? runCommands(input) : askForQuote(input);
  if (key) made.set(key, begun);
  watch(begun);
  emit('job', summary(begun), begun.id);
  return summary(begun);
}

function runCommands(input) {
  const job = makeJob(asCommands(input));
  return Object.assign(job, { kind: 'commands', facts: null, quote: null });
}

function askForQuote(input) {
  const job = makeJob({
    name: input.name ?? 'new_render',
    state: 'quoted',
    frames: input.frames?.length ?? 1,
    grid: [6, 4],
    price: input.budget ? Number(BigInt(input.budget) / 10n ** 14n) / 1e4 : 2,
    age: 1,
  });
  const { facts, quote } = job;
  const step = (after, state, change) =>
    setTimeout(() => {
      if (job.state === 'cancelled') return;
      Object.assign(job, { state, ...change });
      emit('job', summary(job), job.id);
    }, after).unref();
  Object.assign(job, { state: 'analysing', facts: null, quote: null });
  step(STEP_MS, 'probing', { facts });
  step(2 * STEP_MS, 'quoted', { quote });
  if (input.auto_start) step(3 * STEP_MS, 'rendering', { started_at: new Date().toISOString() });
  return job;
}
