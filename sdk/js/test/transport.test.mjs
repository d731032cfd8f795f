// Refusals become errors, and a call is made again when the node asks for it or, where that is harmless, when the line
// breaks.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ProblemError, Rayswarm, renderImage, UnreachableError } from '../dist/index.js';
import { filled, pauseAsked } from '../dist/transport.js';
import { bodyOf, startServer } from './support.mjs';

const JSON_TYPE = { 'content-type': 'application/json' };
const PROBLEM = {
  type: 'budget_too_small',
  title: 'Budget too small',
  status: 400,
  detail: 'it is 5',
  next_step: 'give 6',
};

/** Runs `work` with a client of a server that gives one answer after the other, the last one for good. */
async function answering(answers, work) {
  const requests = [];
  const server = await startServer(async (request, response) => {
    const body = await bodyOf(request);
    requests.push({ method: request.method, url: request.url, headers: request.headers, body });
    const answer = answers[Math.min(requests.length, answers.length) - 1];
    if (answer === 'cut') return request.socket.destroy();
    const [status, headers, content] = answer;
    response.writeHead(status, headers).end(content === undefined ? '' : JSON.stringify(content));
  });
  try {
    await work(new Rayswarm({ url: `${server.url}/`, token: 'secret' }), requests, server.url);
  } finally {
    await server.stop();
  }
}

const node = [200, JSON_TYPE, { id: 'n' }];

describe('a refusal', () => {
  it('is a ProblemError with its next step', async () => {
    await answering([[400, { 'content-type': 'application/problem+json' }, PROBLEM]], async (client, requests) => {
      const error = await client.jobs.start('a/b', { budget: 5n }).catch((thrown) => thrown);
      assert.ok(error instanceof ProblemError);
      const { type, title, status, detail, next } = error;
      const wanted = {
        type: 'budget_too_small',
        title: 'Budget too small',
        status: 400,
        detail: 'it is 5',
        next: 'give 6',
      };
      assert.deepEqual({ type, title, status, detail, next }, wanted);
      assert.match(error.message, /it is 5; give 6/);
      assert.equal(requests.length, 1);
      assert.equal(requests[0].url, '/v1/jobs/a%2Fb/start');
      assert.equal(requests[0].headers.authorization, 'Bearer secret');
      assert.deepEqual(JSON.parse(requests[0].body), { budget: '5' });
    });
  });

  it('that is no problem document is one all the same', async () => {
    await answering([[502, {}, 'a proxy speaks']], async (client) => {
      await assert.rejects(client.node.show(), { name: 'ProblemError', status: 502, detail: '"a proxy speaks"' });
    });
  });
});

describe('another try', () => {
  it('is made when the node asks for it, with the same key', async () => {
    const crowded = [429, { 'retry-after': '0' }];
    const busy = [503, { 'retry-after': '0' }];
    await answering([crowded, busy, [201, JSON_TYPE, { id: 'j' }]], async (client, requests) => {
      assert.equal((await client.jobs.create({ scene: { upload: 'u' } })).id, 'j');
      const keys = requests.map(({ headers }) => headers['idempotency-key']);
      assert.equal(keys.length, 3);
      assert.equal(new Set(keys).size, 1);
      assert.match(keys[0], /^[0-9a-f-]{36}$/);
      await client.jobs.create({ scene: { upload: 'u' } });
      assert.notEqual(requests[3].headers['idempotency-key'], keys[0]);
    });
  });

  it('is given up after some', async () => {
    await answering([[429, { 'retry-after': '0' }]], async (client, requests) => {
      await assert.rejects(client.node.show(), { status: 429 });
      assert.equal(requests.length, 5);
    });
  });

  it('is not made where the node does not ask for it', async () => {
    await answering([[503, {}, PROBLEM]], async (client, requests) => {
      await assert.rejects(client.node.show(), { name: 'ProblemError' });
      assert.equal(requests.length, 1);
    });
  });

  it('bridges a broken line for what may be done twice, and for nothing else', async () => {
    await answering(['cut', node], async (client, requests) => {
      assert.equal((await client.node.show()).id, 'n');
      assert.equal(requests.length, 2);
    });
    await answering(['cut', node], async (client, requests) => {
      await assert.rejects(client.wallet.faucet(), UnreachableError);
      assert.equal(requests.length, 1);
    });
  });

  it('waits as long as it is told, but not for ever', () => {
    const asked = (status, value) =>
      pauseAsked(new Response('', { status, headers: value && { 'retry-after': value } }), 0);
    assert.equal(asked(429, '7'), 7);
    assert.equal(asked(429, undefined), 1);
    assert.equal(asked(503, undefined), null);
    assert.equal(asked(503, '3600'), null);
    assert.equal(asked(503, 'Thu, 01 Jan 1970 00:00:09 GMT'), 9);
    assert.equal(asked(503, 'Wed, 31 Dec 1969 00:00:00 GMT'), 0);
    assert.equal(asked(503, 'soon'), null);
    assert.equal(asked(500, '1'), null);
  });

  it('ends by its signal, also while it waits', async () => {
    await answering([[429, { 'retry-after': '30' }]], async (client, requests) => {
      const stopped = new AbortController();
      const call = client.node.show({ signal: stopped.signal });
      while (requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
      stopped.abort(new Error('enough'));
      await assert.rejects(call, /enough/);
    });
  });
});

it('a list is read page by page', async () => {
  const first = [200, JSON_TYPE, { items: [{ id: 'a' }, { id: 'b' }], next_cursor: 'b' }];
  const last = [200, JSON_TYPE, { items: [{ id: 'c' }] }];
  await answering([first, last, first], async (client, requests) => {
    const jobs = client.jobs.list({ state: ['done', 'failed'], q: 'pear' }, { pageSize: 2 });
    assert.deepEqual(
      (await jobs.toArray()).map(({ id }) => id),
      ['a', 'b', 'c'],
    );
    assert.deepEqual(
      requests.map(({ url }) => url),
      ['', '&cursor=b'].map((more) => `/v1/jobs?state=done%2Cfailed&q=pear&limit=2${more}`),
    );
    assert.equal((await jobs.toArray(2)).length, 2);
    assert.equal(requests.length, 3);
  });
});

it('a range asks for what it says, and must be heeded', async () => {
  await answering([[206, {}, 'xy'], node], async (client, requests) => {
    const part = await client.outputs.blob('j', 0, { range: { start: 2, end: 6 } });
    assert.equal(await part.text(), '"xy"');
    assert.equal(requests[0].headers.range, 'bytes=2-5');
    await assert.rejects(
      client.outputs.blob('j', 0, { range: { start: 2 } }),
      /came whole, though bytes=2- was asked for/,
    );
  });
});

it('the paths of calls are filled and escaped', () => {
  assert.equal(filled('/v1/jobs/{id}/outputs/{index}', { id: 'a?b', index: 3 }), '/v1/jobs/a%3Fb/outputs/3');
});

describe('renderImage', () => {
  it('posts an address and a model, without a token', async () => {
    const rendered = { status: 'success', message: 'Rendered', job_id: 'j', output_url: '/v1/x' };
    await answering([[200, JSON_TYPE, rendered]], async (_client, requests, url) => {
      const answer = await renderImage('https://example.com/image.jpg', 'style-transfer', { url, wait: 20 });
      assert.deepEqual(answer, rendered);
      const [{ method, url: path, headers, body }] = requests;
      assert.deepEqual([method, path, headers['content-type']], ['POST', '/render', 'application/json']);
      assert.deepEqual(JSON.parse(body), { image_url: 'https://example.com/image.jpg', model: 'style-transfer' });
      assert.equal(headers.authorization, undefined);
    });
  });

  it('asks the node of this machine when no other is named', async () => {
    const asked = [];
    const fetch = async (address) => {
      asked.push(String(address));
      return new Response('{}');
    };
    await renderImage('https://example.com/image.jpg', 'style-transfer', { fetch });
    assert.deepEqual(asked, ['http://127.0.0.1:3000/render']);
  });

  it('throws what the node refuses', async () => {
    await answering([[400, {}, PROBLEM]], async (_client, _requests, url) => {
      await assert.rejects(renderImage('x', 'y', { url }), { name: 'ProblemError', next: 'give 6' });
    });
  });
});
