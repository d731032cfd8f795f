// What the studio costs, measured in headless Chromium. From a real node, as it serves them: the first view and, with
// `--job`, the view of that job. From a fake feed: main-thread time per 1,000 task updates, which needs `npm run build`.
// Usage: node scripts/measure.mjs [--node URL --token T [--job ID]]. Without `--node` the built program is started.
// Prints a table and one line of JSON; fails when a limit is passed.
import { parseArgs } from 'node:util';
import { measureFeed } from './measureFeed.mjs';
import { measureView } from './measureView.mjs';
import { startNode } from './realNode.mjs';

const LIMITS = { main_thread_ms: 8, first_view_bytes: 150_000 };

const { values: asked } = parseArgs({
  options: { node: { type: 'string' }, token: { type: 'string' }, job: { type: 'string' } },
});
if (Boolean(asked.node) !== Boolean(asked.token) || (asked.job && !asked.node)) {
  throw new Error('--node and --token belong together, and --job needs both');
}

async function measureViews() {
  if (asked.node) {
    const node = { url: asked.node.replace(/\/$/, ''), token: asked.token };
    return {
      first: await measureView(node, '/jobs'),
      job: asked.job && (await measureView(node, `/jobs/${asked.job}`)),
    };
  }
  const node = await startNode();
  const first = await measureView(node, '/jobs');
  await node.stop();
  return { first };
}

const round = (value) => Math.round(value * 100) / 100;
const milliseconds = (value) => `${Math.round(value)} ms`;
const kilobytes = (bytes) => `${round(bytes / 1000)} kB`;

function viewRows(name, view, limit) {
  return [
    [
      `${name}: files, as transferred (${view.encodings.join(', ')})`,
      `${kilobytes(view.bytes)} in ${view.files}`,
      limit,
    ],
    [`${name}: answers of the API, as transferred`, `${kilobytes(view.answer_bytes)} in ${view.answers}`, ''],
    [`${name}: first contentful paint, cold`, milliseconds(view.painted_ms), ''],
    [`${name}: stands, cold`, milliseconds(view.stood_ms), ''],
    [`${name}: main thread until it stands`, milliseconds(view.main_thread_ms), ''],
  ];
}

function feedRows([name, cost]) {
  return [
    [
      `1,000 updates, ${name.replace('_', ' ')}: main thread`,
      `${round(cost.total_ms)} ms`,
      `${LIMITS.main_thread_ms} ms`,
    ],
    ['  of it script', `${round(cost.script_ms)} ms`, ''],
    ['  of it style and layout', `${round(cost.style_and_layout_ms)} ms`, ''],
  ];
}

function print(title, rows) {
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column].length)));
  console.log(title);
  for (const [what, value, limit] of rows) {
    console.log(`  ${what.padEnd(widths[0])}  ${value.padStart(widths[1])}  ${limit && `limit ${limit}`}`.trimEnd());
  }
}

const { first, job } = await measureViews();
print(`A real node, ${asked.node ?? 'started for this with no job in it'}; medians of ${first.loads} loads`, [
  ...viewRows('first view', first, kilobytes(LIMITS.first_view_bytes)),
  ...(job ? viewRows('job', job, '') : []),
]);
const feed = await measureFeed();
print(
  'A fake feed (web/dev), because no farm sends 5,000 updates a second on command',
  Object.entries(feed).flatMap(feedRows),
);

const worst = Math.max(...Object.values(feed).map((cost) => cost.total_ms));
console.log(
  JSON.stringify({ first_view: first, job_view: job ?? null, per_1000_updates: feed, main_thread_ms: round(worst) }),
);
if (worst > LIMITS.main_thread_ms || first.bytes > LIMITS.first_view_bytes) {
  console.error('a limit was passed');
  process.exitCode = 1;
}
