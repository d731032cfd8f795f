// Amounts and signatures, against what others compute.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { fromBaseUnits, toBaseUnits, verifyWebhook } from '../dist/index.js';

describe('amounts', () => {
  for (const [text, decimals, units] of /** @type {[string, number, bigint][]} */ ([
    ['1.5', 6, 1_500_000n],
    ['0.000001', 6, 1n],
    ['12', 0, 12n],
    ['340282366920938463463374607431', 18, 340282366920938463463374607431n * 10n ** 18n],
  ])) {
    it(`${text} with ${decimals} decimals, there and back`, () => {
      assert.equal(toBaseUnits(text, decimals), units);
      assert.equal(fromBaseUnits(units, decimals), text);
    });
  }

  it('are refused when they are none', () => {
    for (const text of ['', '-1', '1.', '.5', '1e3', '0x10', '1.0000001']) {
      assert.throws(() => toBaseUnits(text, 6), RangeError, text);
    }
  });
});

describe('webhooks', () => {
  const body = '{"id": 1764063000007000, "event": "job"}';
  const at = 1_764_063_000;
  const sign = (secret, text) => `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${text}`).digest('hex')}`;

  it('are known by their signature', async () => {
    const signature = sign('secret', body);
    assert.equal(await verifyWebhook('secret', signature, body, { now: at + 10 }), true);
    assert.equal(await verifyWebhook('secret', signature, new TextEncoder().encode(body), { now: at }), true);
  });

  it('are refused when forged, changed, old or unsigned', async () => {
    const signature = sign('secret', body);
    assert.equal(await verifyWebhook('other', signature, body, { now: at }), false);
    assert.equal(await verifyWebhook('secret', signature, `${body} `, { now: at }), false);
    assert.equal(await verifyWebhook('secret', signature, body, { now: at + 300 }), false);
    assert.equal(await verifyWebhook('secret', signature.slice(0, -1), body, { now: at }), false);
    assert.equal(await verifyWebhook('secret', null, body, { now: at }), false);
    assert.equal(await verifyWebhook('secret', 'nonsense', body, { now: at }), false);
  });
});
