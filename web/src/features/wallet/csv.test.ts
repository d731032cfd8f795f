// What is exported is read back as it was by any program that follows RFC 4180.
import { describe, expect, it } from 'vitest';
import { historyCsv, plainAmount, toCsv } from './csv';

describe('CSV', () => {
  it('quotes what must be quoted and ends each line in CRLF', () => {
    expect(toCsv([['a', 'b,c', 'say "x"', 'two\nlines', '']])).toBe('a,"b,c","say ""x""","two\nlines",\r\n');
    expect(toCsv([['a'], ['b']])).toBe('a\r\nb\r\n');
  });

  it('disarms what a spreadsheet would run, and leaves negative amounts numbers', () => {
    expect(toCsv([['=1+1', '-2.5']])).toBe("'=1+1,-2.5\r\n");
  });

  it.each([
    ['1500000000000000000', 18, '1.5'],
    ['1', 18, '0.000000000000000001'],
    ['-2000000', 6, '-2'],
    ['1234567000000', 6, '1234567'],
    ['0', 18, '0'],
    ['7', 0, '7'],
    ['strange', 18, 'strange'],
  ])('%s with %d decimals is %s', (base, decimals, plain) => {
    expect(plainAmount(base, decimals)).toBe(plain);
  });

  it('writes entries with and without a transaction', () => {
    const entry = { at: '2026-01-02T03:04:05.000Z', kind: 'earned', job: 'job_1', amount: '25', block: null } as const;
    expect(historyCsv([{ ...entry, transaction: null }], 1, 'RAY')).toBe(
      'at,kind,job,amount,symbol,amount_base_units,transaction,block\r\n2026-01-02T03:04:05.000Z,earned,job_1,2.5,RAY,25,,\r\n',
    );
  });
});
