// How a view of a real node comes up in a browser that has nothing of it yet: bytes on the wire, and the time until it stands.
import { startBrowser } from './browser.mjs';

const LOADS = 5;
const VIEWPORT = { width: 1280, height: 800 };

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Runs in the page: says when the list is there (or why it is empty), or the mosaic with every task read. */
function watchForView() {
  const read = (path) =>
    performance.getEntriesByType('resource').some(({ name }) => new URL(name).pathname.endsWith(path));
  const stands = () =>
    location.hash.includes('/jobs/')
      ? document.querySelector('[role=application] canvas') && read('/tasks')
      : read('/v1/jobs') &&
        document.querySelector('main h1') &&
        !document.querySelector('main [role=status][aria-label]');
  const look = () => {
    if (!stands()) requestAnimationFrame(look);
    // A frame to draw it, a frame to show it.
    else
      requestAnimationFrame(() =>
        requestAnimationFrame(() => {
          window.viewStoodAt = performance.now();
        }),
      );
  };
  addEventListener('DOMContentLoaded', look);
}

/** Bodies as they were transferred, compressed where the node compresses. */
function transferred() {
  const entries = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
  const sum = { files: 0, bytes: 0, answers: 0, answer_bytes: 0 };
  for (const { name, encodedBodySize } of entries) {
    const { pathname, protocol } = new URL(name);
    if (protocol === 'blob:') continue;
    if (pathname.startsWith('/v1/')) {
      sum.answers += 1;
      sum.answer_bytes += encodedBodySize;
    } else {
      sum.files += 1;
      sum.bytes += encodedBodySize;
    }
  }
  return sum;
}

async function loadOnce(browser, { url, token }, address) {
  // Its own context: nothing cached, no store, no connection.
  const context = await browser.newContext({ viewport: VIEWPORT });
  const page = await context.newPage();
  await page.addInitScript((signedIn) => localStorage.setItem('rayswarm.token', signedIn), token);
  await page.addInitScript(watchForView);
  const encodings = new Set();
  page.on('response', (response) => {
    const { pathname, protocol } = new URL(response.url());
    if (/^https?:$/.test(protocol) && !pathname.startsWith('/v1/'))
      encodings.add(response.headers()['content-encoding'] ?? 'as they are');
  });
  const client = await context.newCDPSession(page);
  await client.send('Performance.enable', { timeDomain: 'threadTicks' });
  await page.goto(`${url}/#${address}`);
  await page.waitForFunction(() => window.viewStoodAt !== undefined, null, { timeout: 120_000 });
  const { metrics } = await client.send('Performance.getMetrics');
  const load = await page.evaluate(() => ({
    stood_ms: window.viewStoodAt,
    painted_ms: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN,
  }));
  load.main_thread_ms = metrics.find(({ name }) => name === 'TaskDuration').value * 1000;
  load.transferred = { ...(await page.evaluate(transferred)), encodings: [...encodings] };
  await context.close();
  return load;
}

/** `node` is `{ url, token }`; `address` is a view's. Medians of some loads, each with a cold cache. */
export async function measureView(node, address) {
  const browser = await startBrowser();
  const loads = [];
  for (let load = 0; load < LOADS; load += 1) loads.push(await loadOnce(browser, node, address));
  await browser.close();
  const of = (key) => median(loads.map((load) => load[key]));
  return {
    loads: LOADS,
    stood_ms: of('stood_ms'),
    painted_ms: of('painted_ms'),
    main_thread_ms: of('main_thread_ms'),
    ...loads.at(-1).transferred,
  };
}
