// The client calls everything that the API's document describes, and nothing else.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { Rayswarm } from '../dist/index.js';
import { REPOSITORY } from './support.mjs';

it('every operation of the document is called by one method', async () => {
  const { paths } = JSON.parse(readFileSync(join(REPOSITORY, 'docs/protocol/openapi.json'), 'utf8'));
  const patterns = Object.entries(paths).map(([path, operations]) => ({
    path,
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
    methods: Object.keys(operations),
  }));
  const called = new Set();
  const client = new Rayswarm({
    fetch: async (address, { method = 'GET' } = {}) => {
      const { pathname } = new URL(String(address));
      const found = patterns.find(({ pattern }) => pattern.test(pathname));
      called.add(`${method.toLowerCase()} ${found?.path ?? pathname}`);
      return new Response(JSON.stringify({ items: [] }));
    },
  });
  const { jobs, outputs, uploads, wallet, chain, node, providers, tokens, webhooks } = client;
  const scene = { upload: 'u' };
  await jobs.create({ scene });
  await jobs.list().toArray();
  await jobs.show('j');
  await jobs.change('j', { priority: 1 });
  for (const name of /** @type {const} */ (['quote', 'start', 'pause', 'resume', 'cancel', 'retry', 'duplicate'])) {
    await jobs[name]('j');
  }
  for await (const _page of jobs.tasks('j'));
  await jobs.attempts('j').toArray();
  await jobs.commands('j').toArray();
  await jobs.explain('j').toArray();
  await jobs.log('j');
  await jobs.audit('j');
  await jobs.preview('j');
  await jobs.channels('j', 1);
  await outputs.list('j');
  await outputs.blob('j', 0);
  await uploads.begin({ files: [], scene: '' });
  await uploads.show('u');
  await uploads.putChunk('u', 'c', new Uint8Array(1));
  await uploads.finish('u');
  await uploads.remove('u');
  await client.inspect({ scene });
  await client.inspectTemplate({ scene });
  await wallet.show();
  await wallet.history().toArray();
  await wallet.faucet();
  await chain.show();
  await chain.blocks();
  await chain.block('1');
  await chain.transaction('t');
  await node.show();
  await node.change({});
  await node.invite();
  await node.metrics();
  await node.openapi();
  await providers.list();
  await tokens.list();
  await tokens.create({ name: 't', scopes: ['read'] });
  await tokens.remove('t');
  await webhooks.list();
  await webhooks.create({ url: 'https://example.com', events: ['job'] });
  await webhooks.remove('w');
  if (paths['/render']) await client.renderImage('https://example.com/image.jpg', 'style-transfer');
  const described = patterns.flatMap(({ path, methods }) => methods.map((method) => `${method} ${path}`));
  // The stream never ends: it is tested against a node. A picture is fetched from its output_url, by whatever fetches.
  const others = new Set(['get /v1/events', 'get /render/{job_id}']);
  assert.deepEqual([...called].sort(), described.filter((operation) => !others.has(operation)).sort());
});
