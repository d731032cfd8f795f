// Nodes are found where one looks for them.
import { describe, expect, it } from 'vitest';
import type { ProviderView } from '@/api/types';
import { descendingFirst, isSortKey, reputation, sortNodes } from './sortNodes';

function node(id: string, change: Partial<ProviderView> = {}): ProviderView {
  return {
    id,
    account: '0x0',
    engines: [],
    threads: 8,
    memory_bytes: 1,
    wu_per_second: 1,
    price_per_wu_hour: '5',
    rtt_ms: 10,
    classes: [],
    device: '',
    last_seen_s: 1,
    registered: true,
    own: false,
    tier: 'open',
    busy: false,
    tasks_verified: 0,
    tasks_rejected: 0,
    earned: '0',
    ...change,
  };
}
const order = (nodes: ProviderView[]) => nodes.map(({ id }) => id).join('');

describe('sorting nodes', () => {
  it('compares amounts as numbers of any size, not as text', () => {
    const nodes = [
      node('a', { price_per_wu_hour: '9' }),
      node('b', { price_per_wu_hour: '100000000000000000001' }),
      node('c', { price_per_wu_hour: '100000000000000000000' }),
    ];
    expect(order(sortNodes(nodes, 'price', false))).toBe('acb');
    expect(order(sortNodes(nodes, 'price', true))).toBe('bca');
  });

  it('puts an unknown latency last in both directions', () => {
    const nodes = [node('a', { rtt_ms: null }), node('b', { rtt_ms: 90 }), node('c', { rtt_ms: 4 })];
    expect(order(sortNodes(nodes, 'latency', false))).toBe('cba');
    expect(order(sortNodes(nodes, 'latency', true))).toBe('bca');
  });

  it('keeps equals in the order of their ids and leaves the input alone', () => {
    const nodes = [node('c'), node('a'), node('b')];
    expect(order(sortNodes(nodes, 'speed', true))).toBe('abc');
    expect(order(nodes)).toBe('cab');
  });

  it('trusts much work more than little', () => {
    const proven = node('a', { tasks_verified: 999, tasks_rejected: 1 });
    const fresh = node('b', { tasks_verified: 1 });
    expect(reputation(proven)).toBeGreaterThan(reputation(fresh));
    expect(reputation(node('c'))).toBeGreaterThan(reputation(node('d', { tasks_rejected: 2 })));
  });

  it('knows its keys and their first direction', () => {
    expect([isSortKey('speed'), isSortKey('colour'), isSortKey(null)]).toEqual([true, false, false]);
    expect([descendingFirst('speed'), descendingFirst('price')]).toEqual([true, false]);
  });
});
