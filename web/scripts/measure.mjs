// What the studio costs, measured in headless Chromium against the fake node: main-thread time per 1,000 task updates on
// jobs of 10,000 tasks, size of the first view, first contentful paint. Build first: npm run build.
// Prints a table and one line of JSON; fails when a limit is passed. With `--report`, only prints.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { startBrowser, startFake } from './browser.mjs';

const LIMITS = { main_thread_ms: 8, first_view_gzip_bytes: 150_000 };
const UPDATES_PER_BURST = 1000;
const BURSTS = 30;
/** The node sends batches at most five times a second; a burst of 1,000 every 200 ms is 5,000 changes a second. */
const BURST_EVERY_MS = 200;
const LOADS = 7;

const fake = await startFake(1000);
const browser = await startBrowser();
const dist = fileURLToPath(new URL('../dist', import.meta.url));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function open(context, address) {
  const page = await context.newPage();
  await page.addInitScript(() => localStorage.setItem('rayswarm.token', 'measure'));
  await page.goto(`${fake.url}/#${address}`);
  return page;
}

/**
 * Seconds the main thread was at work since the page began, whatever it did: script, style, layout, paint. Counted in
 * processor time (threadTicks), so that other programs on a busy machine do not count; TIME_DOMAIN=timeTicks counts the
 * clock instead.
 */
async function mainThread(client) {
  const { metrics } = await client.send('Performance.getMetrics');
  return Object.fromEntries(metrics.map((metric) => [metric.name, metric.value]));
}

async function measureUpdates(name, state, prepare) {
  const { items } = await fake.get('/v1/jobs?limit=2000');
  const job = items.find((item) => item.name === name && item.state === state).id;
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await open(context, `/jobs/${job}`);
  await page.waitForSelector('[role=application] canvas');
  await prepare?.(page);
  await sleep(6000);
  const client = await context.newCDPSession(page);
  await client.send('Performance.enable', { timeDomain: process.env.TIME_DOMAIN ?? 'threadTicks' });
  await fake.get('/dev/still?on=1');
  await sleep(2000);

  const text = () => page.evaluate(() => document.querySelector('aside').textContent);
  const before = await text();
  const idleFrom = await mainThread(client);
  await sleep(BURSTS * BURST_EVERY_MS);
  const idleTo = await mainThread(client);
  const from = await mainThread(client);
  for (let burst = 0; burst < BURSTS; burst += 1) {
    await fake.get(`/dev/burst?job=${job}&count=${UPDATES_PER_BURST}&from=${burst * UPDATES_PER_BURST}`);
    await sleep(BURST_EVERY_MS);
  }
  const to = await mainThread(client);
  if ((await text()) === before) throw new Error(`${name}: the view did not change; nothing was measured`);
  await fake.get('/dev/still?on=0');
  await context.close();
  const per = (key) => ((to[key] - from[key] - (idleTo[key] - idleFrom[key])) * 1000) / BURSTS;
  return {
    total_ms: per('TaskDuration'),
    script_ms: per('ScriptDuration'),
    style_and_layout_ms: per('RecalcStyleDuration') + per('LayoutDuration'),
  };
}

async function measureFirstView() {
  const paints = [];
  let files = new Set();
  for (let load = 0; load < LOADS; load += 1) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    files = new Set();
    page.on('response', (response) => {
      const { pathname, protocol } = new URL(response.url());
      if (protocol !== 'blob:' && !pathname.startsWith('/v1/')) files.add(pathname === '/' ? '/index.html' : pathname);
    });
    await page.addInitScript(() => localStorage.setItem('rayswarm.token', 'measure'));
    await page.goto(`${fake.url}/#/jobs`);
    await page.waitForSelector('main li a');
    paints.push(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime));
    await context.close();
  }
  const sizes = [...files].map((path) => gzipSync(readFileSync(dist + path), { level: 9 }).length);
  return { bytes: sizes.reduce((sum, size) => sum + size, 0), files: files.size, paint: median(paints) };
}

const frames = (page) => page.getByText('All frames', { exact: true }).click();
const updates = {
  animation: await measureUpdates('barbershop', 'rendering'),
  still: await measureUpdates('mosaic_10k', 'rendering'),
  heat_map: await measureUpdates('barbershop', 'rendering', frames),
};
const first = await measureFirstView();
await browser.close();
fake.stop();

const round = (value) => Math.round(value * 100) / 100;
const rows = [
  ...Object.entries(updates).flatMap(([name, cost]) => [
    [
      `main thread per 1,000 updates, ${name.replace('_', ' ')}`,
      `${round(cost.total_ms)} ms`,
      `${LIMITS.main_thread_ms} ms`,
    ],
    ['  of it script', `${round(cost.script_ms)} ms`, ''],
    ['  of it style and layout', `${round(cost.style_and_layout_ms)} ms`, ''],
  ]),
  ['first view, gzip', `${round(first.bytes / 1000)} kB in ${first.files} files`, '150 kB'],
  [`first contentful paint, median of ${LOADS}`, `${Math.round(first.paint)} ms`, ''],
];
const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column].length)));
for (const [what, value, limit] of rows) {
  console.log(`${what.padEnd(widths[0])}  ${value.padStart(widths[1])}  ${limit && `limit ${limit}`}`);
}
const worst = Math.max(...Object.values(updates).map((cost) => cost.total_ms));
const summary = {
  main_thread_ms_per_1000_updates: round(worst),
  updates: Object.fromEntries(Object.entries(updates).map(([name, cost]) => [name, round(cost.total_ms)])),
  first_view_gzip_bytes: first.bytes,
  first_contentful_paint_ms: Math.round(first.paint),
};
console.log(JSON.stringify(summary));
const passed = worst <= LIMITS.main_thread_ms && first.bytes <= LIMITS.first_view_gzip_bytes;
if (!passed && !process.argv.includes('--report')) {
  console.error('a limit was passed');
  process.exitCode = 1;
}
