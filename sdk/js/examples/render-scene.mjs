// Renders a .blend and saves its pictures. Without a budget it says what the job would cost.
// Usage: node examples/render-scene.mjs SCENE.blend [--to FOLDER] [--budget TOKENS]
//   [--width PIXELS --height PIXELS] [--samples COUNT]
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BudgetError, fromBaseUnits, toBaseUnits } from '@rayswarm/client';
import { node } from './node.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    to: { type: 'string', default: '.' },
    budget: { type: 'string', default: '0' },
    width: { type: 'string' },
    height: { type: 'string' },
    samples: { type: 'string' },
  },
});
const [scene] = positionals;
if (!scene) throw new Error('name a scene: node examples/render-scene.mjs SCENE.blend');
const { to, budget, width, height, samples } = values;

const { token_decimals: decimals, token_symbol: symbol } = await node.wallet.show();
const stop = new AbortController();
process.once('SIGINT', () => stop.abort(new Error('interrupted; the job is cancelled')));

try {
  const pictures = await node.render(
    { path: scene },
    {
      budget: toBaseUnits(budget, decimals),
      settings: {
        ...(width && height && { resolution: { exact: { width: Number(width), height: Number(height) } } }),
        ...(samples && { samples: Number(samples) }),
      },
      signal: stop.signal,
      onProgress: ({ stage, done, total }) => console.log(`${stage}: ${done} of ${total} bytes`),
      onEvent: (event) => {
        if (event.event === 'job') console.log(`${event.data.state}, ${event.data.progress_permille / 10} %`);
      },
    },
  );
  mkdirSync(to, { recursive: true });
  for (const picture of pictures) {
    await picture.save(join(to, picture.name));
    console.log(`saved ${join(to, picture.name)}`);
  }
} catch (error) {
  if (!(error instanceof BudgetError)) throw error;
  const { quote, job } = error;
  const price = `${fromBaseUnits(quote.price, decimals)} ${symbol}, at most ${fromBaseUnits(quote.budget, decimals)}`;
  console.log(`costs about ${price}; takes about ${Math.ceil(quote.time_s)} s. To start it: --budget TOKENS`);
  await node.jobs.cancel(job.id);
  process.exitCode = 2;
}
