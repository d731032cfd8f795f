// What people paste is understood.
import { describe, expect, it, vi } from 'vitest';

// The client reads the browser's storage when it is loaded; reading a text needs none of it.
vi.mock('@/api/client', () => ({ api: {} }));
const { readWanted } = await import('./lookUp');

describe('looking something up', () => {
  it.each([
    ['1234', { kind: 'block', number: '1234' }],
    [' #1,234 ', { kind: 'block', number: '1234' }],
    ['007', { kind: 'block', number: '7' }],
    ['-1', null],
    ['1.5', null],
    ['0x12', null],
    ['', null],
  ])('%s', (text, wanted) => {
    expect(readWanted(text)).toEqual(wanted);
  });

  it('takes hashes with and without 0x, in any case', () => {
    const hash = `0x${'ab'.repeat(32)}`;
    expect(readWanted(hash.toUpperCase().replace('0X', ''))).toEqual({ kind: 'hash', hash });
    expect(readWanted(hash)).toEqual({ kind: 'hash', hash });
    expect(readWanted(`${hash}00`)).toBeNull();
  });
});
