// Colours of nodes are stable and differ while the palette lasts.
import { describe, expect, it } from 'vitest';
import { hashOf, PALETTE, slotFor } from './nodeColours';

describe('node colours', () => {
  it('gives the same node the same slot', () => {
    expect(slotFor('ab12', new Set())).toBe(hashOf('ab12') % (PALETTE.length / 2));
  });

  it('gives as many nodes as there are colours different ones', () => {
    const taken = new Set<number>();
    for (let i = 0; i < PALETTE.length; i += 1) taken.add(slotFor(`node${i}`, taken));
    expect(taken.size).toBe(PALETTE.length);
    expect(slotFor('one more', taken)).toBe(hashOf('one more') % (PALETTE.length / 2));
  });
});
