// Drives the studio of a real node with a real engine, the way an artist would: drop a scene, get a quote, start, watch the
// mosaic fill, cancel one, retry one, download, run a bundle of commands, look at what was paid. Then axe-core on every
// view in both themes.
// Usage: node scripts/drive.mjs [FOLDER for pictures]. Needs the built program and Chromium.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startBrowser } from './browser.mjs';
import { lookAtViews, takePictures } from './look.mjs';
import { startNode, until } from './realNode.mjs';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
const STILL = join(EXAMPLES, 'still/still.blend');
const ANIMATION = join(EXAMPLES, 'animation/animation.blend');
const BUNDLE = join(EXAMPLES, 'openjd/two-steps');
const PATIENCE_MS = 90_000;

const [folder] = process.argv.slice(2);
const node = await startNode();
const browser = await startBrowser();
const failures = [];
let passed = 0;

function expect(what, ok) {
  if (ok) passed += 1;
  else failures.push(what);
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${what}`);
}

function watch(page) {
  page.on('console', (message) => {
    if (message.type() === 'error') failures.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => failures.push(`page error: ${error.message}`));
  page.setDefaultTimeout(PATIENCE_MS);
  return page;
}

const page = watch(await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage());
const open = (address) => page.goto(`${node.url}/#${address}`);
const picture = (name) => takePictures(page, name, folder);
// A question about the job is asked within its header, and may name a state that it is not in.
const state = (wanted) =>
  page
    .locator('header', { hasText: wanted, hasNot: page.locator('dialog') })
    .first()
    .waitFor();
const jobOfPage = () => page.url().match(/jobs\/([^/?]+)/)[1];

/** From a file to a quote on the page. The scene comes alone first; what it lacks is added when the studio asks for it. */
async function quote(scene, { frames, width, height, samples }) {
  await open('/new');
  await page.locator('input[type=file]').first().setInputFiles(scene);
  await page.getByRole('heading', { name: 'Files of the scene' }).waitFor();
  const textures = join(dirname(scene), 'textures');
  await page.getByText(/files? (is|are) missing/).waitFor();
  await page
    .locator('input[type=file]')
    .first()
    .setInputFiles(readdirSync(textures).map((name) => join(textures, name)));
  await page.getByText(/files? (is|are) missing/).waitFor({ state: 'detached' });
  await page.getByRole('heading', { name: 'Files of the scene' }).waitFor();
  await picture('new-files');
  if (frames) await page.getByLabel('Frames', { exact: true }).fill(frames);
  await page.getByText('Size', { exact: true }).click();
  await page.getByLabel('Width', { exact: true }).fill(String(width));
  await page.getByLabel('Height', { exact: true }).fill(String(height));
  await page.getByLabel('Samples', { exact: true }).fill(String(samples));
  await page.getByRole('button', { name: 'Get a quote' }).click();
  await page.getByRole('button', { name: 'Start', exact: true }).waitFor();
  await picture('new-quote');
}

/** A folder with a template: its form, a value of one's own, and what its commands write. */
async function runBundle() {
  await open('/new');
  await page.locator('input[webkitdirectory]').setInputFiles(BUNDLE);
  await page.getByRole('heading', { name: 'Count the words of two small texts' }).waitFor();
  const title = page.getByLabel('Title', { exact: true });
  const texts = page.getByLabel('Texts', { exact: true });
  expect(
    'the form begins with the bundle’s values, then the defaults',
    (await title.inputValue()) === 'two small texts' && (await texts.inputValue()) === 'texts',
  );
  await picture('new-commands');
  await title.fill('a dropped bundle');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.getByRole('heading', { name: 'Count the words of a dropped bundle' }).waitFor();
  const id = jobOfPage();
  await state('done');
  const job = await node.get(`/v1/jobs/${id}`);
  const all = job.outputs.find(({ name }) => name === 'all');
  const kept = all ? readFileSync(all.path, 'utf8') : '';
  expect(`a dropped bundle runs, and the node keeps what it writes (${job.state})`, kept === '3\n5\n');
  await page.getByRole('tab', { name: /Files/ }).click();
  await page.getByRole('button', { name: 'Download: all', exact: true }).waitFor();
  expect('its files are listed', true);
  return id;
}

async function colours(selector) {
  return page.evaluate((which) => {
    const canvas = document.querySelector(which);
    if (!canvas) return 0;
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const seen = new Set();
    for (let i = 0; i < data.length; i += 4 * 97) seen.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
    return seen.size;
  }, selector);
}

async function drive() {
  await page.goto(node.url);
  await page.getByRole('heading', { name: 'Sign in to this node' }).waitFor();
  await picture('sign-in');
  await page.goto(node.address);
  await page.getByRole('heading', { name: 'What is this machine for?' }).waitFor();
  expect('the token leaves the address bar', !page.url().includes('token='));
  await page.getByRole('radio', { name: /^Both/ }).check();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('button', { name: 'Get test money' }).click();
  await until('the money', async () => BigInt((await node.get('/v1/wallet')).tokens) > 0n);
  await page.getByRole('button', { name: 'Start' }).click();
  await page.getByRole('heading', { name: 'New render' }).waitFor();
  expect('first run ends at the first render', true);

  await quote(STILL, { width: 256, height: 144, samples: 64 });
  expect('a dropped scene is quoted', true);
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.getByRole('heading', { name: /still/ }).waitFor();
  const still = jobOfPage();
  await until('the mosaic to fill', async () => (await colours('[role=application] canvas')) > 20, PATIENCE_MS);
  expect('the mosaic fills with pixels', true);
  await state('done');
  const view = await node.get(`/v1/jobs/${still}`);
  expect('the job is done and its escrow empty', view.state === 'done' && view.escrow.locked === '0');
  expect('the providers are paid', view.providers.length > 0 && view.providers.every((one) => BigInt(one.paid) > 0n));

  await page.getByRole('tab', { name: /Files/ }).click();
  const download = page.waitForEvent('download');
  await page
    .getByRole('button', { name: /^Download: / })
    .first()
    .click();
  const [file] = view.outputs;
  const got = readFileSync(await (await download).path());
  expect('the downloaded file is the finished one', got.equals(readFileSync(file.path)));

  await quote(ANIMATION, { frames: '1-12', width: 192, height: 108, samples: 16 });
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.getByRole('heading', { name: /animation/ }).waitFor();
  const animation = jobOfPage();
  await until('a frame', async () => (await node.get(`/v1/jobs/${animation}`)).frames_finished > 0, PATIENCE_MS);
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('button', { name: 'Resume' }).waitFor();
  expect('a job pauses', (await node.get(`/v1/jobs/${animation}`)).paused);
  await picture('job-paused');
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Cancel job' }).click();
  await picture('job-cancel');
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel job' }).click();
  await state('cancelled');
  const cancelled = await node.get(`/v1/jobs/${animation}`);
  expect(
    `a cancelled job has paid for what it has and got the rest back (${cancelled.frames_finished} frames)`,
    cancelled.state === 'cancelled' && cancelled.escrow.locked === '0' && BigInt(cancelled.escrow.refunded) > 0n,
  );
  await page.getByRole('button', { name: 'Retry', exact: true }).click();
  await picture('job-retry');
  await page.getByRole('dialog').getByRole('button', { name: 'Retry' }).click();
  await state('quoted');
  const again = jobOfPage();
  await picture('job-quoted');
  expect('a retry is another job', again !== animation);
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await state('done');
  const retried = await node.get(`/v1/jobs/${again}`);
  expect(
    `the retry renders what was open (${retried.frames} of 12 frames)`,
    retried.frames < 12 && retried.frames === 12 - cancelled.frames_finished,
  );

  const commands = await runBundle();

  await open('/wallet');
  await page.locator('section', { hasText: 'History' }).locator('tbody tr').nth(2).waitFor();
  expect('the wallet tells what was locked, paid and refunded', true);
  const transaction = retried.settlement.transactions[0];
  await open(`/chain/transactions/${transaction}`);
  await page.getByRole('heading', { name: /^Transaction/ }).waitFor();
  await page.getByText(transaction.slice(0, 10)).first().waitFor();
  expect('the settlement is found on the chain', true);

  await open('/jobs');
  await page.getByRole('button', { name: /中文/ }).click();
  await page.getByRole('heading', { name: '作业' }).waitFor();
  await picture('jobs-chinese');
  await page.getByRole('button', { name: /English/ }).click();
  const theme = page.getByRole('button', { name: /Theme/ });
  await theme.click();
  await theme.click();
  expect('dark', (await page.evaluate(() => document.documentElement.dataset.theme)) === 'dark');

  const { id } = (await node.get('/v1/providers')).items[0];
  return [
    ['jobs', '/jobs'],
    ['job-done', `/jobs/${still}`],
    ['job-cancelled', `/jobs/${animation}`],
    ['job-animation', `/jobs/${again}`],
    ['job-commands', `/jobs/${commands}`],
    ['compare', `/jobs/${again}/compare`],
    ['new', '/new'],
    ['nodes', '/nodes'],
    ['node-detail', `/nodes?node=${id}`],
    ['wallet', '/wallet'],
    ['chain', '/chain'],
    ['block', '/chain/blocks/1'],
    ['transaction', `/chain/transactions/${transaction}`],
    ['settings', '/settings'],
    ['first-run', '/first-run'],
  ];
}

async function signedIn(options) {
  const other = watch(await (await browser.newContext(options)).newPage());
  await other.addInitScript((token) => localStorage.setItem('rayswarm.token', token), node.token);
  return other;
}

if (folder) mkdirSync(folder, { recursive: true });
try {
  const views = await drive();
  await lookAtViews({ views, url: node.url, folder, newPage: signedIn, expect });
} catch (error) {
  failures.push(String(error.stack ?? error));
  if (folder) await page.screenshot({ path: join(folder, 'failed.png') });
}
await browser.close();
await node.stop();
console.log(`${passed} passed, ${failures.length} failed`);
for (const failure of failures) console.error(failure);
if (failures.length > 0) console.error(node.log().slice(-4000));
process.exit(failures.length > 0 ? 1 : 0);
