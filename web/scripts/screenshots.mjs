// Pictures of the studio for looking at: each view at three widths in both themes. Build first.
// Usage: node scripts/screenshots.mjs FOLDER [part of a name …], for instance `/tmp/shots job-rendering 1280`.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startBrowser, startFake } from './browser.mjs';

const [folder = 'screenshots', ...only] = process.argv.slice(2);
const WIDTHS = [
  [390, 844],
  [1280, 800],
  [2200, 1300],
];
const SETTLE_MS = Number(process.env.SETTLE_MS ?? 2500);

mkdirSync(folder, { recursive: true });
const fake = await startFake(1000);
const { items } = await fake.get('/v1/jobs?limit=2000');
const job = (name, state) => items.find((item) => item.name === name && item.state === state).id;
const animation = job('barbershop', 'rendering');

const node = (await fake.get('/v1/providers')).items[2].id;
async function chooseScene(page) {
  const scene = { name: 'lounge.blend', mimeType: 'application/octet-stream', buffer: Buffer.from('a scene') };
  await page.locator('input[type=file]').first().setInputFiles(scene);
  await page.getByRole('heading', { name: 'Files of the scene' }).waitFor();
}

/** Name, address, and what to do there before the picture is taken. */
const VIEWS = [
  ['jobs', '/jobs'],
  ['jobs-none', '/jobs?q=nothing-like-this'],
  ['job-rendering', `/jobs/${animation}`],
  ['job-frames', `/jobs/${animation}`, (page) => page.getByText('All frames', { exact: true }).click()],
  ['job-nodes', `/jobs/${animation}`, (page) => page.locator('[role=toolbar] label', { hasText: 'Nodes' }).click()],
  ['job-attempts', `/jobs/${animation}`, (page) => page.getByRole('tab', { name: 'Attempts' }).click()],
  ['job-task', `/jobs/${job('classroom', 'rendering')}`, (page) => page.locator('[role=application]').click()],
  ['job-still-10k', `/jobs/${job('mosaic_10k', 'rendering')}`],
  [
    'job-failed',
    `/jobs/${job('city_flyover', 'failed')}`,
    (page) => page.getByRole('tab', { name: /Failures/ }).click(),
  ],
  ['job-done', `/jobs/${job('kitchen_sunset', 'done')}`, (page) => page.getByRole('tab', { name: /Files/ }).click()],
  ['job-quoted', `/jobs/${job('lamp_study', 'quoted')}`],
  [
    'job-cancel',
    `/jobs/${animation}`,
    async (page) => {
      await page.getByRole('button', { name: 'More actions' }).click();
      await page.getByRole('menuitem', { name: 'Cancel job' }).click();
    },
  ],
  ['compare', `/jobs/${job('kitchen_sunset', 'done')}/compare?a=1&b=24`],
  ['new', '/new'],
  ['new-found', '/new', chooseScene],
  [
    'new-quote',
    '/new',
    async (page) => {
      await chooseScene(page);
      await page.getByLabel(/Render without/).check();
      await page.getByRole('button', { name: 'Get a quote' }).click();
      await page.getByRole('slider', { name: 'Budget against time' }).waitFor();
    },
  ],
  ['nodes', '/nodes'],
  ['node-detail', `/nodes?node=${node}`],
  ['nodes-invite', '/nodes', (page) => page.getByRole('button', { name: 'Invite a machine' }).click()],
  ['wallet', '/wallet'],
  ['chain', '/chain'],
  ['block', '/chain/blocks/1235'],
  ['transaction', `/chain/transactions/0x${'ab'.repeat(32)}`],
  ['settings', '/settings'],
  ['settings-token', '/settings', (page) => page.getByRole('button', { name: 'New token' }).click()],
  ['first-run', '/first-run'],
  ['sign-in', null],
];

const browser = await startBrowser();
let failures = 0;
for (const [width, height] of WIDTHS) {
  for (const theme of ['light', 'dark']) {
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: theme,
      reducedMotion: 'reduce',
    });
    for (const [name, address, act] of VIEWS) {
      const file = `${name}-${width}-${theme}.png`;
      if (!only.every((part) => file.includes(part))) continue;
      const page = await context.newPage();
      page.on('console', (message) => {
        if (message.type() !== 'error') return;
        failures += 1;
        console.error(`${file}: ${message.text()}`);
      });
      page.on('pageerror', (error) => {
        failures += 1;
        console.error(`${file}: ${error.message}`);
      });
      await page.addInitScript((signedIn) => {
        if (signedIn) localStorage.setItem('rayswarm.token', 'script');
        else localStorage.removeItem('rayswarm.token');
      }, address !== null);
      await page.goto(`${fake.url}/#${address ?? '/'}`);
      await page.waitForTimeout(SETTLE_MS);
      try {
        await act?.(page);
        if (act) await page.waitForTimeout(1000);
      } catch (error) {
        failures += 1;
        console.error(`${file}: ${String(error).split('\n')[0]}`);
      }
      await page.screenshot({ path: join(folder, file) });
      await page.close();
    }
    await context.close();
  }
}
await browser.close();
fake.stop();
console.log(`screenshots in ${folder}, ${failures} errors`);
process.exit(failures > 0 ? 1 : 0);
