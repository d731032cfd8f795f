// Events come whole, however the network cuts them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SseParser } from '../dist/sse.js';

const STREAM = ': hello\n\nid: 7\nevent: job\ndata: {"id":"a"}\n\nevent: log\r\ndata: one\r\ndata:two\r\n\r\n';
const EVENTS = [
  { id: '7', event: 'job', data: '{"id":"a"}' },
  { id: '7', event: 'log', data: 'one\ntwo' },
];

describe('SseParser', () => {
  it('reads events, joins data lines, keeps the last id', () => {
    assert.deepEqual(new SseParser().push(STREAM), EVENTS);
  });

  it('does not care where chunks end, nor which of the three line ends is used', () => {
    for (const lineEnd of ['\n', '\r\n', '\r']) {
      const stream = STREAM.replaceAll('\r\n', '\n').replaceAll('\n', lineEnd);
      for (let size = 1; size < 12; size += 1) {
        const parser = new SseParser();
        const events = [];
        for (let at = 0; at < stream.length; at += size) events.push(...parser.push(stream.slice(at, at + size)));
        assert.deepEqual(events, EVENTS, `${JSON.stringify(lineEnd)} in chunks of ${size}`);
      }
    }
  });

  it('drops what has no data and what is not finished', () => {
    const parser = new SseParser();
    assert.deepEqual(parser.push('event: job\n\ndata: half'), []);
    assert.deepEqual(parser.push('\n\n'), [{ id: '', event: 'message', data: 'half' }]);
  });

  it('ignores fields it does not know and ids with a zero', () => {
    const events = new SseParser().push('id: 3\nretry: 10\nid: 4\0\nfoo\ndata\n\n');
    assert.deepEqual(events, [{ id: '3', event: 'message', data: '' }]);
  });
});
