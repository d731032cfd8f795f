// A job of commands as the fake node shows it: two texts are counted, then the counts are joined. Development only.
import { problem } from './world.mjs';

const COUNTED = ['one', 'two'];
const parameter = (name, more) => ({ name, allowed: [], description: null, ...more });

/** POST /v1/commands/inspect; `scene` is the path of the upload's template. */
export function inspectTemplate(scene) {
  if (scene.includes('broken'))
    return {
      refusal: problem(
        'bad_template',
        'The template cannot be used',
        `${scene} cannot be used: line 4: missing field \`steps\``,
        'mend it and drop it again',
        422,
      ),
    };
  return {
    name: 'Count the words of two small texts',
    description: 'Counts the words or lines of each text, then joins the counts.',
    parameters: [
      parameter('Title', { kind: 'string', default: 'a text', length_max: 40 }),
      parameter('Texts', {
        kind: 'path',
        object: 'directory',
        flow: 'in',
        default: 'texts',
        description: 'The texts.',
      }),
      parameter('Words', { kind: 'path', object: 'file', flow: 'in', label: 'Word list' }),
      parameter('Counts', { kind: 'path', object: 'directory', flow: 'out', default: 'counts' }),
      parameter('What', { kind: 'string', default: 'words', allowed: ['words', 'lines'], group: 'Counting' }),
      parameter('Least', { kind: 'int', default: '1', least: '1', greatest: '9', group: 'Counting' }),
      parameter('Note', { kind: 'string', default: '', control: 'MULTILINE_EDIT', group: 'Counting' }),
      parameter('Secret', { kind: 'string', default: 'x', control: 'HIDDEN' }),
    ],
    values: { Title: 'two small texts' },
    steps: [
      { name: 'Count', tasks: null, waits_for: [] },
      { name: 'Join', tasks: null, waits_for: ['Count'] },
    ],
    incomplete: "the parameters' values cannot be used: Values missing for required job parameters: Words",
    begins_paused: false,
  };
}

/** What makes a job of the farm one of commands. */
export const asCommands = ({ parameters }) => ({
  name: `Count the words of ${parameters.Title ?? 'two small texts'}`,
  state: 'rendering',
  grid: [COUNTED.length + 1, 1],
  price: 0,
  age: 1,
});

/** The farm makes a picture when its frame is whole; commands have written a file by then. */
export const filesOf = (job) =>
  job.outputs.map((output) => ({
    ...output,
    name: 'all',
    kind: 'file',
    frame: null,
    media_type: 'application/octet-stream',
  }));

export function stepsOf(job) {
  const done = (row) => row.state === 'verified';
  const counted = job.rows.slice(0, COUNTED.length);
  const step = (name, rows, waits_for) => ({
    name,
    tasks: rows.length,
    tasks_done: rows.filter(done).length,
    waits_for,
  });
  return [step('Count', counted, []), step('Join', job.rows.slice(COUNTED.length), ['Count'])];
}

const STATES = { waiting: 'waiting', given: 'waiting', failed: 'failed', verified: 'done' };

/** The items of GET /v1/jobs/{id}/commands. */
export function tasksOf(job) {
  return job.rows.map((row) => ({
    id: row.id,
    step: row.id < COUNTED.length ? 'Count' : 'Join',
    values: row.id < COUNTED.length ? { Text: COUNTED[row.id] } : {},
    state: STATES[row.state] ?? 'running',
    permille: row.permille,
    status: null,
    attempts: row.attempts,
    problem: null,
  }));
}
