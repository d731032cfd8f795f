// The part of the smoke test that goes through first run, new render, nodes, wallet, chain and settings.
import { readFileSync } from 'node:fs';

const MIB = 2 ** 20;
const SETTLEMENT = `0x${'ab'.repeat(32)}`;

export async function firstRun({ page, open, check, expect }) {
  await check('first run', async () => {
    await page.getByRole('heading', { name: 'What is this machine for?' }).waitFor();
    await page.getByRole('radio', { name: /^Both/ }).focus();
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByRole('heading', { name: 'How should the studio look?' }).waitFor();
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByRole('button', { name: 'Get test money' }).click();
    await page.getByText('912.5').waitFor();
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByRole('heading', { name: 'New render' }).waitFor();
    expect('three questions lead to the first render', true);
    await page.goto(page.url().replace(/#.*/, '#/'));
    await page.getByRole('heading', { name: 'Jobs' }).waitFor();
    expect('and are not asked again', true);
    await open(page, '/jobs');
  });
}

export async function newRender({ page, open, check, expect }) {
  await check('new render', async () => {
    const sent = [];
    const keys = [];
    page.on('request', (request) => {
      if (request.method() === 'PUT') sent.push(request.url());
      if (request.method() === 'POST' && request.url().endsWith('/v1/jobs'))
        keys.push(request.headers()['idempotency-key']);
    });
    await open(page, '/new');
    const input = page.locator('input[type=file]').first();
    await input.setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no scene') });
    await page.getByText('There is no scene in this').waitFor();
    expect('what holds no scene is said', true);
    const scene = { name: 'lounge.blend', mimeType: 'application/octet-stream', buffer: Buffer.alloc(9 * MIB, 7) };
    await input.setInputFiles(scene);
    await page.getByRole('heading', { name: 'Files of the scene' }).waitFor();
    expect(`equal chunks are sent once (${sent.length} of 3)`, sent.length === 2);
    const quote = page.getByRole('button', { name: 'Get a quote' });
    await page.getByText('1 missing file needs your word').waitFor();
    expect('a missing file is decided first', await quote.isDisabled());
    await input.setInputFiles({ name: 'rug.png', mimeType: 'image/png', buffer: Buffer.from('a rug') });
    await page.getByText('4 files found').waitFor();
    expect(`an added file is sent alone and put in its place (${sent.length})`, sent.length === 3);
    await page.getByLabel('Frames', { exact: true }).fill('9-1');
    await page.getByText('A field needs correcting').waitFor();
    await page.getByLabel('Frames', { exact: true }).fill('1-4');
    await quote.click();
    const slider = page.getByRole('slider', { name: 'Budget against time' });
    await slider.focus();
    const before = await slider.getAttribute('aria-valuetext');
    await page.keyboard.press('ArrowRight');
    const after = await slider.getAttribute('aria-valuetext');
    expect(`the slider speaks: ${after}`, before !== after && after.includes('RAY'));
    await page.getByText('Starting locks this budget instead').waitFor();
    await page.getByRole('button', { name: 'Change something' }).click();
    expect('what was filled in stays', (await page.getByLabel('Frames', { exact: true }).inputValue()) === '1-4');
    await quote.click();
    await slider.waitFor();
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.getByRole('heading', { name: 'lounge' }).waitFor();
    await page.locator('header', { hasText: 'rendering' }).first().waitFor();
    expect('each quote is an intention of its own', keys.length === 2 && new Set(keys).size === 2);

    await open(page, '/new');
    await page.getByRole('heading', { name: 'Drop a scene here' }).waitFor();
    const drop = async (name, text) => {
      const dropped = await page.evaluateHandle(
        ([file, content]) => {
          const data = new DataTransfer();
          data.items.add(new File([content], file));
          return data;
        },
        [name, text],
      );
      await page.dispatchEvent('main', 'drop', { dataTransfer: dropped });
    };
    await drop('several.zip', 'two scenes');
    await page.getByRole('button', { name: 'shot/b.blend' }).click();
    await page.getByRole('heading', { name: 'Files of the scene' }).waitFor();
    await page.getByText('shot/b.blend').first().waitFor();
    expect('an archive with several scenes asks which', true);
    await page.getByLabel('Render without //textures/rug.png').check();
    await quote.click();
    await slider.waitFor();
    await slider.focus();
    await page.keyboard.press('End');
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.getByRole('heading', { name: 'b', exact: true }).waitFor();
    await page.locator('header', { hasText: 'rendering' }).first().waitFor();
    expect('another budget is locked instead', true);
  });
}

export async function newCommands({ page, open, check, expect }) {
  await check('new job of commands', async () => {
    const asked = [];
    page.on('request', (request) => {
      if (request.method() === 'POST' && request.url().endsWith('/v1/jobs')) asked.push(request.postDataJSON());
    });
    const file = (name, text) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(text) });
    const input = page.locator('input[type=file]').first();
    await open(page, '/new');
    await input.setInputFiles(file('broken.yaml', 'no template'));
    await page.getByText('missing field `steps`').waitFor();
    expect('a template with a fault says where', true);
    await page.getByRole('button', { name: 'Start over' }).click();
    await input.setInputFiles([file('template.yaml', 'name: x'), file('notes.txt', 'texts')]);
    await page.getByRole('heading', { name: 'Count the words of two small texts' }).waitFor();
    const run = page.getByRole('button', { name: 'Run', exact: true });
    await page.getByText('Needed: Word list.').waitFor();
    expect('a value that is needed comes first', await run.isDisabled());
    expect('what its author hides is not asked', (await page.getByLabel('Secret').count()) === 0);
    await input.setInputFiles(file('words.txt', 'a list'));
    await page.locator('datalist option[value="words.txt"]').waitFor({ state: 'attached' });
    expect('an added file is offered', true);
    await page.getByLabel('Word list').fill('words.txt');
    await page.getByLabel('Least').fill('10');
    await page.getByText('It must be at most 9.').waitFor();
    expect('a wrong value is said beside it', await run.isDisabled());
    await page.getByLabel('Least').fill('2');
    await page.getByLabel('Title').fill('other texts');
    await page.getByLabel('What').selectOption('lines');
    await run.click();
    await page.getByRole('heading', { name: 'Count the words of other texts' }).waitFor();
    const { parameters } = asked[0];
    expect(
      'only what was changed is sent',
      JSON.stringify(parameters) ===
        JSON.stringify({ Title: 'other texts', Words: 'words.txt', What: 'lines', Least: '2' }),
    );
    await page.locator('header', { hasText: 'done' }).first().waitFor();
    await page.getByRole('tab', { name: /Files/ }).click();
    await page.getByRole('button', { name: 'Download: all' }).waitFor();
    expect('it runs at once, and its files are there', true);

    await open(page, '/new');
    await input.setInputFiles(file('bundle.zip', 'a bundle'));
    await page.getByRole('heading', { name: 'Count the words of two small texts' }).waitFor();
    expect('a bundle may come as an archive', (await page.getByRole('button', { name: 'Add files' }).count()) === 0);
  });
}

export async function nodes({ page, open, check, expect }) {
  await check('nodes', async () => {
    await open(page, '/nodes');
    const latencies = async () =>
      (await page.locator('tbody tr td:nth-child(6)').allInnerTexts()).map((text) => Number.parseInt(text, 10));
    await page.getByRole('button', { name: 'Latency' }).click();
    await page.locator('th[aria-sort=ascending]', { hasText: 'Latency' }).waitFor();
    const sorted = (await latencies()).filter((value) => !Number.isNaN(value));
    expect('nodes sort by latency', sorted.length > 5 && sorted.every((v, i) => i === 0 || v >= sorted[i - 1]));
    await page.locator('tbody tr button[aria-haspopup=dialog]').first().focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText('Tasks verified').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect('a node opens and closes by keys', !page.url().includes('node='));
    const own = page.getByRole('switch', { name: /This machine renders/ });
    await own.click();
    await page.getByText('It takes no new tasks').waitFor();
    expect('the switch pauses this machine', !(await own.isChecked()));
    await own.click();
    await page.getByText('Switch it off while you need').waitFor();
    await page.getByRole('button', { name: 'Invite a machine' }).click();
    await page.getByText('rayswarm up --provide --join').waitFor();
    await page.keyboard.press('Escape');
    expect('an invitation is written', true);
  });
}

export async function wallet({ page, open, check, expect }) {
  await check('wallet', async () => {
    await open(page, '/wallet');
    const rows = page.locator('section', { hasText: 'History' }).locator('tbody tr');
    await rows.nth(24).waitFor();
    await page.getByRole('button', { name: 'Show more' }).click();
    await rows.nth(49).waitFor();
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export CSV' }).click();
    const lines = readFileSync(await (await download).path(), 'utf8').split('\r\n');
    expect(`the export holds every page (${lines.length - 2} entries)`, lines.length === 242);
    await rows.first().locator('a').nth(1).click();
    await page.getByRole('heading', { name: /^Transaction/ }).waitFor();
    expect('a movement leads to its transaction', true);
  });
}

export async function chain({ page, open, check, expect }) {
  await check('chain', async () => {
    await open(page, '/chain');
    const newest = page.locator('section', { hasText: 'Blocks' }).last().locator('tbody a').first();
    const before = await newest.textContent();
    for (let i = 0; i < 50 && (await newest.textContent()) === before; i += 1) await page.waitForTimeout(200);
    expect('new blocks appear by themselves', (await newest.textContent()) !== before);
    await page.getByRole('link', { name: 'Older' }).click();
    await page.getByRole('link', { name: 'Newer' }).waitFor();
    const still = await newest.textContent();
    await page.waitForTimeout(2500);
    expect('older pages stand still', (await newest.textContent()) === still);
    const find = page.getByRole('searchbox');
    await find.fill('nonsense');
    await page.keyboard.press('Enter');
    await page.getByText('64 hexadecimal digits').waitFor();
    await find.fill('1,235');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Block 1,235' }).waitFor();
    await page.getByText('2 transactions').waitFor();
    await open(page, '/chain');
    await find.fill(SETTLEMENT);
    await page.keyboard.press('Enter');
    await page.getByText('VoucherPaid').waitFor();
    expect('a block and a transaction are found by what one types', true);
    await open(page, '/chain/blocks/99999999');
    await page.getByText('There is no such block').waitFor();
    expect('what is not there is said', true);
  });
}

export async function settings({ page, open, check, expect }) {
  await check('settings', async () => {
    await open(page, '/settings');
    await page.getByRole('button', { name: 'New token' }).click();
    await page.getByLabel('Name', { exact: true }).fill('smoke test');
    await page.getByLabel(/make and change jobs/).check();
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByText('rsk_shown_once').waitFor();
    await page.getByRole('button', { name: 'I have copied it' }).click();
    expect('a token is shown once', (await page.getByText('rsk_shown_once').count()) === 0);
    await page.getByRole('button', { name: 'Revoke: smoke test' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('button', { name: 'Revoke: smoke test' }).waitFor({ state: 'detached' });
    expect('and revoked after a question', true);
    await page.getByRole('button', { name: 'New webhook' }).click();
    await page.getByLabel('Address to call').fill('https://example.org/smoke');
    await page.getByRole('dialog').getByRole('button', { name: 'Add' }).click();
    await page.getByText('whsec_').waitFor();
    await page.getByRole('button', { name: 'I have copied it' }).click();
    await page.getByRole('button', { name: 'Remove: https://example.org/smoke' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await page.getByRole('button', { name: 'Remove: https://example.org/smoke' }).waitFor({ state: 'detached' });
    expect('a webhook comes and goes', true);
    await page.getByLabel('New price per WU-hour').fill('0.125');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText(/Now: 0\.125/).waitFor();
    expect('the price changes', true);
  });
}
