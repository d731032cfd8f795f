// Looks at the studio in both themes: pictures at three widths into a folder, and axe-core's opinion of what is there.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SIZES = [
  { width: 390, height: 844 },
  { width: 1280, height: 800 },
  { width: 2200, height: 1300 },
];
const USUAL = SIZES[1];
const THEMES = ['light', 'dark'];
const SETTLE_MS = 1500;
/** After another size or theme. */
const CHANGE_MS = 400;

const pathOf = (folder, name, { width }, theme) => join(folder, `${name}-${width}-${theme}.png`);

/** Pictures of what a page shows now, which no address leads to. None without a folder. */
export async function takePictures(page, name, folder) {
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  for (const colorScheme of THEMES) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const size of SIZES) {
      await page.setViewportSize(size);
      await page.waitForTimeout(CHANGE_MS);
      await page.screenshot({ path: pathOf(folder, name, size, colorScheme) });
    }
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  await page.setViewportSize(USUAL);
}

/** What axe-core finds grave, as lines. */
async function findings(page) {
  // Evaluated, not added: the studio's policy takes no script of others.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run());
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 140)}`);
}

/**
 * Opens each of `views` (`[name, address]`) anew; with a folder at three widths and with pictures. `newPage` answers a
 * page that is signed in, `expect` takes what axe-core says.
 */
export async function lookAtViews({ views, url, folder, newPage, expect }) {
  if (folder) mkdirSync(folder, { recursive: true });
  for (const viewport of folder ? SIZES : [USUAL]) {
    const page = await newPage({ viewport, reducedMotion: 'reduce' });
    for (const [name, address] of views) {
      await page.goto(`${url}/#${address}`);
      await page.waitForTimeout(SETTLE_MS);
      for (const colorScheme of THEMES) {
        await page.emulateMedia({ colorScheme });
        await page.waitForTimeout(CHANGE_MS);
        if (folder) await page.screenshot({ path: pathOf(folder, name, viewport, colorScheme) });
        const grave = await findings(page);
        expect(`axe ${colorScheme} ${viewport.width} ${name}`, grave.length === 0);
        for (const line of grave) console.log(`     ${line}`);
      }
    }
    await page.context().close();
  }
}
