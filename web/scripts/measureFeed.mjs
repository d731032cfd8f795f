// What task updates cost the main thread: a fake node (dev/) sends bursts of 1,000 to the view of a job of 10,000 tasks,
// which no farm of ours does on command.
import { startBrowser, startFake } from './browser.mjs';

const UPDATES_PER_BURST = 1000;
const BURSTS = 30;
/** The node sends batches at most five times a second; a burst of 1,000 every 200 ms is 5,000 changes a second. */
const BURST_EVERY_MS = 200;
const SETTLE_MS = 6000;
const STILL_MS = 2000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Seconds the main thread was at work since the page began, whatever it did: script, style, layout, paint. Counted in
 * processor time (threadTicks), so that other programs on a busy machine do not count; TIME_DOMAIN=timeTicks counts the
 * clock instead.
 */
async function mainThread(client) {
  const { metrics } = await client.send('Performance.getMetrics');
  return Object.fromEntries(metrics.map((metric) => [metric.name, metric.value]));
}

async function measureJob(browser, fake, name, prepare) {
  const { items } = await fake.get('/v1/jobs?limit=2000');
  const job = items.find((item) => item.name === name && item.state === 'rendering').id;
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.addInitScript(() => localStorage.setItem('rayswarm.token', 'measure'));
  await page.goto(`${fake.url}/#/jobs/${job}`);
  await page.waitForSelector('[role=application] canvas');
  await prepare?.(page);
  await sleep(SETTLE_MS);
  const client = await context.newCDPSession(page);
  await client.send('Performance.enable', { timeDomain: process.env.TIME_DOMAIN ?? 'threadTicks' });
  await fake.get('/dev/still?on=1');
  await sleep(STILL_MS);

  const text = () => page.evaluate(() => document.querySelector('aside').textContent);
  const before = await text();
  const idleFrom = await mainThread(client);
  await sleep(BURSTS * BURST_EVERY_MS);
  const from = await mainThread(client);
  for (let burst = 0; burst < BURSTS; burst += 1) {
    await fake.get(`/dev/burst?job=${job}&count=${UPDATES_PER_BURST}&from=${burst * UPDATES_PER_BURST}`);
    await sleep(BURST_EVERY_MS);
  }
  const to = await mainThread(client);
  if ((await text()) === before) throw new Error(`${name}: the view did not change; nothing was measured`);
  await fake.get('/dev/still?on=0');
  await context.close();
  const per = (key) => ((to[key] - from[key] - (from[key] - idleFrom[key])) * 1000) / BURSTS;
  return {
    total_ms: per('TaskDuration'),
    script_ms: per('ScriptDuration'),
    style_and_layout_ms: per('RecalcStyleDuration') + per('LayoutDuration'),
  };
}

/** Milliseconds of the main thread per 1,000 updates, by what is looked at; what the view costs idle is taken off. */
export async function measureFeed() {
  const fake = await startFake(1000);
  const browser = await startBrowser();
  const allFrames = (page) => page.getByText('All frames', { exact: true }).click();
  const costs = {
    animation: await measureJob(browser, fake, 'barbershop'),
    still: await measureJob(browser, fake, 'mosaic_10k'),
    heat_map: await measureJob(browser, fake, 'barbershop', allFrames),
  };
  await browser.close();
  fake.stop();
  return costs;
}
