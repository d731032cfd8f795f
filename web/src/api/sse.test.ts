// Events come whole, however the network cuts them.
import { describe, expect, it } from 'vitest';
import { SseParser } from './sse';

const STREAM = ': hello\n\nid: 7\nevent: job\ndata: {"id":"a"}\n\nevent: log\r\ndata: one\r\ndata: two\r\n\r\n';

describe('SseParser', () => {
  it('reads events, joins data lines, keeps the last id', () => {
    const events = new SseParser().push(STREAM);
    expect(events).toEqual([
      { id: '7', event: 'job', data: '{"id":"a"}' },
      { id: '7', event: 'log', data: 'one\ntwo' },
    ]);
  });

  it('does not care where chunks end', () => {
    for (let size = 1; size < 12; size += 1) {
      const parser = new SseParser();
      const events = [];
      for (let i = 0; i < STREAM.length; i += size) events.push(...parser.push(STREAM.slice(i, i + size)));
      expect(events.map((event) => event.event)).toEqual(['job', 'log']);
      expect(events[1]?.data).toBe('one\ntwo');
    }
  });
});
