// Drives the built studio against the fake node the way a person would, with keys and pointer, and runs axe-core on every
// view in both themes. Fails on a wrong outcome, a serious accessibility violation or an error in the console.
import { createRequire } from 'node:module';
import { startBrowser, startFake } from './browser.mjs';
import * as farm from './smokeFarm.mjs';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const WAIT_MS = 15_000;
/** Cumulative layout shift that counts as good is below 0.1; ours should be hardly any. */
const MOST_SHIFT = 0.02;
/** Switching servers off makes the browser itself report refused connections; those are what is being tested. */
const EXPECTED = /net::ERR|Failed to load resource/;

const fake = await startFake(1000);
const browser = await startBrowser();
const { items } = await fake.get('/v1/jobs?limit=2000');
const id = (name, state) => items.find((item) => item.name === name && item.state === state).id;
const animation = id('barbershop', 'rendering');
const film = id('kitchen_sunset', 'done');
const node = (await fake.get('/v1/providers')).items[2].id;
const failures = [];
let passed = 0;

function expect(what, ok) {
  if (ok) passed += 1;
  else failures.push(what);
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${what}`);
}

async function newPage(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  page.on('console', (message) => {
    if (message.type() === 'error' && !EXPECTED.test(message.text())) failures.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => failures.push(`page error: ${error.message}`));
  return page;
}
const open = (page, address) => page.goto(`${fake.url}/#${address}`);
async function check(name, work) {
  try {
    await work();
  } catch (error) {
    failures.push(`${name}: ${String(error.message).split('\n')[0]}`);
    console.log(`FAIL ${name}: ${String(error.message).split('\n')[0]}`);
  }
}

const page = await newPage();

await check('sign in', async () => {
  await open(page, '/jobs');
  await page.getByRole('heading', { name: 'Sign in to this node' }).waitFor();
  await page.getByLabel('Token').fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('The node refused the token').waitFor();
  await page.goto(`${fake.url}/#token=smoke`);
  await page.getByRole('heading', { name: 'What is this machine for?' }).waitFor();
  expect('the token leaves the address bar', !page.url().includes('token='));
});

const tools = { page, open, check, expect };
await farm.firstRun(tools);

await check('jobs', async () => {
  await page.locator('main li a').first().waitFor();
  const rows = await page.locator('main li a').count();
  expect(`a thousand jobs, few rows in the page (${rows})`, rows < 60);
  for (let i = 0; i < 12; i += 1) {
    await page.mouse.wheel(0, 6000);
    await page.waitForTimeout(150);
  }
  const last = await page.locator('main li').last().getAttribute('aria-posinset');
  expect(`scrolling brings later pages (row ${last})`, Number(last) > 200);
  const scrolled = await page.evaluate(() => scrollY);
  await page.locator('main li a').nth(12).click();
  await page.getByRole('link', { name: 'All jobs' }).click();
  await page.locator('main li a').first().waitFor();
  const back = await page.evaluate(() => scrollY);
  expect(`coming back finds the same rows (${scrolled}, ${back})`, Math.abs(back - scrolled) < 200);
  await page.getByRole('searchbox').fill('city_fly');
  await page.waitForFunction(
    () => location.hash.includes('q=city_fly') && document.querySelectorAll('main li a').length > 0,
  );
  const names = await page.locator('main li a').allInnerTexts();
  expect('search narrows the list', names.length > 0 && names.every((text) => text.includes('city_flyover')));
  await page.getByRole('searchbox').fill('');
  await page.waitForFunction(() => !location.hash.includes('q='));
  await page.getByText('Quoted', { exact: true }).click();
  await page.locator('main li a', { hasText: 'lamp_study' }).waitFor();
  expect('a state narrows the list', (await page.locator('main li a').count()) === 1);
  await page.locator('main li a').first().focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'lamp_study' }).waitFor();
  await page.getByRole('button', { name: 'Start' }).click();
  await page.locator('header', { hasText: 'rendering' }).first().waitFor();
  expect('a quoted job starts', true);
});

await check('mosaic', async () => {
  await open(page, `/jobs/${animation}`);
  const mosaic = page.getByRole('application');
  await mosaic.waitFor();
  const painted = (selector) =>
    page.evaluate((which) => {
      const canvas = document.querySelector(which);
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      const colours = new Set();
      for (let i = 0; i < data.length; i += 4 * 997) colours.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
      return colours.size;
    }, selector);
  await page.waitForFunction(() => document.querySelector('[role=slider]')?.getAttribute('aria-valuenow') !== '0');
  for (let i = 0; i < 40 && (await painted('[role=application] canvas')) < 20; i += 1) await page.waitForTimeout(500);
  expect('the picture is there', (await painted('[role=application] canvas')) >= 20);
  await mosaic.focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  const said = await page.locator('[role=application] [aria-live]').textContent();
  expect(`the keyboard cursor speaks: ${said}`, /Task \d+/.test(said));
  await page.keyboard.press('Enter');
  await page.getByText('Show all tasks').waitFor();
  expect('Enter shows the attempts of the task', true);
  const slider = page.getByRole('slider', { name: 'Frame', exact: true });
  await slider.focus();
  await page.keyboard.press('Home');
  expect('Home scrubs to the first frame', (await slider.getAttribute('aria-valuenow')) === '1');
  await page.keyboard.press('PageUp');
  expect('PageUp steps ten frames', (await slider.getAttribute('aria-valuenow')) === '11');
  await page.waitForFunction(() => location.hash.includes('frame=11'));
  expect('the frame is kept in the address', true);
  await mosaic.focus();
  await page.keyboard.press('1');
  await page.getByText('100 %', { exact: true }).waitFor();
  await page.keyboard.press('0');
  expect('1 shows actual pixels, 0 fits', true);
  const asked = page.waitForRequest((request) => request.url().includes('exposure=2'));
  await page.locator('input[type=range]').fill('2');
  await asked;
  await page.getByText('+2 EV').waitFor();
  expect('exposure asks for another preview', true);
  await page.getByText('All frames', { exact: true }).click();
  const heat = page.getByRole('slider', { name: /All frames/ });
  await heat.focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await mosaic.waitFor();
  expect('the overview opens a frame', true);
});

await check('stillness', async () => {
  for (const view of [
    '/jobs',
    `/jobs/${animation}`,
    '/new',
    '/nodes',
    '/wallet',
    '/chain',
    '/settings',
    '/first-run',
  ]) {
    const fresh = await newPage();
    await fresh.addInitScript(() => {
      localStorage.setItem('rayswarm.token', 'smoke');
      window.shifted = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) window.shifted += entry.value;
      }).observe({ type: 'layout-shift', buffered: true });
    });
    await open(fresh, view);
    await fresh.waitForTimeout(5000);
    const shifted = await fresh.evaluate(() => window.shifted);
    expect(`nothing jumps on ${view} (layout shift ${shifted.toFixed(3)})`, shifted < MOST_SHIFT);
    await fresh.context().close();
  }
});

await check('live', async () => {
  const before = await page.locator('header dl').first().textContent();
  await page.waitForFunction((old) => document.querySelector('header dl').textContent !== old, before);
  expect('numbers move by themselves', true);
});

await check('actions', async () => {
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('button', { name: 'Pause' }).waitFor();
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByLabel(/Priority from/).fill('7');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Cancel job' }).click();
  await page.getByRole('button', { name: 'Keep rendering' }).click();
  expect('pause, resume, priority, and a cancel thought better of', true);
  await open(page, `/jobs/${id('city_flyover', 'failed')}`);
  await page.getByRole('tab', { name: /Failures/ }).click();
  await page.getByText('No node can hold this scene').first().waitFor();
  await page.getByRole('button', { name: 'Retry', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Retry' }).click();
  await page.locator('header', { hasText: 'quoted' }).first().waitFor();
  expect('a failed job explains itself and is retried as a new one', true);
});

await check('downloads and film', async () => {
  await open(page, `/jobs/${film}`);
  await page.getByRole('tab', { name: /Files/ }).click();
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: /Download: frame_0001/ }).click();
  expect('a frame downloads', (await download).suggestedFilename() === 'frame_0001.png');
});

await check('compare', async () => {
  await open(page, `/jobs/${film}/compare?a=1&b=24`);
  const wipe = page.getByRole('slider', { name: 'Wipe position' });
  await wipe.focus();
  await page.keyboard.press('ArrowLeft');
  expect('the wipe moves by keys', (await wipe.getAttribute('aria-valuenow')) === '48');
  await page.getByText('Side by side').click();
  await page.getByText('Difference').click();
  await page.waitForFunction(() => location.hash.includes('mode=difference'));
  const stage = page.getByRole('application');
  const box = await stage.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.getByText(/A +\d+ +\d+ +\d+/).waitFor();
  expect('the pixel under the pointer is read', true);
});

await farm.newRender(tools);
await farm.newCommands(tools);
await farm.nodes(tools);
await farm.wallet(tools);
await farm.chain(tools);
await farm.settings(tools);

await check('language and theme', async () => {
  await open(page, '/jobs');
  await page.getByRole('button', { name: /中文/ }).click();
  await page.getByRole('heading', { name: '作业' }).waitFor();
  expect('Chinese', (await page.evaluate(() => document.documentElement.lang)) === 'zh-CN');
  await page.getByRole('button', { name: /English/ }).click();
  await page.getByRole('heading', { name: 'Jobs' }).waitFor();
  const theme = page.getByRole('button', { name: /Theme/ });
  await theme.click();
  await theme.click();
  expect('dark', (await page.evaluate(() => document.documentElement.dataset.theme)) === 'dark');
});

await check('offline', async () => {
  await page.context().setOffline(true);
  await fake.get('/dev/cut');
  await page.getByText('The node does not answer. What you see').waitFor();
  expect('a cut line is said', true);
  await page.context().setOffline(false);
  await page.getByText('Live', { exact: true }).waitFor();
  expect('and mended', true);
});

const views = [
  '/jobs',
  `/jobs/${animation}`,
  `/jobs/${film}`,
  `/jobs/${film}/compare`,
  '/new',
  '/nodes',
  `/nodes?node=${node}`,
  '/wallet',
  '/chain',
  '/chain/blocks/1235',
  `/chain/transactions/0x${'ab'.repeat(32)}`,
  '/settings',
  '/first-run',
];
for (const colorScheme of ['light', 'dark']) {
  const audited = await newPage({ colorScheme, reducedMotion: 'reduce' });
  await audited.addInitScript(() => localStorage.setItem('rayswarm.token', 'smoke'));
  for (const view of views) {
    await check(`axe ${view}`, async () => {
      await open(audited, view);
      await audited.waitForTimeout(2500);
      await audited.addScriptTag({ path: AXE });
      const { violations } = await audited.evaluate(() => window.axe.run());
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect(`axe ${colorScheme} ${view}`, serious.length === 0);
      for (const { id: rule, nodes } of violations)
        console.log(`     ${rule}: ${nodes[0].html.slice(0, 140)} (${nodes.length})`);
    });
  }
}

await browser.close();
fake.stop();
console.log(`${passed} passed, ${failures.length} failed`);
for (const failure of failures) console.error(failure);
process.exitCode = failures.length > 0 ? 1 : 0;
